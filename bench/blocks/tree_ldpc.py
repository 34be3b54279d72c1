# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio's fec.ldpc_decoder for the benchmarks: codes that it can take, and runs of it."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gnuradio import blocks, fec, gr
from numpy.typing import NDArray

# The decoder takes input / (2 sigma^2) for the LLR, positive for one.
SIGMA = 0.5


@dataclass(frozen=True)
class TreeCode:
    """An alist file with its dimensions in bits."""

    name: str
    path: Path
    payload_bits: int
    coded_bits: int


SHIPPED = TreeCode(
    "shipped", Path(gr.prefix()) / "share/gnuradio/fec/ldpc/n_1100_k_0442_gap_24.alist", 442, 1100
)


def repeat_accumulate_code(path: Path, payload_bits: int, coded_bits: int, seed: int) -> TreeCode:
    """Writes a random repeat-accumulate code to path: 3 payload bits and 2 parity bits in a row.

    No bit is punctured, which the decoder could not take. The parity bits come first and follow
    each other, so that making the decoder, which inverts the matrix, takes seconds, not hours.
    payload_bits must divide 3 * (coded_bits - payload_bits).
    """
    rows = coded_bits - payload_bits
    if 3 * rows % payload_bits:
        raise ValueError(f"{payload_bits} payload bits do not divide {3 * rows} edges")
    rng = np.random.default_rng(seed)
    sockets = np.repeat(np.arange(payload_bits), 3 * rows // payload_bits)
    payload = rng.permutation(sockets).reshape(rows, 3)
    while True:
        ordered = np.sort(payload, axis=1)
        doubled = np.flatnonzero((np.diff(ordered, axis=1) == 0).any(axis=1))
        if not len(doubled):
            break
        # A row that holds a bit twice exchanges one of its bits with another row.
        for row in doubled:
            other, column = rng.integers(0, rows), rng.integers(0, 3)
            payload[[row, other], column] = payload[[other, row], column]
    in_row = [
        [*range(max(row - 1, 0), row + 1), *(rows + bits)] for row, bits in enumerate(ordered)
    ]
    in_column: list[list[int]] = [[] for _ in range(coded_bits)]
    for row, bits in enumerate(in_row):
        for bit in bits:
            in_column[bit].append(row)

    def lines(lists: list[list[int]], longest: int) -> list[str]:
        # Counted from one, filled up with zeros.
        return [
            " ".join(str(x + 1) for x in entry) + " 0" * (longest - len(entry)) for entry in lists
        ]

    longest = [max(map(len, lists)) for lists in (in_column, in_row)]
    text = [f"{coded_bits} {rows}", f"{longest[0]} {longest[1]}"]
    text += [" ".join(str(len(entry)) for entry in lists) for lists in (in_column, in_row)]
    text += lines(in_column, longest[0]) + lines(in_row, longest[1])
    path.write_text("\n".join(text) + "\n")
    return TreeCode("repeat-accumulate", path, payload_bits, coded_bits)


class TreeDecoder:
    """fec.ldpc_decoder in a flowgraph."""

    def __init__(self, code: TreeCode, iterations: int) -> None:
        self._code = code
        # The object has to outlive the flowgraphs that use it.
        self._decoder = fec.ldpc_decoder.make(str(code.path), SIGMA, iterations)

    def decode(self, llrs: NDArray[np.float32]) -> tuple[NDArray[np.uint8], float]:
        """llrs: float32[frames * coded_bits], ln P(1)/P(0).

        Returns the payloads, uint8[frames, payload_bits], and seconds of processor time.
        """
        soft = (llrs * (2 * SIGMA**2)).astype(np.float32)
        top = gr.top_block()
        source = blocks.vector_source_f(soft.tolist())
        decoder = fec.decoder(self._decoder, gr.sizeof_float, gr.sizeof_char)
        sink = blocks.vector_sink_b()
        top.connect(source, decoder, sink)
        start = time.process_time()
        top.run()
        seconds = time.process_time() - start
        return np.array(sink.data(), np.uint8).reshape(-1, self._code.payload_bits), seconds
