# SPDX-License-Identifier: GPL-3.0-or-later
"""Files from outside: regular ones, whose size is judged before anything is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from vqdeepsc.changed_limits import allowed
from vqdeepsc.errors import Error


class FileError(Error):
    """A file that cannot be opened, is none or is too large: a sentence with its path."""


@contextmanager
def bounded_file(path: str | os.PathLike[str], max_bytes: int) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file that is open to read, and its size: at most max_bytes.

    Links are followed. Pipes and devices are refused and never waited for: they may give any
    number of bytes, or none. Raises FileError, also for what goes wrong while it is read."""
    name = os.fspath(path)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            size = _judge(name, os.fstat(descriptor), max_bytes)
        except FileError:
            os.close(descriptor)
            raise
        with os.fdopen(descriptor, "rb") as file:
            yield file, size
    except OSError as error:
        raise FileError(f"{name}: {error.strerror or error}") from error


def _judge(name: str, status: os.stat_result, max_bytes: int) -> int:
    """Size of a regular file of at most max_bytes; raises FileError for another."""
    if stat.S_ISDIR(status.st_mode):
        raise FileError(f"{name} is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise FileError(f"{name} is not a file")
    if status.st_size > max_bytes:
        raise FileError(f"{name} has {status.st_size:,} bytes, {allowed(max_bytes)}")
    return status.st_size


def read_bounded(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """All of a regular file of at most max_bytes; raises FileError."""
    with bounded_file(path, max_bytes) as (file, size):
        # a file that grows meanwhile is read as it was
        return file.read(size)
