# SPDX-License-Identifier: GPL-3.0-or-later
"""What is black and what is white in images of more than 8 bits a sample."""

from __future__ import annotations

from collections.abc import Mapping
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


class SampleRangeError(Error):
    """Samples whose black and white nothing says: the end of a sentence."""


def to_sixteen_bits(image: Image.Image, tags: Mapping[int, Any]) -> Image.Image:
    """An image in one of WIDE_MODES as mode I;16 with black 0 and white 65,535.

    tags: of the TIFF file, empty for others. Integers have the range of their type or, where the
    file says how many bits of it are used, of those; floating point has the range that the file
    says, or 0 to 1, where not a number counts as 0. Raises SampleRangeError for floating point
    beyond."""
    values = np.asarray(image)
    if image.mode == "F":
        values = np.nan_to_num(values, posinf=np.inf, neginf=-np.inf)
        black, white = _floating_range(values, tags)
    else:
        values, black, white = _integers(values, image.mode, tags)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        black, white = white, black
    if values.dtype == np.uint16 and (black, white) == (0, 0xFFFF):
        return Image.fromarray(values)
    light = (values.astype(np.float64) - black) / (white - black)
    return Image.fromarray(np.rint(light.clip(0, 1) * 0xFFFF).astype(np.uint16))


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Mode L of mode I;16; Pillow's own conversion cuts the values."""
    values = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((values * 0xFF + 0x7FFF) // 0xFFFF).astype(np.uint8))


def _floating_range(values: NDArray[Any], tags: Mapping[int, Any]) -> tuple[float, float]:
    stated = _first(tags, _SMALLEST_SAMPLE), _first(tags, _LARGEST_SAMPLE)
    if stated[0] is not None and stated[1] is not None and stated[0] < stated[1]:
        return float(stated[0]), float(stated[1])
    lowest, highest = float(values.min()), float(values.max())
    if lowest < -_ROUNDING or highest > 1 + _ROUNDING:
        raise SampleRangeError(
            f"has floating point samples of {lowest:.4g} to {highest:.4g}, but does not tell what "
            "is black and white; without that 0 to 1 is needed"
        )
    return 0.0, 1.0


def _integers(
    values: NDArray[Any], mode: str, tags: Mapping[int, Any]
) -> tuple[NDArray[Any], int, int]:
    """The samples as they are in the file, and which of them are black and white."""
    bits = _first(tags, _BITS_PER_SAMPLE) or 16
    if _first(tags, _SAMPLE_FORMAT) == _SIGNED:
        return values, -(1 << bits - 1), (1 << bits - 1) - 1
    if bits == 32:
        values = values.view(np.uint32)  # Pillow's mode I is signed
    white = (1 << bits) - 1
    for tag in (_LARGEST_SAMPLE, _LARGEST_VALUE):
        used = _first(tags, tag)
        # other values than 2^n - 1 are statistics of the image, not its scale
        if isinstance(used, int) and 1 < used < white and not used & (used + 1):
            white = used
            break
    return values if mode == "I" else values.astype(np.uint16), 0, white


def _first(tags: Mapping[int, Any], tag: int) -> Any:
    value = tags.get(tag)
    return value[0] if isinstance(value, tuple) and value else value
