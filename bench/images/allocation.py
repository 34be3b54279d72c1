#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A progressive model by bits per pixel, noiseless: bits shared evenly or allocated; photo codecs.

Evenly means that every block has the same number of bits; allocated, that they go where they lower
the squared error most, in frames of about so many bits. Means over images of SSIM and PSNR.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from vqdeepsc.allocation import FILE_FRAME_BITS, LINK_FRAME_BITS, Budget, FrameEncoder
from vqdeepsc.cli.arguments import above_zero, positive
from vqdeepsc.codec import Codec, Run
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.errors import ParameterError
from vqdeepsc.images import baselines
from vqdeepsc.images.files import crop_square
from vqdeepsc.images.finding import find_images
from vqdeepsc.images.metrics import quality
from vqdeepsc.kernels import REGION_BLOCKS, FrameHeader

DEFAULT_IMAGES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line; without images, photographs of scikit-image are taken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("model", help="name or directory of a progressive model")
    parser.add_argument("images", nargs="*", help="image files, folders or .tar archives")
    parser.add_argument("--limit", type=positive, default=20, help="first images only")
    parser.add_argument("--square", action="store_true", help="cut the centre to 128x128")
    parser.add_argument(
        "--bits-per-pixel", nargs="+", type=above_zero, default=[0.2, 0.46, 0.8, 1.22, 2.0]
    )
    parser.add_argument(
        "--frame-bits", nargs="+", type=positive, default=[FILE_FRAME_BITS, LINK_FRAME_BITS]
    )
    parser.add_argument(
        "--baseline", nargs="*", default=["jpeg"], choices=baselines.BASELINES, help="photo codecs"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def decoded(
    codec: Codec, runs: list[Run], bits: NDArray[np.uint8], image: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """What a receiver makes of frames that all arrive."""
    received = {run: certain_llrs(row[: run.bits]) for run, row in zip(runs, bits, strict=True)}
    return codec.decode_received(received, image.shape[1], image.shape[0])


def systems(
    codec: Codec, image: NDArray[np.uint8], arguments: argparse.Namespace
) -> Iterator[tuple[float, str, NDArray[np.uint8]]]:
    """Bits per pixel, name, and what is decoded, of each system."""
    height, width = image.shape[:2]
    encoder = FrameEncoder(codec, image)
    compressors = {name: baselines.Compressor(image, name) for name in arguments.baseline}
    for bits_per_pixel in arguments.bits_per_pixel:
        budget = Budget(bits_per_pixel)
        bits = budget.bits_of(width, height)
        each = bits // FrameHeader(width=width, height=height).blocks * REGION_BLOCKS
        evenly = encoder.frames(frame_bits=min(each, codec.bits_per_region))
        yield bits_per_pixel, "evenly", decoded(codec, evenly.runs, evenly.bits, image)
        for frame_bits in arguments.frame_bits:
            sent = encoder.frames(budget, about=frame_bits)
            shown = decoded(codec, sent.runs, sent.bits, image)
            yield bits_per_pixel, f"allocated, {frame_bits:,}", shown
        for name, compressor in compressors.items():
            file = compressor.fit(bits)
            shown = baselines.decompress(file.content, width, height) if file else None
            yield (
                bits_per_pixel,
                name,
                baselines.mid_grey(width, height) if shown is None else shown,
            )


def main(argv: list[str] | None = None) -> int:
    """Prints a table."""
    arguments = parse_arguments(argv)
    try:
        shipped = Path(skimage.data.__file__).parent
        paths = arguments.images or [shipped / name for name in DEFAULT_IMAGES]
        images = [one.load() for one in find_images(paths)[: arguments.limit]]
        if arguments.square:
            images = [crop_square(image) for image in images]
        codec = Codec(arguments.model)
        if not codec.layout.embedded:
            raise ParameterError(f"model {codec.name} is not a progressive one")
        scores: dict[tuple[float, str], list[tuple[float, float]]] = {}
        for image in images:
            for bits_per_pixel, name, shown in systems(codec, image, arguments):
                scores.setdefault((bits_per_pixel, name), []).append(quality(image, shown))
    except ValueError as error:
        print(f"allocation: {error}", file=sys.stderr)
        return 2
    rows = []
    for (bits_per_pixel, name), values in scores.items():
        ssim, psnr_db = np.mean(values, axis=0)
        row = {"bits_per_pixel": bits_per_pixel, "system": name}
        rows.append(row | {"ssim": round(float(ssim), 4), "psnr_db": round(float(psnr_db), 2)})
    if arguments.json:
        print(json.dumps({"model": codec.name, "images": len(images), "rows": rows}, indent=2))
        return 0
    print(f"{codec.name} {codec.version}, means over {len(images)} images")
    print(f"{'bit/pixel':>9}  {'system':<20} {'SSIM':>7} {'PSNR dB':>8}")
    for row in rows:
        print(
            f"{row['bits_per_pixel']:>9g}  {row['system']:<20} {row['ssim']:>7.4f} "
            f"{row['psnr_db']:>8.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
