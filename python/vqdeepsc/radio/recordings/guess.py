# SPDX-License-Identifier: GPL-3.0-or-later
"""The format of samples whose name says nothing, from the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

GUESS_BYTES = 1 << 16
"""How many bytes a guess looks at, in each of several places of a file."""

_LEAST_BYTES = 1024
_LANES = 8  # a multiple of the bytes of I or Q in any format that is guessed
_PLAUSIBLE = (1e-9, 1e6)  # magnitudes of floating-point samples
_ALMOST_ALL = 0.99
_PLAIN = 1.5  # ratio of spreads from which a guess counts
_UNIFORM = 60.0  # spread of a byte in which noise takes all values; 73.9 where they are equal


def guess_format(content: bytes) -> str:
    """Name of the format that the bytes plainly have, or "".

    Floating point by its exponents; integers by the bytes that vary least, the upper ones: a
    radio's samples lie around zero, so that those of another width or sign scatter more."""
    content = content[: len(content) // 16 * 16]
    if len(content) < _LEAST_BYTES:
        return ""
    for name, number in (("cf32_le", "<f4"), ("cf32_be", ">f4"), ("cf64_le", "<f8")):
        if _is_floating(np.frombuffer(content, number)):
            return name
    lanes: NDArray[np.uint8] = np.frombuffer(content, np.uint8).reshape(-1, _LANES)
    lanes = lanes[lanes.any(axis=1)]  # silence says nothing
    if lanes.size < _LEAST_BYTES:
        return ""
    signed = lanes.view(np.int8).std(axis=0)
    unsigned = lanes.std(axis=0)
    spread = np.minimum(signed, unsigned)
    halves = spread.reshape(-1, 2).mean(axis=0)  # of even and odd bytes
    quarters = spread.reshape(-1, 4).mean(axis=0)
    if quarters[3] * _PLAIN < quarters[:3].min() and quarters[:2].min() > _UNIFORM:
        return "ci32_le"
    if halves[1] * _PLAIN < halves[0]:
        return "ci16_le"
    if halves[0] * _PLAIN < halves[1]:
        return "ci16_be"
    if signed.mean() * _PLAIN < unsigned.mean():
        return "ci8"
    if unsigned.mean() * _PLAIN < signed.mean():
        return "cu8"
    return ""


def _is_floating(numbers: NDArray[np.floating[Any]]) -> bool:
    with np.errstate(all="ignore"):
        magnitude = np.abs(numbers[numbers != 0])
        plausible = (magnitude > _PLAUSIBLE[0]) & (magnitude < _PLAUSIBLE[1])
    return magnitude.size > numbers.size // 100 and bool(plausible.mean() > _ALMOST_ALL)
