#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search at the sender gains: SSIM and PSNR against processor seconds a region, noiseless.

Indices are decoded without an error. Seconds are processor time of encoder and search together, for
each 128x128 region.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import skimage.data
from vqdeepsc.cli.arguments import positive
from vqdeepsc.codec import DEFAULT_MODEL, region_count
from vqdeepsc.images.files import crop_square
from vqdeepsc.images.finding import find_images
from vqdeepsc.images.metrics import psnr, ssim
from vqdeepsc.images.search import GOALS, Search, SearchingCodec

DEFAULT_IMAGES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line; without images, photographs of scikit-image are taken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("images", nargs="*", help="image files, folders or .tar archives")
    parser.add_argument("--limit", type=positive, default=20, help="first images only")
    parser.add_argument("--native", action="store_true", help="keep the images' size")
    parser.add_argument("--model", nargs="+", default=[DEFAULT_MODEL], help="names or directories")
    parser.add_argument("--search", type=float, nargs="+", default=[0.0, 5.0, 30.0], metavar="S")
    parser.add_argument("--search-for", nargs="+", choices=GOALS, default=["both"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def measure(model: str, images: list[np.ndarray], search: Search) -> dict[str, object]:
    """Means over images uint8 [H, W, 3]."""
    codec = SearchingCodec(model, threads=1, search=search)
    scores = []
    for image in images:
        height, width = image.shape[:2]
        start = time.process_time()
        bits = codec.encode_bits(image)
        seconds = (time.process_time() - start) / region_count(width, height)
        decoded = codec.decode_bits(bits, width, height)
        scores.append((seconds, float(ssim(image, decoded)), float(psnr(image, decoded))))
    seconds, similarity, ratio = np.mean(scores, axis=0)
    return {
        "model": codec.name,
        "search_for": search.goal if search.wanted else "",
        "search": search.seconds,
        "seconds": round(float(seconds), 2),
        "ssim": round(float(similarity), 4),
        "psnr_db": round(float(ratio), 2),
    }


def main(argv: list[str] | None = None) -> int:
    """Prints one line for each model and search, as soon as it is measured."""
    arguments = parse_arguments(argv)
    try:
        shipped = Path(skimage.data.__file__).parent
        paths = arguments.images or [shipped / name for name in DEFAULT_IMAGES]
        found = find_images(paths)[: arguments.limit]
        images = [image.load() for image in found]
        if not arguments.native:
            images = [crop_square(image) for image in images]
        # Without a search there is nothing to search for.
        searches = list(
            dict.fromkeys(
                Search(seconds, goal) if seconds else Search()
                for goal in arguments.search_for
                for seconds in arguments.search
            )
        )
        if not arguments.json:
            print(f"means over {len(images)} images")
            print(
                f"{'model':<14} {'search':>7} {'for':>5} {'s/region':>9} {'SSIM':>7} {'PSNR dB':>8}"
            )
        rows = []
        for model in arguments.model:
            for search in searches:
                rows.append(measure(model, images, search))
                if not arguments.json:
                    row = rows[-1]
                    print(
                        f"{row['model']:<14} {row['search']:>7g} {row['search_for']:>5} "
                        f"{row['seconds']:>9.2f} {row['ssim']:>7.4f} {row['psnr_db']:>8.2f}",
                        flush=True,
                    )
    except ValueError as error:
        print(f"search: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps({"images": len(images), "rows": rows}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
