# SPDX-License-Identifier: GPL-3.0-or-later
"""Train variants at equal cost."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base import distributed
from ..data.cache import CACHE
from ..trainer.ablation import MINUTES, RESULTS, RUNS, VALIDATION_IMAGES, VARIANTS, ablate
from .arguments import amount, count, natural


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="folders or tar files of images to train on",
    )
    parser.add_argument(
        "--shares",
        type=amount,
        nargs="+",
        help="share of each data set in a batch, for variants that name none (all "
        "the same if not given)",
    )
    parser.add_argument(
        "--validation",
        type=Path,
        nargs="+",
        required=True,
        help="folders or tar files of images to measure on; the table and the "
        "curves are of the first",
    )
    parser.add_argument(
        "--validation-images",
        type=count,
        default=VALIDATION_IMAGES,
        help="how many of each at most",
    )
    parser.add_argument(
        "--minutes",
        type=amount,
        default=MINUTES,
        help="processor or GPU time of the training steps of each run",
    )
    parser.add_argument("--seeds", type=natural, nargs="+", default=[1], help="one run for each")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="variants or tables to run (default: all)"
    )
    parser.add_argument("--variants", type=Path, default=VARIANTS, help="what to compare")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the records")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder for checkpoints")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for decoded images")
    parser.add_argument("--device", choices=distributed.DEVICES, default="cpu", help="what trains")
    parser.add_argument("--threads", type=count, default=1, help="processor threads")


def run(arguments: argparse.Namespace) -> None:
    """Train what has no record yet; a line for each run is printed."""
    ablate(
        arguments.data,
        arguments.validation,
        shares=arguments.shares,
        validation_images=arguments.validation_images,
        minutes=arguments.minutes,
        seeds=arguments.seeds,
        only=arguments.only,
        variants=arguments.variants,
        results=arguments.results,
        runs=arguments.runs,
        cache=arguments.cache,
        device=arguments.device,
        threads=arguments.threads,
    )
