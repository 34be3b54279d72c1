# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a bundle the graph that a search at the sender needs."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..bundles.gradient import add_gradient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="directories")


def run(arguments: argparse.Namespace) -> None:
    """Write the graphs and the manifests."""
    for bundle in arguments.bundles:
        add_gradient(bundle)
