# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc plot`: the curves of a results.csv."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", metavar="RESULTS", help="results.csv of `vqdeepsc simulate`")
    parser.add_argument(
        "-o",
        "--output",
        nargs="+",
        required=True,
        metavar="FIGURE",
        help="figures to write (.png, .svg, .pdf)",
    )


def run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.simulation.plot import plot_results
    from vqdeepsc.simulation.results import read_results

    plot_results(read_results(arguments.results), arguments.output)
    return 0
