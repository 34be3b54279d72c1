# SPDX-License-Identifier: GPL-3.0-or-later
"""What the layers of each block are worth: the squared error that they leave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.codec import Codec, Indices, Regions, Run
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.codec.runs import region_runs
from vqdeepsc.kernels import BLOCK_SIDE


def layer_errors(codec: Codec, pixels: NDArray[np.uint8], indices: Indices) -> NDArray[np.float64]:
    """Squared error of each block where all have the same layers: [layers, blocks].

    The image is decoded once for each layer. pixels: uint8 [H, W, 3] that the indices are of.
    Blocks are in the order in which frames carry them, and only pixels of the image count."""
    regions = Regions(indices.width, indices.height)
    blocks = regions.rows * regions.columns
    whole = {
        run: certain_llrs(codec.run_bits(indices, run))
        for run in region_runs(blocks, codec.layout.layer_bits[-1])
    }
    errors = np.empty((len(codec.layout.layer_bits), blocks))
    for row, bits in zip(errors, codec.layout.layer_bits, strict=True):
        layers = {run._replace(block_bits=bits): values for run, values in whole.items()}
        received = {run: values[: run.bits] for run, values in layers.items()}
        decoded = codec.decode_received(received, indices.width, indices.height)
        row[:] = block_errors(pixels, decoded, regions)
    return errors


def run_errors(
    codec: Codec, pixels: NDArray[np.uint8], indices: Indices, runs: list[Run]
) -> NDArray[np.float64]:
    """Squared error of each block [blocks] of what is decoded of these runs."""
    received = {run: certain_llrs(codec.run_bits(indices, run)) for run in runs}
    decoded = codec.decode_received(received, indices.width, indices.height)
    return block_errors(pixels, decoded, Regions(indices.width, indices.height))


def block_errors(
    image: NDArray[np.uint8], decoded: NDArray[np.uint8], regions: Regions
) -> NDArray[np.float64]:
    """Squared error of each block [blocks], summed over its pixels and colours."""
    height, width = image.shape[:2]
    starts = np.arange(0, width, BLOCK_SIDE)
    sums = np.empty((regions.rows, regions.columns))
    # a row of blocks at a time, for bounded memory
    for number, top in enumerate(range(0, height, BLOCK_SIDE)):
        rows = slice(top, top + BLOCK_SIDE)
        difference = image[rows].astype(np.int32) - decoded[rows]
        sums[number] = np.add.reduceat(np.square(difference).sum(axis=(0, 2)), starts)
    errors = np.empty(sums.size)
    errors[regions.under(slice(0, height), slice(0, width))] = sums
    return errors
