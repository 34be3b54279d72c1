# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert a bundle to smaller number formats."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..bundles.variants import CALIBRATION_IMAGES, LIMIT, try_variants
from .arguments import count, side


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--bundle", required=True, help="directory or name of the bundle")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for the variants that pay"
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        required=True,
        help="folder or tar file of images that set the ranges of int8",
    )
    parser.add_argument(
        "--calibration-images", type=count, default=CALIBRATION_IMAGES, help="how many at most"
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder or tar file of images to measure on"
    )
    parser.add_argument("--limit", type=count, default=LIMIT, help="how many at most")
    parser.add_argument("--size", type=side, default=128, help="side of the centre crops in pixels")
    parser.add_argument("--threads", type=count, default=1, help="processor threads")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> None:
    """Print a table of what each variant costs and brings."""
    results = try_variants(
        arguments.bundle,
        arguments.output,
        arguments.calibration,
        arguments.data,
        calibration_images=arguments.calibration_images,
        limit=arguments.limit,
        size=arguments.size,
        threads=arguments.threads,
    )
    if arguments.json:
        print(json.dumps({name: one.to_json() for name, one in results.items()}, indent=1))
        return
    print(f"{'':<14}  encoder  decoder   encode    decode    SSIM    PSNR  pays")
    for name, one in results.items():
        kilobytes, ms = one.kilobytes.values(), one.milliseconds.values()
        said = {None: "", True: "yes", False: "no"}[one.pays]
        print(
            f"{name:<14}"
            + "".join(f"{value:>6} kB" for value in kilobytes)
            + "".join(f"{value:>7.1f} ms" for value in ms)
            + f"  {one.ssim:.4f}  {one.psnr_db:.2f}  {said}"
        )
