#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code blocks of received bursts that fail against Es/N0, beside the same code with known channel.

Run with the Python of the installation (prefix/bin/python).
Bursts of 20,032 bits, rate 1/3, go through channel_model with frequency and clock offset. Es is
the power of a carrier after the channel, N0 the noise in it. A burst that is not detected or
whose header is lost counts all its blocks as failed.
"""

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from burst_link import CARRIER_POWER, random_frames, received, transmitted
from gnuradio import channels, vqdeepsc
from vqdeepsc.kernels import LdpcDecoder, LdpcEncoder, QamDemapper, csi_equalize, qam_points

PAYLOAD_BITS = 20032
CODED_BITS = 3 * PAYLOAD_BITS
FFT_SIZE = 256
CFO = 0.0371  # cycles per sample
BATCH = 50
PATHS = {
    "awgn": [1.0],
    "three taps": [0.8, 0, 0, 0, 0.5j, 0, 0, 0, 0, 0, 0, -0.33],
}


def response(channel: str) -> np.ndarray:
    """Channel of the used carriers, in the order of their indices."""
    used = 13 * FFT_SIZE // 16
    carriers = np.r_[-used // 2 : 0, 1 : used // 2 + 1]
    taps = PATHS[channel]
    return np.exp(-2j * np.pi * np.outer(carriers, np.arange(len(taps))) / FFT_SIZE) @ taps


def power(channel: str) -> float:
    """Mean of |channel|^2 of the used carriers."""
    return float(np.mean(np.abs(response(channel)) ** 2))


def known_channel(channel: str, snr_db: float, arguments: argparse.Namespace) -> tuple[int, int]:
    """(failed, all) code blocks where the decoder knows the channel and its noise."""
    bits_per_symbol = arguments.bits_per_symbol
    rng = np.random.default_rng(arguments.seed)
    encoder = LdpcEncoder(PAYLOAD_BITS, CODED_BITS, bits_per_symbol)
    decoder = LdpcDecoder(PAYLOAD_BITS, CODED_BITS, bits_per_symbol)
    demapper = QamDemapper(bits_per_symbol)
    points = qam_points(bits_per_symbol)
    weights = 1 << np.arange(bits_per_symbol - 1, -1, -1)
    count = CODED_BITS // bits_per_symbol
    gains = np.resize(response(channel), count).astype(np.complex64)
    density = power(channel) * 10 ** (-snr_db / 10)
    failed = blocks = 0
    while blocks < arguments.blocks and failed < arguments.errors:
        payload = rng.integers(0, 2, PAYLOAD_BITS, np.uint8)
        sent = points[encoder.encode(payload).reshape(-1, bits_per_symbol) @ weights]
        noise = rng.normal(0, np.sqrt(density / 2), (2, count))
        symbols, noises = csi_equalize(
            (gains * sent + noise[0] + 1j * noise[1]).astype(np.complex64), gains, density
        )
        decoded = decoder.decode(demapper.demap(symbols, noises))
        failed += decoded.block_errors
        blocks += decoded.blocks
    return failed, blocks


def over_the_air(
    samples: np.ndarray, channel: str, snr_db: float, arguments: argparse.Namespace
) -> tuple[int, int]:
    """(failed, all) code blocks that came through channel_model and burst_receiver."""
    rng = np.random.default_rng(arguments.seed)
    noise = np.sqrt(CARRIER_POWER * power(channel) * 10 ** (-snr_db / 10))
    clock = 1 + 1e-6 * arguments.clock_ppm
    silence = np.zeros(1000, np.complex64)
    stream = np.concatenate([silence, *samples, silence])
    failed = blocks = 0
    per_burst = None
    while blocks < arguments.blocks and failed < arguments.errors:
        model = channels.channel_model(
            noise, CFO, clock, PATHS[channel], int(rng.integers(1, 2**31))
        )
        log = received(stream, vqdeepsc.burst_receiver(), model)
        right = [line for line in log if line["header_ok"]]
        per_burst = right[0]["blocks"] if right else per_burst or 3
        lost = len(samples) - len({line["image"] for line in right})
        failed += sum(line["block_errors"] for line in right) + lost * per_burst
        blocks += len(samples) * per_burst
    return failed, blocks


def snr_at(points: list[dict], key: str, target: float) -> float | None:
    """Es/N0 at which the block failure is target, between points on a logarithmic scale."""
    for left, right in pairwise(points):
        if left[key] >= target > right[key] > 0:
            share = np.log(left[key] / target) / np.log(left[key] / right[key])
            return float(left["snr_db"] + share * (right["snr_db"] - left["snr_db"]))
    return None


def measure(channel: str, arguments: argparse.Namespace) -> dict:
    samples = transmitted(
        random_frames(BATCH, PAYLOAD_BITS, arguments.seed),
        bits_per_symbol=arguments.bits_per_symbol,
        fft_size=FFT_SIZE,
    )
    points = []
    for snr_db in arguments.snr:
        point = {"snr_db": snr_db}
        for key, (failed, blocks) in (
            ("known", known_channel(channel, snr_db, arguments)),
            ("received", over_the_air(samples, channel, snr_db, arguments)),
        ):
            point[key] = failed / blocks
            point[f"{key}_blocks"] = blocks
        points.append(point)
        if point["known"] == point["received"] == 0:
            break
    result = {"channel": channel, "points": points}
    for key in ("known", "received"):
        result[f"{key}_snr_db"] = snr_at(points, key, arguments.target)
    if None not in (result["known_snr_db"], result["received_snr_db"]):
        result["loss_db"] = result["received_snr_db"] - result["known_snr_db"]
    return result


def plot(path: Path, results: list[dict]) -> None:
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        sys.exit("--plot needs matplotlib: pip install matplotlib")
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for colour, result in zip(("C0", "C1"), results, strict=False):
        for key, style, label in (
            ("known", "--", "known channel"),
            ("received", "o-", "burst receiver"),
        ):
            shown = [point for point in result["points"] if point[key] > 0]
            axes.semilogy(
                [point["snr_db"] for point in shown],
                [point[key] for point in shown],
                style,
                color=colour,
                label=f"{result['channel']}, {label}",
            )
    axes.set(xlabel="Es/N0 of a carrier in dB", ylabel="code blocks that fail")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--snr",
        type=float,
        nargs="+",
        default=[round(3 + 0.1 * step, 1) for step in range(21)],
        help="Es/N0 in dB, ascending; a channel ends where nothing fails any more",
    )
    parser.add_argument(
        "--channels", nargs="+", choices=PATHS, default=list(PATHS), help="channels"
    )
    parser.add_argument("--bits-per-symbol", type=int, choices=(2, 4, 6), default=4, help="QAM")
    parser.add_argument("--clock-ppm", type=float, default=20.0, help="offset of the clock")
    parser.add_argument("--blocks", type=int, default=6000, help="most code blocks of a point")
    parser.add_argument("--errors", type=int, default=100, help="failed blocks that end a point")
    parser.add_argument("--target", type=float, default=1e-2, help="block failure to compare at")
    parser.add_argument("--seed", type=int, default=1, help="of payload and noise")
    parser.add_argument("--plot", type=Path, help="file to write, once as PNG and once as SVG")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    results = [measure(channel, arguments) for channel in arguments.channels]
    if arguments.plot:
        plot(arguments.plot, results)
    if arguments.json:
        print(json.dumps(results))
        return
    for result in results:
        print(f"\n{result['channel']}\n{'Es/N0':>7}{'known channel':>15}{'burst receiver':>16}")
        for point in result["points"]:
            print(f"{point['snr_db']:7.2f}{point['known']:15.2e}{point['received']:16.2e}")
        if "loss_db" in result:
            print(
                f"{arguments.target:g} at {result['known_snr_db']:.2f} dB with known channel, "
                f"{result['received_snr_db']:.2f} dB received: {result['loss_db']:.2f} dB more"
            )


if __name__ == "__main__":
    main()
