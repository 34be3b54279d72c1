# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder for what GNU Radio keeps, where the user's home is none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BUFFERS = Path("prefs", "vmcircbuf_default_factory")
_LOG_FILE = "GR_CONF_LOG_LOG_FILE"
_LOG_LEVEL = "GR_CONF_LOG_LOG_LEVEL"


@contextmanager
def private_state() -> Iterator[None]:
    """Enter it before GNU Radio is imported.

    GNU Radio notes in ~/.gnuradio which kind of buffer works, and ends the process where it may
    not look there or make that folder. Unless the user has one that can be used, it gets a
    temporary one. Raises OSError where there is no room for that. What GNU Radio logs goes to
    standard error, unless the user has set another place: standard output is the command's."""
    os.environ.setdefault(_LOG_FILE, "stderr")
    home = os.environ.get("HOME")
    if home and _is_usable(Path(home, ".gnuradio")):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="vqdeepsc-") as folder:
        # only the C library sees it: ~ stays what it is
        os.putenv("HOME", folder)
        # it would say in each run that nothing is noted there yet
        os.putenv(_LOG_LEVEL, os.environ.get(_LOG_LEVEL, "warn"))
        try:
            yield
        finally:
            if _LOG_LEVEL not in os.environ:
                os.unsetenv(_LOG_LEVEL)
            if home is None:
                os.unsetenv("HOME")
            else:
                os.putenv("HOME", home)


def _is_usable(folder: Path) -> bool:
    if not os.access(folder, os.R_OK | os.X_OK):
        return False
    return os.access(folder / _BUFFERS, os.R_OK) or os.access(folder, os.W_OK)
