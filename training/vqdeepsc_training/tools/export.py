# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a bundle of a checkpoint."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..bundles.export import PRIOR_IMAGES, VERSION, export
from ..data.images import named_paths
from .arguments import count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--checkpoint", type=Path, required=True, help="checkpoint of a run, or a bundle"
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        required=True,
        help="directory to write; its name is the model's name",
    )
    parser.add_argument("--version", default=VERSION, help="version of the model")
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="training data, for the frequencies of the codewords",
    )
    parser.add_argument("--data-names", nargs="+", help="names of the training data in the card")
    parser.add_argument(
        "--prior-images",
        type=count,
        default=PRIOR_IMAGES,
        help="images of each data set that the frequencies are counted on",
    )
    parser.add_argument(
        "--measure",
        nargs="+",
        default=[],
        metavar="NAME=PATH",
        help="data sets to measure the bundle on",
    )
    parser.add_argument(
        "--latest", action="store_true", help="take the last weights instead of the averaged ones"
    )
    parser.add_argument(
        "--untuned", action="store_true", help="leave out the tuning of the decoder"
    )
    parser.add_argument(
        "--unrounded",
        action="store_true",
        help="store the weights in 32 bits, to measure what fewer bits cost",
    )
    parser.add_argument(
        "--no-search",
        dest="searchable",
        action="store_false",
        help="leave out the gradient by which senders search for better indices, a third of the "
        "bundle",
    )
    parser.add_argument(
        "--results",
        type=Path,
        help="folder that also gets NAME.json, the record of the run with what was measured",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the bundle; what was measured is printed as JSON."""
    found = export(
        arguments.checkpoint,
        arguments.bundle,
        arguments.data,
        data_names=arguments.data_names,
        version=arguments.version,
        prior_images=arguments.prior_images,
        measure=named_paths(arguments.measure, "--measure"),
        latest=arguments.latest,
        untuned=arguments.untuned,
        unrounded=arguments.unrounded,
        searchable=arguments.searchable,
        results=arguments.results,
    )
    print(json.dumps(found.to_json(), indent=1))
