# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a network without quantisation as one graph."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..bundles.unquantised import export_unquantised


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--checkpoint", type=Path, required=True, help="checkpoint of a run")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="file to write (.onnx); its name is the system's in results.csv",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the graph."""
    export_unquantised(arguments.checkpoint, arguments.output)
