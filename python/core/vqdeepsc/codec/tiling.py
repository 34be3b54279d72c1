# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces in which the networks take large images, so that their memory does not grow with it.

Pieces overlap by more than what the networks see around a pixel, so that no seam appears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

TILE_SIZE = 1280
HALO = 192
"""Pixels around a tile: the networks that are shipped see up to 126 (a test holds them to it)."""


@dataclass(frozen=True)
class Tile:
    """Pixels of a padded image: what is taken from this piece, and what the network gets."""

    rows: slice
    columns: slice
    outer_rows: slice
    outer_columns: slice

    def inner(self, stride: int) -> tuple[slice, slice]:
        """Rows and columns of what is taken, in positions of a scale within the piece."""
        return _shift(self.rows, self.outer_rows, stride), _shift(
            self.columns, self.outer_columns, stride
        )


def tiles(
    width: int, height: int, size: int | None = None, halo: int | None = None
) -> Iterator[Tile]:
    """Tiles that cover a padded image of width x height pixels.

    size: of their sides at most, TILE_SIZE if None; halo: around them, HALO if None; both multiples
    of 16 pixels."""
    size, halo = size or TILE_SIZE, HALO if halo is None else halo
    for rows, outer_rows in _cuts(height, size, halo):
        for columns, outer_columns in _cuts(width, size, halo):
            yield Tile(rows, columns, outer_rows, outer_columns)


def reported(found: Iterable[Tile], progress: Callable[[float], None] | None) -> Iterator[Tile]:
    """The tiles; progress is called with the share that is done, where there are several."""
    found = list(found)
    for number, tile in enumerate(found, 1):
        yield tile
        if progress and len(found) > 1:
            progress(number / len(found))


def narrowed(tile: Tile, rows: slice, columns: slice) -> Tile:
    """The part of a tile that the networks change when these pixels of the image change.

    rows, columns: pixels of what the network gets of the tile, in multiples of a position."""
    inner_rows, outer_rows = _narrow(tile.rows, tile.outer_rows, rows)
    inner_columns, outer_columns = _narrow(tile.columns, tile.outer_columns, columns)
    return Tile(inner_rows, inner_columns, outer_rows, outer_columns)


def _narrow(inner: slice, outer: slice, pixels: slice) -> tuple[slice, slice]:
    start, stop = max(inner.start, pixels.start - HALO), min(inner.stop, pixels.stop + HALO)
    return slice(start, stop), slice(max(outer.start, start - HALO), min(outer.stop, stop + HALO))


def scaled(pixels: slice, stride: int) -> slice:
    """Pixels as positions of a scale."""
    return slice(pixels.start // stride, pixels.stop // stride)


def _cuts(length: int, size: int, halo: int) -> Iterator[tuple[slice, slice]]:
    for start in range(0, length, size):
        stop = min(start + size, length)
        yield slice(start, stop), slice(max(0, start - halo), min(length, stop + halo))


def _shift(inner: slice, outer: slice, stride: int) -> slice:
    return scaled(slice(inner.start - outer.start, inner.stop - outer.start), stride)
