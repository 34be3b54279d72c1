# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of any size as regions of 64 blocks of 16x16 pixels, one region a frame.

Version 2 of the order: the rows of blocks form bands of eight, of which the last has four to eleven
(or as few as there are). A band is taken column by column, each from top to bottom; from left to
right, or the other way after an odd number of bands that ended within a region. So regions are
compact, an image of B blocks takes ceil(B / 64) of them, and where both sides are multiples of 128
pixels they are the squares of version 1, in raster order.

Version 1: squares of 8x8 blocks in raster order, also where they reach beyond the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.kernels import BLOCK_SIDE, REGION_BLOCKS

from .scales import PASSES

BAND_ROWS = 8
FRAME_VERSION = 2
"""Version of the order that senders use."""

_TURNS = np.argsort(PASSES)  # the pass of each position of a 2x2 cell


def padded_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) rounded up to what the networks take, in pixels.

    Raises ValueError if one of them is not positive."""
    if width < 1 or height < 1:
        raise ValueError(f"an image needs at least 1x1 pixels, got {width}x{height}")
    return -(-width // BLOCK_SIDE) * BLOCK_SIDE, -(-height // BLOCK_SIDE) * BLOCK_SIDE


def pad_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reflects an image [H, W, 3] at its right and lower edge up to multiples of 16."""
    height, width = image.shape[:2]
    padded_width, padded_height = padded_size(width, height)
    if (padded_width, padded_height) == (width, height):
        return image
    margins = ((0, padded_height - height), (0, padded_width - width), (0, 0))
    return np.pad(image, margins, mode="reflect")


def region_count(width: int, height: int, version: int = FRAME_VERSION) -> int:
    """Regions that an image of width x height pixels takes."""
    return Regions(width, height, version).count


def region_blocks(regions: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The numbers of the blocks of these regions: [len(regions), 64]."""
    return np.asarray(regions, np.int64)[:, None] * REGION_BLOCKS + np.arange(REGION_BLOCKS)


@dataclass(frozen=True)
class Regions:
    """The regions of an image of width x height pixels, numbered from 0.

    Raises ValueError for sides below 1 and for an unknown version."""

    width: int
    height: int
    version: int = FRAME_VERSION

    def __post_init__(self) -> None:
        padded_size(self.width, self.height)
        if self.version not in (1, 2):
            raise ValueError(f"version is {self.version}, known are 1 and 2")

    @property
    def rows(self) -> int:
        """Rows of blocks."""
        return -(-self.height // BLOCK_SIDE)

    @property
    def columns(self) -> int:
        """Columns of blocks."""
        return -(-self.width // BLOCK_SIDE)

    @property
    def count(self) -> int:
        """How many there are."""
        if self.version == 1:
            return -(-self.rows // BAND_ROWS) * self._square_columns
        return -(-self.rows * self.columns // REGION_BLOCKS)

    @property
    def _square_columns(self) -> int:
        return -(-self.columns // BAND_ROWS)

    @cached_property
    def _bands(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """First row of each band and the row after the last; whether it runs from right to left."""
        count = max(1, (self.rows + BAND_ROWS // 2) // BAND_ROWS)
        first = np.arange(count) * BAND_ROWS
        ends = first * self.columns  # blocks before each band
        within = ends % REGION_BLOCKS != 0
        return first, np.append(first[1:], self.rows), np.cumsum(within) % 2 == 1

    def blocks(self, numbers: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Rows and columns of the blocks with these numbers: [2, ...].

        Blocks beyond the image have a row or a column beyond it."""
        number = np.asarray(numbers, np.int64)
        if self.version == 1:
            square, within = np.divmod(number, REGION_BLOCKS)
            row, column = np.divmod(square, self._square_columns)
            return np.stack(
                [row * BAND_ROWS + within // BAND_ROWS, column * BAND_ROWS + within % BAND_ROWS]
            )
        first, after, backwards = self._bands
        band = np.minimum(number // (BAND_ROWS * self.columns), len(first) - 1)
        column, row = np.divmod(number - first[band] * self.columns, (after - first)[band])
        # The last region is filled up with blocks below the image.
        row = np.where(column < self.columns, first[band] + row, self.rows)
        column = np.where(backwards[band], self.columns - 1 - column, column)
        return np.stack([row, np.clip(column, 0, self.columns - 1)])

    def of_blocks(
        self, rows: NDArray[np.integer[Any]], columns: NDArray[np.integer[Any]]
    ) -> NDArray[np.int64]:
        """The numbers of the blocks in these rows and columns, which are of the image."""
        rows, columns = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
        if self.version == 1:
            square = rows // BAND_ROWS * self._square_columns + columns // BAND_ROWS
            within = rows % BAND_ROWS * BAND_ROWS + columns % BAND_ROWS
            return square * REGION_BLOCKS + within
        first, after, backwards = self._bands
        band = np.minimum(rows // BAND_ROWS, len(first) - 1)
        column = np.where(backwards[band], self.columns - 1 - columns, columns)
        before = first[band] * self.columns + column * (after - first)[band]
        numbers: NDArray[np.int64] = before + rows - first[band]
        return numbers

    def under(self, rows: slice, columns: slice) -> NDArray[np.int64]:
        """Map of the numbers of the blocks under these rows and columns of pixels."""
        blocks = [
            np.arange(part.start // BLOCK_SIDE, -(-part.stop // BLOCK_SIDE))
            for part in (rows, columns)
        ]
        return self.of_blocks(*np.meshgrid(*blocks, indexing="ij"))

    def positions(
        self, numbers: NDArray[np.integer[Any]], stride: int, passes: bool = False
    ) -> NDArray[np.int64]:
        """Where the positions of regions lie in the map of a scale, -1 beyond the image.

        numbers: [regions, blocks] of the blocks of each; stride: pixels between positions;
        passes: whether they come in passes, as in Scale. Returns [regions, positions of a region],
        numbers in raster order of the map; within a pass they are in raster order as well."""
        side = BLOCK_SIDE // stride
        rows, columns = self.blocks(numbers)
        y = rows[..., None, None] * side + np.arange(side)[:, None]
        x = columns[..., None, None] * side + np.arange(side)
        width = side * BAND_ROWS * (self._square_columns + 1)  # beyond every column
        height = side * (self.rows + BAND_ROWS)  # and every row
        turn = _TURNS[y % 2 * 2 + x % 2] if passes else 0
        keys = np.sort(((turn * height + y) * width + x).reshape(len(numbers), -1), axis=1)
        y, x = np.divmod(keys % (height * width), width)
        inside = (y < self.rows * side) & (x < self.columns * side)
        return np.where(inside, y * (self.columns * side) + x, -1)

    def cut(
        self,
        positions: NDArray[Any],
        numbers: NDArray[np.integer[Any]],
        stride: int,
        passes: bool = False,
    ) -> NDArray[Any]:
        """A scale's map [h, w, ...] to regions of these blocks [regions, positions, ...].

        Beyond the image it is 0."""
        wanted = self.positions(numbers, stride, passes)
        flat = positions.reshape(-1, *positions.shape[2:])
        values: NDArray[Any] = flat[np.maximum(wanted, 0)]
        values[wanted < 0] = 0
        return values

    def assemble(
        self,
        values: NDArray[Any],
        numbers: NDArray[np.integer[Any]],
        stride: int,
        passes: bool = False,
        rows: slice | None = None,
        columns: slice | None = None,
        result: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Regions [regions, positions, ...] to rows and columns of a scale's map (all: None).

        result: the map that they are written to; without one, what no region holds is 0."""
        width = self.columns * BLOCK_SIDE // stride
        rows = rows or slice(0, self.rows * BLOCK_SIDE // stride)
        columns = columns or slice(0, width)
        wanted = self.positions(numbers, stride, passes)
        y, x = np.divmod(wanted, width)
        inside = (
            (wanted >= 0)
            & (y >= rows.start)
            & (y < rows.stop)
            & (x >= columns.start)
            & (x < columns.stop)
        )
        shape = (rows.stop - rows.start, columns.stop - columns.start, *values.shape[2:])
        result = np.zeros(shape, values.dtype) if result is None else result
        result[y[inside] - rows.start, x[inside] - columns.start] = values[inside]
        return result
