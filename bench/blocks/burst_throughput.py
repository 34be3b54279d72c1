#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples per second of burst transmitter and receiver, beside GNU Radio's ofdm_tx and ofdm_rx.

Run with the Python of the installation (prefix/bin/python).
Figures are per second of processor time of all threads, that is, of one core.
"""

import json
from collections.abc import Callable
from functools import partial

import numpy as np
from gnuradio import blocks, digital, gr, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import header_to_pmt
from gnuradio.vqdeepsc.blocks.loopback import frames_source
from rates import flowgraph_rate, rate_parser
from vqdeepsc.kernels import FrameHeader

PAYLOAD_BITS = 20032
BURSTS = 8
SNR_DB = 10.0
AMPLITUDE = 0.3
CARRIER_POWER = AMPLITUDE**2 * 16 / 13  # Es: docs/air-interface.md
TREE_PACKET_BYTES = 96
FLOWGRAPH = Callable[[gr.top_block], gr.basic_block]


def random_bursts(frame_bits: int, repeat: bool) -> gr.basic_block:
    """A source of frames of random bits, each of an image of its own."""
    frames = np.random.default_rng(1).integers(0, 2, (BURSTS, frame_bits), np.uint8)
    headers = [
        header_to_pmt(FrameHeader(model=0x1234, image=i, width=128, height=128))
        for i in range(BURSTS)
    ]
    source = frames_source(frames, headers)
    source.set_repeat(repeat)
    return source


def noisy_bursts() -> np.ndarray:
    top = gr.top_block()
    sink = blocks.vector_sink_c()
    transmitter = vqdeepsc.burst_transmitter(PAYLOAD_BITS, amplitude=AMPLITUDE)
    top.connect(random_bursts(PAYLOAD_BITS, repeat=False), transmitter, sink)
    top.run()
    samples = np.array(sink.data(), np.complex64)
    rng = np.random.default_rng(2)
    noise = rng.normal(0, np.sqrt(CARRIER_POWER * 10 ** (-SNR_DB / 10) / 2), (2, samples.size))
    return (samples + noise[0] + 1j * noise[1]).astype(np.complex64)


def transmitter(top: gr.top_block) -> gr.basic_block:
    count = blocks.copy(gr.sizeof_gr_complex)
    top.connect(
        random_bursts(PAYLOAD_BITS, repeat=True),
        vqdeepsc.burst_transmitter(PAYLOAD_BITS),
        count,
        blocks.null_sink(gr.sizeof_gr_complex),
    )
    return count


def modulator(top: gr.top_block) -> gr.basic_block:
    block = vqdeepsc.burst_modulator(PAYLOAD_BITS)
    source = random_bursts(block.coded_bits(), repeat=True)
    top.connect(source, block, blocks.null_sink(gr.sizeof_gr_complex))
    return block


def receiver_of(samples: np.ndarray) -> FLOWGRAPH:
    def build(top: gr.top_block) -> gr.basic_block:
        source = blocks.vector_source_c(samples, True)
        top.connect(source, vqdeepsc.burst_receiver())
        return source

    return build


def detector_of(samples: np.ndarray) -> FLOWGRAPH:
    def build(top: gr.top_block) -> gr.basic_block:
        source = blocks.vector_source_c(samples, True)
        block = vqdeepsc.burst_detector()
        top.connect(source, block, blocks.null_sink(gr.sizeof_gr_complex))
        return block

    return build


def demodulator_of(samples: np.ndarray) -> FLOWGRAPH:
    def build(top: gr.top_block) -> gr.basic_block:
        source = blocks.vector_source_c(samples, True)
        block = vqdeepsc.burst_detector()
        demodulator = vqdeepsc.burst_demodulator()
        top.connect(source, block, demodulator, blocks.null_sink(gr.sizeof_float))
        return block

    return build


def tree_transmitter(top: gr.top_block) -> gr.basic_block:
    rng = np.random.default_rng(1)
    source = blocks.vector_source_b(rng.integers(0, 256, 960).tolist(), True)
    tagger = blocks.stream_to_tagged_stream(gr.sizeof_char, 1, TREE_PACKET_BYTES, "packet_len")
    count = blocks.copy(gr.sizeof_gr_complex)
    top.connect(source, tagger, digital.ofdm_tx(packet_length_tag_key="packet_len"), count)
    top.connect(count, blocks.null_sink(gr.sizeof_gr_complex))
    return count


def tree_receiver(top: gr.top_block) -> gr.basic_block:
    sender = gr.top_block()
    rng = np.random.default_rng(1)
    source = blocks.vector_source_b(rng.integers(0, 256, 960).tolist())
    tagger = blocks.stream_to_tagged_stream(gr.sizeof_char, 1, TREE_PACKET_BYTES, "packet_len")
    sink = blocks.vector_sink_c()
    sender.connect(source, tagger, digital.ofdm_tx(packet_length_tag_key="packet_len"), sink)
    sender.run()
    repeated = blocks.vector_source_c(sink.data(), True)
    top.connect(
        repeated,
        digital.ofdm_rx(packet_length_tag_key="packet_len"),
        blocks.null_sink(gr.sizeof_char),
    )
    return repeated


def main() -> None:
    arguments = rate_parser(__doc__, seconds=1.0, repeats=3).parse_args()
    samples = noisy_bursts()
    builders = {
        "burst_transmitter": transmitter,
        "  burst_modulator alone": modulator,
        "ofdm_tx": tree_transmitter,
        "burst_receiver": receiver_of(samples),
        "  burst_detector alone": detector_of(samples),
        "  detector and demodulator": demodulator_of(samples),
        "ofdm_rx": tree_receiver,
    }
    rates = {
        name: flowgraph_rate(
            lambda top, build=build: partial(build(top).nitems_written, 0),
            arguments.seconds,
            arguments.repeats,
        )
        for name, build in builders.items()
    }
    ratios = {
        "transmitter": rates["burst_transmitter"] / rates["ofdm_tx"],
        "receiver": rates["burst_receiver"] / rates["ofdm_rx"],
    }
    if arguments.json:
        named = {name.strip(): value for name, value in rates.items()}
        print(json.dumps({"msamples_per_second": named, "ratios": ratios}))
        return
    print(f"Msample per second of processor time; bursts of {PAYLOAD_BITS} bits at {SNR_DB} dB")
    for name, value in rates.items():
        print(f"{name:30}{value:8.2f}")
    for name, value in ratios.items():
        print(f"{name} to GNU Radio's: {value:.1f}")


if __name__ == "__main__":
    main()
