# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files of any kind to RGB arrays, and back."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.changed_limits import allowed
from vqdeepsc.errors import Error
from vqdeepsc.limits import MAXIMUM_IMAGE_BYTES, MAXIMUM_PIXELS, pixels_error
from vqdeepsc.messages import complain
from vqdeepsc.whole_files import write_whole

from .colour import to_srgb
from .plugins import plugin_for
from .sample_range import SampleRangeError
from .truncation import DECODING, GIVEN_UP, load_rest, missing_end

SUFFIXES = (
    *(".apng", ".avif", ".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm"),
    *(".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp"),
)
"""What counts as an image in a folder or an archive, with those of the plug-ins installed."""

EXPERIMENT_SIDE = 128
"""Side in pixels of the squares on which the paper's experiments are run."""


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
            return _decode_any(content, name)
        except (ImageError, MemoryError, SampleRangeError, Image.DecompressionBombError):
            raise
        except Exception as error:  # Pillow's decoders raise all kinds of them on damaged files
            missing = missing_end(content, error)
            if missing is None:
                plugin = plugin_for(content)
                if plugin is None or plugin.decodes_parts:
                    raise
                raise ImageError(
                    f"{name} is damaged or was cut short, and {plugin.package} decodes whole files "
                    "only"
                ) from error
            if strict:
                raise ImageError(f"{name} is damaged: it was cut short") from error
        pixels = _decode_rest(content, name, missing)
        if pixels is None:
            raise ImageError(
                f"{name} is damaged: it was cut short, and what is left cannot be decoded"
            )
        if np.array_equal(pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))):
            raise ImageError(f"{name} is damaged: it was cut short before the first pixel")
        report(f"{name} was cut short: its end is missing")
        return pixels


def _decode_any(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decodes a file, with the plug-in of its format where Pillow needs one."""
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


def _decode_rest(content: bytes, name: str, missing: bytes) -> NDArray[np.uint8] | None:
    """Decodes a file that was cut short with another end, None if that fails."""
    for given_up in GIVEN_UP if missing else (0,):
        kept = content[: len(content) - given_up]
        try:
            return _decode(kept + bytes(given_up) + missing, name, load_rest)
        except (ImageError, MemoryError, SampleRangeError, Image.DecompressionBombError):
            raise
        except Exception:  # as above
            continue
    return None


def _load(image: Image.Image) -> None:
    with DECODING:
        image.load()


def _decode(
    content: bytes, name: str, load: Callable[[Image.Image], None] = _load
) -> NDArray[np.uint8]:
    with warnings.catch_warnings():
        # the size is checked below; other warnings are about metadata
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content)) as image:
            _check_size(image.size, name)
            load(image)
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
        raise ImageError(f"{name} claims {allowed(MAXIMUM_PIXELS, 'pixels')}") from error
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


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"{name} has no pixels")
    if error := pixels_error(width, height):
        raise ImageError(f"{name} {error}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
