#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far one transmission for receivers of any SNR is from what no code can beat.

A quality at an SNR takes so many first bits of a progressive model, of the same mean SSIM without a
channel. Over the Gaussian broadcast channel a superposition code delivers such numbers of bits to
receivers of rising SNR, but no more. The table has, for each list of --ssim, the bits and by how
many dB that code needs less SNR at all of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import numpy as np
from image_link import Scores, read_images
from protection_search import asked_ssim
from vqdeepsc.allocation import FrameEncoder
from vqdeepsc.cli.arguments import positive
from vqdeepsc.codec import Codec
from vqdeepsc.errors import Error, ParameterError

CERTAIN_LLR = 20.0
PREFIXES = 40  # of a frame whose quality is measured


def needed_power(bits: Sequence[float], snr_db: Sequence[float], symbols: int) -> float:
    """Power, 1: that of the SNRs, with which receivers get their first bits of a transmission.

    bits: non-decreasing; snr_db: ascending."""
    power = 0.0
    more = np.diff(bits, prepend=0.0)
    for count, snr in reversed(list(zip(more, snr_db, strict=True))):
        # what stronger receivers get is noise to weaker ones
        power += (2 ** (count / symbols) - 1) * (10 ** (-snr / 10) + power)
    return power


def gap_db(bits: Sequence[float], snr_db: Sequence[float], symbols: int) -> float:
    """By how much all SNRs could be lower, in dB; below 0: by how much they have to be higher."""
    low, high = -30.0, 30.0
    for _ in range(50):
        middle = (low + high) / 2
        lower = [snr - middle for snr in snr_db]
        low, high = (middle, high) if needed_power(bits, lower, symbols) <= 1 else (low, middle)
    return low


def main(argv: list[str] | None = None) -> int:
    """Prints a line for each list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "images", metavar="IMAGE", nargs="+", help="files, folders or .tar archives"
    )
    parser.add_argument("--limit", type=int, default=60, help="first images only")
    parser.add_argument("--model", default="vqdeepsc-progressive", help="a progressive model")
    parser.add_argument("--symbols", type=positive, default=15024, help="of an image")
    parser.add_argument(
        "--ssim",
        type=asked_ssim,
        action="append",
        required=True,
        metavar="SNR:SSIM,...",
        help="mean SSIM by SNR in dB, ascending; again for another list",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    lines = []
    try:
        codec = Codec(arguments.model)
        if not codec.layout.embedded:
            raise ParameterError(f"{codec.name} is not a progressive model")
        counts = np.linspace(0, codec.bits_per_region, PREFIXES + 1).astype(int)
        scores = Scores()
        for image in read_images(arguments.images, arguments.limit).values():
            frames = FrameEncoder(codec, image).frames(frame_bits=codec.bits_per_region)
            run = frames.runs[0]
            signs = 2.0 * frames.bits[0].astype(np.float32) - 1
            for count in counts:
                llrs = CERTAIN_LLR * signs
                llrs[count:] = 0
                decoded = codec.decode_received({run: llrs[: run.bits]}, 128, 128)
                scores.add_image(str(count), image, decoded)
        means = scores.means()
        quality = np.maximum.accumulate([means[f"ssim_{count}"] for count in counts])
        for asked in arguments.ssim:
            bits = np.interp(list(asked.values()), quality, counts)
            gap = gap_db(np.maximum.accumulate(bits), list(asked), arguments.symbols)
            lines.append({"ssim": asked, "bits": bits.round().tolist(), "gap_db": gap})
    except (Error, ValueError) as error:
        print(f"broadcast_bound: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps({"symbols": arguments.symbols, "lines": lines}))
    else:
        for line in lines:
            bits = " ".join(f"{count:,.0f}" for count in line["bits"])
            ssim = ",".join(f"{snr:g}:{value:g}" for snr, value in line["ssim"].items())
            print(f"{line['gap_db']:5.2f} dB  {ssim}\n          {bits}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
