# SPDX-License-Identifier: GPL-3.0-or-later
"""A model's encoder and decoder: images to indices, bits and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .background import canvas_places, canvas_side
from .bits import BitLayout
from .bundle import (
    DEFAULT_MODEL,
    find_model,
    read_bundle,
)
from .regions import (
    assemble_regions,
    cut_regions,
    pad_image,
    padded_size,
    region_count,
    region_grid,
    regions_under,
)
from .scales import REGION_SIDE, Scale
from .tiling import Tile, narrowed, scaled, tiles

if TYPE_CHECKING:
    from PIL import Image

BATCH_PIXELS = 32 * REGION_SIDE * REGION_SIDE  # pixels that the decoder draws at once
Posteriors = Mapping[int, NDArray[np.float32]]
RegionPosteriors = Callable[[NDArray[np.intp]], dict[int, NDArray[np.float32]]]
"""Posteriors {l: [count, side_l, side_l, N_l]} of the regions with these numbers."""


@dataclass(frozen=True)
class Indices:
    """What is sent of one picture.

    width, height: of the picture in pixels;
    labels: {l: int64 [ceil16(height)/2**l, ceil16(width)/2**l]}, numbers of codewords."""

    width: int
    height: int
    labels: dict[int, NDArray[np.int64]]


class Codec:
    """A model's encoder and decoder for pictures of any size."""

    def __init__(
        self, model: str | os.PathLike[str] = DEFAULT_MODEL, threads: int | None = None
    ) -> None:
        """model: name or directory of a bundle; threads: of the networks (None: all cores).

        Raises BundleError."""
        self.bundle = read_bundle(find_model(model), threads)
        self.layout = BitLayout(self.bundle.scales)
        self._canvas = np.empty((0, 0, 3), np.uint8)

    @property
    def name(self) -> str:
        return self.bundle.name

    @property
    def version(self) -> str:
        return self.bundle.version

    @property
    def model_id(self) -> int:
        """16 bits that name the codebooks on the air."""
        return self.bundle.model_id

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scales that are sent, fine to coarse."""
        return self.bundle.scales

    @property
    def bits_per_region(self) -> int:
        """Source bits of each 128x128 region: 20,032 for the paper's four scales."""
        return self.layout.bits_per_region

    def encode(self, image: NDArray[np.uint8] | Image.Image) -> Indices:
        """Labels of a picture: uint8 [H, W, 3] RGB, or a Pillow image.

        Raises ValueError for arrays of another kind."""
        pixels = _rgb(image)
        height, width = pixels.shape[:2]
        padded = pad_image(pixels)
        labels = {
            scale.scale: np.empty(
                (padded.shape[0] // scale.stride, padded.shape[1] // scale.stride), np.int64
            )
            for scale in self.scales
        }
        names = [f"s{scale.scale}" for scale in self.scales]
        for tile in tiles(padded.shape[1], padded.shape[0]):
            piece = padded[tile.outer_rows, tile.outer_columns].transpose(2, 0, 1)[None]
            outputs = self.bundle.encoder.run(names, {"image": piece.astype(np.float32) / 255})
            for scale, output in zip(self.scales, outputs, strict=True):
                place = scaled(tile.rows, scale.stride), scaled(tile.columns, scale.stride)
                labels[scale.scale][place] = output[0][tile.inner(scale.stride)]
        return Indices(width, height, labels)

    def decode(self, posteriors: Posteriors, width: int, height: int) -> NDArray[np.uint8]:
        """Draws a picture uint8 [height, width, 3] from probabilities of the codewords.

        posteriors: {l: [ceil16(height)/2**l, ceil16(width)/2**l, N_l]}; one-hot for hard decisions.
        """
        batch = {scale: np.asarray(values)[None] for scale, values in posteriors.items()}
        padded_width, padded_height = padded_size(width, height)
        for scale in self.scales:
            shape = (padded_height // scale.stride, padded_width // scale.stride, scale.codewords)
            if batch[scale.scale].shape[1:] != shape:
                raise ValueError(
                    f"posteriors of scale {scale.scale} must be {list(shape)} for a picture of "
                    f"{width}x{height}, got {list(batch[scale.scale].shape[1:])}"
                )

        def cut(tile: Tile) -> Posteriors:
            return {
                scale.scale: batch[scale.scale][
                    :,
                    scaled(tile.outer_rows, scale.stride),
                    scaled(tile.outer_columns, scale.stride),
                ]
                for scale in self.scales
            }

        return _only(self._draw(1, width, height, cut))

    def one_hot(self, indices: Indices) -> dict[int, NDArray[np.float32]]:
        """Labels that are certain, as posteriors for `decode`."""
        return self.layout.one_hot(indices.labels)

    def to_bits(self, indices: Indices) -> NDArray[np.uint8]:
        """Labels to bits uint8 [regions, bits_per_region], regions in raster order.

        Positions of a region that lie outside the padded picture carry label 0."""
        return self.layout.pack(
            {
                scale.scale: cut_regions(indices.labels[scale.scale], scale.side)
                for scale in self.scales
            }
        )

    def from_bits(self, bits: ArrayLike, width: int, height: int) -> Indices:
        """Bits [regions, bits_per_region] to the labels they were made from."""
        bits = self._all_regions(bits, width, height)
        return Indices(width, height, self._assemble(self.layout.unpack(bits), width, height))

    def encode_bits(self, image: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
        """A picture to the bits uint8 [regions, bits_per_region] that are sent."""
        return self.to_bits(self.encode(image))

    def decode_bits(
        self, bits: ArrayLike, width: int, height: int, received: ArrayLike | None = None
    ) -> NDArray[np.uint8]:
        """Draws a picture uint8 [height, width, 3] from hard bits [regions, bits_per_region].

        received: bool [regions]; the others are drawn from the prior of each codebook."""
        bits = self._all_regions(bits, width, height)
        arrived = self._mask(received, len(bits))

        def posteriors(regions: NDArray[np.intp]) -> dict[int, NDArray[np.float32]]:
            values = self.layout.one_hot(self.layout.unpack(bits[regions]))
            missing = ~arrived[regions]
            if missing.any():
                prior = self._prior()
                for scale, rows in values.items():
                    rows[missing] = prior[scale]
            return values

        return _only(self._draw_regions([posteriors], arrived, width, height))

    def decode_llrs(
        self, llrs: ArrayLike, width: int, height: int, received: ArrayLike | None = None
    ) -> NDArray[np.uint8]:
        """Draws a picture uint8 [height, width, 3] from soft bits [regions, bits_per_region].

        received: bool [regions]; the others are drawn from the prior of each codebook."""
        llrs = self._all_regions(llrs, width, height)
        arrived = self._mask(received, len(llrs))

        def posteriors(regions: NDArray[np.intp]) -> dict[int, NDArray[np.float32]]:
            return self.layout.posteriors(np.where(arrived[regions, None], llrs[regions], 0))

        return _only(self._draw_regions([posteriors], arrived, width, height))

    def decode_received(
        self, llrs: Mapping[int, NDArray[np.floating[Any]]], width: int, height: int
    ) -> NDArray[np.uint8]:
        """Draws a picture uint8 [height, width, 3] from the soft bits of the regions that arrived.

        llrs: {region in raster order: [bits_per_region]}; the others are drawn from the prior of
        each codebook. Raises ValueError for a region that the picture does not have."""
        arrived = np.zeros(region_count(width, height), bool)
        for region, values in llrs.items():
            if not 0 <= region < len(arrived) or np.shape(values) != (self.bits_per_region,):
                raise ValueError(
                    f"a picture of {width}x{height} takes regions 0 to {len(arrived) - 1} of "
                    f"{self.bits_per_region} bits, got region {region}, {list(np.shape(values))}"
                )
            arrived[region] = True
        nothing = np.zeros(self.bits_per_region, np.float32)

        def posteriors(regions: NDArray[np.intp]) -> dict[int, NDArray[np.float32]]:
            return self.layout.posteriors(np.stack([llrs.get(int(i), nothing) for i in regions]))

        return _only(self._draw_regions([posteriors], arrived, width, height))

    def decode_many(
        self, values: ArrayLike, width: int, height: int, *, soft: bool = True
    ) -> NDArray[np.uint8]:
        """Draws many pictures of one size: uint8 [pictures, height, width, 3].

        values: [pictures, regions, bits_per_region]; LLRs if soft, else bits."""
        stack = np.asarray(values)
        if stack.ndim != 3:
            raise ValueError(f"expected [pictures, regions, bits], got {list(stack.shape)}")
        padded_width, padded_height = padded_size(width, height)
        size = max(1, BATCH_PIXELS // (padded_width * padded_height))
        pictures = np.empty((len(stack), height, width, 3), np.uint8)
        for start in range(0, len(stack), size):
            sources = [
                self._source(self._all_regions(rows, width, height), soft)
                for rows in stack[start : start + size]
            ]
            arrived = np.ones(region_count(width, height), bool)
            pictures[start : start + size] = self._draw_regions(sources, arrived, width, height)
        return pictures

    def _source(self, rows: NDArray[Any], soft: bool) -> RegionPosteriors:
        if soft:
            return lambda regions: self.layout.posteriors(rows[regions])
        return lambda regions: self.layout.one_hot(self.layout.unpack(rows[regions]))

    def _prior(self) -> dict[int, NDArray[np.float32]]:
        """Posteriors [1, side, side, N] of a region of which nothing is known."""
        return self.layout.posteriors(np.zeros((1, self.bits_per_region), np.float32))

    def _draw_regions(
        self,
        sources: Sequence[RegionPosteriors],
        arrived: NDArray[np.bool_],
        width: int,
        height: int,
    ) -> NDArray[np.uint8]:
        """Draws pictures of one size, each from its source; arrived, bool [regions], holds for all.

        Posteriors are made tile by tile, and only where something has arrived."""
        columns, rows = region_grid(width, height)
        places = arrived.reshape(rows, columns)

        def assemble(tile: Tile) -> Posteriors:
            covered = regions_under(tile.outer_rows), regions_under(tile.outer_columns)
            regions = np.arange(len(arrived)).reshape(rows, columns)[covered]
            batches = [source(regions.reshape(-1)) for source in sources]
            maps = {}
            for scale in self.scales:
                top, left = (part.start * scale.side for part in covered)
                tile_rows = scaled(tile.outer_rows, scale.stride)
                tile_columns = scaled(tile.outer_columns, scale.stride)
                maps[scale.scale] = np.stack(
                    [
                        assemble_regions(
                            batch.pop(scale.scale), tile_columns.stop - left, tile_rows.stop - top
                        )[tile_rows.start - top :, tile_columns.start - left :]
                        for batch in batches
                    ]
                )
            return maps

        if arrived.all():
            return self._draw(len(sources), width, height, assemble)
        return self._draw(len(sources), width, height, assemble, places)

    def _draw(
        self,
        count: int,
        width: int,
        height: int,
        posteriors: Callable[[Tile], Posteriors],
        arrived: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.uint8]:
        """uint8 [count, height, width, 3] of the posteriors [count, ...] of each tile.

        arrived: bool [rows, columns] of regions, where the others are as the prior says."""
        padded_width, padded_height = padded_size(width, height)
        pictures = np.empty((count, padded_height, padded_width, 3), np.uint8)
        for tile in tiles(padded_width, padded_height):
            if arrived is None:
                self._draw_tile(pictures, tile, posteriors)
                continue
            canvas = self._background(padded_width, padded_height)
            places = (
                canvas_places(tile.rows, padded_height),
                canvas_places(tile.columns, padded_width),
            )
            pictures[:, tile.rows, tile.columns] = canvas[np.ix_(*places)]
            covered = regions_under(tile.outer_rows), regions_under(tile.outer_columns)
            known = np.argwhere(arrived[covered])
            if len(known):
                first = known.min(axis=0) + [part.start for part in covered]
                last = known.max(axis=0) + [part.start for part in covered]
                pixels = [
                    slice(int(a) * REGION_SIDE, (int(b) + 1) * REGION_SIDE)
                    for a, b in zip(first, last, strict=True)
                ]
                self._draw_tile(pictures, narrowed(tile, *pixels), posteriors)
        return pictures[:, :height, :width]

    def _draw_tile(
        self,
        pictures: NDArray[np.uint8],
        tile: Tile,
        posteriors: Callable[[Tile], Posteriors],
    ) -> None:
        """Draw one tile of all pictures, uint8 [count, padded height, padded width, 3]."""
        features = {}
        maps = dict(posteriors(tile))
        for scale in self.scales:
            values = maps.pop(scale.scale).astype(np.float32, copy=False)
            mean = values @ self.bundle.codebooks[scale.scale]
            features[f"q{scale.scale}"] = np.ascontiguousarray(mean.transpose(0, 3, 1, 2))
            del values, mean
        (images,) = self.bundle.decoder.run(["image"], features)
        inner_rows, inner_columns = tile.inner(1)
        images = images[:, :, inner_rows, inner_columns].transpose(0, 2, 3, 1)
        pictures[:, tile.rows, tile.columns] = np.rint(np.clip(images, 0, 1) * 255)

    def _background(self, width: int, height: int) -> NDArray[np.uint8]:
        """The small image of which a padded picture consists where nothing has arrived."""
        sides = canvas_side(height), canvas_side(width)
        if self._canvas.shape[:2] != sides:
            prior = self._prior()
            maps = {
                scale.scale: np.tile(
                    prior[scale.scale][0, :1, :1],
                    (sides[0] // scale.stride, sides[1] // scale.stride, 1),
                )
                for scale in self.scales
            }
            self._canvas = self.decode(maps, sides[1], sides[0])
        return self._canvas

    def _assemble(
        self, regions: Mapping[int, NDArray[Any]], width: int, height: int
    ) -> dict[int, NDArray[Any]]:
        padded_width, padded_height = padded_size(width, height)
        return {
            scale.scale: assemble_regions(
                regions[scale.scale], padded_width // scale.stride, padded_height // scale.stride
            )
            for scale in self.scales
        }

    def _all_regions(self, values: ArrayLike, width: int, height: int) -> NDArray[Any]:
        rows = np.asarray(values)
        expected = (region_count(width, height), self.bits_per_region)
        if rows.shape != expected:
            raise ValueError(
                f"a picture of {width}x{height} takes {expected[0]} regions of {expected[1]} bits, "
                f"got {list(rows.shape)}"
            )
        return rows

    @staticmethod
    def _mask(received: ArrayLike | None, regions: int) -> NDArray[np.bool_]:
        if received is None:
            return np.ones(regions, bool)
        mask = np.asarray(received, dtype=bool)
        if mask.shape != (regions,):
            raise ValueError(f"expected one flag for each of {regions} regions")
        return mask


def _only(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = images[0]
    return image


def _rgb(image: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
    if not isinstance(image, np.ndarray):
        image = np.asarray(image.convert("RGB"))
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"expected uint8 [H, W, 3], got {image.dtype} {list(image.shape)}")
    return image
