# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs that send and receive bursts."""

import time

import numpy as np
import pmt
from flowgraph import make_tag
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import VERSION_KEY, header_to_pmt
from gnuradio.vqdeepsc.blocks.loopback import stored_messages
from vqdeepsc.kernels import FrameHeader

PAYLOAD = 2000


AMPLITUDE = 0.3


CARRIER_POWER = AMPLITUDE**2 * 16 / 13  # Es: 13 of 16 carriers share the power


def headers(count: int, model: int = 0x1234) -> list[FrameHeader]:
    return [
        FrameHeader(model=model, image=7, width=1280, height=960, first_block=64 * region)
        for region in range(count)
    ]


def transmit(
    frames: np.ndarray,
    frame_headers: list[FrameHeader],
    versions: tuple[int, ...] = (),
    **parameters,
) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Samples of the bursts of frames, uint8 [frames, bits], and the tags among them.

    versions: redundancy versions of the frames, where their tags name some."""
    top = gr.top_block()
    bits = frames.shape[1]
    values = [header_to_pmt(header) for header in frame_headers]
    for i, version in enumerate(versions):
        values[i] = pmt.dict_add(values[i], VERSION_KEY, pmt.from_long(version))
    tags = [make_tag(i * bits, "frame", value) for i, value in enumerate(values)]
    source = blocks.vector_source_b(frames.reshape(-1).tolist(), False, 1, tags)
    sink = blocks.vector_sink_c()
    transmitter = vqdeepsc.burst_transmitter(bits, **parameters)
    top.connect(source, transmitter, sink)
    top.run()
    found = sorted((tag.offset, pmt.symbol_to_string(tag.key)) for tag in sink.tags())
    return np.array(sink.data(), np.complex64), found


def receive(
    samples: np.ndarray, *between, chunk: int | None = None, receiver=None
) -> tuple[list[tuple[dict, np.ndarray]], list[dict]]:
    """(dictionary, LLRs) of each region and the log of samples after the blocks between."""
    top = gr.top_block()
    source = blocks.vector_source_c(samples.tolist())
    receiver = receiver or vqdeepsc.burst_receiver()
    regions, log = blocks.message_debug(), blocks.message_debug()
    top.connect(source, *between, receiver)
    top.msg_connect(receiver, "regions", regions, "store")
    top.msg_connect(receiver, "log", log, "store")
    top.run(*([chunk] if chunk else []))
    return [
        (pmt.to_python(pmt.car(pdu)), np.array(pmt.to_python(pmt.cdr(pdu))))
        for pdu in stored_messages(regions)
    ], [pmt.to_python(line) for line in stored_messages(log)]


class BurstTest(gr_unittest.TestCase):
    """Frames of bits, noise, and what is received of them."""

    def setUp(self):
        self.rng = np.random.default_rng(11)

    def frames(self, count: int, bits: int = PAYLOAD) -> np.ndarray:
        return self.rng.integers(0, 2, (count, bits), np.uint8)

    def noise(self, count: int, snr_db: float) -> np.ndarray:
        """White noise with Es/N0 snr_db against carriers at the default amplitude."""
        density = CARRIER_POWER * 10 ** (-snr_db / 10)
        parts = self.rng.normal(0, np.sqrt(density / 2), (2, count))
        return (parts[0] + 1j * parts[1]).astype(np.complex64)

    def assert_received(self, regions, log, frames, frame_headers):
        expected = [
            {
                **pmt.to_python(header_to_pmt(header)),
                "copies": 1,
                "block_errors": 0,
                "redundancy_version": line["redundancy_version"],
                "snr_db": line["snr_db"],
            }
            for header, line in zip(frame_headers, log, strict=True)
        ]
        decoded = [region.pop("decoded") for region, _ in regions]
        self.assertEqual(decoded, sorted(decoded))
        # the clock is that of Python
        self.assertLessEqual(decoded[-1], time.monotonic())
        self.assertEqual([region for region, _ in regions], expected)
        for (_, llrs), bits in zip(regions, frames, strict=True):
            np.testing.assert_array_equal(llrs > 0, bits)
        self.assertEqual([line["header_ok"] for line in log], [True] * len(frames))
        self.assertEqual([line["block_errors"] for line in log], [0] * len(frames))
