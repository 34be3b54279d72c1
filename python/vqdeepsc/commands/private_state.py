# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder for what GNU Radio keeps, where the user's home is none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BUFFERS = Path("prefs", "vmcircbuf_default_factory")


@contextmanager
def private_state() -> Iterator[None]:
    """Enter it before GNU Radio is imported.

    GNU Radio notes in ~/.gnuradio which kind of buffer works, and ends the process where it may
    not look there or make that folder. Unless the user has one that can be used, it gets a
    temporary one. Raises OSError where there is no room for that."""
    home = os.environ.get("HOME")
    if home and _is_usable(Path(home, ".gnuradio")):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="vqdeepsc-") as folder:
        # only the C library sees it: ~ stays what it is
        os.putenv("HOME", folder)
        try:
            yield
        finally:
            if home is None:
                os.unsetenv("HOME")
            else:
                os.putenv("HOME", home)


def _is_usable(folder: Path) -> bool:
    if not os.access(folder, os.R_OK | os.X_OK):
        return False
    return os.access(folder / _BUFFERS, os.R_OK) or os.access(folder, os.W_OK)
