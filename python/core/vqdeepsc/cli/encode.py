# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc encode`: an image into a file of source bits."""

from __future__ import annotations

import argparse
import sys

from vqdeepsc.messages import say

from .arguments import add_json, add_model, add_search, add_strict, search_settings
from .output import print_json, show_share


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="image file of any kind")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="file to write")
    add_strict(parser)
    add_model(parser)
    add_search(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.images.bitstream import ImageBitstream, write_bitstream
    from vqdeepsc.images.files import load_image
    from vqdeepsc.images.search import SearchingCodec

    search = search_settings(arguments)
    pixels = load_image(arguments.image, strict=arguments.strict)
    progress = show_share if sys.stderr.isatty() else None
    codec = SearchingCodec(arguments.model, search=search, progress=progress)
    height, width = pixels.shape[:2]
    code = ImageBitstream(codec.model_id, width, height, codec.encode_bits(pixels))
    size = write_bitstream(arguments.output, code)
    report = {
        "model": codec.name,
        "model_id": f"{codec.model_id:04x}",
        "width": width,
        "height": height,
        "regions": len(code.bits),
        "source_bits": code.bits.size,
        "bytes": size,
    }
    if arguments.json:
        print_json(report)
    else:
        say(
            "{output}: {width}x{height} pixels, {regions} regions, {source_bits:,} bits, model "
            "{model}".format(output=arguments.output, **report)
        )
    return 0
