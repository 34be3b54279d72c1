#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What soft decoding gains below the decoding threshold: posteriors against hard bits."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import skimage.data
from image_link import Scores, add_arguments, read_images, receive
from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.errors import Error
from vqdeepsc.link import ChannelModel
from vqdeepsc.simulation.identity import derive_seed
from vqdeepsc.simulation.plan import parse_snr

DEFAULT_IMAGES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line; without images, photographs of scikit-image are taken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add_arguments(parser, "*", limit=20, snr="0,1,2")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name or directory")
    return parser.parse_args(argv)


def measure(
    codec: Codec, images: dict[str, np.ndarray], channel: ChannelModel, snr_db: float, seed: int
) -> dict[str, float]:
    """Means over images uint8 [128, 128, 3] after one frame each at one SNR."""
    scores = Scores()
    for name, sent in images.items():
        row_seed = derive_seed(seed, name, codec.name, str(channel), snr_db, codec.bits_per_region)
        received = receive(codec, sent, channel, snr_db, row_seed)
        scores.add_image("soft", sent, codec.decode_llrs(received.llrs, 128, 128))
        scores.add_image("hard", sent, codec.decode_bits(received.bits, 128, 128))
    return {"snr_db": snr_db} | scores.means()


def main(argv: list[str] | None = None) -> int:
    """Prints one line for each SNR."""
    arguments = parse_arguments(argv)
    try:
        shipped = Path(skimage.data.__file__).parent
        paths = arguments.images or [shipped / name for name in DEFAULT_IMAGES]
        images = read_images(paths, arguments.limit)
        codec = Codec(arguments.model)
        channel = ChannelModel.parse(arguments.channel)
        rows = [
            measure(codec, images, channel, snr_db, arguments.seed)
            for snr_db in parse_snr(arguments.snr)
        ]
    except Error as error:
        print(f"soft_gain: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        report = {"model": codec.name, "channel": channel.title, "images": len(images)}
        print(json.dumps(report | {"rows": rows}, indent=2))
        return 0
    print(f"{codec.name}, {channel.title}, means over {len(images)} images")
    print(
        f"{'Es/N0 dB':>8} {'SSIM soft':>10} {'hard':>7} {'gain':>7} {'PSNR soft':>10} {'hard':>6}"
    )
    for row in rows:
        gain = row["ssim_soft"] - row["ssim_hard"]
        print(
            f"{row['snr_db']:>8g} {row['ssim_soft']:>10.4f} {row['ssim_hard']:>7.4f} {gain:>+7.4f} "
            f"{row['psnr_soft']:>10.2f} {row['psnr_hard']:>6.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
