# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that a library prints for nobody are left out, and all others stay."""

import os
import sys

import pytest
from vqdeepsc.foreign_messages import without_lines


def test_lines_are_left_out_with_the_empty_ones_behind(capfd):
    with without_lines(b"Schema error: "):
        os.write(2, b"Schema error: Abs\n\nSchema error: Add\n\n")
        print("of Python", file=sys.stderr)
        os.write(2, b"\nof C++\nSchema error: And\nSchema error: Or\n\n\nlast")
    assert capfd.readouterr().err == "of Python\n\nof C++\n\nlast"
    os.write(2, b"Schema error: later\n")
    assert capfd.readouterr().err == "Schema error: later\n"


def test_what_is_raised_passes_and_what_was_said_before_stays(capfd):
    with pytest.raises(RuntimeError), without_lines(b"Schema error: "):
        os.write(2, b"reason\n")
        raise RuntimeError
    assert capfd.readouterr().err == "reason\n"


def test_nothing_is_held_back_where_there_is_no_memory_for_it(monkeypatch, capfd):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with without_lines(b"Schema error: "):
        os.write(2, b"Schema error: Abs\n")
        assert capfd.readouterr().err == "Schema error: Abs\n"
