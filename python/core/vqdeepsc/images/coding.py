# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files to encoded files and back: what `vqdeepsc encode` and `decode` do."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vqdeepsc.allocation import FILE_FRAME_BITS, NO_BUDGET, Budget, encode_frames
from vqdeepsc.codec import (
    DEFAULT_MODEL,
    BundleError,
    Codec,
    list_models,
    read_manifest,
    region_count,
)
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.codec.bundle import NETWORKS
from vqdeepsc.codec.providers import DEFAULT_PROVIDER
from vqdeepsc.limits import MAXIMUM_PIXELS

from .bitstream import BitstreamError, ImageBitstream, read_bitstream, write_bitstream
from .files import check_suffix, load_image, save_image
from .search import NO_SEARCH, Search, SearchingCodec


@dataclass(frozen=True)
class EncodedFile:
    """What was written of an image.

    model: name; model_id: of its codebooks; width, height: of the image in pixels; regions: that
    it takes; source_bits: of the image; bytes: of the file."""

    model: str
    model_id: int
    width: int
    height: int
    regions: int
    source_bits: int
    bytes: int


@dataclass(frozen=True)
class DecodedFile:
    """What was decoded: the model's name, and width and height of the image in pixels."""

    model: str
    width: int
    height: int


def encode(
    image: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    strict: bool = False,
    search: Search = NO_SEARCH,
    budget: Budget = NO_BUDGET,
    provider: str = DEFAULT_PROVIDER,
    progress: Callable[[float], None] | None = None,
) -> EncodedFile:
    """Encodes an image file of any kind into a file of source bits (docs/file-format.md).

    model: name or directory; strict: refuse an image that was cut short; search: for better
    indices; budget: of a progressive model's bits; provider: what the networks run on; progress:
    called with the share of a search, or of a large image, that is done. Raises ImageError,
    BundleError, BitstreamError, or ParameterError for the provider and the budget."""
    pixels = load_image(image, strict=strict)
    codec = SearchingCodec(
        model,
        search=search,
        progress=progress,
        provider=provider,
        networks=NETWORKS if budget.wanted else ("encoder",),
    )
    height, width = pixels.shape[:2]
    allocation = encode_frames(codec, pixels, budget, about=FILE_FRAME_BITS)
    block_bits = [run.block_bits for run in allocation.runs] if budget.wanted else []
    code = ImageBitstream(codec.model_id, width, height, allocation.bits, block_bits=block_bits)
    size = write_bitstream(output, code)
    regions = region_count(width, height)
    return EncodedFile(codec.name, codec.model_id, width, height, regions, code.bits.size, size)


def decode(
    file: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    max_pixels: int = MAXIMUM_PIXELS,
    provider: str = DEFAULT_PROVIDER,
    progress: Callable[[float], None] | None = None,
) -> DecodedFile:
    """Decodes such a file into an image file whose name says the format.

    model: name or directory, None for the one that is installed with the file's codebooks;
    max_pixels: of the largest image that is decoded; provider: what the networks run on; progress:
    called with the share of a large image that is done. Raises BitstreamError, BundleError,
    ImageError, or ParameterError for the provider."""
    check_suffix(output)
    code = read_bitstream(file, max_pixels)
    codec = Codec(
        model or _model_with_id(code.model_id, file),
        provider=provider,
        networks=("decoder",),
        progress=progress,
    )
    if codec.model_id != code.model_id:
        raise BitstreamError(
            f"{os.fspath(file)} needs the codebooks {code.model_id:04x}, "
            f"model {codec.name} has {codec.model_id:04x}"
        )
    runs = code.runs(codec.layout, os.fspath(file))
    if code.bits.shape[1] == codec.bits_per_region and not code.block_bits:
        image = codec.decode_bits(code.bits, code.width, code.height, version=code.version)
    else:
        received = {
            run: certain_llrs(bits[: run.bits]) for run, bits in zip(runs, code.bits, strict=True)
        }
        image = codec.decode_received(received, code.width, code.height, code.version)
    save_image(output, image)
    return DecodedFile(codec.name, code.width, code.height)


def _model_with_id(model_id: int, file: str | os.PathLike[str]) -> Path:
    for path in list_models():
        try:
            if read_manifest(path).model_id == model_id:
                return path
        except BundleError:
            continue  # a damaged model elsewhere does not concern this file
    raise BundleError(
        f"{os.fspath(file)} needs a model with the codebooks {model_id:04x}, which is not here"
    )
