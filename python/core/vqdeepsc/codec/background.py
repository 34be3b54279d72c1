# SPDX-License-Identifier: GPL-3.0-or-later
"""What the decoder gives where nothing arrived, without running it for each pixel.

There all positions are the same, so away from the edges of the image the decoder gives a pattern
that repeats with the stride of the coarsest scale. A small image has all of it. Against running
the decoder on all of a larger image, about one value in a million differs by 1 of 255, where
rounding falls otherwise; images within the small one's sides are the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.kernels import BLOCK_SIDE

from .tiling import HALO


def canvas_side(length: int) -> int:
    """Pixels along one side of a small image that has all that an image of length pixels has."""
    return min(length, 2 * HALO + BLOCK_SIDE)


def canvas_positions(pixels: slice, length: int) -> NDArray[np.intp]:
    """Where pixels of a padded image of length pixels lie on its small image."""
    side = canvas_side(length)
    positions = np.arange(pixels.start, pixels.stop)
    if side == length:
        return positions
    inner = HALO + (positions - HALO) % BLOCK_SIDE
    return np.where(
        positions < HALO,
        positions,
        np.where(positions >= length - HALO, positions - length + side, inner),
    )
