#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the protection of a model's scales that has the highest mean SSIM over a range of SNRs.

Every combination of factors is rated by two measurements: how often its transport blocks fail at
each SNR, and how good an image is of which only the first scales arrived. Those that deliver every
scale at the SNR of --full are candidates; the best are then sent over the simulated link with real
images, and the table is of those transmissions.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from image_link import Scores, add_arguments, read_images
from vqdeepsc.codec import Codec
from vqdeepsc.errors import Error, ParameterError
from vqdeepsc.link import ChannelModel, Link, Scheme, TransportBlock
from vqdeepsc.simulation.identity import derive_seed
from vqdeepsc.simulation.plan import parse_snr

FACTORS = (3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 12, 14)
DELIVERED = 0.01
CERTAIN_LLR = 20.0


@dataclass(frozen=True)
class Candidate:
    """A protection with its transport blocks and the mean SSIM that the measurements promise."""

    scheme: Scheme
    blocks: list[TransportBlock]
    promised: float


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add_arguments(parser, "+", limit=30, snr="-2:6:1")
    parser.add_argument("--model", default="vqdeepsc-4s", help="name or directory of the bundle")
    parser.add_argument("--full", type=float, default=4.0, help="SNR at which all scales arrive")
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS, help="to be tried")
    parser.add_argument("--frames", type=int, default=60, help="of each block-error rate")
    parser.add_argument("--sent", type=int, default=30, help="candidates to be sent")
    return parser.parse_args(argv)


class BlockErrors:
    """Measured rates of transport blocks that fail, by block and SNR."""

    def __init__(self, channel: ChannelModel, frames: int, seed: int) -> None:
        self._channel = channel
        self._frames = frames
        self._seed = seed
        self._rates: dict[tuple[TransportBlock, float], float] = {}

    def rate(self, block: TransportBlock, snr_db: float) -> float:
        """Share of such blocks that fail at an SNR."""
        if (block, snr_db) not in self._rates:
            self._rates[block, snr_db] = self._measure(block, snr_db)
        return self._rates[block, snr_db]

    def _measure(self, block: TransportBlock, snr_db: float) -> float:
        scheme = Scheme(symbols=block.coded_bits // Scheme().bits_per_symbol)
        link = Link(block.payload_bits, scheme=scheme)
        seed = derive_seed(
            self._seed,
            "random bits",
            str(scheme),
            str(self._channel),
            snr_db,
            block.payload_bits,
        )
        bits = np.random.default_rng(seed).integers(
            0, 2, (self._frames, block.payload_bits), np.uint8
        )
        received = link.receive(link.modulate(bits), self._channel.open(snr_db, seed), snr_db)
        return float((received.block_errors > 0).mean())


def prefix_quality(codec: Codec, images: Sequence[np.ndarray]) -> list[float]:
    """Mean SSIM of images of which only the first n scales arrived, for n from 0 to all."""
    ends = np.cumsum([0, *codec.layout.scale_bits])
    scores = Scores()
    for image in images:
        certain = CERTAIN_LLR * (2.0 * codec.encode_bits(image).astype(np.float32) - 1)
        for count, end in enumerate(ends):
            llrs = certain.copy()
            llrs[:, end:] = 0
            scores.add_image(str(count), image, codec.decode_llrs(llrs, 128, 128))
    means = scores.means()
    return [means[f"ssim_{count}"] for count in range(len(ends))]


def promised_ssim(
    blocks: Sequence[TransportBlock],
    scale_bits: Sequence[int],
    quality: Sequence[float],
    errors: BlockErrors,
    snr_db: float,
) -> float:
    """Mean SSIM if an image is as good as the scales that arrived before the first lost one."""
    ends = list(np.cumsum([0, *scale_bits]))
    arrived, total, start = 1.0, 0.0, 0
    for block in blocks:
        failed = errors.rate(block, snr_db)
        total += arrived * failed * quality[ends.index(start)]
        arrived *= 1 - failed
        start += block.payload_bits
    return total + arrived * quality[-1]


def candidates(
    codec: Codec,
    factors: Sequence[float],
    quality: Sequence[float],
    errors: BlockErrors,
    snr_db: Sequence[float],
    full: float,
) -> list[Candidate]:
    """All protections that deliver every scale at the SNR `full`, best first."""
    scale_bits = codec.layout.scale_bits
    found = []
    for protection in itertools.product(factors, repeat=len(scale_bits) - 1):
        # More for a finer scale than for a coarser one protects what nobody can use.
        if sorted(protection, reverse=True) != list(protection):
            continue
        scheme = Scheme(protection=protection)
        try:
            blocks = scheme.transport_blocks(scale_bits)
        except ParameterError:
            continue
        if any(errors.rate(block, full) > DELIVERED for block in blocks):
            continue
        values = [promised_ssim(blocks, scale_bits, quality, errors, snr) for snr in snr_db]
        found.append(Candidate(scheme, blocks, float(np.mean(values))))
    return sorted(found, key=lambda candidate: -candidate.promised)


def send(
    codec: Codec,
    scheme: Scheme,
    images: dict[str, np.ndarray],
    channel: ChannelModel,
    snr_db: float,
    seed: int,
) -> dict[str, float]:
    """Mean SSIM and PSNR of images after one transmission each."""
    link = Link(codec.bits_per_region, scheme=scheme, part_bits=codec.layout.scale_bits)
    scores = Scores()
    for name, image in images.items():
        row_seed = derive_seed(
            seed, name, "protection", str(channel), snr_db, codec.bits_per_region
        )
        symbols = link.modulate(codec.encode_bits(image))
        received = link.receive(symbols, channel.open(snr_db, row_seed), snr_db)
        scores.add_image("received", image, codec.decode_llrs(received.llrs, 128, 128))
    means = scores.means()
    return {"snr_db": snr_db, "ssim": means["ssim_received"], "psnr_db": means["psnr_received"]}


def main(argv: list[str] | None = None) -> int:
    """Prints a line for each scheme that was sent: its mean, and the figures at each SNR."""
    arguments = parse_arguments(argv)
    try:
        images = read_images(arguments.images, arguments.limit)
        codec = Codec(arguments.model)
        channel = ChannelModel.parse(arguments.channel)
        snr_db = parse_snr(arguments.snr)
        errors = BlockErrors(channel, arguments.frames, arguments.seed)
        quality = prefix_quality(codec, list(images.values()))
        best = candidates(codec, arguments.factors, quality, errors, snr_db, arguments.full)
    except Error as error:
        print(f"protection: {error}", file=sys.stderr)
        return 2
    lines = []
    for scheme in (Scheme(), *(candidate.scheme for candidate in best[: arguments.sent])):
        rows = [send(codec, scheme, images, channel, snr, arguments.seed) for snr in snr_db]
        means = {key: float(np.mean([row[key] for row in rows])) for key in ("ssim", "psnr_db")}
        lines.append({"scheme": str(scheme), **means, "rows": rows})
        if not arguments.json:
            by_snr = "  ".join(f"{row['ssim']:.3f}/{row['psnr_db']:.1f}" for row in rows)
            print(f"{scheme!s:>18}  {means['ssim']:.4f} / {means['psnr_db']:.2f} dB  {by_snr}")
    if arguments.json:
        print(json.dumps({"prefix_ssim": quality, "full_db": arguments.full, "schemes": lines}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
