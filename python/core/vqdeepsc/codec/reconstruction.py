# SPDX-License-Identifier: GPL-3.0-or-later
"""Posteriors to images, tile by tile, so that memory does not grow with the image.

Where nothing arrived the decoder is not run for each pixel. There all positions are the same, so
away from the edges of the image the decoder gives a pattern that repeats with the stride of the
coarsest scale. A small image has all of it. Against running the decoder on all of a larger image,
about one value in a million differs by 1 of 255, where rounding falls otherwise; images within the
small one's sides are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.kernels import BLOCK_SIDE

from .bits import BitLayout
from .bundle import Bundle
from .manifest import BundleError
from .regions import padded_size
from .tiling import HALO, Tile, narrowed, reported, scaled, tiles

Posteriors = Mapping[int, NDArray[np.float32]]
"""Probabilities of the codewords of each scale, {l: [..., N_l]}."""


class Reconstruction:
    """The decoder of a bundle for images of any size."""

    def __init__(
        self,
        bundle: Bundle,
        layout: BitLayout,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self._bundle = bundle
        self._layout = layout
        self._progress = progress
        self._canvas: NDArray[np.uint8] = np.empty((0, 0, 3), np.uint8)

    def prior(self) -> dict[int, NDArray[np.float32]]:
        """Posteriors [1, positions_l, N_l] of a region of which nothing is known."""
        nothing = np.zeros((1, self._layout.bits_per_region), np.float32)
        return self._layout.posteriors(nothing)

    def of_maps(self, maps: Posteriors, width: int, height: int) -> NDArray[np.uint8]:
        """An image uint8 [height, width, 3] of posteriors {l: [rows_l, columns_l, N_l]}."""

        def cut(tile: Tile) -> Posteriors:
            return {
                scale.scale: maps[scale.scale][
                    None,
                    scaled(tile.outer_rows, scale.stride),
                    scaled(tile.outer_columns, scale.stride),
                ]
                for scale in self._layout.scales
            }

        image: NDArray[np.uint8] = self.decode(1, width, height, cut)[0]
        return image

    def decode(
        self,
        count: int,
        width: int,
        height: int,
        posteriors: Callable[[Tile], Posteriors],
        known: Callable[[Tile], NDArray[np.bool_]] | None = None,
    ) -> NDArray[np.uint8]:
        """uint8 [count, height, width, 3] of the posteriors [count, ...] of each tile.

        known: which blocks of a tile arrived, where the others are as the prior says."""
        padded_width, padded_height = padded_size(width, height)
        images = np.empty((count, padded_height, padded_width, 3), np.uint8)
        for tile in reported(tiles(padded_width, padded_height), self._progress):
            if known is None:
                self._decode_tile(images, tile, posteriors)
                continue
            canvas = self._background(padded_width, padded_height)
            positions = (
                _canvas_positions(tile.rows, padded_height),
                _canvas_positions(tile.columns, padded_width),
            )
            images[:, tile.rows, tile.columns] = canvas[np.ix_(*positions)]
            blocks = np.argwhere(known(tile))
            if len(blocks):
                corner = tile.outer_rows.start, tile.outer_columns.start
                pixels = [
                    slice(start + int(first) * BLOCK_SIDE, start + (int(last) + 1) * BLOCK_SIDE)
                    for start, first, last in zip(
                        corner, blocks.min(axis=0), blocks.max(axis=0), strict=True
                    )
                ]
                self._decode_tile(images, narrowed(tile, *pixels), posteriors)
        return images[:, :height, :width]

    def _decode_tile(
        self,
        images: NDArray[np.uint8],
        tile: Tile,
        posteriors: Callable[[Tile], Posteriors],
    ) -> None:
        """Decode one tile of all images, uint8 [count, padded height, padded width, 3]."""
        features = {}
        maps = dict(posteriors(tile))
        for scale in self._layout.scales:
            values = maps.pop(scale.scale).astype(np.float32, copy=False)
            mean = values @ self._bundle.codebooks[scale.scale]
            features[f"q{scale.scale}"] = np.ascontiguousarray(mean.transpose(0, 3, 1, 2))
            del values, mean
        (decoded,) = self._bundle.decoder.run(["image"], features)
        width, height = (part.stop - part.start for part in (tile.outer_columns, tile.outer_rows))
        if decoded.shape != (len(images), 3, height, width):
            raise BundleError(
                f"the decoder gives {list(decoded.shape)} for {width}x{height} pixels"
            )
        inner_rows, inner_columns = tile.inner(1)
        decoded = decoded[:, :, inner_rows, inner_columns].transpose(0, 2, 3, 1)
        images[:, tile.rows, tile.columns] = np.rint(np.clip(decoded, 0, 1) * 255)

    def _background(self, width: int, height: int) -> NDArray[np.uint8]:
        """The small image of which a padded image consists where nothing has arrived."""
        sides = _canvas_side(height), _canvas_side(width)
        if self._canvas.shape[:2] != sides:
            prior = self.prior()
            maps = {
                scale.scale: np.tile(
                    prior[scale.scale][:, :1],
                    (sides[0] // scale.stride, sides[1] // scale.stride, 1),
                )
                for scale in self._layout.scales
            }
            self._canvas = self.of_maps(maps, sides[1], sides[0])
        return self._canvas


def _canvas_side(length: int) -> int:
    """Pixels along one side of a small image that has all that an image of length pixels has."""
    return min(length, 2 * HALO + BLOCK_SIDE)


def _canvas_positions(pixels: slice, length: int) -> NDArray[np.intp]:
    """Where pixels of a padded image of length pixels lie on its small image."""
    side = _canvas_side(length)
    positions = np.arange(pixels.start, pixels.stop)
    if side == length:
        return positions
    inner = HALO + (positions - HALO) % BLOCK_SIDE
    return np.where(
        positions < HALO,
        positions,
        np.where(positions >= length - HALO, positions - length + side, inner),
    )
