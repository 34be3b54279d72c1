#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Payload bits per second of the LDPC decoder on one core, beside GNU Radio's fec.ldpc_decoder.

Run with the Python of the installation (prefix/bin/python).
"""

import argparse
import json
import statistics
import tempfile
import time
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from ldpc_fer import BITS_PER_SYMBOL, Link, zeros_llrs
from numpy.typing import NDArray
from rates import add_choices, add_instruction_sets, call_rate, rate_parser
from tree_ldpc import SHIPPED, TreeCode, TreeDecoder, repeat_accumulate_code
from vqdeepsc.kernels import LdpcDecoder, LdpcEncoder

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
# The tree's decoder gets a code of this payload and length, to be compared with ours.
COMPARED = "BG2, K = 3,840"
TREE_PAYLOAD, TREE_CODED = 3840, 11520
TREE_FRAMES = {"shipped": 200, "repeat-accumulate": 3}


def frames_of_llrs(payload_bits: int, coded_bits: int, snr_db: float) -> list[NDArray[np.float32]]:
    """LLRs (float32[coded_bits]) of FRAMES frames of 16-QAM in white noise."""
    rng = np.random.default_rng(1)
    encoder = LdpcEncoder(payload_bits, coded_bits, BITS_PER_SYMBOL)
    link = Link("awgn", snr_db, seed=1)
    return [
        link.llrs(encoder.encode(rng.integers(0, 2, payload_bits, dtype=np.uint8)))
        for _ in range(FRAMES)
    ]


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
                    decode = partial(next, map(decoder.decode, cycle(frames)))
                    row[name] = call_rate(decode, payload_bits, seconds, repeats)
                rows.append(row)
    return rows


def tree_decoder(code: TreeCode, repeats: int) -> dict[str, Any]:
    """Median Mbit/s of fec.ldpc_decoder with 20 iterations, of all threads of the flowgraph."""
    start = time.process_time()
    decoder = TreeDecoder(code, 20)
    row: dict[str, Any] = {
        "code": code.name,
        "payload_bits": code.payload_bits,
        "coded_bits": code.coded_bits,
        "seconds_to_construct": time.process_time() - start,
    }
    frames = TREE_FRAMES[code.name]
    for name, snr_db in (("full_20", FAILING_SNR_DB), ("operating", OPERATING_SNR_DB)):
        link = Link("awgn", snr_db, seed=1)
        llrs = zeros_llrs(link, frames * code.coded_bits, np.random.default_rng(1))
        rates = []
        for _ in range(repeats):
            words, seconds = decoder.decode(llrs)
            rates.append(words.size / seconds / 1e6)
        row[name] = statistics.median(rates)
        row[f"{name}_frames_wrong"] = int(np.count_nonzero(words.any(axis=1)))
    row["frames"] = frames
    return row


def ratios(rows: list[dict[str, Any]], tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Our int8 decoder of the code COMPARED over fec.ldpc_decoder with each of its codes."""
    return [
        {
            "instruction_set": row["instruction_set"],
            "tree_code": other["code"],
            "full_20": row["full_20"] / other["full_20"],
            "operating": row["early_stop"] / other["operating"],
        }
        for row in rows
        if row["code"] == COMPARED and row["precision"] == "int8"
        for other in tree
    ]


def parse_arguments() -> argparse.Namespace:
    parser = rate_parser(__doc__, seconds=0.2, repeats=5)
    add_choices(parser, "--codes", list(CODES))
    add_instruction_sets(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    seconds, repeats = arguments.seconds, arguments.repeats
    rows = our_decoder(arguments.instruction_sets, arguments.codes, seconds, repeats)
    with tempfile.TemporaryDirectory() as folder:
        same_size = repeat_accumulate_code(
            Path(folder) / "code.alist", TREE_PAYLOAD, TREE_CODED, seed=1
        )
        tree = [tree_decoder(code, repeats) for code in (SHIPPED, same_size)]
    compared = ratios(rows, tree)
    if arguments.json:
        print(json.dumps({"decoder": rows, "fec.ldpc_decoder": tree, "ratios": compared}))
        return
    print(
        "Mbit of payload per second of processor time, median: 10 and 20 full iterations "
        f"(Es/N0 {FAILING_SNR_DB:g} dB),\nearly stop at {OPERATING_SNR_DB} dB\n"
    )
    print(f"{'code':16}{'set':10}{'messages':10}{'10':>9}{'20':>9}{'early':>9}")
    for row in rows:
        print(
            f"{row['code']:16}{row['instruction_set']:10}{row['precision']:10}"
            f"{row['full_10']:9.2f}{row['full_20']:9.2f}{row['early_stop']:9.2f}"
        )
    print("\nGNU Radio's fec.ldpc_decoder, at most 20 iterations, the same noise")
    for row in tree:
        print(
            f"{row['code']}, {row['payload_bits']:,} in {row['coded_bits']:,} bits: "
            f"{row['full_20']:.4f} at {FAILING_SNR_DB:g} dB ({row['full_20_frames_wrong']} of "
            f"{row['frames']} frames wrong), {row['operating']:.4f} at {OPERATING_SNR_DB} dB "
            f"({row['operating_frames_wrong']} wrong)"
        )
    print(f"\nRatio of {COMPARED}, int8, to it: 20 full iterations, at {OPERATING_SNR_DB} dB")
    for row in compared:
        print(
            f"{row['instruction_set']:10}{row['tree_code']:20}"
            f"{row['full_20']:9.0f}{row['operating']:9.0f}"
        )


if __name__ == "__main__":
    main()
