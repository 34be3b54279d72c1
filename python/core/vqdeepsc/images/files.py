# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files of any kind to RGB arrays, and back."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.errors import Error
from vqdeepsc.limits import MAXIMUM_IMAGE_BYTES, MAXIMUM_MEMBERS, MAXIMUM_PIXELS, pixels_error
from vqdeepsc.messages import complain, printable
from vqdeepsc.whole_files import write_whole

from .archive import ArchiveError, Member, archive_members, read_member
from .colour import to_srgb
from .plugins import PLUGINS, plugin_for
from .sample_range import SampleRangeError
from .truncation import DECODING, truncated_allowed

SUFFIXES = (
    *(".apng", ".avif", ".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm"),
    *(".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp"),
)
"""What counts as an image in a folder or an archive, with those of the plug-ins installed."""

_MACOS_ATTRIBUTES = "._"
"""How macOS names what it keeps beside a file on foreign disks; it ends as the file does."""

EXPERIMENT_SIDE = 128
"""Side in pixels of the squares on which the paper's experiments are run."""

_SKIPPED_NAMES = 3  # of the files that were skipped, as examples

# Pillow decodes what is left of a file that was cut short when a flag of the whole module is set.
_CUT_SHORT = "image file is truncated"

# else what Pillow logs about a damaged file goes to standard error
logging.getLogger("PIL").addHandler(logging.NullHandler())


class ImageError(Error):
    """An image that cannot be read or written, in one sentence."""


def load_image(
    source: str | os.PathLike[str] | bytes,
    name: str = "",
    *,
    strict: bool = False,
    report: Callable[[str], None] = complain,
) -> NDArray[np.uint8]:
    """Reads an image as uint8 [H, W, 3] RGB (sRGB).

    Any mode: grey, palette, transparent (laid on white), CMYK, more than 8 bits (scaled by what
    the file says, see sample_range). The EXIF orientation and the embedded colour profile, or
    PNG's gamma and chromaticities, are applied; of an animation the first frame is taken.

    source: path, or the content of a file, then `name` stands for it in messages.
    strict: whether a file that was cut short is refused; else what is left of it is decoded, and
    report is called with a sentence. Raises ImageError."""
    if isinstance(source, bytes):
        content, name = source, name or "image"
    else:
        name = os.fspath(source)
        try:
            content = read_bounded(source, MAXIMUM_IMAGE_BYTES)
        except FileError as error:
            raise ImageError(str(error)) from error
    if not content:
        raise ImageError(f"{name} is empty")
    with _sentences(name):
        try:
            return _decode(content, name)
        except UnidentifiedImageError:
            plugin = plugin_for(content)
            if plugin is None:
                raise
            try:
                plugin.load()
            except ImportError as error:
                raise ImageError(
                    f"{name} is a {plugin.format} image, which needs the Python package "
                    f"{plugin.package}"
                ) from error
            return _decode(content, name)
        except OSError as error:
            if strict or _CUT_SHORT not in str(error):
                raise
        with truncated_allowed():
            pixels = _decode(content, name)
        if (pixels == pixels[0, 0]).all():
            raise ImageError(f"{name} is damaged: it was cut short before the first pixel")
        report(f"{name} was cut short: its end is missing")
        return pixels


def _decode(content: bytes, name: str) -> NDArray[np.uint8]:
    with warnings.catch_warnings():
        # the size is checked below; other warnings are about metadata
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content)) as image:
            _check_size(image.size, name)
            with DECODING:
                image.load()
            return to_srgb(image)


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """Errors of Pillow in one sentence."""
    try:
        yield
    except ImageError:
        raise
    except SampleRangeError as error:
        raise ImageError(f"{name} {error}") from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name} claims more pixels than the {MAXIMUM_PIXELS:,} allowed"
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not an image, or of a kind that is not read") from error
    except MemoryError as error:
        raise ImageError(f"there is not enough memory for {name}") from error
    except Exception as error:  # Pillow's decoders raise all kinds of exceptions on damaged files
        raise ImageError(f"{name} is damaged: {_one_line(error)}") from error


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Raises ImageError unless the file name ends in that of an image format."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES or suffix not in Image.registered_extensions():
        raise ImageError(f"{path}: an image must end in {', '.join(SUFFIXES)}")


def save_image(path: str | os.PathLike[str], image: NDArray[np.uint8] | Image.Image) -> None:
    """Writes an image in the format that the file name's ending says (lossy ones at 95).

    image: uint8 [H, W, 3] RGB, or a Pillow image. Raises ImageError."""
    check_suffix(path)
    path = Path(path)
    content = io.BytesIO()
    try:
        form = Image.registered_extensions()[path.suffix.lower()]
        if not isinstance(image, Image.Image):
            image = Image.fromarray(image)
        image.save(content, form, quality=95)
    except (KeyError, OSError, ValueError) as error:
        raise ImageError(f"{path}: {_one_line(error)}") from error
    try:
        write_whole(path, content.getvalue())
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error


@dataclass(frozen=True)
class ImageLocation:
    """Where an image is: in a file, or in a member of an archive."""

    path: Path
    member: Member | None = None


def find_images(
    paths: list[str | os.PathLike[str]], report: Callable[[str], None] = complain
) -> dict[str, ImageLocation]:
    """Images among files, folders and tar archives, by name.

    The name is the path inside the folder or archive, or the file's name, made printable. Folders
    and archives give their images in order of name. Raises ImageError if there is none, if two
    have the same name, or for more than MAXIMUM_MEMBERS files. report: called with a sentence for a
    folder or an archive of which files were skipped, because they do not end as images do or are
    macOS's of the kind ._name.jpg."""
    found: dict[str, ImageLocation] = {}
    for path in map(Path, paths):
        count = len(found)
        skipped = _Skipped()
        for raw_name, location in _expand(path, skipped):
            name = printable(raw_name)
            if name in found:
                raise ImageError(f"two images are called {name}")
            found[name] = location
        if len(found) == count:
            raise ImageError(f"there are no images in {path}")
        if skipped.count:
            report(f"{path}: {skipped.sentence()}")
    return found


def load_found(name: str, location: ImageLocation, *, strict: bool = False) -> NDArray[np.uint8]:
    """Reads one of the images that `find_images` found, as load_image does."""
    if location.member is None:
        return load_image(location.path, strict=strict)
    name, size = f"{location.path}: {name}", location.member.size
    if size > MAXIMUM_IMAGE_BYTES:
        raise ImageError(
            f"{name} has {size:,} bytes, more than the {MAXIMUM_IMAGE_BYTES:,} allowed"
        )
    try:
        content = read_member(location.path, location.member)
    except ArchiveError as error:
        raise ImageError(f"{name} cannot be read: {error}") from error
    return load_image(content, name, strict=strict)


def crop_square(pixels: NDArray[np.uint8], side: int = EXPERIMENT_SIDE) -> NDArray[np.uint8]:
    """Resizes the shorter side to `side` pixels (Lanczos) and cuts the centre: [side, side, 3]."""
    height, width = pixels.shape[:2]
    if (height, width) == (side, side):
        return pixels
    scale = side / min(height, width)
    size = (max(side, round(width * scale)), max(side, round(height * scale)))
    if max(size) > MAXIMUM_PIXELS // side:
        raise ImageError(f"an image of {width}x{height} pixels is too narrow")
    resized = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.ascontiguousarray(resized[top : top + side, left : left + side])


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


def _expand(path: Path, skipped: _Skipped) -> Iterator[tuple[str, ImageLocation]]:
    """Names and locations of the images in path; other files are counted in skipped."""
    if path.is_dir():
        files = _files_of_folder(path)
    elif path.suffix.lower() == ".tar":
        files = _files_of_archive(path)
    else:
        yield path.name, ImageLocation(path)
        return
    listed: list[tuple[str, ImageLocation]] = []
    for number, (name, location) in enumerate(files, start=1):
        if number > MAXIMUM_MEMBERS:
            raise ImageError(f"{path} has more than the {MAXIMUM_MEMBERS:,} files allowed")
        listed.append((name, location))
    for name, location in sorted(listed, key=lambda entry: entry[0]):
        if _counts_as_image(name):
            yield name, location
        else:
            skipped.add(name)


def _files_of_folder(path: Path) -> Iterator[tuple[str, ImageLocation]]:
    try:
        for file in path.rglob("*"):
            if file.is_file():
                yield file.relative_to(path).as_posix(), ImageLocation(file)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error


def _files_of_archive(path: Path) -> Iterator[tuple[str, ImageLocation]]:
    try:
        for member in archive_members(path):
            yield member.name, ImageLocation(path, member)
    except ArchiveError as error:
        raise ImageError(str(error)) from error


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"{name} has no pixels")
    if error := pixels_error(width, height):
        raise ImageError(f"{name} {error}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
