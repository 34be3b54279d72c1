# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of somebody else passes a strict type checker, and runs."""

import os
import subprocess
import sys
from pathlib import Path

import vqdeepsc

PROGRAM = Path(__file__).with_name("typed_program.py")


def test_a_strict_checker_passes_a_program_that_uses_the_core(tmp_path):
    package = Path(vqdeepsc.__file__).parent
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path, PROGRAM],
        env=os.environ | {"MYPYPATH": str(package.parent)},
        cwd=PROGRAM.parents[2],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_program_runs():
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(128, 128, 3) 0\n"
