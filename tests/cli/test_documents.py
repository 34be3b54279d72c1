# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs in the documents run, and do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from vqdeepsc import load_image, read_bitstream, save_image
from vqdeepsc.simulation import read_results

USAGE = Path(__file__).resolve().parents[2] / "docs" / "usage.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```", USAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photograph):
    """A folder in which all programs have run, one after another."""
    folder = tmp_path_factory.mktemp("programs")
    save_image(folder / "photograph.jpg", photograph[:128, :128])
    for program in PROGRAMS:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        (folder / "output.txt").open("a").write(done.stdout)
    return folder


def test_programs_are_found():
    assert len(PROGRAMS) == 3


def test_the_commands_as_functions(folder, codec):
    sent = load_image(folder / "photograph.jpg")
    code = read_bitstream(folder / "photograph.vqd")
    np.testing.assert_array_equal(code.bits, codec.encode_bits(sent))
    expected = codec.decode_bits(code.bits, 128, 128)
    np.testing.assert_array_equal(load_image(folder / "decoded.png"), expected)
    lost, arrived = read_results(folder / "results.csv")
    assert lost.block_errors > 0 == arrived.block_errors
    # what comes from the recording has no error either
    (received,) = folder.glob("received/*00001.png")
    difference = load_image(received).astype(int) - expected
    assert np.abs(difference).max() <= 1
    output = (folder / "output.txt").read_text()
    assert "\n6.0 0 Quality(ssim=0.9" in output and output.endswith("1 image received\n")
