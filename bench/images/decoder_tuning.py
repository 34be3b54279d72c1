#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tuning a decoder for the channel gains below the decoding threshold and costs above it.

Two bundles, before and after, get the same images over the same simulated link with the same
noise. Below the threshold more than half of the frames have code blocks that fail, above it none.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
from image_link import Scores, add_arguments, read_images, receive
from vqdeepsc.codec import Codec
from vqdeepsc.errors import Error
from vqdeepsc.link import ChannelModel
from vqdeepsc.simulation.identity import derive_seed
from vqdeepsc.simulation.plan import parse_snr

NAMES = ("before", "after")
MOSTLY_FAILED = 0.5


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add_arguments(parser, "+", limit=40, snr="-4:6:1")
    parser.add_argument("--before", required=True, help="bundle without tuning")
    parser.add_argument("--after", required=True, help="bundle with tuning")
    return parser.parse_args(argv)


def measure(
    codecs: dict[str, Codec],
    images: dict[str, np.ndarray],
    channel: ChannelModel,
    snr_db: float,
    seed: int,
) -> dict[str, float]:
    """Means over images uint8 [128, 128, 3] after one frame each at one SNR."""
    bits = codecs[NAMES[0]].bits_per_region
    scores = Scores()
    for name, sent in images.items():
        row_seed = derive_seed(seed, name, "decoder_tuning", str(channel), snr_db, bits)
        for which, codec in codecs.items():
            received = receive(codec, sent, channel, snr_db, row_seed)
            scores.add(failed_frames=received.block_errors.sum() > 0)
            scores.add_image(which, sent, codec.decode_llrs(received.llrs, 128, 128))
    return {"snr_db": snr_db} | scores.means()


def summarise(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Smallest and mean gain of SSIM below and above the threshold, where there are such rows."""
    parts = {
        "below": [row for row in rows if row["failed_frames"] > MOSTLY_FAILED],
        "above": [row for row in rows if row["failed_frames"] == 0],
    }
    gains = {
        part: [row["ssim_after"] - row["ssim_before"] for row in chosen]
        for part, chosen in parts.items()
    }
    return {
        part: {"smallest": min(values), "mean": float(np.mean(values))}
        for part, values in gains.items()
        if values
    }


def main(argv: list[str] | None = None) -> int:
    """Prints one line for each SNR, and the gains on both sides of the threshold."""
    arguments = parse_arguments(argv)
    try:
        images = read_images(arguments.images, arguments.limit)
        codecs = {name: Codec(getattr(arguments, name)) for name in NAMES}
        if len({codec.bits_per_region for codec in codecs.values()}) > 1:
            raise Error("the two bundles send different numbers of bits")
        channel = ChannelModel.parse(arguments.channel)
        rows = [
            measure(codecs, images, channel, snr_db, arguments.seed)
            for snr_db in parse_snr(arguments.snr)
        ]
    except Error as error:
        print(f"decoder_tuning: {error}", file=sys.stderr)
        return 2
    gains = summarise(rows)
    if arguments.json:
        report = {"channel": channel.title, "images": len(images), "rows": rows}
        print(json.dumps(report | {"gains": gains}, indent=2))
        return 0
    print(f"{len(images)} images, {channel.title}, seed {arguments.seed}")
    print("Es/N0 (dB)  failed frames  SSIM before   after    gain  PSNR before   after")
    for row in rows:
        print(
            f"{row['snr_db']:10.1f} {row['failed_frames']:14.0%} {row['ssim_before']:12.4f} "
            f"{row['ssim_after']:7.4f} {row['ssim_after'] - row['ssim_before']:+7.4f} "
            f"{row['psnr_before']:12.2f} {row['psnr_after']:7.2f}"
        )
    for part, values in gains.items():
        print(
            f"{part} the decoding threshold: SSIM {values['mean']:+.4f}, "
            f"at least {values['smallest']:+.4f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
