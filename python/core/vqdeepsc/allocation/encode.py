# SPDX-License-Identifier: GPL-3.0-or-later
"""Images to frames, within a budget where there is one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.codec import Codec, Indices, Regions, Run
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
    least = REGION_BLOCKS if codec.layout.embedded else whole
    if not least <= frame_bits <= LARGEST_FRAME_BITS:
        raise ParameterError(
            f"frame_bits is {frame_bits}, but model {codec.name} needs {least} to "
            f"{LARGEST_FRAME_BITS}"
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
    """The frames of an image uint8 [H, W, 3].

    Without a budget each frame carries a region, with as many bits as it holds. frame_bits: of each
    frame, 0 for as many as the budget needs in frames of about `about` bits. A quality that the
    model does not reach gets all its bits. Raises ParameterError for a budget that is too small or
    that the model does not take."""
    check_budget(codec, budget)
    indices = codec.encode(pixels)
    if not budget.wanted:
        frame_bits = check_frame_bits(codec, frame_bits)
        whole = codec.bits_per_region // REGION_BLOCKS
        runs = region_runs(_blocks(indices), min(whole, frame_bits // REGION_BLOCKS))
        return _allocation(codec, indices, runs, frame_bits)
    if frame_bits:
        check_frame_bits(codec, frame_bits)
    return _Sender(codec, pixels, indices, frame_bits, about).allocate(budget)


class _Sender:
    """Knows what the layers of an image are worth, and makes frames of it."""

    def __init__(
        self,
        codec: Codec,
        pixels: NDArray[np.uint8],
        indices: Indices,
        frame_bits: int,
        about: int,
    ) -> None:
        self._codec, self._pixels, self._indices = codec, pixels, indices
        self._frame_bits, self._about = frame_bits, about
        self._errors = layer_errors(codec, pixels, indices)

    def allocate(self, budget: Budget) -> Allocation:
        if not budget.psnr_db:
            bits = budget.bits_of(self._indices.width, self._indices.height)
            return self._made(*self._within(bits))
        goal = 255**2 * self._pixels.size / 10 ** (budget.psnr_db / 10)

        def reached(bits: int) -> bool:
            runs, _ = self._within(bits)
            errors = run_errors(self._codec, self._pixels, self._indices, runs)
            return bool(errors.sum() <= goal)

        return self._made(*self._within(self._fewest_bits(reached)))

    def _fewest_bits(self, reached: Callable[[int], bool]) -> int:
        """The fewest bits that are enough, to one in a hundred."""
        blocks = _blocks(self._indices)
        least = blocks + blocks // MAXIMUM_RUN_BLOCKS
        if self._frame_bits:
            plan = FramePlan(self._errors, self._codec.layout.layer_bits, self._frame_bits)
            least = plan.fewest * self._frame_bits
        most = blocks * self._codec.layout.layer_bits[-1]
        low, high = 0, max(0, math.ceil(math.log(most / least, _STEP)))
        while low < high:
            middle = (low + high) // 2
            if reached(int(least * _STEP**middle)):
                high = middle
            else:
                low = middle + 1
        return math.ceil(least * _STEP**low)

    def _within(self, bits: int) -> tuple[list[Run], int]:
        """Runs of frames that have so many bits together, and the bits of each frame."""
        layer_bits = self._codec.layout.layer_bits
        bits = min(bits, _blocks(self._indices) * layer_bits[-1])
        frame_bits = self._frame_bits
        if frame_bits:
            frames = max(1, bits // frame_bits)
        else:
            size = self._indices.width, self._indices.height
            frames, frame_bits = frames_of_bits(bits, *size, self._about)
        return FramePlan(self._errors, layer_bits, frame_bits).runs(frames), frame_bits

    def _made(self, runs: list[Run], frame_bits: int) -> Allocation:
        return _allocation(self._codec, self._indices, runs, frame_bits)


def _blocks(indices: Indices) -> int:
    regions = Regions(indices.width, indices.height)
    return regions.rows * regions.columns


def _allocation(codec: Codec, indices: Indices, runs: list[Run], frame_bits: int) -> Allocation:
    frames = np.zeros((len(runs), frame_bits), np.uint8)
    for row, run in zip(frames, runs, strict=True):
        row[: run.bits] = codec.run_bits(indices, run)
    return Allocation(runs, frames)
