# SPDX-License-Identifier: GPL-3.0-or-later
"""Images to frames, within a budget where there is one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.codec import Codec, Regions, Run
from vqdeepsc.codec.runs import MAXIMUM_RUN_BLOCKS, region_runs
from vqdeepsc.errors import ParameterError
from vqdeepsc.kernels import REGION_BLOCKS

from .budget import NO_BUDGET, Budget
from .distortion import layer_errors, run_errors
from .frames import FramePlan

LINK_FRAME_BITS = 20_032
"""About as many bits has a frame on a link: those of a region of the paper's four scales."""

FILE_FRAME_BITS = 4096
"""And a frame of a file, which needs no long code: the shorter, the finer bits are allocated."""

LARGEST_FRAME_BITS = 65_535
"""What 16 bits of a header can say."""

_STEP = 1.01  # of the bits that are tried for a quality


@dataclass(frozen=True)
class Allocation:
    """The frames of an image.

    runs: what each of them carries; bits: uint8 [frames, frame_bits], zeros after those of the
    run."""

    runs: list[Run]
    bits: NDArray[np.uint8]

    @property
    def frame_bits(self) -> int:
        return self.bits.shape[1]


def frames_of_bits(
    bits: int, width: int, height: int, about: int = LINK_FRAME_BITS
) -> tuple[int, int]:
    """Number and length of the frames, of at most about so many bits, that have `bits` bits.

    width, height: of the image in pixels. Raises ParameterError for fewer bits than it needs: one
    for each block."""
    regions = Regions(width, height)
    blocks = regions.rows * regions.columns
    fewest = -(-blocks // MAXIMUM_RUN_BLOCKS)
    if bits < (least := fewest * -(-blocks // fewest)):
        raise ParameterError(
            f"{bits:,} bits are too few for an image of {width}x{height}, which needs at least "
            f"{least:,}"
        )
    frames = max(fewest, -(-bits // about))
    return frames, bits // frames


def check_frame_bits(codec: Codec, frame_bits: int) -> int:
    """Bits of a frame, 0 for a region with all bits; raises ParameterError for what cannot be."""
    whole = codec.bits_per_region
    if not frame_bits:
        return whole
    if codec.layout.embedded and not REGION_BLOCKS <= frame_bits <= LARGEST_FRAME_BITS:
        raise ParameterError(
            f"frame_bits is {frame_bits}, but model {codec.name} takes {REGION_BLOCKS} to "
            f"{LARGEST_FRAME_BITS:,}"
        )
    if not codec.layout.embedded and frame_bits < whole:
        raise ParameterError(
            f"frame_bits is {frame_bits}, but a region of {codec.name} has {whole} bits"
        )
    return frame_bits


def check_budget(codec: Codec, budget: Budget) -> None:
    """Raises ParameterError for a budget with a model that always sends all its bits."""
    if budget.wanted and not codec.layout.embedded:
        raise ParameterError(
            f"model {codec.name} always sends {codec.bits_per_region:,} bits for each region; only "
            "a progressive model takes a budget"
        )


def encode_frames(
    codec: Codec,
    pixels: NDArray[np.uint8],
    budget: Budget = NO_BUDGET,
    *,
    frame_bits: int = 0,
    about: int = LINK_FRAME_BITS,
) -> Allocation:
    """The frames of an image uint8 [H, W, 3]; the rest is as at FrameEncoder.frames()."""
    check_budget(codec, budget)
    return FrameEncoder(codec, pixels).frames(budget, frame_bits=frame_bits, about=about)


class FrameEncoder:
    """Makes frames of one image, within as many budgets as are asked for."""

    def __init__(self, codec: Codec, pixels: NDArray[np.uint8]) -> None:
        """pixels: uint8 [H, W, 3]; codec: with a decoder too, where there will be budgets."""
        self._codec, self._pixels = codec, pixels
        self._indices = codec.encode(pixels)

    def frames(
        self, budget: Budget = NO_BUDGET, *, frame_bits: int = 0, about: int = LINK_FRAME_BITS
    ) -> Allocation:
        """The frames of the image.

        Without a budget each frame carries a region, with as many bits as it holds. frame_bits: of
        each frame, 0 for as many as the budget needs in frames of about `about` bits. A quality
        that the model does not reach gets all its bits. Raises ParameterError for a budget that is
        too small or that the model does not take."""
        check_budget(self._codec, budget)
        if not budget.wanted:
            frame_bits = check_frame_bits(self._codec, frame_bits)
            whole = self._codec.bits_per_region // REGION_BLOCKS
            each = min(whole, frame_bits // REGION_BLOCKS)
            return self._cut(region_runs(self._blocks, each), frame_bits)
        if frame_bits:
            check_frame_bits(self._codec, frame_bits)
        bits = budget.bits_of(self._indices.width, self._indices.height)
        if budget.psnr_db:
            goal = 255**2 * self._pixels.size / 10 ** (budget.psnr_db / 10)
            bits = self._fewest_bits(goal, frame_bits, about)
        return self._cut(*self._within(bits, frame_bits, about))

    @cached_property
    def _errors(self) -> NDArray[np.float64]:
        return layer_errors(self._codec, self._pixels, self._indices)

    @property
    def _blocks(self) -> int:
        regions = Regions(self._indices.width, self._indices.height)
        return regions.rows * regions.columns

    def _fewest_bits(self, goal: float, frame_bits: int, about: int) -> int:
        """The fewest bits that leave this squared error, to one in a hundred."""
        least = self._blocks + self._blocks // MAXIMUM_RUN_BLOCKS
        layer_bits = self._codec.layout.layer_bits
        if frame_bits:
            least = FramePlan(self._errors, layer_bits, frame_bits).fewest * frame_bits
        most = self._blocks * layer_bits[-1]
        low, high = 0, max(0, math.ceil(math.log(most / least, _STEP)))
        while low < high:
            middle = (low + high) // 2
            runs, _ = self._within(int(least * _STEP**middle), frame_bits, about)
            if run_errors(self._codec, self._pixels, self._indices, runs).sum() <= goal:
                high = middle
            else:
                low = middle + 1
        return math.ceil(least * _STEP**low)

    def _within(self, bits: int, frame_bits: int, about: int) -> tuple[list[Run], int]:
        """Runs of frames that have so many bits together, and the bits of each frame."""
        layer_bits = self._codec.layout.layer_bits
        bits = min(bits, self._blocks * layer_bits[-1])
        if frame_bits:
            frames = max(1, bits // frame_bits)
        else:
            size = self._indices.width, self._indices.height
            frames, frame_bits = frames_of_bits(bits, *size, about)
        return FramePlan(self._errors, layer_bits, frame_bits).runs(frames), frame_bits

    def _cut(self, runs: list[Run], frame_bits: int) -> Allocation:
        frames = np.zeros((len(runs), frame_bits), np.uint8)
        for row, run in zip(frames, runs, strict=True):
            row[: run.bits] = self._codec.run_bits(self._indices, run)
        return Allocation(runs, frames)
