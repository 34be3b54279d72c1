# SPDX-License-Identifier: GPL-3.0-or-later
"""What one scale of a model sends, and the size of a region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REGION_SIDE = 128
"""Side of a region in pixels; each region is one frame on the air."""

BLOCK_SIDE = 16
"""Pictures are padded to multiples of this many pixels: the stride of the coarsest scale."""


@dataclass(frozen=True)
class Scale:
    """One scale of a model.

    scale: l = 1 (finest) to 4 (coarsest); stride: 2**l pixels for each position;
    codewords: N_l = 2**bits; dimension: K_l; bits: for each label;
    prior: float64 [N_l], how often each label occurs, sums to 1.
    """

    scale: int
    stride: int
    codewords: int
    dimension: int
    bits: int
    prior: NDArray[np.float64]

    @property
    def side(self) -> int:
        """Positions along one side of a region."""
        return REGION_SIDE // self.stride

    @property
    def bits_per_region(self) -> int:
        return self.side * self.side * self.bits
