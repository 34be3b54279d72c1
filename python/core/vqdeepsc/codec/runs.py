# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of blocks: what one frame carries of an image.

A frame of a model whose bits are an embedded code carries as many blocks as its sender likes, each
with as many bits; any other frame carries a region of 64 blocks with all bits that the model has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.errors import Error
from vqdeepsc.kernels import BLOCK_SIDE, REGION_BLOCKS

from .bits import BitLayout
from .reconstruction import Posteriors
from .regions import Regions
from .tiling import Tile, scaled

MAXIMUM_RUN_BLOCKS = 16 * REGION_BLOCKS
"""Blocks of a frame: one that arrives says enough of an image of so many regions."""


class RunError(Error):
    """A frame that carries what the model does not send: a sentence."""


class Run(NamedTuple):
    """Consecutive blocks in the order of `regions`, and how many bits each of them has."""

    first_block: int
    blocks: int
    block_bits: int

    @property
    def bits(self) -> int:
        """Bits of all of them."""
        return self.blocks * self.block_bits

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the blocks: [1, blocks]."""
        return np.arange(self.first_block, self.first_block + self.blocks)[None]


def run_of_frame(
    layout: BitLayout, first_block: int, block_bits: int, payload_bits: int, name: str = "the frame"
) -> Run:
    """What a frame carries whose header says first_block and block_bits (0: all that there are).

    layout: of a region of the model; payload_bits: of the frame, which carries as many blocks as
    fit, at most MAXIMUM_RUN_BLOCKS; where the last region of an image has fewer, their bits lie
    where those of a whole one would. name: of the frame in sentences. Raises RunError."""
    most = layout.bits_per_region // REGION_BLOCKS
    bits = block_bits or most
    if bits > most or (bits < most and not layout.embedded):
        allowed = f"1 to {most}" if layout.embedded else f"{most}"
        raise RunError(f"{name} has {bits} bits for each block, the model has {allowed}")
    blocks = min(payload_bits // bits, MAXIMUM_RUN_BLOCKS)
    if not layout.embedded:
        if payload_bits != layout.bits_per_region:
            raise RunError(f"a region has {layout.bits_per_region} bits, not {payload_bits}")
        if first_block % REGION_BLOCKS:
            raise RunError(f"block {first_block} is inside a region")
    if not blocks:
        raise RunError(f"{name} has {payload_bits} bits, fewer than the {bits} of a block")
    return Run(first_block, blocks, bits)


def region_runs(blocks: int, block_bits: int) -> list[Run]:
    """The runs of an image that is sent in regions, each block with the same number of bits.

    blocks: of the image."""
    return [Run(first, REGION_BLOCKS, block_bits) for first in range(0, blocks, REGION_BLOCKS)]


class ReceivedRuns:
    """The soft bits of what has arrived of an image, as posteriors of its tiles."""

    def __init__(
        self,
        layout: BitLayout,
        llrs: Mapping[Run, NDArray[np.floating[Any]]],
        regions: Regions,
        prior: Posteriors,
    ) -> None:
        """layout: of a region of the model; llrs: {run: [run.bits]}; regions: of the image; prior:
        posteriors [1, positions_l, N_l] of what says nothing.

        Raises ValueError for a run that the image or the model lacks."""
        self._layout, self._llrs, self._regions = layout, llrs, regions
        self._prior = {scale: values[0, 0] for scale, values in prior.items()}
        # as many as all regions have, also where the last one reaches beyond the image
        self._arrived = np.zeros(regions.count * REGION_BLOCKS, bool)
        most = layout.bits_per_region // REGION_BLOCKS
        for run, values in llrs.items():
            begins = 0 <= run.first_block < len(self._arrived)
            if not begins or not 1 <= run.block_bits <= most or np.shape(values) != (run.bits,):
                raise ValueError(
                    f"an image of {regions.width}x{regions.height} has {regions.count} regions of "
                    f"{layout.bits_per_region} bits, got {run} with {list(np.shape(values))}"
                )
            self._arrived[run.first_block : run.first_block + run.blocks] = True

    @property
    def complete(self) -> bool:
        """Whether something has arrived of every block."""
        whole = (
            slice(0, self._regions.rows * BLOCK_SIDE),
            slice(0, self._regions.columns * BLOCK_SIDE),
        )
        return bool(self._arrived[self._regions.under(*whole)].all())

    def known(self, tile: Tile) -> NDArray[np.bool_]:
        """Of which blocks of a tile something has arrived: bool [rows, columns]."""
        flags: NDArray[np.bool_] = self._arrived[
            self._regions.under(tile.outer_rows, tile.outer_columns)
        ]
        return flags

    def posteriors(self, tile: Tile) -> Posteriors:
        """Posteriors {l: [1, rows_l, columns_l, N_l]} of the pixels of a tile."""
        maps = {}
        for scale in self._layout.scales:
            sides = [
                (part.stop - part.start) // scale.stride
                for part in (tile.outer_rows, tile.outer_columns)
            ]
            maps[scale.scale] = np.tile(self._prior[scale.scale], (1, *sides, 1))
        under = np.unique(self._regions.under(tile.outer_rows, tile.outer_columns))
        for run, values in self._llrs.items():
            first = int(np.searchsorted(under, run.first_block))
            if first < len(under) and under[first] < run.first_block + run.blocks:
                self._place(run, values, tile, maps)
        return maps

    def _place(
        self,
        run: Run,
        values: NDArray[np.floating[Any]],
        tile: Tile,
        maps: Mapping[int, NDArray[np.float32]],
    ) -> None:
        whole = BitLayout(self._layout.scales, run.blocks)
        # scales of which nothing came stay as the prior says
        begun = [scale for scale in whole.scales if whole.slices[scale.scale].start < run.bits]
        layout = BitLayout(begun, run.blocks)
        llrs = np.zeros((1, layout.bits_per_region), np.float32)
        llrs[0, : run.bits] = values
        found = layout.posteriors(llrs)
        for scale in layout.scales:
            self._regions.assemble(
                found[scale.scale],
                run.numbers,
                scale.stride,
                scale.passes,
                scaled(tile.outer_rows, scale.stride),
                scaled(tile.outer_columns, scale.stride),
                maps[scale.scale][0],
            )
