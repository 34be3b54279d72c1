# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in an uncompressed tar archive, found in one pass and read where they lie."""

from __future__ import annotations

import os
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast

from vqdeepsc.bounded_files import FileError, bounded_file
from vqdeepsc.errors import Error

_MAXIMUM_HEADER = 1 << 16  # bytes of a member's name and other records


class ArchiveError(Error):
    """An archive that cannot be read, in one sentence."""


@dataclass(frozen=True)
class Member:
    """A regular file in an archive: its name, and where its bytes are."""

    name: str
    offset: int
    size: int


def archive_members(path: str | os.PathLike[str]) -> Iterator[Member]:
    """The regular files of an uncompressed archive in its order; raises ArchiveError.

    Links and devices are skipped. The memory taken does not grow with their number."""
    try:
        with bounded_file(path, sys.maxsize) as (file, _):
            bounded = cast(IO[bytes], _BoundedReads(file))
            archive: Any
            with tarfile.open(fileobj=bounded, mode="r:") as archive:
                while (member := archive.next()) is not None:
                    archive.members = []  # else it keeps them all
                    if member.isreg() and not member.issparse():
                        yield Member(member.name, member.offset_data, member.size)
    except FileError as error:
        raise ArchiveError(str(error)) from error
    # headers of any content make tarfile raise all of these
    except (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError) as error:
        raise ArchiveError(f"{path} is not a readable archive") from error


def read_member(path: str | os.PathLike[str], member: Member) -> bytes:
    """All bytes of a member; raises ArchiveError. Who calls it has judged the size."""
    try:
        with bounded_file(path, sys.maxsize) as (file, size):
            if member.offset + member.size > size:
                raise ArchiveError(f"{path} is incomplete")
            file.seek(member.offset)
            return file.read(member.size)
    except FileError as error:
        raise ArchiveError(str(error)) from error


class _BoundedReads:
    """A file of which no more is read at once than a header may have, whatever it claims."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, _MAXIMUM_HEADER))
