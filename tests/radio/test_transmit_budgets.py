# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc transmit` and `receive` of a progressive model: bits and time for each image."""

import numpy as np
import pytest
from conftest import assert_one_sentence, run_here
from radio_programs import events, received
from tiny_bundle import PROGRESSIVE, make_bundle
from vqdeepsc.allocation import Budget, encode_frames
from vqdeepsc.codec import Codec
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.images.files import load_image

SIZES = [(128, 128), (200, 100)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny-progressive", PROGRESSIVE)


@pytest.mark.parametrize(
    ("options", "budgets", "frames"),
    [
        # a burst of 4,000 bits has 7,864 samples with its gap, and 54 ms are 6 of them at 1 MHz
        (("--image-seconds", 0.054), [Budget(bits=24_000)] * 2, [6, 6]),
        (("--image-seconds", 0.054, "--repeat", 2), [Budget(bits=12_000)] * 2, [3, 3]),
        (("--bits-per-pixel", 1), [Budget(bits_per_pixel=1)] * 2, [4, 5]),
        ((), [Budget()] * 2, [1, 2]),
    ],
)
def test_images_arrive_as_the_budget_says(
    model, two_images, tmp_path, capfd, options, budgets, frames
):
    radio = ("--radio", "file", "--device", tmp_path / "samples.cf32", "--model", model)
    log = tmp_path / "log.jsonl"
    transmit = ("transmit", two_images, *radio, "--first-image", 0, "--frame-bits", 4000, *options)
    sent = run_here(capfd, *transmit)
    assert sent.returncode == 0, sent.stderr
    copies = 2 if "--repeat" in options else 1
    receive = ("receive", *radio, "--output", tmp_path / "out", "--log", log, "--repeat", copies)
    done = run_here(capfd, *receive)
    assert done.returncode == 0, done.stderr
    codec = Codec(model)
    bursts = events(log, "burst")
    assert len(bursts) == copies * sum(frames)
    assert {(burst["payload_bits"], burst["block_errors"]) for burst in bursts} == {(4000, 0)}
    assert all(burst["uep_profile"] for burst in bursts)
    assert [line["received"] for line in events(log, "image")] == [1, 2]
    for path, budget, count, size, image in zip(
        sorted(two_images.iterdir()),
        budgets,
        frames,
        SIZES,
        received(tmp_path / "out"),
        strict=True,
    ):
        allocation = encode_frames(codec, load_image(path), budget, frame_bits=4000)
        assert len(allocation.runs) == count
        expected = codec.decode_received(
            {
                run: certain_llrs(bits[: run.bits])
                for run, bits in zip(allocation.runs, allocation.bits, strict=True)
            },
            *size,
        )
        difference = np.abs(image.astype(int) - expected)
        assert difference.max() <= 1
        assert np.count_nonzero(difference) < 20


def test_budgets_that_cannot_be_get_one_sentence(model, two_images, tmp_path, capfd):
    radio = ("--radio", "file", "--device", tmp_path / "samples.cf32", "--model")
    for name, options, words in (
        (model, ("--image-seconds", 0.001), "has no time for a burst of 36,416 bits in 1 copies"),
        (model, ("--frame-bits", 63), "takes 64 to 65,535"),
        (model, ("--quality", 30, "--image-seconds", 1), "not allowed with"),
        (model, ("--quality", 101), "at most 100 dB"),
        ("vqdeepsc-4s", ("--bits-per-pixel", 1), "only a progressive model takes a budget"),
        ("vqdeepsc-4s", ("--frame-bits", 10_000), "a region of vqdeepsc-4s has 20032 bits"),
    ):
        done = run_here(capfd, "transmit", two_images, *radio, name, *options)
        assert_one_sentence(done, words)
