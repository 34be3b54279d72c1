# SPDX-License-Identifier: GPL-3.0-or-later
"""What libraries of others print, without the lines that concern nobody."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD_ERROR = 2
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def without_lines(beginning: bytes) -> Iterator[None]:
    """Holds standard error back and writes it at the end, also what C++ printed.

    Left out are the lines that begin so, each with an empty line behind it. Where a file in memory
    cannot be made (other systems than Linux) or standard error is closed, nothing is held back."""
    with _ONE_AT_A_TIME:
        files = _saved_and_kept()
        if files is None:
            yield
            return
        saved, kept = files
        _flush()
        os.dup2(kept, STANDARD_ERROR)
        try:
            yield
        finally:
            _flush()
            os.dup2(saved, STANDARD_ERROR)
            os.close(saved)
            _write_others(kept, beginning)


def _saved_and_kept() -> tuple[int, int] | None:
    """Standard error under another number, and a file in memory; None where one cannot be had."""
    try:
        saved = os.dup(STANDARD_ERROR)
    except OSError:
        return None
    try:
        return saved, os.memfd_create("standard error")
    except (AttributeError, OSError):
        os.close(saved)
        return None


def _write_others(kept: int, beginning: bytes) -> None:
    """Writes the lines of a file, which it closes, that do not begin so."""
    with os.fdopen(kept, "rb") as file:
        file.seek(0)
        left_out = False
        for line in file:
            empty_behind = left_out and not line.strip()
            left_out = line.startswith(beginning)
            if not (left_out or empty_behind):
                os.write(STANDARD_ERROR, line)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
