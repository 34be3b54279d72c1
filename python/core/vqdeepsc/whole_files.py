# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_OPEN_FILES = Path("/proc/self/fd")


@contextmanager
def whole_file(
    path: str | os.PathLike[str], mode: str = "wb", *, replace: bool = True
) -> Iterator[IO[Any]]:
    """A file to write that gets its name when all of it is on the disk.

    mode: "wb", or "w" for UTF-8 with line breaks as they are given. If the body or the disk
    fails or the process is killed, nothing new is left and an old file stays as it was. An old
    file's permissions are kept, links are followed, and devices and pipes are written as they are.
    replace: whether a file of this name may be replaced.
    Raises OSError; FileExistsError where replace is false and there is such a file."""
    asked, path = os.fspath(path), Path(path).resolve()
    options: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    old = path.stat() if path.exists() else None
    if old and not replace:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    if old and not stat.S_ISREG(old.st_mode):
        with path.open(mode, **options) as file:
            yield file
        return
    if old and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with os.fdopen(_open_nameless(path.parent, temporary), mode, **options) as file:
            if old:
                os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not temporary.exists():
                # a folder to begin at, which an absolute path ignores, makes this follow the link
                os.link(f"{_OPEN_FILES}/{file.fileno()}", temporary, src_dir_fd=file.fileno())
        if replace:
            temporary.replace(path)
        else:
            _take_free_name(temporary, path)
    except OSError as error:
        # write() gives no name, and the temporary one means nothing to anybody
        if error.filename in (None, str(temporary)):
            error.filename, error.filename2 = asked, None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _open_nameless(folder: Path, temporary: Path) -> int:
    """A new file in a folder, open to write, of which nothing is left if this process is killed.

    Where the system cannot do that, the file has the temporary name from now on."""
    if _OPEN_FILES.is_dir():
        try:
            return os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                error.filename = str(temporary)
                raise
    return os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Writes a whole file, text as UTF-8; raises OSError."""
    with whole_file(path, "w" if isinstance(content, str) else "wb") as file:
        file.write(content)


def _take_free_name(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        # FAT and some network folders have no links.
        path.open("xb").close()
        temporary.replace(path)
