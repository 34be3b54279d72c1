# SPDX-License-Identifier: GPL-3.0-or-later
"""Processors are counted as they are allowed: affinity and control groups."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from vqdeepsc.processors import available_processors, cgroup_quota

PROGRAM = "from vqdeepsc.processors import available_processors; print(available_processors())"


def files(folder, contents):
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("groups", "contents", "processors"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),  # a container of its own
        ("0::/a/b\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "50000 100000"}, 0.5),
        ("0::/a\n", {"a/cpu.max": "max 100000"}, math.inf),
        (
            "5:cpu,cpuacct:/docker/x\n0::/\n",
            {"cpu/docker/x/cpu.cfs_quota_us": "300000", "cpu/docker/x/cpu.cfs_period_us": "100000"},
            3,
        ),
        (  # a container sees its own group as the root
            "5:cpu:/docker/x\n",
            {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "50000"},
            2,
        ),
        ("5:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "50000"}, math.inf),
        ("5:memory:/\n", {"memory/cpu.cfs_quota_us": "1"}, math.inf),
        ("nonsense\n0::/\n", {"cpu.max": "soon"}, math.inf),
    ],
)
def test_quotas_of_control_groups(tmp_path, groups, contents, processors):
    (tmp_path / "groups").write_text(groups)
    control = files(tmp_path / "control", contents)
    assert cgroup_quota(tmp_path / "groups", control) == processors


def test_a_system_without_control_groups(tmp_path):
    assert cgroup_quota(tmp_path / "none", tmp_path) == math.inf
    assert available_processors() >= 1


def count(**options):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, **options
    )
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity_counts():
    one = min(os.sched_getaffinity(0))
    assert count(preexec_fn=lambda: os.sched_setaffinity(0, {one})) == 1


def test_a_group_with_a_quota_counts():
    """In a group of this system, where the test may make one."""
    if available_processors() < 2:
        pytest.skip("one processor cannot become fewer")
    folder = Path(f"/sys/fs/cgroup/cpu/vqdeepsc-test-{os.getpid()}")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this machine makes no control groups of version 1")
    try:
        (folder / "cpu.cfs_period_us").write_text("100000")
        (folder / "cpu.cfs_quota_us").write_text("90000")

        def enter():
            (folder / "cgroup.procs").write_text(str(os.getpid()))

        assert count(preexec_fn=enter) == 1
    finally:
        folder.rmdir()
