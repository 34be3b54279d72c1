# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained networks from checkpoints and bundles."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import torch
from torch import nn

from ..base.errors import ConfigurationError, DataError
from ..base.files import read_parts, whole_file
from ..base.schema import read_one_of
from ..networks.build import TunedNetwork, build_network
from ..networks.rounding import unpacked_state
from .configuration import Configuration
from .record import Change, EarlierRun, Point, RunRecord

WEIGHTS = ("average", "encoder")
PACKED = (*WEIGHTS, "discriminator")
"""What a checkpoint may have with large kernels in 8 bits."""
NEEDED = {"configuration", "average", "step", "seconds", "curve"}
RESUMING = ("network", "optimisers", "discriminator", "discriminator_optimiser")
"""What a checkpoint has for nothing but going on with the run."""


def read_checkpoint(path: Path) -> dict:
    """Contents of a checkpoint as `Trainer.save` wrote it, or of a bundle (its directory).

    It may lie in the parts of `write_parts`, and have its large kernels in 8 bits.
    Raises DataError if there is none or it cannot be read.
    """
    if path.is_dir():
        # ONNX is needed for bundles alone, and not everything that trains has it.
        from ..networks.weights import read_bundle_checkpoint

        try:
            checkpoint = read_bundle_checkpoint(path)
        except ValueError as error:
            raise DataError(str(error)) from error
        return checked(checkpoint, path)
    try:
        content = None if path.exists() else read_parts(path)
        source = path if content is None else io.BytesIO(content)
        checkpoint = torch.load(source, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except (
        OSError,
        RuntimeError,
        ValueError,
        LookupError,
        pickle.UnpicklingError,
        EOFError,
    ) as error:
        raise DataError(f"{path} is no checkpoint that can be read.") from error
    return checked(checkpoint, path)


def checked(checkpoint: object, path: Path) -> dict:
    """A checkpoint as `completed`; raises DataError if it lacks what every one has."""
    if not isinstance(checkpoint, dict) or not checkpoint.keys() >= NEEDED:
        raise DataError(f"{path} is no checkpoint of a run.")
    try:
        return completed(checkpoint)
    except ConfigurationError as error:
        raise DataError(f"{path} has a configuration that cannot be used: {error}.") from error


def completed(checkpoint: dict) -> dict:
    """A checkpoint with what those of older versions do not say."""
    configuration = Configuration.read(checkpoint["configuration"])
    missing = {
        "history": [],
        "started": False,
        "images": checkpoint["step"] * configuration.batch,
        # They computed in the precision of their configuration.
        "computed_in": configuration.precision,
    }
    whole = checkpoint | {key: value for key, value in missing.items() if key not in checkpoint}
    return whole | {key: unpacked_state(whole[key]) for key in PACKED if key in whole}


def write_checkpoint(state: dict, path: Path) -> None:
    """Write a checkpoint; a reader never sees half a file."""
    with whole_file(path) as file:
        torch.save(state, file)


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


def untuned(checkpoint: dict) -> dict:
    """A checkpoint without the tuning of its decoder: the run before, with the indices assigned."""
    if "encoder" not in checkpoint:
        return checkpoint
    return completed(checkpoint["trained"] | {"average": checkpoint["encoder"]})


def trained_run(checkpoint: dict) -> dict:
    """What a checkpoint says of the run that trained encoder and codebooks, before any tuning."""
    return completed(checkpoint["trained"]) if "trained" in checkpoint else checkpoint


def run_metadata(checkpoint: dict) -> dict:
    """What a checkpoint says of its run: all but weights, in JSON's types."""
    return {key: value for key, value in checkpoint.items() if key not in WEIGHTS + RESUMING}


def run_record(checkpoint: dict, parameters: int) -> RunRecord:
    """The record of the run of a checkpoint; parameters: how many the network has."""
    return RunRecord(
        configuration=checkpoint["configuration"],
        computed_in=checkpoint["computed_in"],
        steps=checkpoint["step"],
        images=checkpoint["images"],
        hours=round(checkpoint["seconds"] / 3600, 3),
        parameters=parameters,
        history=read_history(checkpoint),
        validation=read_curve(checkpoint),
    )


def read_history(checkpoint: dict) -> tuple[Change | EarlierRun, ...]:
    """What was before a checkpoint's run, or otherwise in it."""
    return tuple(read_one_of((Change, EarlierRun), one, "history") for one in checkpoint["history"])


def read_curve(checkpoint: dict) -> tuple[Point, ...]:
    """The points of validation of a checkpoint's run."""
    return tuple(Point.read(point, "curve") for point in checkpoint["curve"])
