# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of one flipped bit, through a shipped bundle."""

import json

import numpy as np
import pytest
from conftest import smooth_image, tool
from vqdeepsc.codec import Codec
from vqdeepsc.images.metrics import ssim

from vqdeepsc_training.base.repository import ROOT
from vqdeepsc_training.reports import flipped_bits

BUNDLE = str(ROOT / "models" / "vqdeepsc-4s")


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(BUNDLE, threads=1)


def test_losses_are_those_of_images_with_one_other_index(codec):
    image = smooth_image(np.random.default_rng(0), 48, 64)
    found = flipped_bits.losses(codec, image, 3, np.random.default_rng(1))
    assert found[0] == 0
    random = np.random.default_rng(1)
    indices = codec.encode(image)
    position = tuple(random.integers(side) for side in indices.maps[3].shape)
    untouched = ssim(image, codec.decode(codec.one_hot(indices), 64, 48))
    indices.maps[3][position] ^= 2
    changed = ssim(image, codec.decode(codec.one_hot(indices), 64, 48))
    assert found[2] == pytest.approx(float(untouched - changed), abs=1e-6)


def test_means_over_flips_and_over_assignments(codec, monkeypatch):
    """The assigned indices count the flips of one bit, random ones all other codewords."""
    scales = []

    def losses(codec, image, scale, random):
        scales.append(scale)
        return np.arange(codec.scales[scale - 1].codewords) ** 2.0

    monkeypatch.setattr(flipped_bits, "losses", losses)
    found = flipped_bits.measure(codec, np.zeros((2, 16, 16, 3), np.uint8), 1, 0)
    assert found["s2"]["assigned"] == (1 + 4 + 16) / 3
    assert found["s2"]["random"] == sum(n * n for n in range(8)) / 7
    assert found["s4"]["random"] == found["s4"]["assigned"] == 1
    assert found["s1"]["difference_error"] == 0
    # Two images; as many random codewords for each scale.
    assert [scales.count(scale) for scale in (1, 2, 3, 4)] == [2, 4, 8, 16]


def test_command_line_keeps_a_record(tmp_path, image_tar, capsys):
    record = tmp_path / "flipped_bits.json"
    arguments = [
        "--bundle",
        BUNDLE,
        "--data",
        str(image_tar),
        "--size",
        "32",
        "--images",
        "2",
        "--positions",
        "1",
        "--record",
        str(record),
    ]
    assert tool("flipped-bits")(arguments) == 0
    kept = json.loads(record.read_text())["vqdeepsc-4s"]
    assert capsys.readouterr().out.splitlines() == flipped_bits.table(kept["scales"])
    assert tool("flipped-bits")([*arguments[:2], "--data", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
