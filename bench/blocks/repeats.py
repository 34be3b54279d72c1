#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What repeated frames gain: the SNR where they arrive, as copies and in new versions."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from vqdeepsc.errors import Error
from vqdeepsc.kernels import FadingChannel, LdpcDecoder, LdpcEncoder, QamDemapper, qam_points
from vqdeepsc.link import ChannelModel
from vqdeepsc.simulation.plan import parse_snr

BITS_PER_SYMBOL = 4
VERSIONS = (0, 2, 3, 1)
RATES = ("1/3", "1/2", "2/3", "3/4")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--payload-bits", type=int, default=20032, help="of a frame")
    parser.add_argument("--copies", type=int, default=3, help="most transmissions of a frame")
    parser.add_argument("--snr", default="-3:9:0.25", help="mean Es/N0 in dB, rising")
    parser.add_argument("--channel", default="awgn", help="awgn, rayleigh, rician[:FACTOR]")
    parser.add_argument("--frames", type=int, default=40, help="at each SNR")
    parser.add_argument("--seed", type=int, default=0, help="of bits and channel")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


class Repeats:
    """Frames of one code rate over one channel, 16-QAM."""

    def __init__(self, payload_bits: int, rate: str, channel: ChannelModel) -> None:
        symbols = -(-payload_bits // (Fraction(rate) * BITS_PER_SYMBOL))
        frame = (payload_bits, int(symbols) * BITS_PER_SYMBOL, BITS_PER_SYMBOL)
        self._payload_bits = payload_bits
        self._channel = channel
        self._encoders = [LdpcEncoder(*frame, version) for version in range(4)]
        self._decoder = LdpcDecoder(*frame)
        self._demapper = QamDemapper(BITS_PER_SYMBOL)
        self._points = qam_points(BITS_PER_SYMBOL)

    def _llrs(
        self, bits: np.ndarray, version: int, channel: FadingChannel, n0: float
    ) -> np.ndarray:
        coded = self._encoders[version].encode(bits).reshape(-1, BITS_PER_SYMBOL)
        symbols = self._points[coded @ (1 << np.arange(BITS_PER_SYMBOL - 1, -1, -1))]
        received, gain = channel.apply(symbols)
        noise = np.full(symbols.size, n0, np.float32) / np.abs(gain) ** 2
        return self._demapper.demap(received / gain, noise.astype(np.float32))

    def failed(self, versions: Sequence[int], snr_db: float, frames: int, seed: int) -> float:
        """Share of frames that are not decoded after transmissions in these versions."""
        generator = np.random.default_rng(seed)
        channel = self._channel.open(snr_db, seed)
        failed = 0
        for _ in range(frames):
            bits = generator.integers(0, 2, self._payload_bits, np.uint8)
            self._decoder.reset()
            for version in versions:
                llrs = self._llrs(bits, version, channel, 10 ** (-snr_db / 10))
                self._decoder.add_llrs(version, llrs)
            failed += self._decoder.decode_combined().block_errors > 0
        return failed / frames

    def threshold(
        self, versions: Sequence[int], snrs: Sequence[float], frames: int, seed: int
    ) -> float:
        """The lowest SNR from which all frames arrive, or NaN."""
        lowest = float("nan")
        for snr_db in reversed(snrs):
            if self.failed(versions, snr_db, frames, seed) > 0:
                break
            lowest = snr_db
        return lowest


def main(argv: list[str] | None = None) -> int:
    """Prints a line for each rate and number of transmissions."""
    arguments = parse_arguments(argv)
    rows = []
    try:
        channel = ChannelModel.parse(arguments.channel)
        snrs = parse_snr(arguments.snr)
        if not arguments.json:
            print(f"{'rate':>4} {'sent':>4} {'copies from':>12} {'versions from':>14} dB")
        for rate in RATES:
            repeats = Repeats(arguments.payload_bits, rate, channel)
            for count in range(1, arguments.copies + 1):
                same, new = (
                    repeats.threshold(versions, snrs, arguments.frames, arguments.seed)
                    for versions in ((0,) * count, VERSIONS[:count])
                )
                rows.append({"rate": rate, "sent": count, "copies_db": same, "versions_db": new})
                if not arguments.json:
                    print(f"{rate:>4} {count:4} {same:12.2f} {new:14.2f}", flush=True)
    except Error as error:
        print(f"repeats: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps({"channel": channel.title, "rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
