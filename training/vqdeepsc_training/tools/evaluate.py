# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a bundle."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from vqdeepsc.codec import Codec
from vqdeepsc.images.baselines import BASELINES

from ..reports.evaluation import evaluate_bundle
from .arguments import count, side


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--bundle", required=True, help="directory or name of the bundle")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders or tar files of images"
    )
    parser.add_argument("--size", type=side, default=128, help="side of the centre crop in pixels")
    parser.add_argument("--limit", type=count, help="number of images of each data set at most")
    parser.add_argument("--sheet", type=Path, help="write a sheet of original and decoded images")
    parser.add_argument(
        "--baselines",
        nargs="*",
        choices=BASELINES,
        default=(),
        help="photo codecs to measure at the bundle's number of bits",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> None:
    """Print the figures of each data set."""
    codec = Codec(arguments.bundle)
    results = evaluate_bundle(
        codec, arguments.data, arguments.size, arguments.limit, arguments.baselines, arguments.sheet
    )
    if arguments.json:
        print(json.dumps({path: figures.to_json() for path, figures in results.items()}))
        return
    for path, figures in results.items():
        shares = " ".join(f"{name} {share:.0%}" for name, share in figures.entropy_share.items())
        print(f"{path}: {figures.images} images, entropy {shares}")
        for name, measured in {codec.name: figures, **figures.baselines}.items():
            print(f"  {name:<14}{measured}")
