# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C while the installed program loads its first modules."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "python" / "vqdeepsc" / "vqdeepsc.in"


@pytest.mark.parametrize("module", ["pathlib", "vqdeepsc"])
def test_it_ends_without_a_traceback(tmp_path, module):
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")
    program = tmp_path / "program"
    content = PROGRAM.read_text().replace("@PYTHON_EXECUTABLE@", sys.executable)
    program.write_text(content.replace("@VQDEEPSC_PYTHONPATH@", "."))
    done = subprocess.run(
        ["/bin/sh", program, "models"], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (130, "")
