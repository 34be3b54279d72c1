# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc decode`: the image of such a file."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from vqdeepsc.messages import say

from .arguments import add_json, add_max_pixels, add_provider
from .output import print_json, progress_on_terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="file that `vqdeepsc encode` wrote")
    parser.add_argument(
        "-o", "--output", metavar="IMAGE", required=True, help="image to write (.png, .jpg ...)"
    )
    parser.add_argument(
        "--model", help="name or directory of the model (default: the one that wrote the file)"
    )
    add_max_pixels(parser)
    add_provider(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.images.coding import decode

    decoded = decode(
        arguments.file,
        arguments.output,
        model=arguments.model,
        max_pixels=arguments.max_pixels,
        provider=arguments.provider,
        progress=progress_on_terminal("decoding"),
    )
    if arguments.json:
        print_json(asdict(decoded))
    else:
        say(f"{arguments.output}: {decoded.width}x{decoded.height} pixels, model {decoded.model}")
    return 0
