# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run shows: lines, a bar on a terminal, TensorBoard events."""

import io
import json
import sys

import numpy as np
import pytest
import torch
from conftest import tool
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from vqdeepsc_training.data.cache import open_cache
from vqdeepsc_training.data.images import evaluation_images
from vqdeepsc_training.data.sampler import BatchSampler
from vqdeepsc_training.trainer import monitor
from vqdeepsc_training.trainer.checkpoint import read_checkpoint
from vqdeepsc_training.trainer.configuration import Configuration
from vqdeepsc_training.trainer.trainer import Trainer

main = tool("train")


def start(tmp_path, image_tar, recording, configuration, *more):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    return [
        "--config",
        str(config),
        "--data",
        str(image_tar),
        "--validation",
        str(image_tar),
        "--cache",
        str(tmp_path / "cache"),
        "--folder",
        str(tmp_path / "run"),
        "--threads",
        "1",
        "--recording",
        str(recording),
        *more,
    ]


def test_events_hold_what_happened(tmp_path, image_tar, recording, configuration, monkeypatch):
    monkeypatch.setattr(monitor, "SCALAR_STEPS", 4)
    assert main(start(tmp_path, image_tar, recording, configuration, "--tensorboard")) == 0
    checkpoint = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    scalars = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    assert [event.step for event in scalars["train/loss"]] == [4, 8]
    assert scalars["validation/ssim"][-1].value == pytest.approx(checkpoint["curve"][-1]["ssim"])
    counts = checkpoint["network"]["spaces.1.counts"].double()
    shares = counts / counts.sum()
    entropy = -(shares * shares.clamp_min(1e-12).log2()).sum().item() / 4
    assert scalars["codebook/s1/entropy_share"][-1].value == pytest.approx(entropy, abs=1e-5)
    (grid,) = events.Images("validation/original_above_decoded")
    shown = np.asarray(Image.open(io.BytesIO(grid.encoded_image_string)))
    assert shown.shape == (64, 8 * 32, 3)
    first = evaluation_images(image_tar, 32, 1)[0]
    assert np.abs(shown[:32, :32].astype(int) - first).max() <= 1


def test_bar_is_for_terminals(tmp_path, image_tar, recording, configuration, monkeypatch, capsys):
    configuration["steps"] = 2
    assert main(start(tmp_path, image_tar, recording, configuration)) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    # before it, a processor without bfloat16 may say so
    assert captured.out.splitlines()[-1].startswith("100.0 %  step 2")
    cache = open_cache(image_tar, tmp_path / "cache", 32, 48)
    del configuration["noise"]
    trainer = Trainer(
        Configuration.read(configuration), BatchSampler([cache], [1.0], 32, 4, 1), tmp_path
    )
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    with monitor.Monitor(trainer, None, None) as watching:
        watching.step(trainer.train_step())
        watching.bar.refresh()
    assert "50%" in terminal.getvalue()
    assert torch.isfinite(trainer.network.stem.weight).all()
