# SPDX-License-Identifier: GPL-3.0-or-later
"""A model's encoder and decoder: images to indices, bits and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqdeepsc.kernels import REGION_BLOCKS

from .bits import BitLayout
from .bundle import (
    DEFAULT_MODEL,
    NETWORKS,
    find_model,
    read_bundle,
)
from .providers import DEFAULT_PROVIDER, Provider
from .reconstruction import Posteriors, Reconstruction
from .regions import FRAME_VERSION, Regions, pad_image, padded_size, region_blocks
from .runs import ReceivedRuns, Run
from .scales import Scale
from .tiling import Tile, reported, scaled, tiles

if TYPE_CHECKING:
    from PIL import Image

BATCH_PIXELS = 32 * 128 * 128  # pixels that the decoder reconstructs at once
RegionPosteriors = Callable[[NDArray[np.int64]], dict[int, NDArray[np.float32]]]
"""Posteriors {l: [count, positions_l, N_l]} of the regions with these numbers."""


@dataclass(frozen=True)
class Indices:
    """What is sent of one image.

    width, height: of the image in pixels;
    maps: {l: int64 [ceil16(height)/stride, ceil16(width)/stride]}, indices of codewords."""

    width: int
    height: int
    maps: dict[int, NDArray[np.int64]]


class Codec:
    """A model's encoder and decoder for images of any size."""

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        threads: int | None = None,
        provider: str = DEFAULT_PROVIDER,
        networks: Sequence[str] = NETWORKS,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """model: name or directory of a bundle; threads: of the networks (None: all cores);
        provider: what they run on, as Provider.parse reads it; networks: "encoder", "decoder" or
        both, where the one that is left out is never used; progress: called with the share of a
        large image that is encoded or decoded.

        Raises BundleError, and ParameterError for a provider that is not here."""
        parsed = Provider.parse(provider)
        self.bundle = read_bundle(find_model(model), threads, parsed, networks)
        self.layout = BitLayout(self.bundle.scales)
        self._tile_progress = progress
        self._reconstruction = Reconstruction(self.bundle, self.layout, progress)

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
        """Most source bits of a region of 64 blocks: 20,032 for the paper's four scales."""
        return self.layout.bits_per_region

    def encode(self, image: NDArray[np.uint8] | Image.Image) -> Indices:
        """Indices of an image: uint8 [H, W, 3] RGB, or a Pillow image.

        Raises ValueError for arrays of another kind."""
        pixels = _rgb(image)
        height, width = pixels.shape[:2]
        padded = pad_image(pixels)
        maps: dict[int, NDArray[np.int64]] = {
            scale.scale: np.empty(
                (padded.shape[0] // scale.stride, padded.shape[1] // scale.stride), np.int64
            )
            for scale in self.scales
        }
        names = [f"s{scale.scale}" for scale in self.scales]
        for tile in reported(tiles(padded.shape[1], padded.shape[0]), self._tile_progress):
            piece = padded[tile.outer_rows, tile.outer_columns].transpose(2, 0, 1)[None]
            outputs = self.bundle.encoder.run(names, {"image": piece.astype(np.float32) / 255})
            for scale, output in zip(self.scales, outputs, strict=True):
                position = scaled(tile.rows, scale.stride), scaled(tile.columns, scale.stride)
                found = scale.checked_indices(output, piece.shape[3], piece.shape[2])
                maps[scale.scale][position] = found[tile.inner(scale.stride)]
        return Indices(width, height, maps)

    def decode(self, posteriors: Posteriors, width: int, height: int) -> NDArray[np.uint8]:
        """Decodes an image uint8 [height, width, 3] from probabilities of the codewords.

        posteriors: {l: [ceil16(height)/stride, ceil16(width)/stride, N_l]}; one-hot for hard
        decisions.
        """
        maps = {scale: np.asarray(values) for scale, values in posteriors.items()}
        padded_width, padded_height = padded_size(width, height)
        for scale in self.scales:
            shape = (padded_height // scale.stride, padded_width // scale.stride, scale.codewords)
            if maps[scale.scale].shape != shape:
                raise ValueError(
                    f"posteriors of scale {scale.scale} must be {list(shape)} for an image of "
                    f"{width}x{height}, got {list(maps[scale.scale].shape)}"
                )
        return self._reconstruction.of_maps(maps, width, height)

    def one_hot(self, indices: Indices) -> dict[int, NDArray[np.float32]]:
        """Indices that are certain, as posteriors for `decode`."""
        return self.layout.one_hot(indices.maps)

    def to_bits(self, indices: Indices) -> NDArray[np.uint8]:
        """Indices to bits uint8 [regions, bits_per_region].

        Positions of a region that lie outside the padded image carry index 0."""
        layout = Regions(indices.width, indices.height)
        return self._pack(indices, layout, region_blocks(np.arange(layout.count)), self.layout)

    def run_bits(self, indices: Indices, run: Run) -> NDArray[np.uint8]:
        """Bits uint8 [run.bits] of a run of blocks."""
        layout = Regions(indices.width, indices.height)
        bits = self._pack(indices, layout, run.numbers, BitLayout(self.scales, run.blocks))
        first: NDArray[np.uint8] = bits[0, : run.bits]
        return first

    def _pack(
        self, indices: Indices, regions: Regions, blocks: NDArray[np.int64], layout: BitLayout
    ) -> NDArray[np.uint8]:
        """Bits [n, layout.bits_per_region] of the blocks [n, layout.blocks]."""
        return layout.pack(
            {
                s.scale: regions.cut(indices.maps[s.scale], blocks, s.stride, s.passes)
                for s in self.scales
            }
        )

    def from_bits(
        self, bits: ArrayLike, width: int, height: int, version: int = FRAME_VERSION
    ) -> Indices:
        """Bits [regions, bits_per_region] to the indices they were made from."""
        layout = Regions(width, height, version)
        values = self.layout.unpack(self._all_regions(bits, layout))
        blocks = region_blocks(np.arange(layout.count))
        maps = {
            s.scale: layout.assemble(values[s.scale], blocks, s.stride, s.passes)
            for s in self.scales
        }
        return Indices(width, height, maps)

    def encode_bits(self, image: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
        """An image to the bits uint8 [regions, bits_per_region] that are sent."""
        return self.to_bits(self.encode(image))

    def decode_bits(
        self,
        bits: ArrayLike,
        width: int,
        height: int,
        received: ArrayLike | None = None,
        version: int = FRAME_VERSION,
    ) -> NDArray[np.uint8]:
        """Decodes an image uint8 [height, width, 3] from hard bits [regions, bits_per_region].

        received: bool [regions]; the others are decoded from the prior of each codebook.
        version: of the order of blocks."""
        layout = Regions(width, height, version)
        values = self._all_regions(bits, layout)
        arrived = self._mask(received, len(values))

        def posteriors(regions: NDArray[np.int64]) -> dict[int, NDArray[np.float32]]:
            result = self.layout.one_hot(self.layout.unpack(values[regions]))
            missing = ~arrived[regions]
            if missing.any():
                prior = self._reconstruction.prior()
                for scale, rows in result.items():
                    rows[missing] = prior[scale]
            return result

        return _only(self._decode_regions([posteriors], arrived, layout))

    def decode_llrs(
        self,
        llrs: ArrayLike,
        width: int,
        height: int,
        received: ArrayLike | None = None,
        version: int = FRAME_VERSION,
    ) -> NDArray[np.uint8]:
        """Decodes an image uint8 [height, width, 3] from soft bits [regions, bits_per_region].

        received, version: as in decode_bits()."""
        layout = Regions(width, height, version)
        values = self._all_regions(llrs, layout)
        arrived = self._mask(received, len(values))

        def posteriors(regions: NDArray[np.int64]) -> dict[int, NDArray[np.float32]]:
            return self.layout.posteriors(np.where(arrived[regions, None], values[regions], 0))

        return _only(self._decode_regions([posteriors], arrived, layout))

    def decode_received(
        self,
        llrs: Mapping[Run, NDArray[np.floating[Any]]],
        width: int,
        height: int,
        version: int = FRAME_VERSION,
    ) -> NDArray[np.uint8]:
        """Decodes an image uint8 [height, width, 3] from the soft bits of what arrived.

        llrs: {run: [run.bits]}; what is in no run, and what its bits do not say, is decoded from
        the prior of each codebook. version: of the order of blocks. Raises ValueError for a run
        that the image lacks."""
        received = ReceivedRuns(
            self.layout, llrs, Regions(width, height, version), self._reconstruction.prior()
        )
        known = None if received.complete else received.known
        return _only(self._reconstruction.decode(1, width, height, received.posteriors, known))

    def decode_many(
        self, values: ArrayLike, width: int, height: int, *, soft: bool = True
    ) -> NDArray[np.uint8]:
        """Decodes many images of one size: uint8 [images, height, width, 3].

        values: [images, regions, bits_per_region]; LLRs if soft, else bits."""
        stack = np.asarray(values)
        if stack.ndim != 3:
            raise ValueError(f"expected [images, regions, bits], got {list(stack.shape)}")
        layout = Regions(width, height)
        padded_width, padded_height = padded_size(width, height)
        size = max(1, BATCH_PIXELS // (padded_width * padded_height))
        images = np.empty((len(stack), height, width, 3), np.uint8)
        for start in range(0, len(stack), size):
            sources = [
                self._source(self._all_regions(rows, layout), soft)
                for rows in stack[start : start + size]
            ]
            arrived = np.ones(layout.count, bool)
            images[start : start + size] = self._decode_regions(sources, arrived, layout)
        return images

    def _source(self, rows: NDArray[Any], soft: bool) -> RegionPosteriors:
        if soft:
            return lambda regions: self.layout.posteriors(rows[regions])
        return lambda regions: self.layout.one_hot(self.layout.unpack(rows[regions]))

    def _decode_regions(
        self, sources: Sequence[RegionPosteriors], arrived: NDArray[np.bool_], layout: Regions
    ) -> NDArray[np.uint8]:
        """Decodes images of one size, each from its source; arrived, bool [regions], holds for all.

        Posteriors are made tile by tile, and only where something has arrived."""

        def assemble(tile: Tile) -> Posteriors:
            under = layout.under(tile.outer_rows, tile.outer_columns) // REGION_BLOCKS
            regions = np.unique(under)
            batches = [source(regions) for source in sources]
            return {
                scale.scale: np.stack(
                    [
                        layout.assemble(
                            batch.pop(scale.scale),
                            region_blocks(regions),
                            scale.stride,
                            scale.passes,
                            scaled(tile.outer_rows, scale.stride),
                            scaled(tile.outer_columns, scale.stride),
                        )
                        for batch in batches
                    ]
                )
                for scale in self.scales
            }

        def known(tile: Tile) -> NDArray[np.bool_]:
            under = layout.under(tile.outer_rows, tile.outer_columns) // REGION_BLOCKS
            flags: NDArray[np.bool_] = arrived[under]
            return flags

        size = layout.width, layout.height
        return self._reconstruction.decode(
            len(sources), *size, assemble, None if arrived.all() else known
        )

    def _all_regions(self, values: ArrayLike, layout: Regions) -> NDArray[Any]:
        rows = np.asarray(values)
        expected = (layout.count, self.bits_per_region)
        if rows.shape != expected:
            raise ValueError(
                f"an image of {layout.width}x{layout.height} takes {expected[0]} regions of "
                f"{expected[1]} bits, got {list(rows.shape)}"
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
