# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of any size as regions of 128x128 pixels, in raster order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scales import BLOCK_SIDE, REGION_SIDE


def padded_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) rounded up to what the networks take, in pixels.

    Raises ValueError if one of them is not positive."""
    if width < 1 or height < 1:
        raise ValueError(f"a picture needs at least 1x1 pixels, got {width}x{height}")
    return -(-width // BLOCK_SIDE) * BLOCK_SIDE, -(-height // BLOCK_SIDE) * BLOCK_SIDE


def region_grid(width: int, height: int) -> tuple[int, int]:
    """(columns, rows) of regions that cover a picture of width x height pixels."""
    padded_width, padded_height = padded_size(width, height)
    return -(-padded_width // REGION_SIDE), -(-padded_height // REGION_SIDE)


def region_count(width: int, height: int) -> int:
    """Regions that a picture of width x height pixels takes."""
    columns, rows = region_grid(width, height)
    return columns * rows


def regions_under(pixels: slice) -> slice:
    """Rows or columns of regions that these rows or columns of pixels touch."""
    return slice(pixels.start // REGION_SIDE, -(-pixels.stop // REGION_SIDE))


def pad_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reflects a picture [H, W, 3] at its right and lower edge up to multiples of 16."""
    height, width = image.shape[:2]
    padded_width, padded_height = padded_size(width, height)
    if (padded_width, padded_height) == (width, height):
        return image
    margins = ((0, padded_height - height), (0, padded_width - width), (0, 0))
    return np.pad(image, margins, mode="reflect")


def cut_regions(positions: NDArray[Any], side: int) -> NDArray[Any]:
    """A map [h, w, ...] to its regions [regions, side, side, ...]; beyond the map they hold 0."""
    height, width = positions.shape[:2]
    rows, columns = -(-height // side), -(-width // side)
    rest = positions.shape[2:]
    full = np.zeros((rows * side, columns * side, *rest), positions.dtype)
    full[:height, :width] = positions
    tiles = full.reshape(rows, side, columns, side, *rest).swapaxes(1, 2)
    regions: NDArray[Any] = tiles.reshape(rows * columns, side, side, *rest)
    return regions


def assemble_regions(regions: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """Regions [regions, side, side, ...] to the map [height, width, ...] they were cut from.

    width, height: of the map, in positions; what lies beyond is dropped."""
    side = regions.shape[1]
    rows, columns = -(-height // side), -(-width // side)
    rest = regions.shape[3:]
    full = regions.reshape(rows, columns, side, side, *rest).swapaxes(1, 2)
    joined: NDArray[Any] = full.reshape(rows * side, columns * side, *rest)
    return joined[:height, :width]
