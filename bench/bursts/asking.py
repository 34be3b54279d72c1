#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts that a receiver saves which asks for what is missing, against copies of all images.

Images go as bursts through a channel that loses some of them at random, or adds noise. They are
sent once; twice; and once to a receiver that asks. Counted are the bursts of an image and the
images of which each burst arrived without errors.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import pmt
from burst_link import AMPLITUDE, CARRIER_POWER
from gnuradio import gr, vqdeepsc
from gnuradio.vqdeepsc.blocks.assembler import ReceivedImage
from gnuradio.vqdeepsc.blocks.frames import END_OF_IMAGES, image_to_pdu
from gnuradio.vqdeepsc.blocks.message_sink import message_sink
from gnuradio.vqdeepsc.blocks.semantic_decoder import semantic_decoder
from numpy.typing import NDArray
from PIL import Image
from vqdeepsc.codec import region_count
from vqdeepsc.errors import Error
from vqdeepsc.images.files import load_image

GAP = 1000  # zeros between bursts
TAIL = 20_000
LONGEST_SECONDS = 600.0
MOST_REQUESTS = 8
SYSTEMS = {"once": (1, False), "twice": (2, False), "asking": (1, True)}
"""By name: copies, and whether the receiver asks."""


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--model", default="vqdeepsc-3s", help="name or bundle")
    parser.add_argument("--images", type=int, default=30, help="sent in each row")
    parser.add_argument("--side", type=int, default=384, help="of an image in pixels")
    parser.add_argument("--code-rate", default="1/3", help="of the LDPC code")
    parser.add_argument("--loss", default="2,5,10,20", help="bursts lost, in percent")
    parser.add_argument("--snr", default="", help="Es/N0 in dB in place of loss: 2.5,3")
    parser.add_argument("--seed", type=int, default=0, help="of loss and noise")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


class channel(gr.sync_block):
    """Loses bursts at random, adds white noise, and counts the bursts that come."""

    def __init__(self, loss: float, snr_db: float, seed: int) -> None:
        gr.sync_block.__init__(self, "channel", [np.complex64], [np.complex64])
        self.bursts = 0
        self._loss = loss
        self._deviation = np.sqrt(CARRIER_POWER / 10 ** (snr_db / 10) / 2)
        # both draw the same numbers, however the samples come in pieces
        seeds = np.random.SeedSequence(seed).spawn(2)
        self._losses, self._noise = map(np.random.default_rng, seeds)
        self._lost = False

    def work(self, input_items: list[NDArray], output_items: list[NDArray]) -> int:
        samples, out = input_items[0], output_items[0]
        first = self.nitems_read(0)
        tags = self.get_tags_in_window(0, 0, samples.size, pmt.intern("tx_sob"))
        out[:] = 0 if self._lost else samples
        for start in sorted(tag.offset - first for tag in tags):
            self.bursts += 1
            self._lost = self._losses.random() < self._loss
            out[start:] = 0 if self._lost else samples[start:]
        out[:] += self._noise.normal(0, self._deviation, (samples.size, 2)) @ [1, 1j]
        return samples.size


class burst_errors(message_sink):
    """Counts, image by image, the blocks that arrived without errors."""

    def __init__(self) -> None:
        message_sink.__init__(self, "burst_errors", "log")
        self.arrived: dict[int, set[int]] = {}

    def _take(self, message: pmt.pmt_base) -> None:
        burst = pmt.to_python(message)
        if burst["header_ok"] and not burst["block_errors"]:
            self.arrived.setdefault(burst["image"], set()).add(burst["first_block"])


class counting_decoder(semantic_decoder):
    """Counts images."""

    images = 0

    def _publish(self, images: Iterable[ReceivedImage]) -> None:
        self.images += sum(1 for _ in images)


@dataclass(frozen=True)
class Row:
    """What one system made of a channel: bursts of an image, and the share of whole images."""

    system: str
    loss: float
    snr_db: float
    bursts: float
    whole: float


def measure(
    arguments: argparse.Namespace, system: str, loss: float, snr_db: float, image: NDArray[np.uint8]
) -> Row:
    """Send the images once in each copy, and again what is asked for."""
    copies, asks = SYSTEMS[system]
    top = gr.top_block()
    source = vqdeepsc.semantic_source(
        model=arguments.model,
        copies=copies,
        first_image=0,
        kept_images=16 if asks else 0,
        answer_seconds=LONGEST_SECONDS,
    )
    air = channel(loss, snr_db, arguments.seed)
    bursts = vqdeepsc.burst_receiver(whiten=False)
    decoder = counting_decoder(
        arguments.model, copies, most_requests=MOST_REQUESTS if asks else 0, ask_after=5.0
    )
    errors = burst_errors()
    top.connect(
        source,
        vqdeepsc.burst_transmitter(
            source.codec.bits_per_region, code_rate=arguments.code_rate, amplitude=AMPLITUDE
        ),
        air,
        vqdeepsc.zero_fill(continuous=False, gap=GAP, tail=TAIL),
        bursts,
    )
    top.msg_connect(bursts, "regions", decoder, "frames")
    top.msg_connect(bursts, "log", errors, "log")
    if asks:
        top.msg_connect(decoder, "requests", source, "requests")
    inbox = source.to_basic_block()
    for number in range(arguments.images):
        inbox._post(pmt.intern("images"), image_to_pdu(image, number))
    inbox._post(pmt.intern("images"), END_OF_IMAGES)
    top.start()
    until = time.monotonic() + LONGEST_SECONDS
    while asks and decoder.images < arguments.images and time.monotonic() < until:
        time.sleep(0.1)
    source.set_answer_seconds(0.0)
    top.wait()
    errors.finish()
    regions = region_count(image.shape[1], image.shape[0])
    whole = sum(len(blocks) == regions for blocks in errors.arrived.values())
    return Row(system, loss, snr_db, air.bursts / arguments.images, whole / arguments.images)


def main(argv: list[str] | None = None) -> int:
    """Prints a line for each channel and system."""
    arguments = parse_arguments(argv)
    rows = []
    try:
        photograph = Image.fromarray(load_image(vqdeepsc.sample_image()))
        image = np.asarray(photograph.resize((arguments.side, arguments.side)))
        channels = [(float(loss) / 100, 20.0) for loss in arguments.loss.split(",")]
        if arguments.snr:
            channels = [(0.0, float(snr)) for snr in arguments.snr.split(",")]
        if not arguments.json:
            print(f"{'loss':>5} {'Es/N0':>6} {'system':8} {'bursts/image':>12} {'whole':>6}")
        for loss, snr_db in channels:
            for system in SYSTEMS:
                row = measure(arguments, system, loss, snr_db, image)
                rows.append(row)
                if not arguments.json:
                    numbers = f"{row.bursts:12.2f} {row.whole:6.0%}"
                    print(f"{loss:5.0%} {snr_db:6.2f} {system:8} {numbers}", flush=True)
    except Error as error:
        print(f"asking: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps({"model": arguments.model, "rows": [asdict(row) for row in rows]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
