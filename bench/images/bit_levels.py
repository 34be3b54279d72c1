#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the coarse parts of a progressive model's frame gain most: which bits of which symbols.

Each protection is sent three times over as many symbols: its transport blocks in symbols of their
own, as those of models with scales are (`symbols`); the coarse ones in QPSK symbols, where the last
one gets all other symbols, of 16-QAM (`qpsk`); and on the strong bits of all 16-QAM symbols, which
choose the quadrant, as it is on the air (`bit levels`). A mean is over the SNRs; `arrive` says
whether all blocks do at the SNR of --full.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import numpy as np
from image_link import Scores, add_arguments, read_images
from numpy.typing import NDArray
from vqdeepsc.allocation import LINK_FRAME_BITS, FrameEncoder
from vqdeepsc.codec import Codec
from vqdeepsc.errors import Error, ParameterError, refused_parameters
from vqdeepsc.kernels import (
    FadingChannel,
    LdpcFrameDecoder,
    LdpcFrameEncoder,
    QamDemapper,
    csi_equalize,
    noise_density,
    qam_points,
)
from vqdeepsc.link import (
    BITS_PER_SYMBOL,
    CONSTELLATIONS,
    LDPC_ITERATIONS,
    ChannelModel,
    Scheme,
    TransportBlock,
    TransportBlocks,
    frame_part_bits,
)
from vqdeepsc.simulation.identity import derive_seed
from vqdeepsc.simulation.plan import parse_snr

MAPPINGS = ("symbols", "qpsk", "bit levels")


class Section:
    """Transport blocks in symbols of one constellation."""

    def __init__(self, blocks: TransportBlocks, bits_per_symbol: int) -> None:
        self.payload_bits = sum(block.payload_bits for block in blocks)
        coded_bits = sum(block.coded_bits for block in blocks)
        self._bits_per_symbol = bits_per_symbol
        frame = (self.payload_bits, coded_bits, bits_per_symbol)
        with refused_parameters():
            self._encoder = LdpcFrameEncoder(*frame, transport_blocks=blocks)
            self._decoder = LdpcFrameDecoder(*frame, LDPC_ITERATIONS, transport_blocks=blocks)
            self._demapper = QamDemapper(bits_per_symbol, "maxlog")

    def send(
        self, bits: NDArray[np.uint8], channel: FadingChannel, snr_db: float
    ) -> tuple[NDArray[np.float32], int]:
        """LLRs [payload_bits] of the bits after a transmission, and block errors."""
        weights = 1 << np.arange(self._bits_per_symbol - 1, -1, -1)
        labels = self._encoder.encode(bits).reshape(-1, self._bits_per_symbol) @ weights
        y, h = channel.apply(qam_points(self._bits_per_symbol)[labels].astype(np.complex64))
        received = self._decoder.decode(
            self._demapper.demap(*csi_equalize(y, h, noise_density(snr_db)))
        )
        return received.llrs, received.block_errors


def sections(blocks: Sequence[TransportBlock], mapping: str) -> list[Section]:
    """What is sent one after another; raises ParameterError for a list that does not fit."""
    *coarse, last = blocks
    if mapping == "qpsk":
        used = sum(block.coded_bits for block in coarse) // CONSTELLATIONS["qpsk"]
        symbols = sum(block.coded_bits for block in blocks) // BITS_PER_SYMBOL
        left = TransportBlock(last.payload_bits, max(0, symbols - used) * BITS_PER_SYMBOL)
        return [
            Section(TransportBlocks(tuple(coarse)), CONSTELLATIONS["qpsk"]),
            Section(TransportBlocks((left,)), BITS_PER_SYMBOL),
        ]
    return [Section(TransportBlocks(tuple(blocks), mapping == "bit levels"), BITS_PER_SYMBOL)]


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
        codec, model = Codec(arguments.model), ChannelModel.parse(arguments.channel)
        snr_db = parse_snr(arguments.snr)
        parts = frame_part_bits(codec.layout, LINK_FRAME_BITS)
        frames = {
            name: FrameEncoder(codec, image).frames(frame_bits=LINK_FRAME_BITS)
            for name, image in images.items()
        }
        for text in arguments.scheme:
            blocks = Scheme.parse(text).transport_blocks(parts).blocks
            if len(blocks) == 1:
                raise ParameterError(f"{text} has a single transport block")
            for mapping in arguments.mapping:
                sent = sections(blocks, mapping)
                cuts = np.cumsum([section.payload_bits for section in sent])[:-1]
                rows, arrive = [], True
                for snr in snr_db:
                    scores = Scores()
                    for name, frame in frames.items():
                        seed = derive_seed(
                            arguments.seed, name, text, str(model), snr, LINK_FRAME_BITS
                        )
                        channel = model.open(snr, seed)
                        received = [
                            section.send(bits, channel, snr)
                            for section, bits in zip(
                                sent, np.split(frame.bits[0], cuts), strict=True
                            )
                        ]
                        failed = any(errors for _, errors in received)
                        arrive = arrive and not (failed and snr >= arguments.full)
                        llrs = np.concatenate([section for section, _ in received])
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
