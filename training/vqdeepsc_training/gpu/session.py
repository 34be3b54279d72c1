# SPDX-License-Identifier: GPL-3.0-or-later
"""A call on the machine with the GPU: trains what the plan says and ends before its time is over.

Needs PyTorch, NumPy and Pillow alone.
"""

from __future__ import annotations

import gc
import hashlib
import json
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import features

from ..base.errors import ConfigurationError, DataError
from ..base.files import write_whole
from ..data.resident import ResidentImages, read_tar
from ..trainer.record import RunRecord
from .plan import Plan, PlannedRun, plan_of
from .record import (
    CallRecord,
    Machine,
    PackedImages,
    PackManifest,
    SessionRecord,
    TimedRecord,
    read_session_record,
)
from .timed import Limits, TimedRun

RECORD, MANIFEST = "record.json", "pack.json"
VERSION = 1
DECODING_SHARE = 0.15
"""Share of the time after which no more images are decoded."""
ATTEMPTS = 2
"""At a run; the second one without compiler and graphs."""
FINAL_SHARE, FINAL_SECONDS = 0.02, 3.0
"""What is kept for the end of a call: a share of its time, and at least so many seconds."""


@dataclass(frozen=True)
class Pack:
    """What `pack` made: see there."""

    folder: Path
    plan: Plan
    data: tuple[PackedImages, ...]
    validation: tuple[PackedImages, ...]
    weights: dict[str, Path]


def read_pack(folder: Path) -> Pack:
    """The pack in a folder; raises DataError unless it is whole."""
    try:
        manifest = PackManifest.read(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        if manifest.version != VERSION:
            raise DataError(f"{folder} is a pack of another version.")
        for name, digest in manifest.files.items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                raise DataError(f"{folder / name} is not as it was packed.")
        return Pack(
            folder,
            plan_of(manifest.plan),
            manifest.data,
            manifest.validation,
            {name: folder / file for name, file in manifest.weights.items()},
        )
    # deep JSON raises the last one
    except (OSError, ValueError, ConfigurationError, RecursionError) as error:
        raise DataError(f"{folder} is no whole pack: {error}.") from error


@dataclass
class Stop:
    """Whether a signal has asked for the end."""

    asked: bool = False


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Turn SIGTERM and Ctrl-C into a wish to stop, so that what is trained is saved."""
    stop, before = Stop(), {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, lambda *_: setattr(stop, "asked", True))
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Session:
    """One call.

    pack: folder; output: folder of weights and record, where an earlier call may have left its
    own to go on from; seconds: after which the call has ended, counted from `started` of
    `time.monotonic`; device: of the networks; limits: of what is written and tried; only: names
    of runs, instead of those of the plan; report: takes lines that say how it goes.
    Raises TrainingError in one sentence.
    """

    pack: Path
    output: Path
    seconds: float
    device: torch.device
    limits: Limits = field(default_factory=Limits)
    only: Sequence[str] = ()
    started: float = field(default_factory=time.monotonic)
    report: Callable[[str], None] = print

    def passed(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self.started

    def train(self) -> CallRecord:
        """Train until the time is over or a signal comes; returns the record of this call."""
        pack = read_pack(self.pack)
        runs = self._runs(pack.plan)
        self.output.mkdir(parents=True, exist_ok=True)
        earlier = read_session_record(self.output / RECORD)
        torch.backends.cudnn.benchmark = True
        images = self._resident(pack)
        validation = np.concatenate([checked_validation(pack, one) for one in pack.validation])
        # Any number of the first are of all sets.
        validation = np.random.default_rng(0).permutation(validation)
        ready = round(self.passed(), 1)
        self.report(f"{len(images)} images on the device after {ready:.0f} s")
        found: list[TimedRecord] = []
        records = dict(earlier.runs)

        def keep() -> CallRecord:
            call = CallRecord(
                **vars(machine(self.device)),
                limit_seconds=self.seconds,
                images=len(images),
                ready_seconds=ready,
                runs=tuple(found),
                seconds=round(self.passed(), 1),
            )
            record = SessionRecord((*earlier.calls, call), records)
            write_whole(self.output / RECORD, json.dumps(record.to_json(), indent=1) + "\n")
            return call

        with stopped_by_signals() as stop:
            end = self.seconds - max(FINAL_SECONDS, FINAL_SHARE * self.seconds)
            shares = [share for _, share in runs]
            for number, (run, share) in enumerate(runs):
                budget = (end - self.passed()) * share / sum(shares[number:])
                if stop.asked or budget <= 0:
                    break
                # Another call sees other crops.
                seed = run.configuration.seed + len(earlier.calls)
                timed, record = self._train_one(run, pack, images, validation, budget, seed, stop)
                found.append(timed)
                if record is not None:
                    records[run.name] = record
                keep()
        return keep()

    def _runs(self, plan: Plan) -> list[tuple[PlannedRun, float]]:
        for name in self.only:
            if name not in plan.runs:
                raise DataError(f"The plan has no run {name}; there are {', '.join(plan.runs)}.")
        if self.only:
            return [(plan.runs[name], 1.0) for name in self.only]
        return [(plan.runs[one.run], one.share) for one in plan.schedule(self.seconds).runs]

    def _resident(self, pack: Pack) -> ResidentImages:
        """The images of all data sets; each has its part of the time for decoding."""
        if not features.check("avif"):
            raise DataError("This Pillow reads no AVIF images; 11.3 or newer does.")
        sets: list[list[NDArray[np.uint8]]] = []
        for number, one in enumerate(pack.data):
            until = DECODING_SHARE * self.seconds * (number + 1) / len(pack.data)
            first = iter([True])
            # At least one image of each set, however short the time is.
            sets.append(
                read_tar(
                    pack.folder / one.file,
                    lambda: next(first, False) or self.passed() < until,  # noqa: B023
                )
            )
        return ResidentImages.of(sets, self.device)

    def _train_one(
        self,
        run: PlannedRun,
        pack: Pack,
        images: ResidentImages,
        validation: NDArray[np.uint8],
        budget: float,
        seed: int,
        stop: Stop,
    ) -> tuple[TimedRecord, RunRecord | None]:
        names = tuple(one.name for one in pack.data)
        shares = tuple(one.share for one in pack.data if one.share is not None)
        configuration = run.configuration.having(
            steps=None,
            data=names,
            shares=shares,
            seed=seed,
        )
        began = self.passed()
        failures: list[str] = []
        # A compiler or a driver that fails must not cost the whole call.
        for _ in range(ATTEMPTS):
            timed = TimedRun(
                run.name,
                configuration,
                images,
                validation,
                self.output,
                pack.weights.get(run.name),
                self.device,
                self.limits,
                lambda: stop.asked,
                self.report,
            )
            try:
                found = timed.train(budget - (self.passed() - began))
            except RuntimeError as error:
                failures.append(str(error).partition("\n")[0])
                self.report(f"{run.name} failed: {failures[-1]}")
                self.limits = replace(self.limits, ways=False)
            else:
                return replace(found, failures=tuple(failures) or None), timed.record()
            finally:
                timed = None
                gc.collect()
                if self.device.type == "cuda":
                    torch.cuda.empty_cache()
        return TimedRecord(run=run.name, ended="failed", failures=tuple(failures)), None


def machine(device: torch.device) -> Machine:
    """What computes, for the record."""
    name = platform.machine()
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return Machine(device.type, name, str(torch.__version__), torch.get_num_threads())


def checked_validation(pack: Pack, one: PackedImages) -> NDArray[np.uint8]:
    """Validation images uint8 [P, H, W, 3] of a set; raises DataError if their sizes differ."""
    images = read_tar(pack.folder / one.file)
    if len({image.shape for image in images}) > 1:
        raise DataError(f"The images of {one.file} are not of one size.")
    return np.stack(images)
