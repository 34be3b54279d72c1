# SPDX-License-Identifier: GPL-3.0-or-later
"""What one scale of a model sends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.kernels import BLOCK_SIDE, REGION_BLOCKS


@dataclass(frozen=True)
class Scale:
    """One scale of a model.

    scale: l = 1 (finest) to 4 (coarsest); stride: 2**l pixels for each position;
    codewords: N_l = 2**bits; dimension: K_l; bits: for each index;
    prior: float64 [N_l], how often each index occurs, sums to 1.
    """

    scale: int
    stride: int
    codewords: int
    dimension: int
    bits: int
    prior: NDArray[np.float64]

    @property
    def positions(self) -> int:
        """Positions of a region."""
        return REGION_BLOCKS * (BLOCK_SIDE // self.stride) ** 2

    @property
    def bits_per_region(self) -> int:
        return self.positions * self.bits
