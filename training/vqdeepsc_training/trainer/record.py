# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a run: points of validation, what came before it, and how it went."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import ConfigurationError, DataError
from ..base.schema import Table


@dataclass(frozen=True)
class Point(Table):
    """A validation: mean SSIM and PSNR in dB after so many steps, crops and seconds.

    unquantised: true where the codebooks of a quantising network had not started.
    """

    step: int
    images: int
    seconds: int
    ssim: float
    psnr_db: float
    unquantised: bool | None = None


@dataclass(frozen=True)
class Change(Table):
    """Entries of the configuration that were changed on resuming, with what they were before."""

    until_step: int
    configuration: dict


@dataclass(frozen=True)
class EarlierRun(Table):
    """A run at whose weights another one began.

    images: crops that it saw; run: its name; fresh: weights that started afresh after it;
    validation: its curve.
    """

    until_step: int
    images: int
    run: str
    fresh: tuple[str, ...]
    validation: tuple[Point, ...] = ()


@dataclass(frozen=True)
class RunRecord(Table):
    """What a run was and how it went, of which record.json is made.

    configuration: in JSON's types; computed_in: the precision of the last step; images: crops
    seen; parameters: of the network.
    """

    configuration: dict
    computed_in: str
    steps: int
    images: int
    hours: float
    parameters: int
    history: tuple[Change | EarlierRun, ...]
    validation: tuple[Point, ...]


@dataclass(frozen=True)
class Tuning(Table):
    """The tuning of a decoder behind an encoder that stays; `hours` and `validation` in records."""

    configuration: dict
    steps: int
    images: int
    hours: float | None = None
    validation: tuple[Point, ...] | None = None


@dataclass(frozen=True)
class Training(Table):
    """What the manifest of a bundle says of its training; data: names of the data sets."""

    configuration: dict
    data: tuple[str, ...]
    steps: int
    images: int
    seed: int
    decoder_tuning: Tuning | None = None


@dataclass(frozen=True)
class ModelRecord(RunRecord):
    """The record of a published model, with what was measured of its bundle.

    measured: by data set, as `evaluate` returns it; assignment: by scale, as `assign_indices`;
    flipped_bits: by scale, as `flipped_bits.measure`.
    """

    version: str
    measured: dict
    assignment: dict
    flipped_bits: dict
    decoder_tuning: Tuning | None = None


def read_model_records(folder: Path) -> dict[str, ModelRecord]:
    """Records of published models by the models' names; other JSON files of the folder are skipped.

    Raises DataError for a record that cannot be used.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        values = json.loads(path.read_text(encoding="utf-8"))
        if "validation" in values:
            try:
                found[path.stem.replace("_", "-")] = ModelRecord.read(values)
            except ConfigurationError as error:
                raise DataError(f"{path} is no record of a model: {error}.") from error
    return found


def runs_before(history: Sequence[Change | EarlierRun]) -> list[EarlierRun]:
    """The other runs of a record's history."""
    return [entry for entry in history if isinstance(entry, EarlierRun)]


def whole_curve(history: Sequence[Change | EarlierRun], curve: Sequence[Point]) -> list[Point]:
    """Points of a run and of those before it, with the crops of all runs so far."""
    points, before = [], 0
    for run in runs_before(history):
        points += _later(run.validation, before)
        before += run.images
    return points + _later(curve, before)


def _later(points: Sequence[Point], images: int) -> list[Point]:
    return [dataclasses.replace(point, images=images + point.images) for point in points]
