# SPDX-License-Identifier: GPL-3.0-or-later
"""A sender that is started again does not continue the image that it was at."""

import numpy as np
import pytest
from conftest import run_here
from PIL import Image
from vqdeepsc.images.files import load_image

RED, BLUE = (220, 30, 30), (30, 60, 220)
PAUSE = np.zeros(5000, np.complex64)


@pytest.fixture
def sent(tmp_path, capfd):
    """What a run of the sender gives for an image: the samples of each burst."""

    def send(name, image, *options):
        image.save(tmp_path / f"{name}.png")
        path = tmp_path / f"{name}.cf32"
        radio = ("--radio", "file", "--device", path, "--gap", 2000)
        done = run_here(capfd, "transmit", tmp_path / f"{name}.png", *radio, *options)
        assert done.returncode == 0, done.stderr
        samples = np.fromfile(path, np.complex64)
        silent = np.abs(samples) == 0
        begins = np.flatnonzero(np.diff(silent.astype(int), prepend=1) == -1)
        gaps = np.diff(np.flatnonzero(~silent))
        assert (gaps > 1500).sum() == 1  # two bursts
        second = begins[begins > np.flatnonzero(~silent)[np.argmax(gaps)]][0]
        return samples[:second], samples[second:]

    return send


def receive(tmp_path, capfd, parts, *options):
    np.concatenate([PAUSE, *parts, PAUSE]).tofile(tmp_path / "air.cf32")
    radio = ("--radio", "file", "--device", tmp_path / "air.cf32")
    done = run_here(capfd, "receive", *radio, "--output", tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    return sorted(
        (load_image(path) for path in (tmp_path / "out").iterdir()), key=lambda image: image.sum()
    )


def colour(pixels):
    return pixels.reshape(-1, 3).mean(0)


def test_two_halves_are_two_images(tmp_path, sent, capfd):
    red_left, _ = sent("red", Image.new("RGB", (256, 128), RED))
    _, blue_right = sent("blue", Image.new("RGB", (256, 128), BLUE))
    images = receive(tmp_path, capfd, [red_left, PAUSE, blue_right])
    assert len(images) == 2
    halves = [colour(half) for image in images for half in (image[:, :128], image[:, 128:])]
    for expected in (RED, BLUE):  # each once: the other half is filled in
        assert sum(np.abs(half - expected).max() < 25 for half in halves) == 1, halves
    red = next(image for image in images if np.abs(colour(image[:, :128]) - RED).max() < 25)
    assert np.abs(colour(red[:, 128:]) - BLUE).max() > 50


def test_copies_of_two_images_are_not_added(tmp_path, sent, capfd, photograph):
    pieces = [Image.fromarray(photograph[:300, at:][:, :300]).resize((128, 128)) for at in (0, 300)]
    first, second = (
        sent(name, image, "--repeat", 2) for name, image in zip("ab", pieces, strict=True)
    )
    images = receive(tmp_path, capfd, [first[0], PAUSE, *second], "--repeat", 2)
    assert len(images) == 2
    for piece, image in zip(sorted(pieces, key=lambda one: np.sum(one)), images, strict=True):
        error = np.mean((np.asarray(piece, float) - image) ** 2)
        assert 10 * np.log10(255**2 / error) > 25
