# SPDX-License-Identifier: GPL-3.0-or-later
"""The same seed gives the losses that it gave before the trainer was split into parts."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL_CONDITIONAL, SMALL_PAPER, smooth_image
from PIL import Image

from vqdeepsc_training.data.cache import open_cache
from vqdeepsc_training.data.recording import read_recording
from vqdeepsc_training.data.sampler import BatchSampler
from vqdeepsc_training.trainer.configuration import Configuration
from vqdeepsc_training.trainer.trainer import Trainer

RECORDED = json.loads((Path(__file__).parent / "losses.json").read_text())
CONDITIONAL = {
    "name": "small",
    "network": SMALL_CONDITIONAL,
    "seed": 3,
    "crop": 32,
    "zoom": 1.4,
    "batch": 4,
    "steps": 6,
    "unquantised_steps": 1,
    "precision": "float32",
    "loss": {"mae": 1.0, "mse": 10.0, "ssim": 0.1, "log_mse": 0.01},
    "noise": {"from": 0.5, "images": 2},
    "annealing": {"noise": 0.3, "until": 0.9},
    "commitment": 0.25,
    "quantiser_weight": 0.2,
    "average": 0.9,
    "optimiser": {
        "name": "muon",
        "learning_rate": 0.001,
        "betas": [0.9, 0.99],
        "warmup_steps": 2,
        "final_rate": 0.1,
        "clip": 1.0,
    },
}
ADAM = {"name": "adam", "learning_rate": 0.001, "betas": [0.5, 0.999]}
PAPER = CONDITIONAL | {
    "network": SMALL_PAPER,
    "noise": None,
    "annealing": None,
    "embedding_gradient": True,
    "adversarial": {"channels": 4, "optimiser": ADAM},
    "optimiser": ADAM | {"schedule": "constant"},
}


# Other processors add in another order. Muon bears that; Adam's first steps have the length of the
# learning rate whatever the gradient, so where that is nothing but rounding they go another way.
@pytest.mark.parametrize(
    ("name", "settings", "tolerances"),
    [
        ("conditional", CONDITIONAL, [2e-5] * 6),
        ("paper", PAPER, [2e-5, 1e-4, 0.05, 0.05, 0.05, 0.05]),
    ],
)
def test_losses_are_those_that_were_recorded(tmp_path, recording, name, settings, tolerances):
    random = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(smooth_image(random, 48, 64)).save(folder / f"{number}.png")
    cache = open_cache(folder, tmp_path / "cache", 32, 67)
    trainer = Trainer(
        Configuration.read(settings),
        BatchSampler([cache], [1.0], 32, 4, 3, zoom=1.4),
        tmp_path,
        recording=read_recording(recording),
    )
    for expected, tolerance in zip(RECORDED[name], tolerances, strict=True):
        terms = trainer.train_step()
        assert terms == pytest.approx(expected, rel=tolerance, abs=2e-6)
