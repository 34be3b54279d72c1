# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pack says of itself, and what is kept of the calls that trained with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from ..base.errors import ConfigurationError, DataError
from ..base.schema import Table
from ..trainer.record import Point, RunRecord


@dataclass(frozen=True)
class PackedImages(Table):
    """A data set of a pack.

    file: in it; name: of the set; images: their number; share: of a batch, None for validation.
    """

    file: str
    name: str
    images: int
    share: float | None = None


@dataclass(frozen=True)
class PackManifest(Table):
    """pack.json.

    plan: as `Plan.to_json`; weights: file by run; files: SHA-256 of each file by its path.
    """

    version: int
    plan: dict
    data: tuple[PackedImages, ...]
    validation: tuple[PackedImages, ...]
    weights: dict[str, str]
    files: dict[str, str]


@dataclass(frozen=True)
class Machine(Table):
    """What computes: device_type as PyTorch has it, `cuda` or `cpu`; device: its name."""

    device_type: str
    device: str
    torch: str
    threads: int


@dataclass(frozen=True, kw_only=True)
class TimedRecord(Table):
    """How a run of a call went.

    ended: annealed, stopped, diverged or failed; failures: a sentence for each attempt that did;
    batches, ways: crops a second of all that were tried, None where the memory was too small, a
    sentence where something failed; images: crops seen; before, after: validation; utilisation:
    share of the time in which the GPU computed; files: bytes by name; seconds: of the whole run.
    A run that failed has the first three alone.
    """

    run: str
    ended: str
    failures: tuple[str, ...] | None = None
    batch: int | None = None
    batches: dict | None = None
    ways: dict | None = None
    steps: int | None = None
    images: int | None = None
    training_seconds: float | None = None
    images_per_second: float | None = None
    learning_rate_factor: float | None = None
    validation_images: int | None = None
    before: Point | None = None
    after: Point | None = None
    utilisation: float | None = None
    memory_bytes: int | None = None
    files: dict[str, int] | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class CallRecord(Machine):
    """A call: how many seconds it had and took, images on the device, and its runs."""

    limit_seconds: float
    images: int
    ready_seconds: float
    runs: tuple[TimedRecord, ...]
    seconds: float


@dataclass(frozen=True)
class SessionRecord(Table):
    """All calls with one output folder, and the last record of each run by name."""

    calls: tuple[CallRecord, ...] = ()
    runs: dict[str, RunRecord] = field(default_factory=dict)


def read_session_record(path: Path) -> SessionRecord:
    """What earlier calls have recorded; raises DataError for a file that is no record of them."""
    if not path.exists():
        return SessionRecord()
    try:
        return SessionRecord.read(json.loads(path.read_text(encoding="utf-8")))
    # deep JSON raises the last one
    except (OSError, ValueError, ConfigurationError, RecursionError) as error:
        raise DataError(f"{path} is no record of an earlier call.") from error
