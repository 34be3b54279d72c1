# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of a file, a pipe or standard input, without waiting for long."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path

_WAIT_SECONDS = 0.05
_PAUSE_SECONDS = 0.5
_MOST_BYTES = 1 << 20
STANDARD_INPUT = Path("-")


class ByteStream:
    """Reads a file once from front to back.

    path: STANDARD_INPUT for that; follow: whether more may come after the end, until closed.
    Raises OSError, also for folders and for devices, which may give zeros for ever. A named pipe
    (FIFO) may be opened before anybody writes into it.
    """

    def __init__(self, path: Path, follow: bool = False) -> None:
        if path == STANDARD_INPUT:
            self._descriptor = os.dup(0)
        else:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(self._descriptor).st_mode
        if path != STANDARD_INPUT and not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            self.close()
            raise OSError(errno.EINVAL, "it is neither a file nor a pipe", str(path))
        self.is_file = stat.S_ISREG(mode) and path != STANDARD_INPUT
        # the end of a named pipe before the first byte: nobody has opened it for writing yet
        self._awaited = stat.S_ISFIFO(mode) and path != STANDARD_INPUT
        self._follow = follow
        self._kept = b""

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def seek(self, position: int) -> None:
        """Go on at this byte of a file."""
        os.lseek(self._descriptor, position, os.SEEK_SET)

    def at(self, position: int, count: int) -> bytes:
        """Up to count bytes of a file from this one on; they stay to be read."""
        return os.pread(self._descriptor, count, position)

    def peek(self, count: int) -> bytes:
        """The next bytes; they stay to be read.

        They are count, unless the end or a pause after the first of them comes before."""
        paused = 0.0
        while len(self._kept) < count and paused < _PAUSE_SECONDS:
            began = time.monotonic()
            more = self._read(count - len(self._kept))
            if more is None:
                break
            self._kept += more
            paused = paused + time.monotonic() - began if self._kept and not more else 0.0
        return self._kept[:count]

    def read(self, count: int) -> bytes | None:
        """Up to count bytes, b"" where none are there yet, None at the end."""
        if self._kept:
            content, self._kept = self._kept[:count], self._kept[count:]
            return content
        return self._read(count)

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self, count: int) -> bytes | None:
        ready, _, _ = select.select([self._descriptor], [], [], _WAIT_SECONDS)
        if not ready:
            return b""
        try:
            content = os.read(self._descriptor, min(count, _MOST_BYTES))
        except BlockingIOError:
            return b""
        if content:
            self._awaited = False
        elif self._follow or self._awaited:
            time.sleep(_WAIT_SECONDS)
        else:
            return None
        return content
