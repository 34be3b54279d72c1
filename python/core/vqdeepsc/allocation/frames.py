# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of one length that carry as many blocks as serves the image best.

A frame whose blocks have few layers carries many of them. So an image in so many frames is cut into
runs of blocks, in their order, and dynamic programming finds the cuts of the least squared error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.codec import Run
from vqdeepsc.codec.runs import MAXIMUM_RUN_BLOCKS
from vqdeepsc.errors import ParameterError

_CHOICES = 40  # numbers of blocks that a frame may have
_LARGEST_TABLE = 1 << 26  # bytes: 12 megapixels at 2 bit/pixel in frames of 20,032 bits


class FramePlan:
    """How an image is cut into frames of frame_bits each."""

    def __init__(
        self, errors: NDArray[np.float64], layer_bits: Sequence[int], frame_bits: int
    ) -> None:
        """errors: squared error of each block after each layer [layers, blocks]; layer_bits: of a
        block up to the end of each layer."""
        self.blocks = errors.shape[1]
        self._frame_bits = frame_bits
        self._most = layer_bits[-1]
        # sums[i, n]: squared error of the first n blocks with i layers
        self._sums = np.pad(np.cumsum(errors, axis=1), ((0, 0), (1, 0)))
        self._layer_bits = np.array(layer_bits, float)

    @property
    def fewest(self) -> int:
        """Frames that the image takes at least."""
        return -(-self.blocks // min(self._frame_bits, MAXIMUM_RUN_BLOCKS))

    @property
    def most(self) -> int:
        """Frames that carry all bits that the model has."""
        return -(-self.blocks // max(1, self._frame_bits // self._most))

    def runs(self, frames: int) -> list[Run]:
        """The runs of an image in at most so many frames, with the least squared error.

        A bit within a layer counts as its share of the layer. Raises ParameterError for fewer
        frames than the image takes."""
        if frames < self.fewest:
            raise ParameterError(
                f"an image of {self.blocks} blocks of 16x16 pixels takes at least {self.fewest} "
                f"frames of {self._frame_bits} bits, not {frames}"
            )
        frames = min(frames, self.most)
        choices = self._choices(-(-self.blocks // frames))
        if frames * self.blocks > _LARGEST_TABLE:
            return self._cut([choices[-1]] * frames)
        costs = [self._costs(bits) for bits in choices]
        carried = [self._carried(bits) for bits in choices]
        # left[n]: least error of the blocks from n on in the frames that are left
        left = np.full(self.blocks + 1, np.inf)
        left[-1] = 0.0
        last = self._last_frame_costs()
        table = np.empty((frames, self.blocks), np.uint8)
        for chosen in table[::-1]:
            new = last.copy()
            chosen[:] = len(choices)
            for number, (cost, count) in enumerate(zip(costs, carried, strict=True)):
                if count >= self.blocks:
                    continue
                total = cost + left[count:-1]
                better = total < new[: len(total)]
                new[: len(total)][better] = total[better]
                chosen[: len(total)][better] = number
            left[:-1] = new
        return self._cut([*choices, 0], table)

    def _cut(self, bits: Sequence[int], table: NDArray[np.uint8] | None = None) -> list[Run]:
        """The runs of frames that have these numbers of bits for each block, 0: what is left."""
        runs: list[Run] = []
        first = number = 0
        while first < self.blocks:
            chosen = bits[number if table is None else int(table[number, first])]
            if self._carried(chosen) >= self.blocks - first or not chosen:
                chosen = min(self._most, self._frame_bits // (self.blocks - first))
            runs.append(Run(first, self._carried(chosen), chosen))
            first += runs[-1].blocks
            number += 1
        return runs

    def _carried(self, bits: int) -> int:
        """Blocks of a frame with so many bits each."""
        return min(self._frame_bits // bits, MAXIMUM_RUN_BLOCKS) if bits else 0

    def _choices(self, evenly: int) -> list[int]:
        """Bits of a block that a frame may have; the last are those of so many blocks."""
        fewest = max(1, self._frame_bits // self._most)
        most = min(self._frame_bits, MAXIMUM_RUN_BLOCKS)
        counts = np.unique(np.geomspace(fewest, most, _CHOICES).astype(int)).tolist()
        bits = [min(self._most, self._frame_bits // count) for count in (*counts, evenly)]
        return [*dict.fromkeys(bits[:-1]), bits[-1]]

    def _sums_at(self, bits: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The layer below each number of bits, and the share of the next one."""
        below = np.searchsorted(self._layer_bits, bits, side="right") - 1
        below = np.clip(below, 0, len(self._layer_bits) - 2)
        start, end = self._layer_bits[below], self._layer_bits[below + 1]
        return below, (bits - start) / (end - start)

    def _costs(self, bits: int) -> NDArray[np.float64]:
        """Squared error of a frame's blocks by its first block, as far as it is full."""
        below, share = self._sums_at(np.array(float(bits)))
        sums = (1 - share) * self._sums[below] + share * self._sums[below + 1]
        count = self._carried(bits)
        costs: NDArray[np.float64] = sums[count:-1] - sums[: -count - 1]
        return costs

    def _last_frame_costs(self) -> NDArray[np.float64]:
        """Squared error of all blocks from each one on in one frame, infinite if they are many."""
        costs = np.full(self.blocks, np.inf)
        counts = np.arange(1, min(self.blocks, self._frame_bits, MAXIMUM_RUN_BLOCKS) + 1)
        below, share = self._sums_at(
            np.minimum(self._most, self._frame_bits // counts).astype(float)
        )
        first = self.blocks - counts
        lower = self._sums[below, -1] - self._sums[below, first]
        upper = self._sums[below + 1, -1] - self._sums[below + 1, first]
        costs[first] = (1 - share) * lower + share * upper
        return costs
