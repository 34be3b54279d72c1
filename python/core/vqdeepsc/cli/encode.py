# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc encode`: an image into a file of source bits."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from vqdeepsc.messages import say

from .arguments import (
    add_budget,
    add_json,
    add_model,
    add_provider,
    add_search,
    add_strict,
    budget_settings,
    positive,
    search_settings,
)
from .output import print_json, progress_on_terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="image file of any kind")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="file to write")
    add_strict(parser)
    add_model(parser)
    add_search(parser)
    add_budget(parser).add_argument(
        "--bytes",
        type=positive,
        default=0,
        metavar="N",
        help="source bits as bytes, to which the head and the checksum of the file come; 0: all",
    )
    add_provider(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.images.coding import encode

    search = search_settings(arguments)
    encoded = encode(
        arguments.image,
        arguments.output,
        model=arguments.model,
        strict=arguments.strict,
        search=search,
        budget=budget_settings(arguments, 8 * arguments.bytes),
        provider=arguments.provider,
        progress=progress_on_terminal("searching" if search.wanted else "encoding"),
    )
    if arguments.json:
        print_json(asdict(encoded) | {"model_id": f"{encoded.model_id:04x}"})
    else:
        say(
            f"{arguments.output}: {encoded.width}x{encoded.height} pixels, {encoded.regions} "
            f"regions, {encoded.source_bits:,} bits, model {encoded.model}"
        )
    return 0
