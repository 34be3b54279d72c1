# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/ablations.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base.repository import ROOT
from ..reports.ablations import write_page
from ..trainer.ablation import RESULTS, VARIANTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the records")
    parser.add_argument(
        "--variants", type=Path, default=VARIANTS, help="what was compared, in which order"
    )
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder to write into")


def run(arguments: argparse.Namespace) -> None:
    """Write the page and its figure."""
    write_page(arguments.results, arguments.variants, arguments.docs)
