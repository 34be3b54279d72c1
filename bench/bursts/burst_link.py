# SPDX-License-Identifier: GPL-3.0-or-later
"""For the other scripts here: bursts of random frames, and what a receiver makes of them."""

from typing import Any

import numpy as np
import pmt
from gnuradio import blocks, gr, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import header_to_pmt
from gnuradio.vqdeepsc.blocks.loopback import frames_source, stored_messages
from vqdeepsc.kernels import FrameHeader

AMPLITUDE = 0.3
CARRIER_POWER = AMPLITUDE**2 * 16 / 13  # Es: docs/air-interface.md
SAMPLE_RATE = 1e6
MODEL = 0x1234


def random_frames(count: int, payload_bits: int, seed: int) -> np.ndarray:
    """uint8 [count, payload_bits]."""
    return np.random.default_rng(seed).integers(0, 2, (count, payload_bits), np.uint8)


def transmitted(frames: np.ndarray, model: int = MODEL, **parameters: Any) -> np.ndarray:
    """Samples of the bursts of frames, complex64 [frames, samples], images numbered from 0."""
    headers = [
        header_to_pmt(FrameHeader(model=model, image=i, width=128, height=128))
        for i in range(len(frames))
    ]
    top = gr.top_block()
    source = frames_source(frames, headers)
    sink = blocks.vector_sink_c()
    transmitter = vqdeepsc.burst_transmitter(frames.shape[1], amplitude=AMPLITUDE, **parameters)
    top.connect(source, transmitter, sink)
    top.run()
    return np.array(sink.data(), np.complex64).reshape(len(frames), -1)


class ArraySource(gr.sync_block):
    """The samples of an array, complex64; vector_source_c takes far longer to make."""

    def __init__(self, samples: np.ndarray) -> None:
        super().__init__("array_source", None, [np.complex64])
        self._samples = np.ascontiguousarray(samples, np.complex64)
        self._next = 0

    def work(self, input_items: list, output_items: list) -> int:
        part = self._samples[self._next : self._next + len(output_items[0])]
        output_items[0][: part.size] = part
        self._next += part.size
        return part.size or -1


def received(stream: np.ndarray, receiver: gr.hier_block2, *between: gr.basic_block) -> list[dict]:
    """The receiver's log of a stream of samples after the blocks between."""
    top = gr.top_block()
    log = blocks.message_debug()
    source = ArraySource(stream)  # a flowgraph does not keep blocks of Python alive
    top.connect(source, *between, receiver)
    top.msg_connect(receiver, "log", log, "store")
    top.run()
    return [pmt.to_python(line) for line in stored_messages(log)]
