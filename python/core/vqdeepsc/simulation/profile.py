# SPDX-License-Identifier: GPL-3.0-or-later
"""What each stage of a simulation costs in processor time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

STAGES = ("load", "encode", "link", "decode", "baseline", "metric")


@dataclass(frozen=True)
class StageCost:
    """Calls, processor seconds and milliseconds a call of a stage, and its share of all seconds."""

    stage: str
    calls: int
    seconds: float
    ms_per_call: float
    share: float


class Profile:
    """Calls and processor seconds of each stage, of the calling threads alone."""

    def __init__(self) -> None:
        self.calls = dict.fromkeys(STAGES, 0)
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str, calls: int = 1) -> Iterator[None]:
        """Counts what happens inside as `calls` calls of a stage."""
        start = time.thread_time()
        try:
            yield
        finally:
            self.calls[name] += calls
            self.seconds[name] += time.thread_time() - start

    def add(self, other: Profile) -> None:
        """Adds what another one counted."""
        for name in STAGES:
            self.calls[name] += other.calls[name]
            self.seconds[name] += other.seconds[name]

    def table(self) -> list[StageCost]:
        """One row for each stage."""
        total = sum(self.seconds.values())
        return [
            StageCost(
                stage=name,
                calls=self.calls[name],
                seconds=round(self.seconds[name], 3),
                ms_per_call=round(1e3 * self.seconds[name] / max(1, self.calls[name]), 3),
                share=round(self.seconds[name] / total, 4) if total else 0.0,
            )
            for name in STAGES
        ]
