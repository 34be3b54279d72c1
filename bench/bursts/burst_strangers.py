#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bursts of strangers cost a receiver: Msample per second of processor time.

Run with the Python of the installation (prefix/bin/python).
Nothing here is a whole burst, so that no LDPC decoder should have to run on a payload.
"""

import argparse
import json
import time

import numpy as np
import pmt
from burst_link import CARRIER_POWER, random_frames, transmitted
from gnuradio import blocks, gr, vqdeepsc
from gnuradio.vqdeepsc.blocks.loopback import stored_messages

SNR_DB = 10.0
PREAMBLE = 576
HEADER_END = 576 + 32 + 2 * 256 + 4 * (256 + 32)


def noise(rng: np.random.Generator, count: int) -> np.ndarray:
    parts = rng.normal(0, np.sqrt(CARRIER_POWER * 10 ** (-SNR_DB / 10) / 2), (2, count))
    return parts[0] + 1j * parts[1]


def streams(samples: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Samples by what they are, complex128 without noise."""
    whole = transmitted(random_frames(8, 20032, 1))
    long = transmitted(random_frames(1, 65535, 1), bits_per_symbol=2)
    short = transmitted(random_frames(1, 20032, 1), bits_per_symbol=2)
    header = whole[0, :HEADER_END].copy()
    random_header = header.copy()
    random_header[-4 * 288 :] = np.roll(header[-4 * 288 :], 288)

    def repeated(part: np.ndarray) -> np.ndarray:
        return np.resize(part, samples)

    return {
        "noise": np.zeros(samples),
        "bursts back to back": repeated(whole.reshape(-1)),
        "preambles": repeated(header[:PREAMBLE]),
        "preamble, training, wrong header": repeated(random_header),
        "headers of 20,032 bits as QPSK, no payload": repeated(short[0, :HEADER_END]),
        "headers of 65,535 bits as QPSK, no payload": repeated(long[0, :HEADER_END]),
    }


def measure(stream: np.ndarray, rng: np.random.Generator) -> dict:
    noisy = (stream + noise(rng, stream.size)).astype(np.complex64)
    top = gr.top_block()
    receiver = vqdeepsc.burst_receiver()
    messages = blocks.message_debug()
    top.connect(blocks.vector_source_c(noisy), receiver)
    top.msg_connect(receiver, "log", messages, "store")
    start = time.process_time()
    top.run()
    seconds = time.process_time() - start
    log = [pmt.to_python(line) for line in stored_messages(messages)]
    return {
        "msamples_per_second": stream.size / seconds / 1e6,
        "detections": len(log),
        "headers": sum(line["header_ok"] for line in log),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--samples", type=int, default=4_000_000, help="of each stream")
    parser.add_argument("--seed", type=int, default=1, help="of the noise")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    rows = {name: measure(one, rng) for name, one in streams(arguments.samples, rng).items()}
    if arguments.json:
        print(json.dumps(rows))
        return
    print(f"{'':46}{'Msample/s':>10}{'detections':>12}{'received':>10}")
    for name, row in rows.items():
        print(
            f"{name:46}{row['msamples_per_second']:10.1f}{row['detections']:12}{row['headers']:10}"
        )


if __name__ == "__main__":
    main()
