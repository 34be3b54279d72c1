# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the name of `path` at the end.

    After an error, what was written is removed and `path` is as before. The ending stays, for
    writers that go by it.
    """
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.unfinished{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)  # noqa: PTH105 - says what it does
    finally:
        unfinished.unlink(missing_ok=True)


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
