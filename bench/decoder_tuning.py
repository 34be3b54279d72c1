#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tuning a decoder for the channel gains below the cliff and costs above it.

Two bundles, before and after, get the same pictures over the same simulated link with the same
noise. Below the cliff, more than half of the frames have code blocks that fail; above, none has.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
from gnuradio.vqdeepsc import metrics
from gnuradio.vqdeepsc.codec import Codec
from gnuradio.vqdeepsc.link import ChannelModel, Link
from gnuradio.vqdeepsc.pictures import crop_square, find_pictures, load_found
from gnuradio.vqdeepsc.simulation import derive_seed, parse_snr

NAMES = ("before", "after")
BELOW_CLIFF = 0.5


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("pictures", nargs="+", help="files, folders or .tar archives")
    parser.add_argument("--before", required=True, help="bundle without tuning")
    parser.add_argument("--after", required=True, help="bundle with tuning")
    parser.add_argument("--limit", type=int, default=40, help="first pictures only")
    parser.add_argument("--channel", default="awgn", help="awgn, rayleigh, rician[:FACTOR]")
    parser.add_argument("--snr", default="-4:6:1", help="mean Es/N0 in dB, as for simulate")
    parser.add_argument("--seed", type=int, default=0, help="of the channel")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def measure(
    codecs: dict[str, Codec],
    pictures: dict[str, np.ndarray],
    channel: ChannelModel,
    snr_db: float,
    seed: int,
) -> dict[str, float]:
    """Means over pictures uint8 [128, 128, 3] after one frame each at one SNR."""
    bits = codecs[NAMES[0]].bits_per_region
    link = Link(bits)
    scores: dict[str, list[float]] = {}
    for name, sent in pictures.items():
        row_seed = derive_seed(seed, name, "decoder_tuning", str(channel), snr_db, bits)
        for which, codec in codecs.items():
            received = link.receive(
                link.modulate(codec.encode_bits(sent)), channel.open(snr_db, row_seed), snr_db
            )
            drawn = codec.decode_llrs(received.llrs, 128, 128)
            failed = float(received.block_errors.sum() > 0)
            scores.setdefault("failed_frames", []).append(failed)
            scores.setdefault(f"ssim_{which}", []).append(float(metrics.ssim(sent, drawn)))
            scores.setdefault(f"psnr_{which}", []).append(float(metrics.psnr(sent, drawn)))
    return {"snr_db": snr_db} | {key: float(np.mean(values)) for key, values in scores.items()}


def summarise(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Smallest and mean gain of SSIM below and above the cliff, where there are such rows."""
    parts = {
        "below": [row for row in rows if row["failed_frames"] > BELOW_CLIFF],
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
    """Prints one line for each SNR, and the gains on both sides of the cliff."""
    arguments = parse_arguments(argv)
    try:
        found = find_pictures(arguments.pictures)
        pictures = {
            name: crop_square(load_found(name, place))
            for name, place in list(found.items())[: arguments.limit]
        }
        codecs = {name: Codec(getattr(arguments, name)) for name in NAMES}
        if len({codec.bits_per_region for codec in codecs.values()}) > 1:
            raise ValueError("the two bundles send different numbers of bits")
        channel = ChannelModel.parse(arguments.channel)
        rows = [
            measure(codecs, pictures, channel, snr_db, arguments.seed)
            for snr_db in parse_snr(arguments.snr)
        ]
    except ValueError as error:
        print(f"decoder_tuning: {error}", file=sys.stderr)
        return 2
    gains = summarise(rows)
    if arguments.json:
        report = {"channel": channel.title, "pictures": len(pictures), "rows": rows}
        print(json.dumps(report | {"gains": gains}, indent=2))
        return 0
    print(f"{len(pictures)} pictures, {channel.title}, seed {arguments.seed}")
    print("Es/N0 (dB)  failed frames  SSIM before   after    gain  PSNR before   after")
    for row in rows:
        print(
            f"{row['snr_db']:10.1f} {row['failed_frames']:14.0%} {row['ssim_before']:12.4f} "
            f"{row['ssim_after']:7.4f} {row['ssim_after'] - row['ssim_before']:+7.4f} "
            f"{row['psnr_before']:12.2f} {row['psnr_after']:7.2f}"
        )
    for part, values in gains.items():
        print(f"{part} the cliff: SSIM {values['mean']:+.4f}, at least {values['smallest']:+.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
