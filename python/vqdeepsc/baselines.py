# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture files of the usual codecs, at the largest quality that fits a number of bits."""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

BASELINES = ("jpeg", "webp", "avif")
MID_GREY = 128
_LOWEST, _HIGHEST = 0, 100
_NEIGHBOURS = 2  # qualities above the answer of the bisection that are tried too: sizes may dip
_lock = threading.Lock()


@dataclass(frozen=True)
class PictureFile:
    """A compressed picture: its codec, quality and content."""

    codec: str
    quality: int
    content: bytes


def compress(pixels: NDArray[np.uint8], codec: str, bits: int) -> PictureFile | None:
    """The file of the largest quality (0 to 100) that takes at most `bits` bits.

    pixels: uint8 [H, W, 3]; codec: one of BASELINES. None if even the lowest quality is larger.
    Raises ValueError for another codec."""
    if codec not in BASELINES:
        raise ValueError(f"there is no baseline {codec!r}; known: {', '.join(BASELINES)}")
    image = Image.fromarray(pixels)
    files: dict[int, bytes] = {}

    def fits(quality: int) -> bool:
        if quality not in files:
            files[quality] = _write(image, codec, quality)
        return 8 * len(files[quality]) <= bits

    low, high = _LOWEST - 1, _HIGHEST + 1
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    for quality in range(min(low + _NEIGHBOURS, _HIGHEST), low, -1):
        if fits(quality):
            low = quality
            break
    return PictureFile(codec, low, files[low]) if low >= _LOWEST else None


def decompress(content: bytes, width: int, height: int) -> NDArray[np.uint8] | None:
    """Draws a received file as uint8 [height, width, 3], or None if it does not decode.

    Missing and damaged data of a JPEG is tolerated as far as the decoder can go on. A file that
    claims another size than the receiver expects counts as not decodable."""
    # the flag belongs to the whole of Pillow
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            with Image.open(io.BytesIO(content)) as image:
                if image.size != (width, height):
                    return None
                return np.array(image.convert("RGB"))
        except Exception:  # Pillow's decoders raise all kinds of exceptions on damaged files
            return None
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def mid_grey(width: int, height: int) -> NDArray[np.uint8]:
    """What a receiver shows of a picture that does not decode: uint8 [height, width, 3]."""
    return np.full((height, width, 3), MID_GREY, np.uint8)


def _write(image: Image.Image, codec: str, quality: int) -> bytes:
    file = io.BytesIO()
    if codec == "jpeg":
        image.save(file, "JPEG", quality=quality, optimize=True)
    elif codec == "webp":
        image.save(file, "WEBP", quality=quality, method=6)
    else:
        image.save(file, "AVIF", quality=quality, speed=4, max_threads=1)
    return file.getvalue()
