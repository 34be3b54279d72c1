# SPDX-License-Identifier: GPL-3.0-or-later
"""A seed gives the rows that it has always given: results_reference.csv is of version 0.1.0."""

from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import make_bundle
from vqdeepsc.images.files import save_image
from vqdeepsc.link import ChannelModel, Scheme
from vqdeepsc.simulation import Simulation, read_results, simulate

REFERENCE = Path(__file__).resolve().parents[2] / "data" / "results_reference.csv"


def test_a_seed_gives_the_rows_of_before(tmp_path):
    rng = np.random.default_rng(11)
    cells = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    image = np.kron(cells, np.ones((16, 16, 1), np.uint8))[:128, :128]
    (tmp_path / "images").mkdir()
    save_image(tmp_path / "images" / "square.png", image)
    model = make_bundle(tmp_path / "tiny", {1: 16, 2: 8, 3: 4, 4: 2})
    simulation = Simulation(
        images=[tmp_path / "images"],
        models=[str(model)],
        channels=[ChannelModel.parse(name) for name in ("awgn", "rayleigh", "rician:3")],
        snr_db=(2.0, 3.3, 6.0),
        decisions=("soft", "hard"),
        schemes=(Scheme(), Scheme.parse("16qam/8/8/5")),
        seed=7,
        native=True,
    )
    rows = simulate(simulation, tmp_path / "results.csv")
    before = read_results(REFERENCE)
    assert [(row.key, row.seed, row.symbols) for row in rows] == [
        (row.key, row.seed, row.symbols) for row in before
    ]
    assert [row.block_errors for row in rows] == [row.block_errors for row in before]
    # Networks and metrics round differently from one processor to another.
    assert [row.ssim for row in rows] == pytest.approx([row.ssim for row in before], abs=1e-4)
    assert [row.psnr_db for row in rows] == pytest.approx([row.psnr_db for row in before], abs=1e-2)
