# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated link as a GNU Radio flowgraph: block by block what :mod:`.link` does."""

from collections.abc import Sequence

import numpy as np
import pmt
from gnuradio import blocks, digital, gr
from numpy.typing import NDArray

from vqdeepsc.kernels import qam_points
from vqdeepsc.link import DEFAULT_SCHEME, LDPC_ITERATIONS, ChannelModel, Scheme

from ..vqdeepsc_python import (
    csi_equalizer,
    fading_channel,
    ldpc_decoder,
    ldpc_encoder,
    qam_soft_demapper,
)
from .frames import FRAME_TAG
from .message_sink import waiting_messages


def connect_link(
    top: gr.top_block,
    source: gr.basic_block,
    sink: gr.basic_block,
    payload_bits: int,
    channel: ChannelModel,
    snr_db: float,
    seed: int = 0,
    soft: bool = True,
    scheme: Scheme = DEFAULT_SCHEME,
    part_bits: Sequence[int] = (),
) -> gr.basic_block:
    """Join source (bytes with one bit each, tagged frames of payload_bits) to sink.

    LDPC, Gray QAM, channel (eq. 3), equaliser (eq. 4), soft demapper and LDPC decoder; sink gets
    LLRs (soft) or bits. scheme and part_bits, which it needs for protection, are as in
    :class:`.link.Link`. Returns the LDPC decoder, whose message port ``frames`` has the block
    errors.

    :raises ParameterError: for a scheme that does not fit the frame
    """
    bits_per_symbol = scheme.bits_per_symbol
    frame = (payload_bits, scheme.coded_bits(payload_bits), bits_per_symbol)
    transport_blocks = scheme.transport_blocks(part_bits or [payload_bits])
    fading = fading_channel(
        kind=channel.kind,
        snr_db=snr_db,
        rician_factor=channel.rician_factor,
        block_length=channel.block_length,
        seed=seed,
    )
    equalizer = csi_equalizer(snr_db)
    demapper = qam_soft_demapper(bits_per_symbol, noise_input=True)
    decoder = ldpc_decoder(
        *frame,
        iterations=LDPC_ITERATIONS,
        soft_output=soft,
        frame_tag=FRAME_TAG,
        transport_blocks=transport_blocks,
    )
    top.connect(
        source,
        ldpc_encoder(*frame, frame_tag=FRAME_TAG, transport_blocks=transport_blocks),
        blocks.pack_k_bits_bb(bits_per_symbol),
        digital.chunks_to_symbols_bc(qam_points(bits_per_symbol).tolist()),
        fading,
        equalizer,
        demapper,
        decoder,
        sink,
    )
    top.connect((fading, 1), (equalizer, 1))
    top.connect((equalizer, 1), (demapper, 1))
    return decoder


def frames_source(frames: NDArray[np.uint8], headers: Sequence[pmt.pmt_base]) -> gr.basic_block:
    """A source of frames, uint8 [frames, bits], the first bit of each tagged with its header."""
    tags = []
    for index, header in enumerate(headers):
        tag = gr.tag_t()
        tag.offset = index * frames.shape[1]
        tag.key = pmt.intern(FRAME_TAG)
        tag.value = header
        tags.append(tag)
    return blocks.vector_source_b(frames.reshape(-1).tolist(), False, 1, tags)


def run_flowgraph(top: gr.top_block) -> None:
    """Run top until it ends; Ctrl-C ends it and is raised, which top.run() does not do."""
    top.handle_sigint = False
    try:
        top.run()
    except BaseException:
        top.stop()
        top.wait()
        raise


def stored_messages(debug: blocks.message_debug) -> list[pmt.pmt_base]:
    """What reached the port ``store`` of a message_debug block; the flowgraph has ended."""
    stored = [debug.get_message(index) for index in range(debug.num_messages())]
    return [*stored, *waiting_messages(debug, "store")]
