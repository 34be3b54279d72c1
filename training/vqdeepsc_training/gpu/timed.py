# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that has some seconds: it finds its batch, trains, ends annealed, and saves its weights."""

from __future__ import annotations

import gc
import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..base.errors import ConfigurationError
from ..base.files import read_parts, write_parts
from ..data.resident import ResidentImages, ResidentSampler
from ..networks.rounding import packed_state
from ..trainer.checkpoint import PACKED, read_checkpoint, untuned
from ..trainer.configuration import Configuration
from ..trainer.record import RunRecord
from ..trainer.trainer import Trainer
from .record import TimedRecord
from .throughput import (
    OUT_OF_MEMORY,
    WAYS,
    choose_way,
    crops_per_second,
    find_batch,
    synchronise,
    utilisation,
)

GPU_BATCHES = 16
"""How many batches of the configuration are the first one that is tried on a GPU."""
VALIDATION_SHARE = 0.05
"""Share of the time that a validation may take: with fewer images, and none between checkpoints."""
FEWEST_IMAGES = 4
"""Of a validation."""


@dataclass(frozen=True)
class Limits:
    """Of a call.

    file_bytes: of each file that is written; least_steps: of a run, which bounds its batch;
    trying_share: share of a run's time after which no other batch is tried; compile_seconds: of a
    run from which on it pays to compile; save_seconds: between two checkpoints; ways: whether
    other ways to run a network than operation by operation are tried.
    """

    file_bytes: int = 16 * 2**20
    least_steps: int = 1500
    trying_share: float = 0.1
    compile_seconds: float = 400.0
    save_seconds: float = 60.0
    ways: bool = True


class TimedRun:
    """One run of a call.

    weights: checkpoint to begin at, unless `output` has the run's own of an earlier call; stop:
    whether to end now; report: takes lines that say how it goes.
    Raises TrainingError or ValueError for weights or a configuration that cannot be used.
    """

    def __init__(
        self,
        name: str,
        configuration: Configuration,
        images: ResidentImages,
        validation: NDArray[np.uint8],
        output: Path,
        weights: Path | None,
        device: torch.device,
        limits: Limits,
        stop: Callable[[], bool],
        report: Callable[[str], None],
    ) -> None:
        self.name = name
        self.configuration = configuration
        self.images = images
        self.validation = validation
        self.path = output / f"{name}.pt"
        self.device = device
        self.limits = limits
        self.stop = stop
        self.report = report
        self.begun = time.monotonic()
        if configuration.colour:
            raise ConfigurationError(f"{name} has colour jitter, which no GPU run has.")
        self.start = self._earlier()
        if self.start is None and weights is not None:
            self.start = untuned(read_checkpoint(weights))
        self.trainer: Trainer | None = None
        self.busy: list[float] = []

    def passed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.begun

    def train(self, seconds: float) -> TimedRecord:
        """Train so that all is done after some seconds; returns how it went."""
        batch, tried = self._find_batch(seconds)
        trainer = self.trainer = self._make(batch)
        started = self.passed()
        images = self._bound_validation(VALIDATION_SHARE * seconds)
        before = trainer.validate(self.validation)
        trainer.curve.clear()
        self._save()
        # The validation and the checkpoint at the end take as long as these.
        overhead = self.passed() - started
        end = seconds - 1.5 * overhead - 1.5 * batch / tried[batch]
        self.report(f"{self.name}: batch {batch} of {numbers(tried)}, before {before}")
        ended, ways = self._loop(end, tried[batch], overhead)
        after = memory = None
        if self.device.type == "cuda":
            memory = torch.cuda.max_memory_allocated(self.device)
        learning_rate_factor = round(trainer.learning_rate(), 4)
        if ended != "diverged":
            after = trainer.validate(self.validation)
            self._save()
        self.report(f"{self.name}: {ended}, after {after}")
        return TimedRecord(
            run=self.name,
            ended=ended,
            batch=batch,
            batches=numbers(tried),
            ways=numbers(ways),
            steps=trainer.step,
            images=trainer.images,
            training_seconds=round(trainer.seconds, 1),
            images_per_second=round(trainer.images / max(trainer.seconds, 1e-3), 2),
            learning_rate_factor=learning_rate_factor,
            validation_images=images,
            before=before,
            after=after,
            utilisation=round(sum(self.busy) / len(self.busy), 3) if self.busy else None,
            memory_bytes=memory,
            files={path.name: path.stat().st_size for path in self.files},
            seconds=round(self.passed(), 1),
        )

    def record(self) -> RunRecord:
        """The record of the run."""
        return self.trainer.record()

    def _earlier(self) -> dict | None:
        """What an earlier call has left of this run, unless it ended before its codebooks began."""
        if not self.path.exists() and read_parts(self.path) is None:
            return None
        state = untuned(read_checkpoint(self.path))
        begun = state["started"] or state["step"] > self.configuration.unquantised_steps
        return state if begun or not self.configuration.quantised else None

    def _make(self, batch: int) -> Trainer:
        """A trainer at the weights to start from, with this batch."""
        configuration = self.configuration
        sampler = ResidentSampler(
            self.images,
            configuration.shares,
            configuration.crop,
            batch,
            configuration.seed,
            configuration.zoom,
            configuration.flips,
        )
        trainer = Trainer(
            configuration.having(batch=batch), sampler, self.path.parent, 1.0, device=self.device
        )
        if self.start is not None:
            trainer.start_from(self.start)
        return trainer

    def _bound_validation(self, seconds: float) -> int:
        """Leave out validation images beyond what takes so long; returns how many are left."""
        first = self.validation[:FEWEST_IMAGES]
        self.trainer.validate(first[:1])
        started = self.passed()
        self.trainer.validate(first)
        each = max((self.passed() - started) / len(first), 1e-6)
        count = max(len(first), min(len(self.validation), int(seconds / each)))
        self.validation = self.validation[:count]
        return count

    def _find_batch(self, seconds: float) -> tuple[int, dict[int, float | None]]:
        """The batch, and the crops a second of all that were tried on networks of their own."""

        def measure(batch: int) -> float | None:
            try:
                trainer = self._make(batch)
                # What takes longest is measured: with codebooks.
                trainer.started = True
                return crops_per_second(trainer)
            except OUT_OF_MEMORY:
                return None
            finally:
                trainer = None
                gc.collect()
                if self.device.type == "cuda":
                    torch.cuda.empty_cache()

        smallest = self.configuration.batch
        first = smallest * (GPU_BATCHES if self.device.type == "cuda" else 1)
        until = self.limits.trying_share * seconds
        return find_batch(
            measure,
            smallest,
            first,
            seconds,
            self.limits.least_steps,
            lambda: self.passed() < until and not self.stop(),
        )

    def _loop(self, end: float, rate: float, overhead: float) -> tuple[str, dict]:
        """Train until `end` of the run's seconds; returns how it ended, and the ways tried.

        rate: crops a second so far; overhead: seconds of a validation and a checkpoint.
        """
        trainer, begun = self.trainer, self.passed()
        trainer.hours = max(end - begun, 1e-3) / 3600
        saved, ways = begun, {}
        compiles = self.device.type == "cuda" and end - begun >= self.limits.compile_seconds
        validates = overhead < VALIDATION_SHARE * self.limits.save_seconds
        while trainer.progress < 1:
            if self.stop():
                return "stopped", ways
            if not ways and (trainer.quantised or not trainer.configuration.quantised):
                _, ways = choose_way(trainer, rate, self._ways(compiles))
            due = self.passed() - saved > self.limits.save_seconds
            if due and (busy := utilisation(self.device)) is not None:
                self.busy.append(busy)
            terms = trainer.train_step(read=due)
            trainer.seconds = self.passed() - begun
            if due:
                if not math.isfinite(terms["loss"]):
                    return "diverged", ways
                if validates:
                    self.report(f"{self.name}: {trainer.validate(self.validation)}")
                self._save()
                saved = self.passed()
        synchronise(self.device)
        return "annealed", ways

    def _ways(self, compiles: bool) -> dict:
        if self.device.type != "cuda" or not self.limits.ways:
            return {}
        return {name: way for name, way in WAYS.items() if compiles or name != "compiled"}

    def _save(self) -> None:
        """Write what export and another call need, in files of bounded size."""
        state = self.trainer.summary()
        for part in self.trainer.parts:
            state |= part.state()
        state.pop("discriminator_optimiser", None)
        for name in PACKED:
            if name in state:
                state[name] = packed_state(state[name])
        buffer = io.BytesIO()
        torch.save(state, buffer)
        self.files = write_parts(self.path, buffer.getvalue(), self.limits.file_bytes)


def numbers(values: dict) -> dict:
    """Figures of a record by name, rounded."""
    return {str(key): round(v, 2) if isinstance(v, float) else v for key, v in values.items()}
