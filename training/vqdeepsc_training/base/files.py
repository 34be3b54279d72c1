# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or absent."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import WriteError


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the name of `path` at the end.

    After an error, what was written is removed and `path` is as before. The ending stays, for
    writers that go by it. Raises WriteError.
    """
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.unfinished{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)  # noqa: PTH105 - says what it does
    except OSError as error:
        # Where a disk is full the system names no file.
        if error.filename not in (None, str(unfinished)):
            raise
        raise WriteError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path` to write into; it takes the place of `path` at the end.

    After an error, what was written is removed and `path` is as before. Raises WriteError.
    """
    path = path.resolve()
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        shutil.rmtree(path, ignore_errors=True)
        os.replace(unfinished, path)  # noqa: PTH105 - says what it does
    except OSError as error:
        if error.filename is not None and not str(error.filename).startswith(str(unfinished)):
            raise
        raise WriteError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def whole_file(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """An open file, as `whole_path`; mode: "wb", or "w" for text in UTF-8."""
    encoding = None if "b" in mode else "utf-8"
    with whole_path(path) as unfinished, unfinished.open(mode, encoding=encoding) as file:
        yield file


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a text in UTF-8, or bytes."""
    with whole_file(path, "w" if isinstance(content, str) else "wb") as file:
        file.write(content)


def write_parts(path: Path, content: bytes, largest: int) -> list[Path]:
    """Write bytes as one file of at most `largest` bytes, or as several; returns them.

    Several are called NAME.HASH.1of3 and so on, by the first digits of the content's SHA-256, and
    what an earlier call has left goes when all are written: there is always a whole set.
    """
    if len(content) <= largest:
        write_whole(path, content)
        written = [path]
    else:
        starts = range(0, len(content), largest)
        name = f"{path.name}.{_digest(content)}"
        written = [path.with_name(f"{name}.{n + 1}of{len(starts)}") for n in range(len(starts))]
        for part, start in zip(written, starts, strict=True):
            write_whole(part, content[start : start + largest])
    for old in [path, *_parts(path)]:
        if old not in written:
            old.unlink(missing_ok=True)
    return written


def read_parts(path: Path) -> bytes | None:
    """What `write_parts` wrote, where the file itself does not exist; None without a whole set."""
    sets: dict[str, list[Path]] = {}
    for part in _parts(path):
        sets.setdefault(part.name.rpartition(".")[0], []).append(part)
    for name, parts in sets.items():
        parts.sort(key=lambda part: int(part.name.rpartition(".")[2].partition("of")[0]))
        content = b"".join(part.read_bytes() for part in parts)
        if name.endswith(f".{_digest(content)}"):
            return content
    return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def _parts(path: Path) -> list[Path]:
    pattern = re.compile(rf"{re.escape(path.name)}\.[0-9a-f]{{8}}\.\d+of\d+")
    return sorted(p for p in path.parent.glob("*") if pattern.fullmatch(p.name))
