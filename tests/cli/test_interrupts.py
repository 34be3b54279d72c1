# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C before, while and after a command runs."""

import contextlib
import importlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import run_here

PROGRAM = Path(__file__).parents[2] / "python" / "vqdeepsc" / "vqdeepsc.in"


@pytest.mark.parametrize("module", ["pathlib", "vqdeepsc"])
def test_the_installed_program_ends_without_a_traceback_while_it_loads(tmp_path, module):
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")
    program = tmp_path / "program"
    content = PROGRAM.read_text().replace("@PYTHON_EXECUTABLE@", sys.executable)
    program.write_text(content.replace("@VQDEEPSC_PYTHONPATH@", "."))
    done = subprocess.run(
        ["/bin/sh", program, "models"], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_an_interrupt_that_a_module_turned_into_another_error(tmp_path, capfd, monkeypatch):
    def fail(*_, **__):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise ImportError("a compiled part failed to load")

    monkeypatch.setattr("vqdeepsc.images.coding.load_image", fail)
    done = run_here(capfd, "encode", "a.png", "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (130, "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_a_module_drops_is_raised_when_it_has_loaded(
    tmp_path, capfd, monkeypatch
):
    """As compiled parts of GNU Radio do."""
    lines = ("import signal, contextlib", "with contextlib.suppress(BaseException):")
    loading = "\n".join([*lines, "    signal.raise_signal(signal.SIGINT)", "loaded = True"])
    (tmp_path / "drops_interrupts.py").write_text(loading)
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(*_, **__):
        module = importlib.import_module("drops_interrupts")
        assert module.loaded
        time.sleep(60)

    monkeypatch.setattr("vqdeepsc.images.coding.load_image", load)
    done = run_here(capfd, "encode", "a.png", "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (130, "")
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_interrupt_before_the_command_begins():
    program = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "vqdeepsc.messages":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from vqdeepsc.cli import main
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize(
    "arguments, status", [(["models"], 0), (["decode", "no.vqd", "-o", "a.png"], 2)]
)
def test_what_comes_when_the_command_is_over_does_nothing(arguments, status):
    """It ended a command that had done all with a traceback."""
    program = """
import signal, sys
from vqdeepsc.cli import main

def late(*_):
    signal.raise_signal(signal.SIGINT)

signal.setitimer = late  # with which the command ends
status = main()
late()
sys.exit(status)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
