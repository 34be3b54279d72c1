# SPDX-License-Identifier: GPL-3.0-or-later
"""Receivers without intermediate frequency: a carrier at 0 Hz over a weak signal in 8 bits."""

import re

import numpy as np
import pytest
from conftest import run_command, run_here
from gnuradio.vqdeepsc.radio.recordings.writer import SampleWriter
from PIL import Image

RATE = 1e6
SNR_DB = 16
SIGNAL_DBFS = -36  # 2 steps of 8 bits
GAP = 3000  # samples around a burst
IMAGES = 3


@pytest.fixture(scope="module")
def bursts(tmp_path_factory, photograph):
    """Samples of IMAGES images of one region with pauses, and the power of a burst."""
    folder = tmp_path_factory.mktemp("bursts")
    for number in range(IMAGES):
        piece = photograph[: 300 + number, 100 * number : 100 * number + 300]
        Image.fromarray(piece).resize((128, 128)).save(folder / f"{number}.png")
    path = folder / "bursts.cf32"
    sent = run_command("transmit", folder, "--radio", "file", "--device", path, "--gap", GAP)
    assert sent.returncode == 0, sent.stderr
    samples = np.pad(np.fromfile(path, np.complex64), GAP)
    return samples, np.mean(np.abs(samples[samples != 0]) ** 2)


@pytest.mark.parametrize("carrier_db", [-10, 0, 10, 20, 30])
def test_every_image_comes_through(tmp_path, bursts, carrier_db, capfd):
    samples, power = bursts
    random = np.random.default_rng(abs(carrier_db))
    noise = random.normal(size=(samples.size, 2)) @ [1, 1j]
    level = 10 ** (SIGNAL_DBFS / 20)
    received = samples / np.sqrt(power) + noise * np.sqrt(10 ** (-SNR_DB / 10) / 2)
    # beside the carrier, as two radios are: 3 kHz
    received *= np.exp(2j * np.pi * 3e3 / RATE * np.arange(samples.size))
    received += 10 ** (carrier_db / 20) * np.exp(0.7j)
    path = tmp_path / "air.cs8"
    writer = SampleWriter(str(path), RATE, 0, "ci8")
    writer.write((level * received).astype(np.complex64))
    writer.finish()
    steps = np.fromfile(path, np.int8)
    assert np.abs(steps).max() < 127  # nothing is cut
    done = run_here(capfd, "receive", "--radio", "file", "--device", path, "--output", tmp_path)
    assert done.returncode == 0 and done.stdout.endswith(f"{IMAGES} images received\n"), done
    snrs = [float(value) for value in re.findall(r"SNR ([\d.]+) dB", done.stdout)]
    assert len(snrs) == IMAGES
    # the steps of 8 bits are noise too: a twelfth of their square in I and in Q
    quantisation = (1 / 127) ** 2 / 6 / level**2
    expected = -10 * np.log10(10 ** (-SNR_DB / 10) + quantisation)
    assert np.abs(np.array(snrs) - expected).max() < 1.5, (snrs, expected)
