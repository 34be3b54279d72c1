#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame error rate of the LDPC code with Gray 16-QAM against Es/N0, with the BICM limit beside it.

Run with the Python of the installation (prefix/bin/python).
Every instruction set gives the same bits, so one curve stands for all.
"""

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tree_ldpc import SHIPPED, TreeDecoder
from vqdeepsc.kernels import (
    FadingChannel,
    LdpcDecoder,
    LdpcEncoder,
    QamDemapper,
    csi_equalize,
    qam_points,
)

BITS_PER_SYMBOL = 4
TREE_LABEL = f"fec.ldpc_decoder, {SHIPPED.payload_bits} in {SHIPPED.coded_bits:,} bits"
WEIGHTS = 1 << np.arange(BITS_PER_SYMBOL - 1, -1, -1)


def bicm_capacity(snr_db: float, channel: str, nodes: int = 48) -> float:
    """Bits per symbol that bit-interleaved Gray 16-QAM can carry with max. likelihood LLRs.

    G. Caire et al., "Bit-interleaved coded modulation", 1998, eq. 15; the sum over real noise is
    a Gauss-Hermite and the one over Rayleigh |h|^2 a Gauss-Laguerre quadrature.
    """
    levels = np.array([1.0, 3.0, -1.0, -3.0]) / np.sqrt(10)  # of the labels 00 01 10 11
    labels = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    abscissae, weights = np.polynomial.hermite.hermgauss(nodes)
    gains, gain_weights = np.array([1.0]), np.array([1.0])
    if channel == "rayleigh":
        gains, gain_weights = np.polynomial.laguerre.laggauss(nodes)
    capacity = 0.0
    for gain, gain_weight in zip(gains, gain_weights, strict=True):
        noise_density = 10 ** (-snr_db / 10) / gain
        received = levels[:, None] + np.sqrt(noise_density) * abscissae[None, :]
        metrics = -((received[..., None] - levels) ** 2) / noise_density
        total = np.logaddexp.reduce(metrics, axis=-1)
        for bit in range(2):
            same = labels[:, bit][:, None] == labels[:, bit][None, :]
            kept = np.where(same[:, None, :], metrics, -np.inf)
            lost = (total - np.logaddexp.reduce(kept, axis=-1)) / np.log(2)
            capacity += gain_weight * (1 - np.mean(lost @ weights) / np.sqrt(np.pi))
    return float(2 * capacity)


def bicm_limit(bits_per_symbol: float, channel: str) -> float:
    """Es/N0 in dB at which bicm_capacity() is bits_per_symbol."""
    low, high = -20.0, 40.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        if bicm_capacity(middle, channel) < bits_per_symbol:
            low = middle
        else:
            high = middle
    return high


class Link:
    """16-QAM over a channel with perfect channel knowledge; bits to LLRs."""

    def __init__(self, channel: str, snr_db: float, seed: int) -> None:
        self._channel = FadingChannel(channel, snr_db, seed=seed)
        self._noise = 10 ** (-snr_db / 10)
        self._demapper = QamDemapper(BITS_PER_SYMBOL, "maxlog")
        self._points = qam_points(BITS_PER_SYMBOL)

    def llrs(self, coded: np.ndarray) -> np.ndarray:
        """coded uint8[4 n] -> LLR = ln P(1)/P(0), float32[4 n]."""
        symbols = self._points[coded.reshape(-1, BITS_PER_SYMBOL) @ WEIGHTS]
        received, gains = self._channel.apply(symbols)
        equalized, noise = csi_equalize(received, gains, self._noise)
        return self._demapper.demap(equalized, noise)


def our_point(arguments: argparse.Namespace, snr_db: float) -> dict[str, Any]:
    payload_bits, coded_bits = arguments.payload_bits, arguments.coded_bits
    encoder = LdpcEncoder(payload_bits, coded_bits, BITS_PER_SYMBOL)
    decoder = LdpcDecoder(
        payload_bits,
        coded_bits,
        BITS_PER_SYMBOL,
        iterations=arguments.iterations,
        precision=arguments.precision,
        early_stop=arguments.early_stop,
        instruction_set=arguments.instruction_set,
    )
    rng = np.random.default_rng(arguments.seed)
    link = Link(arguments.channel, snr_db, arguments.seed)
    frames = errors = bit_errors = undetected = 0
    iterations = 0.0
    while frames < arguments.frames and errors < arguments.errors:
        payload = rng.integers(0, 2, payload_bits, dtype=np.uint8)
        decoded = decoder.decode(link.llrs(encoder.encode(payload)))
        wrong = int(np.count_nonzero(decoded.bits != payload))
        frames += 1
        errors += wrong > 0
        undetected += wrong > 0 and decoded.crc_ok
        bit_errors += wrong
        iterations += decoded.iterations
    return {
        "snr_db": snr_db,
        "frames": frames,
        "frame_errors": errors,
        "fer": errors / frames,
        "ber": bit_errors / frames / payload_bits,
        "undetected": undetected,
        "iterations": iterations / frames,
    }


def zeros_llrs(link: Link, bits: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """LLRs of a word of zeros that was scrambled on the air, so that all symbols occur."""
    scramble = rng.integers(0, 2, bits, dtype=np.uint8)
    return link.llrs(scramble) * (1 - 2 * scramble.astype(np.float32))


def tree_point(arguments: argparse.Namespace, snr_db: float) -> dict[str, Any]:
    """The same for fec.ldpc_decoder with a code of its own, from words of zeros."""
    frames = min(arguments.frames, arguments.tree_frames)
    link = Link(arguments.channel, snr_db, arguments.seed)
    llrs = zeros_llrs(link, frames * SHIPPED.coded_bits, np.random.default_rng(arguments.seed))
    words, _ = TreeDecoder(SHIPPED, arguments.iterations).decode(llrs)
    errors = int(np.count_nonzero(words.any(axis=1)))
    return {
        "snr_db": snr_db,
        "frames": len(words),
        "frame_errors": errors,
        "fer": errors / len(words),
    }


def snr_at(points: list[dict[str, Any]], target: float) -> float | None:
    """Es/N0 at which the frame error rate is target, between points on a logarithmic scale."""
    for left, right in pairwise(points):
        if left["fer"] >= target > right["fer"] > 0:
            share = np.log(left["fer"] / target) / np.log(left["fer"] / right["fer"])
            return float(left["snr_db"] + share * (right["snr_db"] - left["snr_db"]))
    return None


def plot(paths: list[Path], arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        sys.exit("--plot needs matplotlib: pip install matplotlib")
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    name = f"{arguments.payload_bits:,} in {arguments.coded_bits:,} bits"
    for label, points in ((name, result["points"]), (TREE_LABEL, result["tree"])):
        shown = [point for point in points if point["fer"] > 0]
        snr_db, fer = [p["snr_db"] for p in shown], [p["fer"] for p in shown]
        if shown:
            axes.semilogy(snr_db, fer, "o-", label=label)
    axes.axvline(result["bicm_limit_db"], color="black", linestyle=":", label="BICM limit")
    axes.set(xlabel="Es/N0 in dB", ylabel="frame error rate", title=f"16-QAM, {arguments.channel}")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    for path in paths:
        figure.savefig(path)


def snr_points(text: str) -> list[float]:
    """START:STOP:STEP, the stop included, or numbers with commas."""
    try:
        if ":" in text:
            start, stop, step = (float(part) for part in text.split(":"))
            return [float(x) for x in np.arange(start, stop + step / 2, step).round(4)]
        return [float(part) for part in text.split(",")]
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"'{text}' is not START:STOP:STEP") from None


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--payload-bits", type=int, default=8424, help="of a frame")
    parser.add_argument("--coded-bits", type=int, default=25344, help="a multiple of 4")
    parser.add_argument("--channel", choices=("awgn", "rayleigh"), default="awgn", help="channel")
    parser.add_argument("--snr", type=snr_points, default="3.1:3.5:0.1", help="Es/N0 in dB")
    parser.add_argument("--frames", type=int, default=2000, help="most frames of a point")
    parser.add_argument("--errors", type=int, default=200, help="wrong frames that end a point")
    parser.add_argument("--iterations", type=int, default=20, help="most iterations")
    parser.add_argument("--precision", choices=("int8", "int16"), default="int8", help="messages")
    parser.add_argument(
        "--early-stop", choices=("none", "parity", "crc"), default="crc", help="rule"
    )
    parser.add_argument("--instruction-set", default="auto", help="instruction set")
    parser.add_argument("--seed", type=int, default=1, help="of payload and noise")
    parser.add_argument(
        "--tree-frames", type=int, default=0, help="frames for GNU Radio's fec.ldpc_decoder"
    )
    parser.add_argument("--plot", nargs="+", type=Path, help="figures to write (.png, .svg, .pdf)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    arguments = parser.parse_args()
    if arguments.coded_bits % BITS_PER_SYMBOL:
        parser.error(f"--coded-bits is {arguments.coded_bits} and must be a multiple of 4")
    for name in ("frames", "errors"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} is {getattr(arguments, name)} and must be at least 1")
    return arguments


def main() -> None:
    arguments = parse_arguments()
    try:
        points = [our_point(arguments, snr_db) for snr_db in arguments.snr]
    except ValueError as error:
        sys.exit(f"ldpc_fer.py: {error}")
    tree = [tree_point(arguments, snr) for snr in arguments.snr] if arguments.tree_frames else []
    rate = BITS_PER_SYMBOL * arguments.payload_bits / arguments.coded_bits
    result = {
        "payload_bits": arguments.payload_bits,
        "coded_bits": arguments.coded_bits,
        "channel": arguments.channel,
        "bicm_limit_db": bicm_limit(rate, arguments.channel),
        "snr_db_at_fer_1e-2": snr_at(points, 1e-2),
        "points": points,
        "tree": tree,
    }
    if arguments.plot:
        plot(arguments.plot, arguments, result)
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{'Es/N0':>7}{'frames':>8}{'errors':>8}{'FER':>11}{'BER':>11}{'iterations':>12}")
    for point in points:
        print(
            f"{point['snr_db']:7.2f}{point['frames']:8}{point['frame_errors']:8}"
            f"{point['fer']:11.2e}{point['ber']:11.2e}{point['iterations']:12.2f}"
        )
    for point in tree:
        print(
            f"{point['snr_db']:7.2f}{point['frames']:8}{point['frame_errors']:8}"
            f"{point['fer']:11.2e}  {TREE_LABEL}"
        )
    print(f"BICM limit of {rate:.3f} bit per symbol: {result['bicm_limit_db']:.2f} dB")
    if result["snr_db_at_fer_1e-2"] is not None:
        print(f"FER 1e-2 at {result['snr_db_at_fer_1e-2']:.2f} dB")


if __name__ == "__main__":
    main()
