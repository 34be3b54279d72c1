# SPDX-License-Identifier: GPL-3.0-or-later
"""Code block errors and speed of examples/in_tree_fec.grc's link beside ours, over AWGN.

GNU Radio's LDPC code of rate 1/2 (n = 1800), its constellation's soft decisions made for the
channel's N0, LLRs clipped at 8; ours is NR LDPC of rate 1/3 with the soft demapper. Both send
16-QAM; the in-tree link puts 1.5 times as many payload bits into a symbol.
"""

import argparse
import json
import sys
import time

import numpy as np
import pmt
from gnuradio import analog, blocks, digital, fec, gr, vqdeepsc
from gnuradio.vqdeepsc.blocks.loopback import connect_link, frames_source, stored_messages
from vqdeepsc.link import ChannelModel

INFORMATION_BITS = 902
ALIST = "/share/gnuradio/fec/ldpc/n_1800_k_0902_gap_28.alist"
PAYLOAD_BITS = 20032


def in_tree(bits: np.ndarray, snr_db: float, seed: int) -> tuple[int, int, float]:
    """(code blocks in error, code blocks, seconds) of bits, uint8 [blocks, 902]."""
    noise_density = 10 ** (-snr_db / 10)
    constellation = digital.constellation_calcdist(
        vqdeepsc.qam_points(4).tolist(),
        list(range(16)),
        4,
        1,
        digital.constellation.POWER_NORMALIZATION,
    ).base()
    constellation.gen_soft_dec_lut(8, noise_density)
    alist = gr.prefix() + ALIST
    encoder = fec.ldpc_par_mtrx_encoder_make_H(fec.ldpc_H_matrix(alist, 28))
    decoder = fec.ldpc_decoder.make(alist, 0.7071, 50)
    top = gr.top_block()
    channel, sink = blocks.add_cc(), blocks.vector_sink_b()
    noise = analog.noise_source_c(analog.GR_GAUSSIAN, noise_density**0.5, seed + 1)
    # the decoder keeps its last block back
    sent = np.vstack([bits, np.zeros_like(bits[:1])])
    top.connect(
        blocks.vector_source_b(sent.reshape(-1).tolist()),
        fec.extended_encoder(encoder, None, "11"),
        blocks.pack_k_bits_bb(4),
        digital.constellation_encoder_bc(constellation),
        channel,
        digital.constellation_soft_decoder_cf(constellation),
        analog.rail_ff(-8, 8),
        fec.extended_decoder(decoder, None, None, "11"),
        sink,
    )
    top.connect(noise, (channel, 1))
    begin = time.perf_counter()
    top.run()
    seconds = time.perf_counter() - begin
    received = np.array(sink.data(), np.uint8)[: bits.size].reshape(bits.shape)
    return int((received != bits).any(axis=1).sum()), len(bits), seconds


def ours(bits: np.ndarray, snr_db: float, seed: int) -> tuple[int, int, float]:
    """(code blocks in error, code blocks, seconds) of bits, uint8 [frames, 20032]."""
    top = gr.top_block()
    frames = blocks.message_debug()
    source = frames_source(bits, [pmt.PMT_NIL] * len(bits))
    decoder = connect_link(
        top,
        source,
        blocks.null_sink(gr.sizeof_char),
        bits.shape[1],
        ChannelModel("awgn"),
        snr_db,
        seed,
        soft=False,
    )
    top.msg_connect(decoder, "frames", frames, "store")
    begin = time.perf_counter()
    top.run()
    seconds = time.perf_counter() - begin
    reports = [pmt.to_python(report) for report in stored_messages(frames)]
    errors = sum(report["block_errors"] for report in reports)
    return errors, sum(report["blocks"] for report in reports), seconds


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--snr", type=float, nargs="+", default=[3, 3.5, 4, 6, 7, 8, 10, 14])
    parser.add_argument("--blocks", type=int, default=200, help="code blocks of the in-tree code")
    parser.add_argument("--seed", type=int, default=0, help="of bits and noise")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    random = np.random.default_rng(arguments.seed)
    payload = random.integers(0, 2, (arguments.blocks, INFORMATION_BITS), np.uint8)
    frames = random.integers(0, 2, (max(1, arguments.blocks // 3), PAYLOAD_BITS), np.uint8)
    rows = []
    for snr_db in arguments.snr:
        for name, link, bits in (("in-tree", in_tree, payload), ("NR LDPC", ours, frames)):
            errors, count, seconds = link(bits, snr_db, arguments.seed)
            rows.append(
                {
                    "link": name,
                    "snr_db": snr_db,
                    "block_errors": errors,
                    "blocks": count,
                    "mbit_per_second": bits.size / seconds / 1e6,
                }
            )
    if arguments.json:
        print(json.dumps({"seed": arguments.seed, "rows": rows}, indent=2))
        return 0
    print(f"{'link':<8} {'Es/N0 dB':>8} {'errors':>7} {'blocks':>7} {'Mbit/s':>8}")
    for row in rows:
        print(
            f"{row['link']:<8} {row['snr_db']:>8g} {row['block_errors']:>7} {row['blocks']:>7} "
            f"{row['mbit_per_second']:>8.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
