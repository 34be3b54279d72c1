# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc transmit` and `vqdeepsc receive` over files of samples."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_one_sentence, run_here
from gnuradio import blocks, channels, gr
from gnuradio.vqdeepsc.radio.session import EventLog
from gnuradio.vqdeepsc.radio.settings import RadioSettings
from gnuradio.vqdeepsc.radio.transmit import Transmitter, send
from PIL import Image
from radio_programs import assert_same, events, received
from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.images.files import load_image

BURST_FIELDS = {"offset", "cfo_hz", "snr_db", "evm_db", "block_errors", "blocks", "iterations"}


@pytest.mark.parametrize("name", ["samples.ci16", "samples.sigmf-meta"])
def test_file_to_images(name, two_images, decoded, tmp_path, capfd):
    radio = ("--radio", "file", "--device", tmp_path / name, "--sample-rate", "2M")
    log = tmp_path / "log.jsonl"
    sent = run_here(capfd, "transmit", two_images, *radio, "--log", log, "--first-image", 0)
    assert sent.returncode == 0, sent.stderr
    assert [line["name"] for line in events(log, "sent")] == ["a.png", "b.png"]
    done = run_here(capfd, "receive", *radio, "--output", tmp_path / "out", "--log", log)
    assert done.returncode == 0, done.stderr
    assert "image-00001.png: 200x100 pixels, 2 of 2 regions" in done.stdout
    assert_same(received(tmp_path / "out"), decoded)
    bursts = events(log, "burst")
    assert len(bursts) == 3
    for burst in bursts:
        assert set(burst) >= BURST_FIELDS
        assert burst["header_ok"]
        assert burst["block_errors"] == 0
        assert burst["snr_db"] > 20
    lines = events(log, "image")
    assert [line["received"] for line in lines] == [1, 2]
    assert all(line["latency_ms"] > 0 for line in lines)


@pytest.mark.parametrize(
    ("model", "coding", "protection", "code_blocks"),
    [
        ("vqdeepsc-4s", ("--code-rate", "1/2", "--bits-per-symbol", 2), "6/6/3", 4),
        ("vqdeepsc-3s", (), "6/4", 3),
        ("vqdeepsc-progressive", ("--code-rate", "1/2"), "4/4/3/2", 6),
    ],
)
def test_protection_at_both_ends(
    model, coding, protection, code_blocks, two_images, tmp_path, capfd
):
    codec = Codec(model)
    images = [load_image(path) for path in sorted(two_images.iterdir())]
    decoded = [
        codec.decode_bits(codec.encode_bits(image), image.shape[1], image.shape[0])
        for image in images
    ]
    radio = ("--radio", "file", "--device", tmp_path / "bursts.cf32", "--model", model)
    both = (*coding, "--protection", protection)
    assert run_here(capfd, "transmit", two_images, *radio, *both).returncode == 0
    log = tmp_path / "log.jsonl"
    receive = ("receive", *radio, "--log", log, "--output")
    assert run_here(capfd, *receive, tmp_path / "out", *both).returncode == 0
    assert_same(received(tmp_path / "out"), decoded)
    assert [burst["blocks"] for burst in events(log, "burst")] == [code_blocks] * 3
    log.unlink()
    # other numbers than those of a profile are known to those alone who were told
    done = run_here(capfd, *receive, tmp_path / "none")
    assert (done.returncode, done.stdout) == (0, "0 images received\n")
    for burst in events(log, "burst"):
        assert not burst["header_ok"]
        assert "transport blocks" in burst["error"]


def test_protection_that_does_not_fit_is_refused(tmp_path, capfd):
    arguments = ("receive", "--radio", "zmq", "--output", tmp_path / "none", "--protection")
    for wrong, words in (("6/6", "3 of the model's 4 scales"), ("15/15/15", "leaves")):
        assert_one_sentence(run_here(capfd, *arguments, wrong), words)
    progressive = (*arguments, "4/4/4/4/4/4/4", "--model", "vqdeepsc-progressive")
    assert_one_sentence(run_here(capfd, *progressive), "at most 6 have a number")


def through_channel(
    samples: np.ndarray,
    noise: float,
    frequency: float = 0.0,
    ratio: float = 1.0,
    taps: tuple[complex, ...] = (1.0,),
) -> np.ndarray:
    top = gr.top_block()
    source = blocks.vector_source_c(samples.tolist())
    channel = channels.channel_model(noise, frequency, ratio, list(taps), 5)
    sink = blocks.vector_sink_c()
    top.connect(source, channel, sink)
    top.run()
    return np.array(sink.data(), np.complex64)


def receive_samples(samples, tmp_path, capfd, *options) -> Path:
    path = tmp_path / "channel.cf32"
    samples.astype(np.complex64).tofile(path)
    output = tmp_path / "out"
    radio = ("--radio", "file", "--device", path, "--output", output)
    log = ("--log", tmp_path / "log.jsonl")
    done = run_here(capfd, "receive", *radio, *log, *options)
    assert done.returncode == 0, done.stderr
    return output


def test_offsets_echoes_and_noise(recording, decoded, tmp_path, capfd):
    samples = np.fromfile(recording, np.complex64)
    # 20 ppm at 2.4 GHz and 1 Msample/s, an echo of a third, 20 dB
    heard = through_channel(samples, 0.02, 0.048, 1 + 20e-6, (0.5, 0, 0, 0.1 + 0.12j))
    assert_same(received(receive_samples(heard, tmp_path, capfd)), decoded)
    for burst in events(tmp_path / "log.jsonl", "burst"):
        assert burst["cfo_hz"] == pytest.approx(48e3, abs=300)


def test_missing_region_is_concealed(recording, decoded, tmp_path, capfd):
    samples = np.fromfile(recording, np.complex64)
    edges = np.flatnonzero(np.diff(np.convolve(np.abs(samples) > 0, np.ones(500), "same") > 0))
    # the second burst: the left half of the second image
    samples[edges[1] + 1 : edges[3]] = 0
    out = receive_samples(samples, tmp_path, capfd)
    first, second = received(out)
    np.testing.assert_array_equal(first, decoded[0])
    assert second.shape == decoded[1].shape
    difference = np.abs(second.astype(int) - decoded[1])
    # what is missing shows a little beyond its edge
    assert difference[:, 192:].max() < 10
    assert difference[:, :100].mean() > 20
    assert [line["received"] for line in events(tmp_path / "log.jsonl", "image")] == [1, 1]


def test_survives_anything(recording, decoded, tmp_path, capfd):
    rng = np.random.default_rng(8)
    samples = np.fromfile(recording, np.complex64)
    noise = (rng.normal(size=60_000) + 1j * rng.normal(size=60_000)).astype(np.complex64)
    parts = [noise, np.full(5000, np.nan, np.complex64), 1e9 * noise, np.zeros(9000), samples]
    out = receive_samples(np.concatenate(parts), tmp_path, capfd)
    assert_same(received(out), decoded)


def test_bursts_of_another_model_are_logged_and_not_decoded(recording, tmp_path, capfd):
    samples = np.fromfile(recording, np.complex64)
    out = receive_samples(samples, tmp_path, capfd, "--model", "vqdeepsc-3s")
    assert received(out) == []
    lines = events(tmp_path / "log.jsonl", "burst")
    assert len(lines) == 3
    assert all("model" in line["error"] and not line["header_ok"] for line in lines)


def test_recording_without_images(tmp_path, capfd):
    rng = np.random.default_rng(9)
    noise = rng.normal(size=100_000) + 1j * rng.normal(size=100_000)
    assert received(receive_samples(noise, tmp_path, capfd)) == []


def test_copies_are_combined(two_images, decoded, tmp_path, capfd):
    path = tmp_path / "bursts.cf32"
    radio = ("--radio", "file", "--device", path)
    sent = run_here(capfd, "transmit", two_images / "a.png", *radio, "--repeat", 3)
    assert sent.returncode == 0, sent.stderr
    out = receive_samples(np.fromfile(path, np.complex64), tmp_path, capfd, "--repeat", 3)
    assert_same(received(out), decoded[:1])
    assert len(events(tmp_path / "log.jsonl", "burst")) == 3


def test_copies_are_combined_below_the_threshold(two_images, decoded, tmp_path, capfd):
    path = tmp_path / "bursts.cf32"
    radio = ("--radio", "file", "--device", path)
    sent = run_here(capfd, "transmit", two_images, *radio, "--repeat", 3, "--first-image", 0)
    assert sent.returncode == 0, sent.stderr
    # 1 dB: one burst of 16-QAM at rate 1/3 wants more than 2.4 dB, the sum of three has 5.8
    heard = through_channel(np.fromfile(path, np.complex64), 0.2 * (16 / 13 / 10**0.1) ** 0.5)
    out = receive_samples(heard, tmp_path, capfd, "--repeat", 3)
    assert_same(received(out), decoded)
    bursts = events(tmp_path / "log.jsonl", "burst")
    assert [burst["copies"] for burst in bursts if burst["image"] == 0][:2] == [1, 2]
    assert all(burst["block_errors"] for burst in bursts if burst["copies"] == 1)


def test_images_beyond_the_limit_are_not_received(recording, decoded, tmp_path, capfd):
    samples = np.fromfile(recording, np.complex64)
    out = receive_samples(samples, tmp_path, capfd, "--max-pixels", 128 * 128)
    assert_same(received(out), decoded[:1])


def test_an_image_beyond_the_limit_is_not_sent(two_images, tmp_path):
    huge = np.broadcast_to(np.zeros(3, np.uint8), (8000, 8000, 3))
    images = [("huge", huge), ("a.png", load_image(two_images / "a.png"))]
    settings = RadioSettings("file", str(tmp_path / "bursts.cf32"))
    log = tmp_path / "log.jsonl"
    with EventLog(str(log)) as lines:
        outcome = send(iter(images), partial(Transmitter, settings, DEFAULT_MODEL), lines)
    assert outcome == (1, 1)
    (refused,) = events(log, "not sent")
    assert refused["reason"] == (
        "huge has 8000x8000 pixels, more than the 40,000,000 allowed (--limit pixels)"
    )


def test_image_after_image_until_enough(recording, decoded, tmp_path, capfd):
    samples = np.tile(np.fromfile(recording, np.complex64), 5)
    out = receive_samples(samples, tmp_path, capfd, "--images", 3)
    assert 3 <= len(received(out)) <= 10


def test_any_name_is_sent_and_logged(two_images, decoded, tmp_path, capfd):
    odd = tmp_path / os.fsdecode(b"\xff\x1b[31m\n")
    (odd / "images").mkdir(parents=True)
    for name in (b"\xfe.png", b"a\n\x1b[31m.png"):
        image = (two_images / "a.png").read_bytes()
        (odd / "images" / os.fsdecode(name)).write_bytes(image)
    (odd / "images" / "b\n.png").write_bytes(b"nonsense")
    radio = ("--radio", "file", "--device", odd / "bursts.cf32", "--log", odd / "log.jsonl")
    sent = run_here(capfd, "transmit", odd / "images", *radio)
    assert sent.returncode == 2, sent.stderr
    assert [line.split(":")[0] for line in sent.stdout.splitlines()[:2]] == [
        r"a\n\x1b[31m.png",
        r"\xfe.png",
    ]
    assert r"b\n.png is not an image" in sent.stderr
    assert [line["name"] for line in events(odd / "log.jsonl", "sent")] == [
        r"a\n\x1b[31m.png",
        r"\xfe.png",
    ]
    got = run_here(capfd, "receive", *radio, "--output", odd / "out")
    assert got.returncode == 0, got.stderr
    assert_same(received(odd / "out"), decoded[:1] * 2)
    written = sent.stdout + sent.stderr + got.stdout + got.stderr
    assert all(line.isprintable() for line in written.splitlines())
    assert all(line.isprintable() for line in (odd / "log.jsonl").read_text().splitlines())


def test_an_image_too_wide_to_send_is_passed_over(tmp_path, capfd):
    Image.new("RGB", (65_536, 1)).save(tmp_path / "a.png")
    Image.new("RGB", (16, 16)).save(tmp_path / "b.png")
    radio = ("--radio", "file", "--device", tmp_path / "bursts.cf32")
    both = (tmp_path / "a.png", tmp_path / "b.png")
    done = run_here(capfd, "transmit", *both, *radio, "--first-image", 9)
    assert done.returncode == 2
    assert done.stdout.endswith("b.png: sent as image 9\n1 images sent\n")
    assert "a.png has a side of" in done.stderr
    enough = run_here(capfd, "transmit", *both, *radio, "--images", 1)
    assert enough.returncode == 0, enough.stderr
    done = run_here(capfd, "transmit", tmp_path / "a.png", *radio)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("none of the images can be read")


def test_one_sentence_for_each_error(two_images, recording, tmp_path, capfd):
    (tmp_path / "file").touch()
    empty = tmp_path / "empty"
    empty.mkdir()
    out = ("--output", tmp_path / "out")
    to_file = ("--radio", "file", "--device", tmp_path / "a.cf32")
    from_file = ("--radio", "file", "--device", recording)
    for arguments, words in (
        (("receive", "--radio", "bladerf", *out), ["bladerf", "uhd"]),
        (("receive", "--radio", "soapy", *out), ["needs a frequency"]),
        (
            ("receive", "--radio", "soapy", "--device", "driver=none", "--frequency", "1G", *out),
            ["driver=none", "no match"],
        ),
        (("receive", "--radio", "file", *out), ["name of a file"]),
        (("receive", "--radio", "file", "--device", tmp_path / "no.cf32", *out), ["no.cf32"]),
        (("receive", *from_file, "--output", tmp_path / "file" / "x"), ["cannot make the folder"]),
        (("receive", *from_file, *out, "--log", tmp_path), ["directory"]),
        (("receive", *from_file, *out, "--publish", "nowhere"), ["nowhere"]),
        (("receive", *from_file, *out, "--control", "nowhere"), ["nowhere"]),
        (("receive", *from_file, *out, "--fft-size", 100), ["fft_size", "100"]),
        (("receive", *from_file, *out, "--model", "none"), ["none"]),
        (("receive", *from_file, *out, "--gain", "much"), ["much"]),
        (("transmit", *to_file), ["name images"]),
        (("transmit", two_images, "--camera", 0, *to_file), ["name images"]),
        (("transmit", empty, *to_file), ["no images in"]),
        (("transmit", tmp_path / "file", *to_file), ["none of the images"]),
        (("transmit", two_images, *to_file, "--code-rate", "7/8"), ["7/8"]),
        (("transmit", two_images, *to_file, "--frequency", "2.4X"), ["2.4X"]),
        (("transmit", two_images, *to_file, "--amplitude", -1), ["amplitude"]),
        (("transmit", two_images, *to_file, "--profile", "fast"), ["'fast'", "vehicular"]),
        (("transmit", two_images, *to_file, "--first-image", 65536), ["first_image is 65536"]),
        (("transmit", two_images, "--radio", "file", "--device", "/none/a.cf32"), ["/none/a.cf32"]),
    ):
        done = run_here(capfd, *arguments)
        # the image that cannot be read has a sentence of its own
        if "none of the images" in words:
            done.stderr = done.stderr.splitlines(keepends=True)[-1]
        assert_one_sentence(done, *words)


def test_what_is_not_received(two_images, tmp_path, capfd):
    """Of another session, of another format; and options that say nothing that can be."""
    radio = ("--radio", "file", "--device", tmp_path / "samples.cf32")
    sent = run_here(capfd, "transmit", two_images, *radio, "--session", 7, "--first-image", 0)
    assert sent.returncode == 0, sent.stderr
    output = ("--output", tmp_path / "out")
    for options, sentence in (
        (("--session", 8), "session 00000007, received is session 00000008"),
        (("--formats", "qpsk:1/3,16qam:1/2"), "4 bits per symbol at rate 1/3"),
    ):
        done = run_here(capfd, "receive", *radio, *output, *options)
        assert done.returncode == 0, done.stderr
        assert "0 images received" in done.stdout
        assert sentence in done.stderr
    options = ("--session", "first", "--formats", "16qam:1/3", "--largest-cfo", 0.25)
    done = run_here(capfd, "receive", *radio, *output, *options)
    assert "2 images received" in done.stdout
    for options in (
        ("--session", "second"),
        ("--formats", "16qam"),
        ("--formats", "256qam:1/3"),
        ("--formats", "16qam:5/6"),
        ("--largest-cfo", 0.3),
    ):
        assert_one_sentence(run_here(capfd, "receive", *radio, *output, *options))
