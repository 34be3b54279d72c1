# SPDX-License-Identifier: GPL-3.0-or-later
"""One image over the link as a real flowgraph, and a JPEG of the same bits beside it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pmt
from gnuradio import blocks, gr
from numpy.typing import NDArray
from PIL import Image

from vqdeepsc.codec import Codec
from vqdeepsc.images import baselines, metrics
from vqdeepsc.images.files import ImageError, load_image, save_image
from vqdeepsc.images.panel import PanelCell, PanelRow, build_panel
from vqdeepsc.link import (
    DEFAULT_SCHEME,
    ChannelModel,
    Scheme,
    frame_part_bits,
    pad_to_frames,
)
from vqdeepsc.messages import printable
from vqdeepsc.simulation.identity import System
from vqdeepsc.simulation.results import Result, write_results

from .blocks.frames import pdu_to_image
from .blocks.loopback import connect_link, frames_source, run_flowgraph, stored_messages
from .blocks.semantic_sink import semantic_sink
from .blocks.semantic_source import semantic_source

MAXIMUM_SIDE = 512
"""Larger images are reduced, so that the demonstration takes seconds."""


def fit_image(image: NDArray[np.uint8], side: int = MAXIMUM_SIDE) -> NDArray[np.uint8]:
    """Reduce image, uint8 [H, W, 3], so that its longer side has at most side pixels."""
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def _block_errors(frames: blocks.message_debug) -> int:
    key = pmt.intern("block_errors")
    return sum(
        pmt.to_long(pmt.dict_ref(report, key, pmt.PMT_NIL)) for report in stored_messages(frames)
    )


def send_image(
    path: Path,
    model: str | Codec,
    payload_bits: int,
    channel: ChannelModel,
    snr_db: float,
    seed: int,
    scheme: Scheme = DEFAULT_SCHEME,
    part_bits: Sequence[int] = (),
) -> tuple[NDArray[np.uint8], int]:
    """(image uint8 [H, W, 3] as received, LDPC code blocks in error) over a flowgraph."""
    top = gr.top_block()
    # GNU Radio does not keep Python blocks: what no name holds is collected while it runs.
    source, sink = semantic_source(str(path), model), semantic_sink(model)
    images, frames = blocks.message_debug(), blocks.message_debug()
    decoder = connect_link(
        top,
        source,
        sink,
        payload_bits,
        channel,
        snr_db,
        seed,
        scheme=scheme,
        part_bits=part_bits,
    )
    top.msg_connect(sink, "images", images, "store")
    top.msg_connect(decoder, "frames", frames, "store")
    run_flowgraph(top)
    if source.error:
        raise source.error
    received = stored_messages(images)
    if not received:
        raise ImageError(f"{path} cannot be read any more")
    return pdu_to_image(received[0])[0], _block_errors(frames)


def send_bits(
    frames_of_bits: NDArray[np.uint8],
    channel: ChannelModel,
    snr_db: float,
    seed: int,
    scheme: Scheme = DEFAULT_SCHEME,
) -> tuple[NDArray[np.uint8], int]:
    """(decided bits, LDPC code blocks in error) of uint8 [frames, bits] over a flowgraph."""
    top = gr.top_block()
    source = frames_source(frames_of_bits, [pmt.PMT_NIL] * len(frames_of_bits))
    sink, frames = blocks.vector_sink_b(), blocks.message_debug()
    payload_bits = frames_of_bits.shape[1]
    decoder = connect_link(
        top, source, sink, payload_bits, channel, snr_db, seed, soft=False, scheme=scheme
    )
    top.msg_connect(decoder, "frames", frames, "store")
    run_flowgraph(top)
    received = np.array(sink.data(), np.uint8).reshape(frames_of_bits.shape)
    return received, _block_errors(frames)


def run_demonstration(
    image: str | Path,
    output: Path,
    model: str,
    channel: ChannelModel,
    snr_db: Sequence[float],
    seed: int,
    scheme: Scheme = DEFAULT_SCHEME,
) -> list[Result]:
    """Send image at each SNR, ours and as JPEG; returns the rows of results.csv.

    Writes sent.png, received.png (the first SNR), panel.png and results.csv into output. A JPEG
    has no parts, so a scheme with protection is for ours alone. Raises ImageError, BundleError,
    OSError, and ParameterError for a scheme that does not fit the model.
    """
    name = printable(Path(image).name)
    sent = fit_image(load_image(image))
    codec = Codec(model)
    part_bits = frame_part_bits(codec.layout, codec.bits_per_region)
    scheme.transport_blocks(part_bits)
    ours, jpeg = System(codec.name, scheme), System("jpeg", scheme.unprotected)
    output.mkdir(parents=True, exist_ok=True)
    save_image(output / "sent.png", sent)
    height, width = sent.shape[:2]
    frames = codec.encode_bits(sent).shape[0]
    source_bits = frames * codec.bits_per_region
    symbols = frames * scheme.symbols_per_frame(codec.bits_per_region)

    file = baselines.compress(sent, "jpeg", source_bits)
    jpeg_bits = None
    if file:
        content = np.unpackbits(np.frombuffer(file.content, np.uint8))
        jpeg_bits = pad_to_frames(content, codec.bits_per_region, frames)

    results: list[Result] = []
    cells: dict[System, list[PanelCell]] = {ours: [], jpeg: []}
    grey = baselines.mid_grey(width, height)
    undecoded = metrics.quality(sent, grey)

    def score(
        system: System, snr: float, shown: NDArray[np.uint8], errors: int, decoded: bool = True
    ) -> None:
        quality = metrics.quality(sent, shown)
        cells[system].append(PanelCell(shown, quality, decoded))
        results.append(
            Result(
                name,
                system,
                channel,
                snr,
                source_bits,
                symbols,
                errors,
                decoded,
                *quality,
                seed,
            )
        )

    for snr in snr_db:
        received, errors = send_image(
            output / "sent.png",
            codec,
            codec.bits_per_region,
            channel,
            snr,
            seed,
            scheme,
            part_bits,
        )
        score(ours, snr, received, errors)
        if file is None or jpeg_bits is None:
            score(jpeg, snr, grey, 0, decoded=False)
            continue
        bits, errors = send_bits(jpeg_bits, channel, snr, seed, scheme.unprotected)
        arrived = np.packbits(bits.reshape(-1))[: len(file.content)].tobytes()
        shown = baselines.decompress(arrived, width, height)
        if shown is not None and baselines.counts_as_decoded(
            metrics.quality(sent, shown), undecoded
        ):
            score(jpeg, snr, shown, errors)
        else:
            score(jpeg, snr, grey, errors, decoded=False)

    save_image(output / "received.png", cells[ours][0].image)
    write_results(output / "results.csv", results)
    quality = f"quality {file.quality}" if file else "does not fit"
    title = "LDPC 1/3, 16-QAM" if scheme == DEFAULT_SCHEME else f"LDPC, {scheme}"
    panel = build_panel(
        sent,
        [f"{snr:g} dB" for snr in snr_db],
        [
            PanelRow("VQ-DeepSC", str(ours), cells[ours]),
            PanelRow("JPEG", quality, cells[jpeg]),
        ],
        f"{name} over {title}, {channel.title}",
        f"{source_bits:,} source bits and {symbols:,} symbols each; columns: Es/N0",
    )
    save_image(output / "panel.png", panel)
    return results
