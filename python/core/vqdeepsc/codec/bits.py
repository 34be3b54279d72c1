# SPDX-License-Identifier: GPL-3.0-or-later
"""Indices of one region as bits, and soft bits as posteriors of the codewords.

Within a region the coarse scale comes first, positions in the order of `regions`, each index MSB
first.
LLR = ln P(bit=1)/P(bit=0).
Where scales are sent in passes, the bits of a region are an embedded code: any prefix decodes, and
what it lacks is as the prior of its codebook says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqdeepsc.kernels import REGION_BLOCKS

from .scales import PASSES, Scale

MAXIMUM_LLR = 1e4  # keeps infinite soft bits out of the products; e^-10000 is zero anyway
MINIMUM_PRIOR = 1e-9  # a codeword that training never used can still be sent


class BitLayout:
    """Where each scale's indices lie among the bits of a region."""

    def __init__(self, scales: Sequence[Scale], blocks: int = REGION_BLOCKS) -> None:
        """blocks: that the region has."""
        if not scales:
            raise ValueError("a model must send at least one scale")
        self.scales = tuple(sorted(scales, key=lambda scale: -scale.scale))
        self.blocks = blocks
        self.slices: dict[int, slice] = {}
        start = 0
        for scale in self.scales:
            bits = self._positions(scale) * scale.bits
            self.slices[scale.scale] = slice(start, start + bits)
            start += bits
        self.bits_per_region = start

    @property
    def embedded(self) -> bool:
        """Whether senders may send any prefix of the bits."""
        return any(scale.passes for scale in self.scales)

    @property
    def layer_bits(self) -> list[int]:
        """Bits of a block up to the end of each layer: of each scale, or of each of its passes."""
        ends, end = [], 0
        for scale in self.scales:
            layers = len(PASSES) if scale.passes else 1
            for _ in range(layers):
                end += scale.positions_per_block * scale.bits // layers
                ends.append(end)
        return ends

    @property
    def scale_bits(self) -> list[int]:
        """Bits of each scale in a region, in the order in which they are sent."""
        return [scale.bits_per_region for scale in self.scales]

    def pack(self, indices: Mapping[int, NDArray[np.integer[Any]]]) -> NDArray[np.uint8]:
        """Indices {l: [regions, positions_l]} to bits uint8 [regions, bits_per_region]."""
        parts = []
        for scale in self.scales:
            values = np.asarray(indices[scale.scale])
            regions = values.shape[0]
            shifts = np.arange(scale.bits - 1, -1, -1)
            bits = (values.reshape(regions, -1, 1) >> shifts) & 1
            parts.append(bits.astype(np.uint8).reshape(regions, -1))
        return np.concatenate(parts, axis=1)

    def unpack(self, bits: ArrayLike) -> dict[int, NDArray[np.int64]]:
        """Bits [regions, bits_per_region] to indices {l: int64 [regions, positions_l]}."""
        rows = self._rows(bits)
        if not np.isin(rows, (0, 1)).all():
            raise ValueError("bits must be 0 or 1")
        indices = {}
        for scale in self.scales:
            part = rows[:, self.slices[scale.scale]].astype(np.int64)
            part = part.reshape(len(rows), self._positions(scale), scale.bits)
            indices[scale.scale] = part @ (1 << np.arange(scale.bits - 1, -1, -1))
        return indices

    def posteriors(self, llrs: ArrayLike) -> dict[int, NDArray[np.float32]]:
        """Probability of each codeword given the soft bits.

        P(n) is proportional to prior(n) times the product over b of P(bit b = b-th bit of n).

        llrs: [regions, bits_per_region]; 0 says nothing about a bit, so do NaNs.
        Returns {l: float32 [regions, positions_l, N_l]}, each sums to 1.
        """
        rows = np.asarray(self._rows(llrs), dtype=np.float32)
        rows = np.clip(np.nan_to_num(rows, nan=0.0), -MAXIMUM_LLR, MAXIMUM_LLR)
        result: dict[int, NDArray[np.float32]] = {}
        for scale in self.scales:
            part = rows[:, self.slices[scale.scale]].reshape(-1, scale.bits)
            # ln P(bit=v) = v LLR - ln(1 + e^LLR), and the last term is the same for every codeword
            logarithms = part @ index_bits(scale.bits).T.astype(np.float32)
            logarithms += np.log(np.maximum(scale.prior, MINIMUM_PRIOR)).astype(np.float32)
            logarithms -= logarithms.max(axis=1, keepdims=True)
            np.exp(logarithms, out=logarithms)
            logarithms /= logarithms.sum(axis=1, keepdims=True)
            shape = (len(rows), self._positions(scale), scale.codewords)
            result[scale.scale] = logarithms.reshape(shape)
        return result

    def one_hot(
        self, indices: Mapping[int, NDArray[np.integer[Any]]]
    ) -> dict[int, NDArray[np.float32]]:
        """A hard decision: indices {l: [...]} to posteriors {l: float32 [..., N_l]} of 0 and 1."""
        return {
            scale.scale: np.eye(scale.codewords, dtype=np.float32)[indices[scale.scale]]
            for scale in self.scales
        }

    def _positions(self, scale: Scale) -> int:
        return scale.positions_per_block * self.blocks

    def _rows(self, values: ArrayLike) -> NDArray[Any]:
        rows = np.asarray(values)
        if rows.ndim != 2 or rows.shape[1] != self.bits_per_region:
            raise ValueError(
                f"expected an array [regions, {self.bits_per_region}], got {list(rows.shape)}"
            )
        return rows


def certain_llrs(bits: ArrayLike) -> NDArray[np.float32]:
    """LLRs of bits that are known for certain: their posteriors are 0 and 1."""
    return np.where(np.asarray(bits) & 1, MAXIMUM_LLR, -MAXIMUM_LLR).astype(np.float32)


def index_bits(bits: int) -> NDArray[np.uint8]:
    """The bits of every index, MSB first: uint8 [2**bits, bits]."""
    indices = np.arange(1 << bits)
    return ((indices[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
