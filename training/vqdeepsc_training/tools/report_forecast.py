# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/forecast.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base.repository import ROOT
from ..reports.forecast import write_page


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--results",
        type=Path,
        default=ROOT / "training" / "results",
        help="folder of the models' records",
    )
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder to write into")


def run(arguments: argparse.Namespace) -> None:
    """Write the page and its figure."""
    write_page(arguments.results, arguments.docs)
