# SPDX-License-Identifier: GPL-3.0-or-later
"""What one scale of a model sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.errors import Error
from vqdeepsc.kernels import BLOCK_SIDE, REGION_BLOCKS

PASSES = (0, 3, 1, 2)
"""Positions of a 2x2 cell, row by row, in the order in which passes send them."""


@dataclass(frozen=True)
class Scale:
    """One scale of a model.

    scale: l = 1 (finest) to 4 (coarsest), or 0 for the second stage of scale 1, which quantises
    what that leaves; stride: scale_stride(l) pixels for each position;
    codewords: N_l = 2**bits; dimension: K_l; bits: for each index;
    prior: float64 [N_l], how often each index occurs, sums to 1;
    passes: whether the positions are sent in four passes over their 2x2 cells, in the order of
    PASSES, each in raster order, and not in raster order alone.
    """

    scale: int
    stride: int
    codewords: int
    dimension: int
    bits: int
    prior: NDArray[np.float64]
    passes: bool = False

    @property
    def positions_per_block(self) -> int:
        """Positions of a block of 16x16 pixels."""
        return (BLOCK_SIDE // self.stride) ** 2

    @property
    def positions(self) -> int:
        """Positions of a region."""
        return REGION_BLOCKS * self.positions_per_block

    @property
    def bits_per_region(self) -> int:
        return self.positions * self.bits

    def checked_indices(self, found: NDArray[Any], width: int, height: int) -> NDArray[np.int64]:
        """Indices int64 [height/2**l, width/2**l] that an encoder found in width x height pixels.

        found: [1, height/2**l, width/2**l]. Raises Error for other shapes and indices."""
        shape = (1, height // self.stride, width // self.stride)
        if found.shape != shape:
            raise Error(
                f"the encoder gives {list(found.shape)} indices of scale {self.scale} for "
                f"{width}x{height} pixels, not {list(shape)}"
            )
        if found.min() < 0 or found.max() >= self.codewords:
            raise Error(
                f"the encoder gives indices of scale {self.scale} outside 0 to {self.codewords - 1}"
            )
        indices: NDArray[np.int64] = found[0]
        return indices


def scale_stride(scale: int) -> int:
    """Pixels for each position of a scale along each side."""
    return 1 << max(scale, 1)
