# SPDX-License-Identifier: GPL-3.0-or-later
"""How many processors this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_GROUPS = Path("/proc/self/cgroup")
_CONTROL = Path("/sys/fs/cgroup")


def available_processors() -> int:
    """Processors that this process may use, at least 1: affinity and the quota of its control
    groups count, not the machine. A quota of one and a half processors counts as two."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, math.ceil(min(count, cgroup_quota())))


def cgroup_quota(groups: Path = _GROUPS, control: Path = _CONTROL) -> float:
    """Processors that control groups leave to this process, infinity without a limit.

    groups: the list of them (cgroups(7)); control: where their folders are, of version 2
    (cpu.max) or 1 (cpu.cfs_quota_us)."""
    try:
        lines = groups.read_text().splitlines()
    except (OSError, ValueError):
        return math.inf
    limits = [math.inf]
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            limits += _limits(control, path)
        elif "cpu" in controllers.split(","):
            limits += [
                limit
                for folder in ("cpu", controllers)
                for limit in _limits(control / folder, path)
            ]
    return min(limits)


def _limits(control: Path, path: str) -> Iterator[float]:
    """Of a group and of all that it is in."""
    group = PurePosixPath(path)
    for ancestor in (group, *group.parents):
        folder = control / str(ancestor).lstrip("/")
        try:
            if (folder / "cpu.max").is_file():
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota, period = (
                    (folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
                )
            if float(quota) > 0 and float(period) > 0:
                yield float(quota) / float(period)
        except (OSError, ValueError):  # "max", or a group that this process does not see
            continue
