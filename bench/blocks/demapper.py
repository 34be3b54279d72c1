#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbols per second of the soft demapper and the fading channel, beside GNU Radio's own.

Run with the Python of the installation (prefix/bin/python).
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from gnuradio import blocks, channels, digital, gr, vqdeepsc
from rates import add_choices, add_instruction_sets, call_rate, flowgraph_rate, rate_parser
from vqdeepsc.kernels import FadingChannel, QamDemapper

NAMES = {2: "QPSK", 4: "16-QAM", 6: "64-QAM", 8: "256-QAM"}
SYMBOLS = 16384  # of one call; inputs and outputs stay in the cache
NOISE = 0.1
SNR_DB = 10.0


def block_rate(
    make: Callable[[], gr.basic_block], items_per_symbol: int, seconds: float, repeats: int
) -> float:
    """Median Msymbol/s through a block in a flowgraph, in processor time of all its threads."""

    def build(top: gr.top_block) -> Callable[[], int]:
        block = make()
        sink = blocks.null_sink(block.output_signature().sizeof_stream_item(0))
        top.connect(blocks.null_source(gr.sizeof_gr_complex), block, sink)
        return lambda: sink.nitems_read(0)

    return flowgraph_rate(build, seconds, repeats) / items_per_symbol


def demapper_kernels(
    constellations: list[str], sets: list[str], seconds: float, repeats: int
) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    symbols = (rng.normal(size=SYMBOLS) + 1j * rng.normal(size=SYMBOLS)).astype(np.complex64)
    noise = rng.uniform(0.05, 1, SYMBOLS).astype(np.float32)
    rows = []
    for bits, name in NAMES.items():
        if name not in constellations:
            continue
        for method in ("maxlog", "exact"):
            for instruction_set in sets:
                demapper = QamDemapper(bits, method, instruction_set)
                outputs: dict[str, Callable[[], Any]] = {
                    "float": lambda d=demapper: d.demap(symbols, NOISE),
                    "float_noise_per_symbol": lambda d=demapper: d.demap(symbols, noise),
                    "int8": lambda d=demapper: d.demap_quantised(symbols, NOISE),
                }
                row = {"constellation": name, "method": method, "instruction_set": instruction_set}
                row |= {
                    key: call_rate(call, SYMBOLS, seconds, repeats) for key, call in outputs.items()
                }
                rows.append(row)
    return rows


def tree_decoder(table_bits: int | None) -> gr.basic_block:
    constellation = digital.constellation_16qam()
    if table_bits is not None:
        constellation.gen_soft_dec_lut(table_bits, NOISE)
    return digital.constellation_soft_decoder_cf(constellation.base())


def demapper_blocks(seconds: float, repeats: int) -> list[dict[str, Any]]:
    makers: dict[str, Callable[[], gr.basic_block]] = {
        "qam_soft_demapper, maxlog": lambda: vqdeepsc.qam_soft_demapper(4, NOISE, "maxlog"),
        "qam_soft_demapper, maxlog, int8": lambda: vqdeepsc.qam_soft_demapper(
            4, NOISE, "maxlog", quantised=True
        ),
        "qam_soft_demapper, exact": lambda: vqdeepsc.qam_soft_demapper(4, NOISE, "exact"),
        "constellation_soft_decoder_cf, table": lambda: tree_decoder(8),
        "constellation_soft_decoder_cf": lambda: tree_decoder(None),
    }
    return [
        {"block": name, "rate": block_rate(make, 4, seconds, repeats)}
        for name, make in makers.items()
    ]


def channel_kernels(sets: list[str], seconds: float, repeats: int) -> list[dict[str, Any]]:
    symbols = np.ones(SYMBOLS, np.complex64)
    rows = []
    for kind, block_length in (("awgn", 1), ("rayleigh", 1), ("rician", 1), ("rician", 1000)):
        for instruction_set in sets:
            channel = FadingChannel(kind, SNR_DB, 1.0, block_length, 1, instruction_set)
            rate = call_rate(lambda c=channel: c.apply(symbols), SYMBOLS, seconds, repeats)
            rows.append(
                {
                    "kind": kind,
                    "block_length": block_length,
                    "instruction_set": instruction_set,
                    "rate": rate,
                }
            )
    return rows


def channel_blocks(seconds: float, repeats: int) -> list[dict[str, Any]]:
    makers: dict[str, Callable[[], gr.basic_block]] = {
        "fading_channel, awgn": lambda: vqdeepsc.fading_channel("awgn", SNR_DB),
        "fading_channel, rayleigh": lambda: vqdeepsc.fading_channel("rayleigh", SNR_DB),
        "channel_model": lambda: channels.channel_model(10 ** (-SNR_DB / 20)),
        "fading_model": lambda: channels.fading_model(8, 0.01, False),
    }
    return [
        {"block": name, "rate": block_rate(make, 1, seconds, repeats)}
        for name, make in makers.items()
    ]


def add_ratios(rows: list[dict[str, Any]], peer: str) -> None:
    reference = next(row["rate"] for row in rows if row["block"] == peer)
    for row in rows:
        row["ratio"] = row["rate"] / reference


def print_table(title: str, rows: list[dict[str, Any]]) -> None:
    print(f"\n{title}")
    cells = [list(rows[0])]
    for row in rows:
        cells.append([f"{v:.1f}" if isinstance(v, float) else str(v) for v in row.values()])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)))


def parse_arguments() -> argparse.Namespace:
    parser = rate_parser(__doc__, seconds=0.1, repeats=5)
    add_choices(parser, "--constellations", list(NAMES.values()))
    add_instruction_sets(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    seconds, repeats = arguments.seconds, arguments.repeats
    sets = arguments.instruction_sets
    results = {
        "demapper_kernels": demapper_kernels(arguments.constellations, sets, seconds, repeats),
        "demapper_blocks": demapper_blocks(5 * seconds, repeats),
        "channel_kernels": channel_kernels(sets, seconds, repeats),
        "channel_blocks": channel_blocks(5 * seconds, repeats),
    }
    add_ratios(results["demapper_blocks"], "constellation_soft_decoder_cf, table")
    add_ratios(results["channel_blocks"], "channel_model")
    if arguments.json:
        print(json.dumps(results))
        return
    print("Msymbol per second of processor time (of all threads, where it is a flowgraph)")
    print_table("Soft demapper, kernels", results["demapper_kernels"])
    print_table("16-QAM soft demapper, flowgraph", results["demapper_blocks"])
    print_table("Channel, kernels", results["channel_kernels"])
    print_table("Channel, flowgraph", results["channel_blocks"])


if __name__ == "__main__":
    main()
