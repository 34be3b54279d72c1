# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images to transmit come from."""

import itertools
import sys
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
from gnuradio.vqdeepsc.radio.bursts import DEFAULT_BURST, DEFAULT_RECEPTION
from gnuradio.vqdeepsc.radio.devices import make_receiver, make_transmitter
from gnuradio.vqdeepsc.radio.settings import RadioError, RadioSettings
from gnuradio.vqdeepsc.radio.sources import camera, image_sources
from PIL import Image
from vqdeepsc.cli.command import build_parser
from vqdeepsc.images.files import ImageError


@pytest.mark.parametrize("command", ["transmit IMAGE", "receive --output DIR"])
def test_defaults_of_the_command_are_those_of_the_functions(command):
    given = [*command.split(), "--radio", "file", "--device", "a.cf32"]
    arguments = vars(build_parser().parse_args(given))
    settings = RadioSettings("file", "a.cf32")
    compared = 0
    for kind in (asdict(settings), asdict(DEFAULT_BURST), asdict(DEFAULT_RECEPTION)):
        for name, value in kind.items():
            if name in arguments and arguments[name] is not None:
                shown = arguments[name] or type(value)()
                assert shown == value, name
                compared += 1
    assert compared > 10


@pytest.fixture
def folder(tmp_path):
    for shade, name in enumerate(("a.png", "b.png")):
        Image.fromarray(np.full((4, 6, 3), shade, np.uint8)).save(tmp_path / name)
    return tmp_path


def test_files_in_order(folder):
    items = list(image_sources([str(folder / "b.png"), str(folder / "a.png")]))
    assert [name for name, _ in items] == ["b.png", "a.png"]
    assert [image[0, 0, 0] for _, image in items] == [1, 0]


def test_folder_over_and_over_with_a_bad_file(folder):
    (folder / "aa.png").write_bytes(b"no image")
    items = list(itertools.islice(image_sources([str(folder)], loop=True), 7))
    assert [name for name, _ in items] == ["a.png", "aa.png", "b.png"] * 2 + ["a.png"]
    assert isinstance(items[1][1], ImageError)


def test_nothing_to_send(folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ImageError, match="no images in"):
        image_sources([str(empty)])
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(b"no image")
    with pytest.raises(ImageError, match="none of the images"):
        list(image_sources([str(folder)], loop=True))


def test_camera_without_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImageError, match=r"needs OpenCV.*python3-opencv"):
        camera("0")


def test_camera_that_is_not_there():
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    with pytest.raises(ImageError, match="no camera or video /nowhere"):
        camera("/nowhere")


def test_video_in_place_of_a_camera(tmp_path):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    path = str(tmp_path / "video.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 16))
    for _ in range(3):
        # blue, in OpenCV's order
        writer.write(np.full((16, 32, 3), (255, 0, 0), np.uint8))
    writer.release()
    items = list(camera(path))
    assert len(items) == 3
    image = items[0][1]
    assert image.shape == (16, 32, 3)
    assert image[8, 8, 2] > 240
    assert image[8, 8, 0] < 15


def test_a_camera_is_let_go_when_the_run_ends(monkeypatch):
    class Capture:
        released = False

        def __init__(self, _):
            Capture.one = self

        def isOpened(self):  # noqa: N802
            return True

        def set(self, *_):
            pass

        def read(self):
            return True, np.zeros((2, 2, 3), np.uint8)

        def release(self):
            self.released = True

    cv2 = SimpleNamespace(
        VideoCapture=Capture,
        CAP_PROP_BUFFERSIZE=0,
        COLOR_BGR2RGB=0,
        cvtColor=lambda image, _: image,
    )
    monkeypatch.setitem(sys.modules, "cv2", cv2)
    frames = camera("0")
    assert next(frames)[0] == "0, frame 0"
    assert not Capture.one.released
    frames.close()
    assert Capture.one.released


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"radio": "file", "device": "a.cf32", "gain": 1.0}, "the radio file has no gain"),
        ({"radio": "file", "device": "a.cf32", "antenna": "RX2"}, "no gain, antenna or bandwidth"),
        ({"radio": "zmq", "bandwidth": 1e6}, "the radio zmq has no gain"),
        ({"radio": "iio", "frequency": 1e9, "antenna": "A"}, "the radio iio has no antenna"),
        ({"radio": "iio", "frequency": 1e9, "bandwidth": 1e6}, "no bandwidth to set when it rec"),
        ({"radio": "zmq", "format": "ci16"}, "the radio zmq has no format"),
        ({"radio": "uhd", "frequency": 1e9, "channel": 1}, "the radio uhd has no format, channel"),
        ({"radio": "zmq", "follow": True}, "or end to follow: files have"),
        ({"radio": "soapy", "frequency": 1e9, "recording_rate": 1e6}, "no .* rate of a recording"),
    ],
)
def test_settings_that_a_radio_lacks_are_refused(settings, word):
    """They were skipped in silence."""
    with pytest.raises(RadioError, match=word):
        make_receiver(RadioSettings(**settings))


@pytest.mark.parametrize("make", [make_receiver, make_transmitter])
def test_a_rate_that_an_iio_device_has_not_is_refused(make, monkeypatch):
    """gr-iio does not tell the rate that there is, but raises for one that cannot be."""

    class Device:
        def __init__(self, *_: object) -> None:
            pass

        def __getattr__(self, _: str):
            return lambda *_: None

        def set_samplerate(self, _: int) -> None:
            raise RuntimeError("Unable to set BB rate")

    iio = SimpleNamespace(fmcomms2_source_fc32=Device, fmcomms2_sink_fc32=Device)
    monkeypatch.setitem(sys.modules, "gnuradio.iio", iio)
    settings = RadioSettings("iio", "ip:pluto", frequency=1e9, sample_rate=1000.0)
    with pytest.raises(RadioError, match="radio iio, ip:pluto: Unable to set BB rate"):
        make(settings)
