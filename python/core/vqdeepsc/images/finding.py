# SPDX-License-Identifier: GPL-3.0-or-later
"""The images among files, folders and tar archives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.changed_limits import allowed
from vqdeepsc.limits import MAXIMUM_IMAGE_BYTES, MAXIMUM_MEMBERS
from vqdeepsc.messages import complain, printable

from .archive import ArchiveError, Member, archive_members, read_member
from .files import SUFFIXES, ImageError, load_image
from .plugins import PLUGINS

_MACOS_ATTRIBUTES = "._"
"""How macOS names what it keeps beside a file on foreign disks; it ends as the file does."""

_SKIPPED_NAMES = 3  # of the files that were skipped, as examples


@dataclass(frozen=True)
class FoundImage:
    """An image that was found, and where.

    name: the path inside the folder or archive, or the file's name; path: of the file or of the
    archive; member: where it lies in the archive, None for a file."""

    name: str
    path: Path
    member: Member | None = None

    def load(self, *, strict: bool = False) -> NDArray[np.uint8]:
        """RGB [H, W, 3]; strict, errors: as of `load_image`."""
        if self.member is None:
            return load_image(self.path, strict=strict)
        name, size = f"{self.path}: {self.name}", self.member.size
        if size > MAXIMUM_IMAGE_BYTES:
            raise ImageError(f"{name} has {size:,} bytes, {allowed(MAXIMUM_IMAGE_BYTES)}")
        try:
            content = read_member(self.path, self.member)
        except ArchiveError as error:
            raise ImageError(f"{name} cannot be read: {error}") from error
        return load_image(content, name, strict=strict)


def find_images(
    paths: Iterable[str | os.PathLike[str]], report: Callable[[str], None] = complain
) -> list[FoundImage]:
    """Images among files, folders and tar archives; no two have the same name.

    Names are made printable. Folders and archives give their images in order of name. Raises
    ImageError if there is none, if two have the same name, or for more than MAXIMUM_MEMBERS files.
    report: called with a sentence for a folder or an archive of which files were skipped, because
    they do not end as images do or are macOS's of the kind ._name.jpg."""
    found: dict[str, FoundImage] = {}
    for path in map(Path, paths):
        count = len(found)
        skipped = _Skipped()
        for image in _expand(path, skipped):
            name = printable(image.name)
            if name in found:
                raise ImageError(f"two images are called {name}")
            found[name] = replace(image, name=name)
        if len(found) == count:
            raise ImageError(f"there are no images in {path}")
        if skipped.count:
            report(f"{path}: {skipped.sentence()}")
    return list(found.values())


def _counts_as_image(name: str) -> bool:
    path = PurePath(name)
    if path.name.startswith(_MACOS_ATTRIBUTES):
        return False
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or any(
        suffix in plugin.suffixes and plugin.is_installed for plugin in PLUGINS
    )


@dataclass
class _Skipped:
    """How many files do not count as images, the names of the first ones, and all endings."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    suffixes: set[str] = field(default_factory=set)

    def add(self, name: str) -> None:
        self.count += 1
        self.suffixes.add(PurePath(name).suffix.lower())
        if len(self.examples) < _SKIPPED_NAMES:
            self.examples.append(name)

    def sentence(self) -> str:
        """What was skipped, and which packages would read some of it."""
        number = "1 file" if self.count == 1 else f"{self.count:,} files"
        more = ", ..." if self.count > len(self.examples) else ""
        needed = "".join(
            f"; {plugin.format} needs the Python package {plugin.package}"
            for plugin in PLUGINS
            if self.suffixes & set(plugin.suffixes) and not plugin.is_installed
        )
        return f"{number} skipped as no images ({', '.join(self.examples)}{more}){needed}"


def _expand(path: Path, skipped: _Skipped) -> Iterator[FoundImage]:
    """The images in path, in order of name; other files are counted in skipped."""
    if path.is_dir():
        files = _files_of_folder(path)
    elif path.suffix.lower() == ".tar":
        files = _files_of_archive(path)
    else:
        yield FoundImage(path.name, path)
        return
    listed: list[FoundImage] = []
    for number, file in enumerate(files, start=1):
        if number > MAXIMUM_MEMBERS:
            raise ImageError(f"{path} has {allowed(MAXIMUM_MEMBERS, 'files')}")
        listed.append(file)
    for found in sorted(listed, key=lambda file: file.name):
        if _counts_as_image(found.name):
            yield found
        else:
            skipped.add(found.name)


def _files_of_folder(path: Path) -> Iterator[FoundImage]:
    try:
        for file in path.rglob("*"):
            if file.is_file():
                yield FoundImage(file.relative_to(path).as_posix(), file)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error


def _files_of_archive(path: Path) -> Iterator[FoundImage]:
    try:
        for member in archive_members(path):
            yield FoundImage(member.name, path, member)
    except ArchiveError as error:
        raise ImageError(str(error)) from error
