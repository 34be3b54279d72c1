# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained networks from checkpoints."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import nn

from .data import DataError
from .networks import TunedNetwork, build_network


def read_checkpoint(path: Path) -> dict:
    """Contents of a checkpoint as `Trainer.save` wrote it.

    Raises DataError if there is none or it cannot be read.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except (OSError, RuntimeError, ValueError, LookupError, pickle.UnpicklingError,
            EOFError) as error:
        raise DataError(f"{path} is no checkpoint that can be read.") from error


def write_checkpoint(state: dict, path: Path) -> None:
    """Write a checkpoint; a reader never sees half a file."""
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.replace(path)


def whole_curve(history: list[dict], curve: list[dict]) -> list[dict]:
    """Validation points of a run and of those before it; `pictures` counts on through all runs.

    history, curve: of a checkpoint, or a record's `history` and `validation`.
    """
    points, before = [], 0
    for entry in [*history, {"validation": curve}]:
        points += [point | {"pictures": before + point["pictures"]}
                   for point in entry.get("validation", [])]
        before += entry.get("pictures", 0)
    return points


def averaged_network(checkpoint: dict) -> nn.Module:
    """Network with the averaged weights of a checkpoint, in evaluation mode."""
    network = _network(checkpoint, "average")
    if "encoder" in checkpoint:
        network = TunedNetwork(_network(checkpoint, "encoder"), network)
    return network.eval().requires_grad_(False)


def _network(checkpoint: dict, part: str) -> nn.Module:
    network = build_network(checkpoint["configuration"]["network"])
    network.load_state_dict(checkpoint[part])
    return network


def write_weights(checkpoint: dict, path: Path) -> None:
    """Averaged weights and codebooks of a checkpoint in half precision, without the optimiser.

    Enough to export again and to start another run.
    """
    kept = {key: value for key, value in checkpoint.items() if key not in ("network", "optimisers")}
    for part in {"average", "encoder"} & set(kept):
        kept[part] = {name: value.half() if value.is_floating_point() else value
                      for name, value in checkpoint[part].items()}
    torch.save(kept, path)
