# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc transmit` and `vqdeepsc receive` as processes of their own."""

import json
import os
import re
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import zmq
from conftest import assert_one_sentence, run_command, run_here
from gnuradio.vqdeepsc.radio.exchange import ImagePublisher
from gnuradio.vqdeepsc.radio.session import EventLog
from gnuradio.vqdeepsc.radio.settings import RadioSettings
from gnuradio.vqdeepsc.radio.transmit import Transmitter, send
from PIL import Image
from radio_programs import SECONDS, assert_same, end, events, received, start, wait_for
from vqdeepsc.codec import DEFAULT_MODEL
from vqdeepsc.images.files import load_image

needs_soapy = pytest.mark.skipif(
    not os.environ.get("SOAPY_SDR_PLUGIN_PATH"),
    reason="SoapySDR's headers (libsoapysdr-dev) were missing when the tests were built",
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_processes_over_zeromq(number, two_images, decoded, tmp_path):
    radio = ("--radio", "zmq", "--device", f"ipc://{tmp_path}/samples")
    publish = f"ipc://{tmp_path}/images"
    log = tmp_path / "log.jsonl"
    options = ("--output", tmp_path / "out", "--log", log, "--publish", publish)
    receiving = start("receive", *radio, *options)
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.connect(publish)
    socket.subscribe(b"image")
    sending = start("transmit", two_images, *radio, "--interval", 0.2, "--first-image", 0)
    output, errors = sending.communicate(timeout=SECONDS)
    assert sending.returncode == 0, errors
    assert output.endswith("2 images sent\n")
    wait_for(lambda: len(list((tmp_path / "out").glob("*.png"))) == 2, receiving)
    assert socket.poll(1000 * SECONDS)
    _, header, pixels = socket.recv_multipart()
    socket.close()
    assert end(receiving, number).endswith("2 images received\n")
    assert_same(received(tmp_path / "out"), decoded)
    known = json.loads(header)
    expected = decoded[known["image"]]
    assert pixels == expected.tobytes()
    assert (known["height"], known["width"]) == expected.shape[:2]
    assert events(log, "end")[0]["images"] == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_transmitter_ends_on_a_signal(number, two_images, tmp_path):
    log = tmp_path / "log.jsonl"
    radio = ("--radio", "file", "--device", tmp_path / "bursts.sigmf-meta")
    sending = start("transmit", two_images, *radio, "--loop", "--interval", 0.1, "--log", log)
    wait_for(lambda: log.exists() and len(events(log, "sent")) > 2, sending)
    assert end(sending, number).endswith(" images sent\n")
    metadata = json.loads((tmp_path / "bursts.sigmf-meta").read_text())
    assert len(metadata["global"]["core:sha512"]) == 128


def test_a_hangup_that_is_ignored_stays_so(two_images, tmp_path):
    log = tmp_path / "log.jsonl"
    radio = ("--radio", "file", "--device", tmp_path / "bursts.ci16")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        sending = start("transmit", two_images, *radio, "--loop", "--interval", 0.1, "--log", log)
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(lambda: log.exists() and len(events(log, "sent")) > 2, sending)
    sending.send_signal(signal.SIGHUP)
    wait_for(lambda: len(events(log, "sent")) > 6, sending)
    end(sending)


@pytest.mark.parametrize("seconds", [0.001, 0.02])
def test_two_interrupts_end_a_transmitter_without_a_crash(seconds, two_images, tmp_path):
    log = tmp_path / "log.jsonl"
    radio = ("--radio", "file", "--device", tmp_path / "bursts.ci16")
    sending = start("transmit", two_images, *radio, "--loop", "--interval", 0.1, "--log", log)
    wait_for(lambda: log.exists() and len(events(log, "sent")) > 2, sending)
    sending.send_signal(signal.SIGINT)
    time.sleep(seconds)
    sending.send_signal(signal.SIGINT)
    _, errors = sending.communicate(timeout=SECONDS)
    # the second one may come when all has ended
    assert sending.returncode in (0, 128 + signal.SIGINT, -signal.SIGINT), errors
    assert not errors


def test_a_closed_pipe_ends_a_transmitter(two_images, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    radio = ("--radio", "file", "--device", tmp_path / "bursts.ci16")
    sending = start("transmit", two_images, *radio, "--loop", stdout=writer)
    os.close(writer)
    _, errors = sending.communicate(timeout=SECONDS)
    assert sending.returncode == 128 + signal.SIGPIPE
    assert not errors


def test_a_log_that_cannot_be_written_ends_both_ends(two_images, recording, tmp_path, capfd):
    log = ("--log", "/dev/full")
    radio = ("--radio", "file", "--device", tmp_path / "bursts.cf32")
    done = run_here(capfd, "transmit", two_images, *radio, "--loop", *log)
    assert_one_sentence(done, "/dev/full: No space left")
    options = ("--output", tmp_path / "out", *log)
    done = run_here(capfd, "receive", "--radio", "file", "--device", recording, *options)
    # how far it is when the log fails, the processors decide
    lines = done.stderr.splitlines(keepends=True)
    others = [line for line in lines if not line.endswith("that waited were not decoded\n")]
    assert len(lines) - len(others) <= 1
    done.stderr = "".join(others)
    assert_one_sentence(done, "/dev/full: No space left")


@pytest.fixture(scope="module")
def many(photograph, tmp_path_factory) -> Path:
    """Samples of 150 small images."""
    folder = tmp_path_factory.mktemp("many")
    image = Image.fromarray(photograph).resize((16, 16))
    (folder / "images").mkdir()
    for number in range(150):
        image.save(folder / "images" / f"{number:03d}.png")
    radio = ("--radio", "file", "--device", folder / "many.ci16")
    done = run_command("transmit", folder / "images", *radio, "--first-image", 65_500)
    assert done.returncode == 0, done.stderr
    return folder / "many.ci16"


def test_many_images_that_wait_know_their_snr(many, tmp_path, capfd):
    log = tmp_path / "log.jsonl"
    radio = ("--radio", "file", "--device", many)
    done = run_here(capfd, "receive", *radio, "--output", tmp_path / "out", "--log", log)
    assert done.returncode == 0, done.stderr
    lines = events(log, "image")
    assert [line["image"] for line in lines] == [(65_500 + i) % 65_536 for i in range(150)]
    assert min(line["snr_db"] for line in lines) > 20
    assert all(line["latency_ms"] > 0 for line in lines)


def test_enough_images_are_as_many_as_were_asked_for(many, tmp_path, capfd):
    radio = ("--radio", "file", "--device", many, "--output", tmp_path / "out")
    done = run_here(capfd, "receive", *radio, "--images", 2)
    assert (done.returncode, len(received(tmp_path / "out"))) == (0, 2)
    assert done.stdout.endswith("2 images received\n")


def test_a_signal_leaves_regions_that_wait(many, tmp_path):
    radio = ("--radio", "file", "--device", many, "--output", tmp_path / "out")
    receiving = start("receive", *radio)
    assert "image-65500.png" in receiving.stdout.readline()
    receiving.send_signal(signal.SIGTERM)
    output, errors = receiving.communicate(timeout=SECONDS)
    assert receiving.returncode == 0, errors
    # how many had come and waited then depends on the machine
    left = re.findall(r"^vqdeepsc: (\d+) regions that waited were not decoded$", errors, re.M)
    assert len(left) == errors.count("\n") <= 1
    assert sum(map(int, left)) + len(received(tmp_path / "out")) <= 150
    assert len(received(tmp_path / "out")) < 150
    assert f"{len(received(tmp_path / 'out'))} images received" in output


def test_an_image_source_that_fails_ends_the_transmitter(two_images, tmp_path):
    def failing():
        yield "a.png", load_image(two_images / "a.png")
        raise RuntimeError("the camera fell down")

    settings = RadioSettings("file", str(tmp_path / "bursts.cf32"))
    make = partial(Transmitter, settings, DEFAULT_MODEL)
    with pytest.raises(RuntimeError, match="fell down"):
        send(failing(), make, EventLog())
    assert (tmp_path / "bursts.cf32").stat().st_size > 0


def test_images_of_another_program(decoded, two_images, tmp_path):
    address = f"ipc://{tmp_path}/camera"
    publisher = ImagePublisher(address)
    image = load_image(two_images / "a.png")
    path = tmp_path / "bursts.cf32"
    options = ("--subscribe", address, "--images", 1)
    sending = start("transmit", *options, "--radio", "file", "--device", path)
    deadline = time.monotonic() + SECONDS
    while sending.poll() is None and time.monotonic() < deadline:
        publisher.publish(image, {})
        time.sleep(0.1)
    publisher.close()
    output, errors = sending.communicate()
    assert sending.returncode == 0, errors
    assert "1 images sent" in output
    done = run_command("receive", "--radio", "file", "--device", path, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert_same(received(tmp_path / "out"), decoded[:1])


@needs_soapy
def test_processes_over_a_soapy_device(two_images, decoded, tmp_path):
    device = f"driver=vqdeepsc_loopback,link={tmp_path}/link,noise_dbfs=-40,offset_hz=9000"
    radio = ("--radio", "soapy", "--frequency", "433.92M", "--sample-rate", "1M", "--gain", 30)
    control = f"ipc://{tmp_path}/control"
    log = tmp_path / "log.jsonl"
    receiving = start(
        "receive",
        *radio,
        *("--device", f"{device},overflow_every=300"),
        *("--output", tmp_path / "out", "--log", log, "--control", control),
    )
    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.rcvtimeo = 1000 * SECONDS
    socket.connect(control)
    socket.send_json({"frequency": 433.921e6, "gain": 33})
    assert socket.recv_json() == {"ok": True}
    socket.send_json({"gain": 90})
    assert "must be 0 to 60 dB" in socket.recv_json()["error"]
    socket.close()
    options = ("--repeat", 2, "--first-image", 0)
    sending = start("transmit", two_images, *radio, "--device", device, *options)
    output, errors = sending.communicate(timeout=SECONDS)
    assert sending.returncode == 0, errors
    assert output.endswith("2 images sent\n")
    receiving.send_signal(signal.SIGINT)
    output, errors = receiving.communicate(timeout=SECONDS)
    assert receiving.returncode == 0, errors
    assert "vqdeepsc: the radio reported " in errors
    assert sum(line.get("overflows", 0) for line in events(log, "driver")) > 0
    bursts = [burst for burst in events(log, "burst") if burst["header_ok"]]
    # retuned by 1 kHz after the start
    assert all(burst["cfo_hz"] == pytest.approx(8000, abs=200) for burst in bursts)
    # an overflow may have cut some bursts
    assert len(bursts) >= 4
    assert {burst["image"] for burst in bursts} == {0, 1}
    for path in (tmp_path / "out").glob("image-00000*.png"):
        np.testing.assert_array_equal(load_image(path), decoded[0])


def test_live_view(recording, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    options = ("--output", tmp_path / "out", "--view")
    # a process of its own, because Qt wants its main thread
    done = run_command("receive", "--radio", "file", "--device", recording, *options)
    assert done.returncode == 0, done.stderr
    assert len(received(tmp_path / "out")) == 2


def test_no_screen(recording, tmp_path, capfd, monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    options = ("--output", tmp_path / "out", "--view")
    done = run_here(capfd, "receive", "--radio", "file", "--device", recording, *options)
    assert_one_sentence(done, "no screen")
