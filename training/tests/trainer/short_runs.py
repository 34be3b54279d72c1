# SPDX-License-Identifier: GPL-3.0-or-later
"""Short runs that the tests of the trainer share."""

import json
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from conftest import SMALL_CONDITIONAL_3, run_arguments, tool, write_link

from vqdeepsc_training.trainer.checkpoint import read_checkpoint
from vqdeepsc_training.trainer.parts import Part
from vqdeepsc_training.trainer.trainer import Trainer

P = TypeVar("P", bound=Part)


def run(tmp_path: Path, image_tar: Path, configuration: dict, name: str, *more: str) -> dict:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    arguments = [
        *run_arguments(tmp_path, image_tar, name),
        "--threads",
        "1",
        *more,
    ]
    if "noise" in configuration:
        three_scales = configuration.get("network") == SMALL_CONDITIONAL_3
        link = write_link(tmp_path / "link.npz", 476 if three_scales else 1252)
        arguments += ["--recording", str(link)]
    assert tool("train")(arguments) == 0
    return read_checkpoint(tmp_path / name / "checkpoint.pt")


def assert_same(first: object, second: object, where: str = "") -> None:
    assert type(first) is type(second), where
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key, value in first.items():
            assert_same(value, second[key], f"{where}/{key}")
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for index, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{where}/{index}")
    else:
        assert first == second, where


def resumed_and_whole(
    tmp_path: Path, image_tar: Path, configuration: dict, stop: int
) -> tuple[dict, dict]:
    """Checkpoints of a run that was stopped before step `stop` and resumed, and of a whole one."""
    validation = ["--validation", str(image_tar)] if "selection" in configuration else []
    whole = run(tmp_path, image_tar, configuration, "whole", *validation)

    class StoppedError(BaseException):
        pass

    original = Trainer.train_step

    def interrupted(self: Trainer) -> dict:
        if self.step == stop:
            self.save()
            raise StoppedError
        return original(self)

    Trainer.train_step = interrupted
    try:
        with pytest.raises(StoppedError):
            run(tmp_path, image_tar, configuration, "parts", *validation)
    finally:
        Trainer.train_step = original
    return run(tmp_path, image_tar, configuration, "parts", "--resume", *validation), whole


def part_of(trainer: Trainer, kind: type[P]) -> P:
    """The part of a trainer's loss that is of this kind."""
    (part,) = (part for part in trainer.parts if isinstance(part, kind))
    return part
