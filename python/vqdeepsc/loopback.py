# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated link as a GNU Radio flowgraph, block by block as in examples/."""

from dataclasses import dataclass

import numpy as np
from gnuradio import blocks, digital, gr

from . import csi_equalizer, fading_channel, ldpc_decoder, ldpc_encoder, qam_points
from . import qam_soft_demapper as soft_demapper
from .frames import FRAME_TAG

BITS_PER_SYMBOL = 4
CODE_RATE_INVERSE = 3


@dataclass(frozen=True)
class Channel:
    """kind: awgn, rayleigh or rician; snr_db: Es/N0; rician_factor: r of eq. 3; seed: any."""

    kind: str = "awgn"
    snr_db: float = 10.0
    rician_factor: float = 1.0
    seed: int = 0


def connect_link(
    top: gr.top_block,
    source: gr.basic_block,
    sink: gr.basic_block,
    payload_bits: int,
    channel: Channel,
    soft: bool = True,
) -> gr.basic_block:
    """Join source (bytes with one bit each, tagged frames of payload_bits) to sink.

    LDPC rate 1/3, Gray 16-QAM, channel (eq. 3), perfect CSI (eq. 4), soft demapper and LDPC
    decoder; sink gets LLRs (soft) or bits. Returns the LDPC decoder, whose message port
    ``frames`` tells of block errors.
    """
    coded_bits = CODE_RATE_INVERSE * payload_bits
    fading = fading_channel(channel.kind, channel.snr_db, channel.rician_factor, seed=channel.seed)
    equalizer = csi_equalizer(channel.snr_db)
    demapper = soft_demapper(BITS_PER_SYMBOL, noise_input=True)
    decoder = ldpc_decoder(
        payload_bits, coded_bits, BITS_PER_SYMBOL, soft_output=soft, frame_tag=FRAME_TAG
    )
    top.connect(
        source,
        ldpc_encoder(payload_bits, coded_bits, BITS_PER_SYMBOL, frame_tag=FRAME_TAG),
        blocks.pack_k_bits_bb(BITS_PER_SYMBOL),
        digital.chunks_to_symbols_bc(list(map(complex, qam_points(BITS_PER_SYMBOL)))),
        fading,
        equalizer,
        demapper,
        decoder,
        sink,
    )
    top.connect((fading, 1), (equalizer, 1))
    top.connect((equalizer, 1), (demapper, 1))
    return decoder


def messages(debug: blocks.message_debug) -> list:
    """The messages that reached the port ``store`` of a message_debug block."""
    return [debug.get_message(index) for index in range(debug.num_messages())]


def bits_source(frames: np.ndarray, headers: list) -> gr.basic_block:
    """A source of frames, uint8 [frames, bits], each tagged with its header (PMT)."""
    import pmt

    tags = [
        gr.tag_utils.python_to_tag((index * frames.shape[1], pmt.intern(FRAME_TAG), header))
        for index, header in enumerate(headers)
    ]
    return blocks.vector_source_b(frames.reshape(-1).tolist(), False, 1, tags)
