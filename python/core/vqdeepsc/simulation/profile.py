# SPDX-License-Identifier: GPL-3.0-or-later
"""What each stage of a simulation costs in processor time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("load", "encode", "link", "decode", "baseline", "metric")


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

    def table(self) -> list[dict[str, float | int | str]]:
        """One row for each stage: stage, calls, seconds, ms_per_call, share of all seconds."""
        total = sum(self.seconds.values())
        return [
            {
                "stage": name,
                "calls": self.calls[name],
                "seconds": round(self.seconds[name], 3),
                "ms_per_call": round(1e3 * self.seconds[name] / max(1, self.calls[name]), 3),
                "share": round(self.seconds[name] / total, 4) if total else 0.0,
            }
            for name in STAGES
        ]
