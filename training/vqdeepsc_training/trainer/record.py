# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a run: points of validation, what came before it, and how it went."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import ConfigurationError, DataError
from ..base.quality import Quality
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

    def __str__(self) -> str:
        return f"SSIM {self.ssim:.4f}  PSNR {self.psnr_db:.2f} dB at step {self.step}"


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


@dataclass(frozen=True, kw_only=True)
class Evaluation(Quality):
    """Mean quality of a bundle on images, noiseless.

    images: their number; entropy_share: the share of each codebook's bits that the indices'
    entropy uses; index_counts: how often each index occurs; both by scale, `s1` and so on.
    """

    images: int
    entropy_share: dict[str, float]
    index_counts: dict[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Baseline(Quality):
    """Mean quality of a photo codec; failed: images that fit at no quality, as mid-grey."""

    images: int
    failed: int

    def __str__(self) -> str:
        text = super().__str__()
        failed = f"  ({self.failed} fit at no quality, scored as mid-grey)"
        return text + failed if self.failed else text


@dataclass(frozen=True, kw_only=True)
class VariantQuality(Quality):
    """Of a variant on a data set; entropy_share: as of an evaluation."""

    entropy_share: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class VariantRecord(VariantQuality):
    """A run of an ablation; its quality is that on the first validation set.

    name, group, change: as in ablations.json; configuration: in JSON's types; minutes: of
    processor or GPU time; data, shares: what it was trained on; computed_in: precision;
    processor: vector instructions, or the GPU; elsewhere: quality on the other validation sets;
    images: of validation; crops_seen: of training; parameters: of the network.
    """

    name: str
    group: str
    change: dict
    configuration: dict
    minutes: float
    images: int
    crops_seen: int
    steps: int
    parameters: int
    validation: tuple[Point, ...]
    data: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    computed_in: str | None = None
    processor: str | None = None
    validation_data: str = ""
    elsewhere: dict[str, VariantQuality] | None = None


@dataclass(frozen=True)
class ModelRecord(RunRecord):
    """The record of a published model, with what was measured of its bundle.

    measured: by data set; assignment: by scale, as `assign_indices`;
    flipped_bits: by scale, as `flipped_bits.measure`.
    """

    version: str
    measured: dict[str, Evaluation]
    assignment: dict[str, tuple[float, ...]]
    flipped_bits: dict[str, dict[str, float]]
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


def read_variant_record(path: Path) -> VariantRecord:
    """The record of a run of an ablation; raises DataError for a file that is none."""
    try:
        return VariantRecord.read(json.loads(path.read_text(encoding="utf-8")))
    # deep JSON raises the last one
    except (OSError, ValueError, ConfigurationError, RecursionError) as error:
        raise DataError(f"{path} is no record of an ablation: {error}.") from error


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
