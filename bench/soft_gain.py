#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What soft decoding gains below the cliff: posteriors against hard bits from the same frames."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import skimage.data
from gnuradio.vqdeepsc import metrics
from gnuradio.vqdeepsc.codec import DEFAULT_MODEL, Codec
from gnuradio.vqdeepsc.link import ChannelModel, Link
from gnuradio.vqdeepsc.pictures import crop_square, find_pictures, load_found
from gnuradio.vqdeepsc.simulation import derive_seed, parse_snr

DEFAULT_PICTURES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line; without pictures, photographs of scikit-image are taken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("pictures", nargs="*", help="files, folders or .tar archives")
    parser.add_argument("--limit", type=int, default=20, help="first pictures only")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name or directory")
    parser.add_argument("--channel", default="awgn", help="awgn, rayleigh, rician[:FACTOR]")
    parser.add_argument("--snr", default="0,1,2", help="mean Es/N0 in dB, as for simulate")
    parser.add_argument("--seed", type=int, default=0, help="of the channel")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def measure(
    codec: Codec, pictures: dict[str, np.ndarray], channel: ChannelModel, snr_db: float, seed: int
) -> dict[str, float]:
    """Means over pictures uint8 [128, 128, 3] after one frame each at one SNR."""
    link = Link(codec.bits_per_region)
    scores: dict[str, list[float]] = {}
    for name, sent in pictures.items():
        row_seed = derive_seed(seed, name, codec.name, str(channel), snr_db, codec.bits_per_region)
        received = link.receive(
            link.modulate(codec.encode_bits(sent)), channel.open(snr_db, row_seed), snr_db
        )
        drawn = {
            "soft": codec.decode_llrs(received.llrs, 128, 128),
            "hard": codec.decode_bits(received.bits, 128, 128),
        }
        for decision, picture in drawn.items():
            scores.setdefault(f"ssim_{decision}", []).append(float(metrics.ssim(sent, picture)))
            scores.setdefault(f"psnr_{decision}", []).append(float(metrics.psnr(sent, picture)))
    return {"snr_db": snr_db} | {name: float(np.mean(values)) for name, values in scores.items()}


def main(argv: list[str] | None = None) -> int:
    """Prints one line for each SNR."""
    arguments = parse_arguments(argv)
    try:
        shipped = Path(skimage.data.__file__).parent
        found = find_pictures(arguments.pictures or [shipped / name for name in DEFAULT_PICTURES])
        pictures = {
            name: crop_square(load_found(name, place))
            for name, place in list(found.items())[: arguments.limit]
        }
        codec = Codec(arguments.model)
        channel = ChannelModel.parse(arguments.channel)
        rows = [
            measure(codec, pictures, channel, snr_db, arguments.seed)
            for snr_db in parse_snr(arguments.snr)
        ]
    except ValueError as error:
        print(f"soft_gain: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        report = {"model": codec.name, "channel": channel.title, "pictures": len(pictures)}
        print(json.dumps(report | {"rows": rows}, indent=2))
        return 0
    print(f"{codec.name}, {channel.title}, means over {len(pictures)} pictures")
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
