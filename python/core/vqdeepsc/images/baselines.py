# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files of the usual codecs, at the largest quality that fits a number of bits."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

from vqdeepsc.errors import ParameterError

from .metrics import Quality
from .plugins import JPEG_XL
from .truncation import truncated_allowed

BASELINES = ("jpeg", "webp", "avif", "jpeg2000", "jpegxl")
MID_GREY = 128
_LOWEST, _HIGHEST = 0, 100
_NEIGHBOURS = 2  # qualities above the answer of the search that are tried too: sizes may dip


# What Pillow calls the codecs that it may have been built without.
_OPTIONAL = {"webp": "webp", "avif": "avif", "jpeg2000": "jpg_2000"}


def check_baseline(codec: str) -> None:
    """Raises ParameterError for what is not of BASELINES, and for what this Pillow lacks."""
    if codec not in BASELINES:
        raise ParameterError(f"there is no baseline {codec!r}; known: {', '.join(BASELINES)}")
    if codec == "jpegxl":
        try:
            JPEG_XL.load()
        except ImportError as error:
            raise ParameterError(
                f"the baseline jpegxl needs the Python package {JPEG_XL.package}"
            ) from error
    with warnings.catch_warnings():
        # An old Pillow warns of names that it does not know.
        warnings.simplefilter("ignore")
        if codec in _OPTIONAL and not features.check(_OPTIONAL[codec]):
            raise ParameterError(
                f"the Pillow {PIL.__version__} that is installed cannot write {codec}: leave this "
                "baseline out, or install Pillow 11.3 or newer with pip"
            )


@dataclass(frozen=True)
class CompressedImage:
    """A compressed image.

    quality: the codec's own, 0 to 100; of JPEG 2000 the number of bytes it was asked for."""

    codec: str
    quality: int
    content: bytes


class Compressor:
    """Files of one image at the largest quality that fits.

    What was tried for one number of bits is not written again for the next."""

    def __init__(self, pixels: NDArray[np.uint8], codec: str) -> None:
        """pixels: uint8 [H, W, 3]; codec: as for check_baseline, whose errors it raises."""
        check_baseline(codec)
        self._codec = codec
        self._image = Image.fromarray(pixels)
        self._files: dict[int, bytes] = {}

    def fit(self, bits: int) -> CompressedImage | None:
        """The file of the largest quality that takes at most `bits` bits, or None."""
        limit = bits // 8
        first, last = (1, 2 * limit) if self._codec == "jpeg2000" else (_LOWEST, _HIGHEST)
        low, high = first - 1, last + 1
        while high - low > 1:
            middle = self._between(low, high, limit)
            if self._size(middle) <= limit:
                low = middle
            else:
                high = middle
        for quality in range(min(low + _NEIGHBOURS, last), low, -1):
            if self._size(quality) <= limit:
                low = quality
                break
        return CompressedImage(self._codec, low, self._files[low]) if low >= first else None

    def _between(self, low: int, high: int, limit: int) -> int:
        """Where the logarithm of the size, taken for a line, meets the limit."""
        share = 0.5
        if low in self._files and high in self._files:
            small, large, wanted = np.log([self._size(low), self._size(high), limit])
            # away from the ends, or a bent curve would be approached from one side only
            share = min(max((wanted - small) / (large - small), 0.15), 0.85)
        return min(max(low + round(share * (high - low)), low + 1), high - 1)

    def _size(self, quality: int) -> int:
        if quality not in self._files:
            self._files[quality] = _write(self._image, self._codec, quality)
        return len(self._files[quality])


def compress(pixels: NDArray[np.uint8], codec: str, bits: int) -> CompressedImage | None:
    """The file of the largest quality that takes at most `bits` bits.

    pixels: uint8 [H, W, 3]; codec: one of BASELINES. None if even the lowest quality is larger.
    Raises ParameterError for another codec."""
    return Compressor(pixels, codec).fit(bits)


def decompress(content: bytes, width: int, height: int) -> NDArray[np.uint8] | None:
    """Decodes a received file to uint8 [height, width, 3], or None if it does not decode.

    Missing and damaged data of a JPEG is tolerated as far as the decoder can go on. A file that
    claims another size than the receiver expects counts as not decodable. Raises MemoryError."""
    with truncated_allowed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content)) as image:
                if image.size != (width, height):
                    return None
                return np.array(image.convert("RGB"))
        except MemoryError:
            raise  # a machine that is short of memory must not change what is measured
        except Exception as error:  # Pillow's decoders raise all kinds of them on damaged files
            if "out of memory" in str(error):  # an OSError, where a decoder in C found none
                raise MemoryError(str(error)) from error
            return None


def mid_grey(width: int, height: int) -> NDArray[np.uint8]:
    """What a receiver shows of an image that does not decode: uint8 [height, width, 3]."""
    return np.full((height, width, 3), MID_GREY, np.uint8)


def counts_as_decoded(decoded: Quality, grey: Quality) -> bool:
    """Whether a file that could be decoded is scored as such, or as mid-grey instead.

    decoded, grey: of the decoded file and of mid-grey. A damaged file may look worse than nothing,
    and its receiver knows of the errors. SSIM decides; where the image is
    too small to have one, PSNR does."""
    if math.isnan(grey.ssim):
        return decoded.psnr_db >= grey.psnr_db
    return decoded.ssim >= grey.ssim


def _write(image: Image.Image, codec: str, quality: int) -> bytes:
    file = io.BytesIO()
    if codec == "jpeg":
        image.save(file, "JPEG", quality=quality, optimize=True)
    elif codec == "webp":
        image.save(file, "WEBP", quality=quality, method=6)
    elif codec == "avif":
        image.save(file, "AVIF", quality=quality, speed=4, max_threads=1)
    elif codec == "jpegxl":
        lossless = quality == _HIGHEST  # else the package refuses it
        image.save(file, "JXL", quality=quality, lossless=lossless, effort=7, num_threads=1)
    else:
        # no boxes around the codestream and next to no comment, which would cost 5 % of 952 bytes;
        # wavelet levels down to a side of 16 pixels
        levels = max(1, min(6, min(image.size).bit_length() - 4))
        raw = 3 * image.width * image.height
        image.save(
            file,
            "JPEG2000",
            no_jp2=True,
            comment=b" ",
            irreversible=True,
            num_resolutions=levels,
            quality_mode="rates",
            quality_layers=[raw / quality],
        )
    return file.getvalue()
