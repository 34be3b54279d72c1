# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ldpc_vectors.h: hashes of LDPC coded blocks by the Python package py3gpp 0.6.

qa_ldpc_encoder.cc compares this module's encoder with them. Needs `pip install py3gpp==0.6.0`.
"""

import argparse
from pathlib import Path

import numpy as np
from py3gpp import nrCodeBlockSegmentLDPC, nrCRCEncode, nrRateMatchLDPC
from py3gpp.nrDLSCHInfo import getZarray, nrDLSCHInfo
from py3gpp.nrLDPCEncode import _encode_thangaraj, _load_basegraph

MODULATIONS = {1: "BPSK", 2: "QPSK", 4: "16QAM", 6: "64QAM", 8: "256QAM"}
# Payload bits, coded bits, bits per symbol.
LENGTHS = [
    (24, 72, 4),
    (24, 120, 2),
    (100, 300, 4),
    (176, 528, 4),
    (177, 880, 4),
    (292, 876, 4),
    (293, 330, 6),
    (500, 1500, 4),
    (544, 1632, 4),
    (545, 1640, 8),
    (640, 1920, 1),
    (1000, 3000, 4),
    (1000, 1128, 8),
    (3824, 11472, 4),
    (3824, 4780, 4),
    (3825, 11475, 1),
    (7616, 22848, 4),
    (8424, 25272, 4),
    (8448, 25344, 4),
    (20032, 60096, 4),
    (19200, 96000, 4),
    (50000, 62500, 2),
    (100000, 300000, 4),
    (100000, 112512, 6),
]
# A sweep from 24 to 100,000 bits; its rates and orders take turns.
SWEEP_RATES = [(1, 5), (1, 4), (1, 3), (1, 2), (2, 3), (3, 4), (8, 9)]
SWEEP_ORDERS = [1, 2, 4, 6, 8]
FNV_START = 2166136261


def fnv1a(values: np.ndarray, value: int = FNV_START) -> int:
    """32-bit FNV-1a hash of the lowest 8 bits of each value, continued from another hash."""
    for byte in values.astype(np.uint8).tolist():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def payload(bits: int) -> np.ndarray:
    """Top bits of x <- 1664525 x + 1013904223 mod 2^32, which starts at the length."""
    state, out = bits, np.empty(bits, dtype=int)
    for i in range(bits):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 31
    return out


def base_graph_values(base_graph: int) -> np.ndarray:
    """Row, column and low and high bytes of the eight shifts of each entry, in order."""
    sets = [_load_basegraph(i, base_graph) for i in range(8)]
    values: list[int] = []
    for row, column in np.argwhere(sets[0] >= 0):
        values += [row, column]
        for shifts in sets:
            values += [int(shifts[row, column]) % 256, int(shifts[row, column]) // 256]
    return np.array(values)


def coded_blocks(bits: np.ndarray, coded_bits: int, bits_per_symbol: int) -> list[np.ndarray]:
    """Transport block, padded with zeros until its code blocks are equally long, to coded bits
    of each redundancy version."""
    info = nrDLSCHInfo(len(bits), len(bits) / coded_bits)
    padding = -(len(bits) + info["L"]) % info["C"]
    bits = np.concatenate([bits, np.zeros(padding, dtype=int)])
    with_crc = nrCRCEncode(bits, info["CRC"])[:, 0]
    blocks = nrCodeBlockSegmentLDPC(with_crc, info["BGN"])
    size = int(info["Zc"])
    index = next(i for i, sizes in enumerate(getZarray()) if size in sizes)
    # Shifts count modulo the lifting size. The package leaves that out, and where the difference
    # of the two is -1 (base graph 1, lifting size 104) takes it for an entry without a circulant.
    graph = _load_basegraph(index, info["BGN"])
    graph = np.where(graph < 0, graph, graph % size)
    codewords = []
    for block in blocks.T:
        codeword = _encode_thangaraj(graph, size, np.where(block < 0, 0, block)).astype(int)
        codeword[: len(block)][block < 0] = -1
        codewords.append(codeword[2 * size :])
    modulation = MODULATIONS[bits_per_symbol]
    return [
        nrRateMatchLDPC(np.array(codewords).T, coded_bits, version, modulation, 1)
        for version in range(4)
    ]


def sweep() -> list[tuple[int, int, int]]:
    """Payload bits, coded bits and bits per symbol."""
    points = []
    bits = 24
    while bits <= 100_000:
        numerator, denominator = SWEEP_RATES[len(points) % len(SWEEP_RATES)]
        order = SWEEP_ORDERS[len(points) % len(SWEEP_ORDERS)]
        # A whole number of symbols, as the standard has it.
        points.append((bits, (bits * denominator // numerator // order + 1) * order, order))
        bits += 1 + bits // 12
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="file to write")
    arguments = parser.parse_args()
    lines = [
        "/* SPDX-License-Identifier: GPL-3.0-or-later */",
        "// Written by make_ldpc_vectors.py with py3gpp 0.6, an independent implementation.",
        "#pragma once",
        "",
        "#include <cstddef>",
        "#include <cstdint>",
        "",
    ]
    for base_graph in (1, 2):
        value = fnv1a(base_graph_values(base_graph))
        lines.append(f"constexpr std::uint32_t BASE_GRAPH_{base_graph}_HASH = {value}U;")
    lines += [
        "",
        "struct CodedBlockVector {",
        "    std::size_t payload_bits;",
        "    std::size_t coded_bits;",
        "    int bits_per_symbol;",
        "    int redundancy_version;",
        "    std::uint32_t hash;",
        "};",
        "",
        "constexpr CodedBlockVector CODED_BLOCK_VECTORS[] = {",
    ]
    for bits, coded_bits, bits_per_symbol in LENGTHS:
        coded = coded_blocks(payload(bits), coded_bits, bits_per_symbol)
        for version, block in enumerate(coded):
            value = fnv1a(block)
            lines.append(f"    {{ {bits}, {coded_bits}, {bits_per_symbol}, {version}, {value}U }},")
    lines += [
        "};",
        "",
        "constexpr int SWEEP_RATES[][2] = {",
        *(f"    {{ {numerator}, {denominator} }}," for numerator, denominator in SWEEP_RATES),
        "};",
        f"constexpr int SWEEP_ORDERS[] = {{ {', '.join(map(str, SWEEP_ORDERS))} }};",
        "// Of the coded bits of the whole sweep, by redundancy version.",
        "constexpr std::uint32_t SWEEP_HASHES[] = {",
    ]
    hashes = [FNV_START] * 4
    for bits, coded_bits, bits_per_symbol in sweep():
        coded = coded_blocks(payload(bits), coded_bits, bits_per_symbol)
        hashes = [fnv1a(block, value) for block, value in zip(coded, hashes, strict=True)]
    lines += [*(f"    {value}U," for value in hashes), "};"]
    arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
