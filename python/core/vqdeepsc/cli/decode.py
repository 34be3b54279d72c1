# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc decode`: the image of such a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from vqdeepsc.codec import BundleError, Codec, list_models, read_manifest
from vqdeepsc.messages import say

from .arguments import add_json, add_max_pixels
from .output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="file that `vqdeepsc encode` wrote")
    parser.add_argument(
        "-o", "--output", metavar="IMAGE", required=True, help="image to write (.png, .jpg ...)"
    )
    parser.add_argument(
        "--model", help="name or directory of the model (default: the one that wrote the file)"
    )
    add_max_pixels(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.images.bitstream import BitstreamError, read_bitstream
    from vqdeepsc.images.files import check_suffix, save_image

    check_suffix(arguments.output)
    code = read_bitstream(arguments.file, arguments.max_pixels)
    codec = Codec(arguments.model or _model_with_id(code.model_id, arguments.file))
    if codec.model_id != code.model_id:
        raise BitstreamError(
            f"{arguments.file} needs the codebooks {code.model_id:04x}, "
            f"model {codec.name} has {codec.model_id:04x}"
        )
    if code.bits.shape[1] != codec.bits_per_region:
        raise BitstreamError(
            f"{arguments.file} has {code.bits.shape[1]} bits in a region, "
            f"model {codec.name} {codec.bits_per_region}"
        )
    image = codec.decode_bits(code.bits, code.width, code.height, version=code.version)
    save_image(arguments.output, image)
    report = {"model": codec.name, "width": code.width, "height": code.height}
    if arguments.json:
        print_json(report)
    else:
        say(f"{arguments.output}: {code.width}x{code.height} pixels, model {codec.name}")
    return 0


def _model_with_id(model_id: int, file: str) -> Path:
    for path in list_models():
        try:
            if read_manifest(path).model_id == model_id:
                return path
        except BundleError:
            continue  # a damaged model elsewhere does not concern this file
    raise BundleError(f"{file} needs a model with the codebooks {model_id:04x}, which is not here")
