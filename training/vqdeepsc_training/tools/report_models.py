# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the bundles and write docs/models.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from vqdeepsc.codec import Codec

from ..base.repository import ROOT
from ..data.images import named_paths
from ..reports.models import RESULTS, report_models
from .arguments import count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--bundles", nargs="+", help="names or directories (default: all shipped)")
    parser.add_argument(
        "--data",
        nargs="+",
        metavar="NAME=PATH",
        default=[],
        help="data sets to measure on; what is recorded already stays",
    )
    parser.add_argument("--limit", type=count, help="number of images of each data set at most")
    parser.add_argument("--threads", type=count, help="of the networks (default: all cores)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the records")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder to write into")


def run(arguments: argparse.Namespace) -> None:
    """Write the record of the figures, if there are data, and the page."""
    shipped = sorted(path.parent for path in (ROOT / "models").glob("*/manifest.json"))
    bundles = [Codec(bundle, arguments.threads) for bundle in arguments.bundles or shipped]
    report_models(
        bundles,
        named_paths(arguments.data, "--data"),
        arguments.limit,
        arguments.results,
        arguments.docs,
    )
