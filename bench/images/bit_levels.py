#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether coarse parts gain by the strong bits of 16-QAM, the two that choose the quadrant.

Each protection is sent twice: its transport blocks in symbols of their own, as those of models with
scales are, and with the strong bits of all symbols for the coarse blocks, in order, and what is
left for the last one. A mean is over the SNRs; `arrive` says whether all do at the SNR of --full.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import numpy as np
from block_errors import STRONG_BITS, on_strong_bits
from image_link import Scores, add_arguments, read_images
from numpy.typing import NDArray
from vqdeepsc.allocation import LINK_FRAME_BITS, FrameEncoder
from vqdeepsc.codec import Codec
from vqdeepsc.errors import Error, refused_parameters
from vqdeepsc.kernels import (
    LdpcDecoder,
    LdpcEncoder,
    QamDemapper,
    csi_equalize,
    noise_density,
    qam_points,
)
from vqdeepsc.link import (
    BITS_PER_SYMBOL,
    LDPC_ITERATIONS,
    ChannelModel,
    Scheme,
    TransportBlock,
    frame_part_bits,
)
from vqdeepsc.simulation.identity import derive_seed
from vqdeepsc.simulation.plan import parse_snr

MAPPINGS = ("symbols", "bit levels")


def positions(
    blocks: Sequence[TransportBlock], mapping: str, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Of each block, where its coded bits lie among the bits of the symbols."""
    coded_bits = sum(block.coded_bits for block in blocks)
    levels = np.arange(coded_bits).reshape(-1, BITS_PER_SYMBOL)
    if mapping == "bit levels":
        strong = generator.permutation(levels[:, :STRONG_BITS].reshape(-1))
        weak = generator.permutation(levels[:, STRONG_BITS:].reshape(-1))
        order = np.concatenate([strong, weak])
    else:
        order = np.arange(coded_bits)
    found, start = [], 0
    for payload_bits, count in blocks:
        taken = order[start : start + count]
        start += count
        is_strong = taken % BITS_PER_SYMBOL < STRONG_BITS
        wants = on_strong_bits(TransportBlock(payload_bits, count), int(is_strong.sum()))
        placed = np.empty(count, np.int64)
        placed[wants] = taken[is_strong]
        placed[~wants] = taken[~is_strong]
        found.append(placed)
    return found


class LevelLink:
    """LDPC and 16-QAM for frames whose transport blocks lie on any of the bits of symbols."""

    def __init__(self, blocks: Sequence[TransportBlock], mapping: str, seed: int) -> None:
        self._blocks = blocks
        self._positions = positions(blocks, mapping, np.random.default_rng(seed))
        with refused_parameters():
            self._coders = [
                (LdpcEncoder(*block, 1), LdpcDecoder(*block, 1, iterations=LDPC_ITERATIONS))
                for block in blocks
            ]
        self._demapper = QamDemapper(BITS_PER_SYMBOL, "maxlog")

    def send(
        self, bits: NDArray[np.uint8], channel: ChannelModel, snr_db: float, seed: int
    ) -> tuple[NDArray[np.float32], int]:
        """LLRs [payload_bits] of a frame's bits after a transmission, and block errors."""
        coded = np.empty(sum(block.coded_bits for block in self._blocks), np.uint8)
        start = 0
        for (payload_bits, _), (encoder, _), where in zip(
            self._blocks, self._coders, self._positions, strict=True
        ):
            coded[where] = encoder.encode(bits[start : start + payload_bits])
            start += payload_bits
        weights = 1 << np.arange(BITS_PER_SYMBOL - 1, -1, -1)
        symbols = qam_points(BITS_PER_SYMBOL)[coded.reshape(-1, BITS_PER_SYMBOL) @ weights]
        y, h = channel.open(snr_db, seed).apply(symbols.astype(np.complex64))
        soft = self._demapper.demap(*csi_equalize(y, h, noise_density(snr_db)))
        received = [
            decoder.decode(soft[where])
            for (_, decoder), where in zip(self._coders, self._positions, strict=True)
        ]
        errors = sum(block.block_errors for block in received)
        return np.concatenate([block.llrs for block in received]), errors


def main(argv: list[str] | None = None) -> int:
    """Prints a line for each protection and mapping."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add_arguments(parser, "+", limit=10, snr="-2:6:1")
    parser.add_argument("--model", default="vqdeepsc-progressive", help="a progressive model")
    parser.add_argument("--full", type=float, default=4.0, help="SNR at which all blocks arrive")
    parser.add_argument("--scheme", nargs="+", required=True, help="protections by numbers or name")
    parser.add_argument("--mapping", nargs="+", default=MAPPINGS, choices=MAPPINGS)
    arguments = parser.parse_args(argv)
    lines = []
    try:
        images = read_images(arguments.images, arguments.limit)
        codec, channel = Codec(arguments.model), ChannelModel.parse(arguments.channel)
        snr_db = parse_snr(arguments.snr)
        parts = frame_part_bits(codec.layout, LINK_FRAME_BITS)
        frames = {
            name: FrameEncoder(codec, image).frames(frame_bits=LINK_FRAME_BITS)
            for name, image in images.items()
        }
        for text in arguments.scheme:
            # how they lie in symbols is what is compared here
            blocks = Scheme.parse(text).transport_blocks(parts).blocks
            for mapping in arguments.mapping:
                link = LevelLink(blocks, mapping, arguments.seed)
                rows, arrive = [], True
                for snr in snr_db:
                    scores = Scores()
                    for name, frame in frames.items():
                        seed = derive_seed(
                            arguments.seed, name, text, str(channel), snr, LINK_FRAME_BITS
                        )
                        llrs, errors = link.send(frame.bits[0], channel, snr, seed)
                        arrive = arrive and not (errors and snr >= arguments.full)
                        run = frame.runs[0]
                        decoded = codec.decode_received({run: llrs[: run.bits]}, 128, 128)
                        scores.add_image("received", images[name], decoded)
                    rows.append(scores.means()["ssim_received"])
                mean = float(np.mean(rows))
                lines.append(
                    {"scheme": text, "mapping": mapping, "arrive": arrive, "mean": mean}
                    | {"ssim": dict(zip(map(str, snr_db), rows, strict=True))}
                )
                if not arguments.json:
                    by_snr = " ".join(f"{row:.3f}" for row in rows)
                    says = "arrive" if arrive else "fail"
                    print(f"{text:>24} {mapping:>10} {says:>6} {mean:.4f}  {by_snr}", flush=True)
    except Error as error:
        print(f"bit_levels: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps({"snr_db": snr_db, "lines": lines}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
