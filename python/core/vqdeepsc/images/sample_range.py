# SPDX-License-Identifier: GPL-3.0-or-later
"""What is black and what is white in images of more than 8 bits a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vqdeepsc.errors import Error

WIDE_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes with one channel of more than 8 bits."""

# TIFF 6.0
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_UNSIGNED, _SIGNED = 1, 2
_LARGEST_VALUE, _SMALLEST_SAMPLE, _LARGEST_SAMPLE = 281, 340, 341
_WHITE_IS_ZERO = 0

_ROUNDING = 1e-3  # how far beyond 0 to 1 floating point may be
_STRIP_PIXELS = 1 << 18  # a few bytes may claim many pixels: wide numbers are of a strip alone


_Samples = Callable[[Image.Image], NDArray[Any]]
"""How the samples of a strip of an image are had as they are in the file."""


class SampleRangeError(Error):
    """Samples whose black and white nothing says: the end of a sentence."""


def to_sixteen_bits(image: Image.Image, tags: Mapping[int, Any]) -> Image.Image:
    """An image in one of WIDE_MODES as mode I;16 with black 0 and white 65,535.

    tags: of the TIFF file, empty for others. Integers have the range of their type or, where the
    file says how many bits of it are used, of those; floating point has the range that the file
    says, or 0 to 1, where not a number counts as 0. Raises SampleRangeError for floating point
    beyond."""
    samples: _Samples
    if image.mode == "F":
        samples = _floating_samples
        black, white = _floating_range(image, tags)
    else:
        samples, black, white = _integers(image.mode, tags)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        black, white = white, black
    return in_strips(image, "I;16", partial(_scaled, samples, black, white))


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Mode L of mode I;16; Pillow's own conversion cuts the values."""
    return in_strips(image, "L", _upper_bits)


def in_strips(
    image: Image.Image, mode: str, convert: Callable[[Image.Image], NDArray[Any]]
) -> Image.Image:
    """An image of one channel, in a mode, of what convert makes of each strip of its rows.

    convert: gives the samples of a strip, [rows, W] in the type of the mode."""
    whole = Image.new(mode, image.size)
    for top, strip in _strips(image):
        whole.paste(Image.fromarray(convert(strip)), (0, top))
    return whole


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _scaled(
    samples: _Samples, black: float, white: float, strip: Image.Image
) -> NDArray[np.uint16]:
    light: NDArray[np.float64] = (samples(strip).astype(np.float64) - black) / (white - black)
    levels: NDArray[np.float64] = np.rint(light.clip(0, 1) * 0xFFFF)
    return levels.astype(np.uint16)


def _upper_bits(strip: Image.Image) -> NDArray[np.uint8]:
    values: NDArray[np.uint32] = np.asarray(strip).astype(np.uint32)
    return ((values * 0xFF + 0x7FFF) // 0xFFFF).astype(np.uint8)


def _floating_samples(strip: Image.Image) -> NDArray[Any]:
    return np.nan_to_num(np.asarray(strip), posinf=np.inf, neginf=-np.inf)


def _floating_range(image: Image.Image, tags: Mapping[int, Any]) -> tuple[float, float]:
    stated = _first(tags, _SMALLEST_SAMPLE), _first(tags, _LARGEST_SAMPLE)
    if stated[0] is not None and stated[1] is not None and stated[0] < stated[1]:
        return float(stated[0]), float(stated[1])
    lowest, highest = np.inf, -np.inf
    for _, strip in _strips(image):
        samples = _floating_samples(strip)
        lowest = min(lowest, float(samples.min()))
        highest = max(highest, float(samples.max()))
    if lowest < -_ROUNDING or highest > 1 + _ROUNDING:
        raise SampleRangeError(
            f"has floating point samples of {lowest:.4g} to {highest:.4g}, but does not tell what "
            "is black and white; without that 0 to 1 is needed"
        )
    return 0.0, 1.0


def _integers(mode: str, tags: Mapping[int, Any]) -> tuple[_Samples, int, int]:
    """How the samples of a strip are had, and which of them are black and white."""
    bits = _first(tags, _BITS_PER_SAMPLE) or 16
    if _first(tags, _SAMPLE_FORMAT) == _SIGNED:
        return np.asarray, -(1 << bits - 1), (1 << bits - 1) - 1
    white = (1 << bits) - 1
    for tag in (_LARGEST_SAMPLE, _LARGEST_VALUE):
        used = _first(tags, tag)
        # other values than 2^n - 1 are statistics of the image, not its scale
        if isinstance(used, int) and 1 < used < white and not used & (used + 1):
            white = used
            break
    return partial(_unsigned, mode == "I", bits == 32), 0, white


def _unsigned(is_wide: bool, uses_all_bits: bool, strip: Image.Image) -> NDArray[Any]:
    values = np.asarray(strip)
    if uses_all_bits:
        values = values.view(np.uint32)  # Pillow's mode I is signed
    return values if is_wide else values.astype(np.uint16)


def _first(tags: Mapping[int, Any], tag: int) -> Any:
    value = tags.get(tag)
    return value[0] if isinstance(value, tuple) and value else value
