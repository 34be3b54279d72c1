#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts that the receiver misses with frequency and clock offsets, and images it finds in noise.

Run with the Python of the installation (prefix/bin/python).
Bursts are short (200 bits), so that preamble and header decide. Offsets are uniform within those
of both ends, each within --ppm of 2.4 GHz and of its sample clock.
"""

import argparse
import json
import time

import numpy as np
import pmt
from burst_link import CARRIER_POWER, SAMPLE_RATE, random_frames, received, transmitted
from gnuradio import analog, blocks, channels, gr, vqdeepsc
from gnuradio.vqdeepsc.blocks.loopback import stored_messages

CARRIER_HZ = 2.4e9
PAYLOAD_BITS = 200
BATCH = 100
LONGEST_GAP = 5000
SECONDS_PER_HOUR = 3600


def missed(arguments: argparse.Namespace, gaps: bool) -> dict:
    """How many of arguments.bursts do not come out with a right header."""
    rng = np.random.default_rng(arguments.seed)
    form = {"fft_size": arguments.fft_size, "cyclic_prefix": arguments.fft_size // 8}
    samples = transmitted(random_frames(BATCH, PAYLOAD_BITS, arguments.seed), **form)
    lost = refused = false = block_errors = sent = 0
    while sent < arguments.bursts:
        stream = [np.zeros(1000, np.complex64)]
        for burst in samples:
            if gaps:
                stream.append(np.zeros(rng.integers(0, LONGEST_GAP), np.complex64))
            stream.append(burst)
        # channel_model holds the last samples back.
        stream.append(np.zeros(1000, np.complex64))
        offset = rng.uniform(-2, 2) * arguments.ppm * 1e-6 * CARRIER_HZ / SAMPLE_RATE
        clock = 1 + rng.uniform(-2, 2) * arguments.ppm * 1e-6
        noise = np.sqrt(CARRIER_POWER * 10 ** (-arguments.snr / 10))
        channel = channels.channel_model(
            noise, offset, clock, [np.exp(2j * np.pi * rng.uniform())], int(rng.integers(1, 2**31))
        )
        log = received(np.concatenate(stream), vqdeepsc.burst_receiver(**form), channel)
        right = [line for line in log if line["header_ok"]]
        images = {line["image"] for line in right}
        lost += BATCH - len(images)
        false += len(right) - len(images)
        refused += len(log) - len(right)
        block_errors += sum(line["block_errors"] for line in right)
        sent += BATCH
    return {
        "gaps": gaps,
        "snr_db": arguments.snr,
        "bursts": sent,
        "missed": lost,
        "false_images": false,
        "damaged_headers": refused,
        "block_errors": block_errors,
    }


def false_images(arguments: argparse.Namespace) -> dict:
    """Detections and headers that hours of noise at 1 Msample/s give."""
    samples = round(arguments.hours * SECONDS_PER_HOUR * SAMPLE_RATE)
    top = gr.top_block()
    source = analog.fastnoise_source_c(analog.GR_GAUSSIAN, 0.1, arguments.seed, 1 << 22)
    receiver = vqdeepsc.burst_receiver()
    log = blocks.message_debug()
    top.connect(source, blocks.head(gr.sizeof_gr_complex, samples), receiver)
    top.msg_connect(receiver, "log", log, "store")
    start = time.monotonic()
    top.run()
    lines = [pmt.to_python(line) for line in stored_messages(log)]
    return {
        "hours": arguments.hours,
        "detections": len(lines),
        "images": sum(line["header_ok"] for line in lines),
        "seconds": time.monotonic() - start,
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--bursts", type=int, default=10000, help="back to back, and with gaps")
    parser.add_argument("--snr", type=float, default=6.0, help="Es/N0 in dB")
    parser.add_argument("--ppm", type=float, default=20.0, help="offset of each end, in 1e-6")
    parser.add_argument(
        "--fft-size", type=int, choices=(64, 128, 256, 512, 1024), default=256, help="of the bursts"
    )
    parser.add_argument("--hours", type=float, default=1.0, help="noise at 1 Msample/s")
    parser.add_argument("--seed", type=int, default=1, help="of payload, offsets and noise")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    rows = [missed(arguments, gaps) for gaps in (False, True)] if arguments.bursts > 0 else []
    noise = false_images(arguments) if arguments.hours > 0 else None
    if arguments.json:
        print(json.dumps({"bursts": rows, "noise": noise}))
        return
    for row in rows:
        print(
            f"{'random gaps' if row['gaps'] else 'back to back':14}{row['bursts']} bursts at "
            f"{row['snr_db']} dB: {row['missed']} missed, {row['false_images']} false, "
            f"{row['damaged_headers']} damaged headers, {row['block_errors']} block errors"
        )
    if noise:
        print(
            f"{noise['hours']:g} hours of noise: {noise['detections']} detections, "
            f"{noise['images']} images ({noise['seconds']:.0f} s)"
        )


if __name__ == "__main__":
    main()
