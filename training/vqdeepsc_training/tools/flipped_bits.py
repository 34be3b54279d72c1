# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what one flipped bit costs."""

from __future__ import annotations

import argparse
from pathlib import Path

from vqdeepsc.codec import Codec

from ..data.images import evaluation_images
from ..reports.flipped_bits import keep_record, measure, table
from .arguments import count, natural, side


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--bundle", required=True, help="directory or name of the bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder or tar file of images")
    parser.add_argument("--size", type=side, default=128, help="side of the centre crop in pixels")
    parser.add_argument("--images", type=count, default=40, help="how many at most")
    parser.add_argument(
        "--positions",
        type=count,
        default=1,
        help="positions in each image, for the scale of the most codewords",
    )
    parser.add_argument("--seed", type=natural, default=0, help="of the positions")
    parser.add_argument("--record", type=Path, help="also keep the figures in this file, by bundle")


def run(arguments: argparse.Namespace) -> None:
    """Print a table; keep the figures where --record says."""
    codec = Codec(arguments.bundle)
    images = evaluation_images(arguments.data, arguments.size, arguments.images)
    measured = measure(codec, images, arguments.positions, arguments.seed)
    if arguments.record:
        keep_record(
            arguments.record,
            codec,
            measured,
            images=len(images),
            positions=arguments.positions,
            seed=arguments.seed,
        )
    print("\n".join(table(measured)))
