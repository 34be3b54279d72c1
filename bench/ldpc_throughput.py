#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Payload bits per second of the LDPC decoder on one core, beside GNU Radio's fec.ldpc_decoder.

Run with the Python of the installation, for example prefix/bin/python bench/ldpc_throughput.py.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gnuradio import blocks, fec, gr
from gnuradio.vqdeepsc.vqdeepsc_kernels import (
    FadingChannel,
    LdpcDecoder,
    LdpcEncoder,
    QamDemapper,
    instruction_sets,
    qam_points,
)

BITS_PER_SYMBOL = 4
# Payload bits and coded bits.
CODES = {
    "BG2, K = 3,840": (3824, 11520),
    "BG1, K = 8,448": (8424, 25344),
    "three scales": (7616, 22848),
    "four scales": (20032, 60096),
}
FAILING_SNR_DB = 2.0  # so low that no frame is decoded: all iterations count
OPERATING_SNR_DB = 4.2
FRAMES = 64
TREE_CODE = Path(gr.prefix()) / "share/gnuradio/fec/ldpc/n_1100_k_0442_gap_24.alist"
TREE_PAYLOAD, TREE_CODED = 442, 1100


def frames_of_llrs(payload_bits: int, coded_bits: int, snr_db: float) -> list[np.ndarray]:
    """LLRs (float32[coded_bits]) of FRAMES frames of 16-QAM in white noise."""
    rng = np.random.default_rng(1)
    encoder = LdpcEncoder(payload_bits, coded_bits, BITS_PER_SYMBOL)
    channel = FadingChannel("awgn", snr_db, seed=1)
    demapper = QamDemapper(BITS_PER_SYMBOL, "maxlog")
    points = qam_points(BITS_PER_SYMBOL)
    weights = 1 << np.arange(BITS_PER_SYMBOL - 1, -1, -1)
    frames = []
    for _ in range(FRAMES):
        coded = encoder.encode(rng.integers(0, 2, payload_bits, dtype=np.uint8))
        received, _ = channel.apply(points[coded.reshape(-1, BITS_PER_SYMBOL) @ weights])
        frames.append(demapper.demap(received, 10 ** (-snr_db / 10)))
    return frames


def rate_of(
    decode: Callable[[np.ndarray], Any],
    frames: list[np.ndarray],
    bits: int,
    seconds: float,
    repeats: int,
) -> float:
    """Median Mbit/s of payload, one frame at a time, in time of the processor."""
    rates = []
    for _ in range(repeats):
        done = 0
        start = time.thread_time()
        while (elapsed := time.thread_time() - start) < seconds:
            decode(frames[done % len(frames)])
            done += 1
        rates.append(done * bits / elapsed / 1e6)
    return statistics.median(rates)


def our_decoder(
    sets: list[str], codes: list[str], seconds: float, repeats: int
) -> list[dict[str, Any]]:
    rows = []
    for code in codes:
        payload_bits, coded_bits = CODES[code]
        failing = frames_of_llrs(payload_bits, coded_bits, FAILING_SNR_DB)
        operating = frames_of_llrs(payload_bits, coded_bits, OPERATING_SNR_DB)
        for instruction_set in sets:
            for precision in ("int8", "int16"):
                row: dict[str, Any] = {
                    "code": code,
                    "instruction_set": instruction_set,
                    "precision": precision,
                }
                for name, iterations, stop, frames in (
                    ("full_10", 10, "none", failing),
                    ("full_20", 20, "none", failing),
                    ("early_stop", 20, "crc", operating),
                ):
                    decoder = LdpcDecoder(
                        payload_bits,
                        coded_bits,
                        BITS_PER_SYMBOL,
                        iterations=iterations,
                        precision=precision,
                        early_stop=stop,
                        instruction_set=instruction_set,
                    )
                    row[name] = rate_of(decoder.decode, frames, payload_bits, seconds, repeats)
                rows.append(row)
    return rows


def tree_decoder(seconds: float, repeats: int) -> float:
    """Mbit/s of fec.ldpc_decoder with 20 iterations, in processor time of the flowgraph."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, 20 * TREE_CODED).astype(np.float32).tolist()
    rates = []
    for _ in range(repeats):
        top = gr.top_block()
        source = blocks.vector_source_f(noise, True)
        # The flowgraph has to hold these references, or they are collected while it runs.
        code = fec.ldpc_decoder.make(str(TREE_CODE), 0.5, 20)
        decoder = fec.decoder(code, gr.sizeof_float, gr.sizeof_char)
        sink = blocks.null_sink(gr.sizeof_char)
        top.connect(source, decoder, sink)
        top.start()
        time.sleep(0.2)
        first, start = sink.nitems_read(0), time.process_time()
        deadline = time.monotonic() + 100 * seconds
        while time.process_time() - start < seconds or sink.nitems_read(0) == first:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        last, end = sink.nitems_read(0), time.process_time()
        top.stop()
        top.wait()
        rates.append((last - first) / (end - start) / 1e6)
    return statistics.median(rates)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=0.2, help="length of one measurement")
    parser.add_argument("--repeats", type=int, default=5, help="measurements for each median")
    parser.add_argument("--codes", nargs="+", choices=CODES, default=list(CODES), help="codes")
    parser.add_argument(
        "--instruction-sets",
        nargs="+",
        choices=instruction_sets(),
        default=instruction_sets(),
        help="instruction sets",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    seconds, repeats = arguments.seconds, arguments.repeats
    rows = our_decoder(arguments.instruction_sets, arguments.codes, seconds, repeats)
    tree = tree_decoder(seconds, repeats)
    for row in rows:
        row["ratio"] = row["full_20"] / tree
    if arguments.json:
        print(json.dumps({"decoder": rows, "fec.ldpc_decoder": tree}))
        return
    print(
        "Mbit of payload per second of processor time: 10 and 20 full iterations, early stop "
        f"at {OPERATING_SNR_DB} dB;\nratio of 20 full iterations to fec.ldpc_decoder, which "
        f"makes {tree:.3f} Mbit/s of a code of {TREE_PAYLOAD} in {TREE_CODED} bits\n"
    )
    print(f"{'code':16}{'set':10}{'messages':10}{'10':>8}{'20':>8}{'early':>8}{'ratio':>8}")
    for row in rows:
        print(
            f"{row['code']:16}{row['instruction_set']:10}{row['precision']:10}"
            f"{row['full_10']:8.2f}{row['full_20']:8.2f}{row['early_stop']:8.2f}"
            f"{row['ratio']:8.0f}"
        )


if __name__ == "__main__":
    main()
