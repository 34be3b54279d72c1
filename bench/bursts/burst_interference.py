#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers and code blocks that fail beside carriers, narrow signals and other bursts.

Run with the Python of the installation (prefix/bin/python).
Bursts are those of burst_impairments.py. A carrier or a narrow signal changes its frequency with
the first sample of each burst. A burst that is lost counts all its blocks as failed.
"""

import argparse
import json
from collections.abc import Callable

import numpy as np
from burst_fading import BLOCKS, bursts, noise, ratio, rotation
from burst_link import AMPLITUDE, CARRIER_POWER, received
from gnuradio import vqdeepsc

Change = Callable[[np.ndarray, list[int], np.random.Generator], np.ndarray]
OTHERS = 100  # bursts of others, before those that are counted


def unchanged(stream: np.ndarray, starts: list[int], rng: np.random.Generator) -> np.ndarray:
    return stream


def carrier(over_db: float) -> Change:
    """A carrier of that power over the signal."""

    def change(stream: np.ndarray, starts: list[int], rng: np.random.Generator) -> np.ndarray:
        out = stream.copy()
        for first, last in zip(starts, [*starts[1:], stream.size], strict=True):
            tone = rotation(rng.uniform(-0.4, 0.4), rng.uniform(), last - first)
            out[first:last] += np.float32(AMPLITUDE * 10 ** (over_db / 20)) * tone
        return out

    return change


def narrow_band(over_db: float, share: float) -> Change:
    """Noise of that power over the signal in a share of the sample rate."""

    def change(stream: np.ndarray, starts: list[int], rng: np.random.Generator) -> np.ndarray:
        out = stream.copy()
        for first, last in zip(starts, [*starts[1:], stream.size], strict=True):
            frequency = np.fft.fftfreq(last - first)
            inside = np.abs(frequency - rng.uniform(-0.35, 0.35)) < share / 2
            spectrum = np.zeros(last - first, np.complex128)
            spectrum[inside] = noise(rng, int(inside.sum()), 1.0)
            signal = np.fft.ifft(spectrum)
            scale = AMPLITUDE * 10 ** (over_db / 20) / np.sqrt(np.mean(np.abs(signal) ** 2))
            out[first:last] += (scale * signal).astype(np.complex64)
        return out

    return change


def other_bursts(over_db: float) -> Change:
    """Bursts of the same format and that power over the signal, at random times."""

    def change(stream: np.ndarray, starts: list[int], rng: np.random.Generator) -> np.ndarray:
        out = stream.copy()
        others = bursts(OTHERS)
        length = others.shape[1]
        first = number = 0
        while first + length < stream.size:
            turn = rotation(rng.uniform(-0.05, 0.05), rng.uniform(), length)
            other = others[number % OTHERS] * turn
            out[first : first + length] += np.float32(10 ** (over_db / 20)) * other
            first += length + int(rng.integers(500, 20000))
            number += 1
        return out

    return change


INTERFERENCE: dict[str, Change] = {
    "nothing": unchanged,
    "carrier, 0 dB": carrier(0),
    "carrier, +10 dB": carrier(10),
    "carrier, +20 dB": carrier(20),
    "a tenth of the band, 0 dB": narrow_band(0, 0.1),
    "a tenth of the band, +10 dB": narrow_band(10, 0.1),
    "a tenth of the band, +20 dB": narrow_band(20, 0.1),
    "bursts of others, -10 dB": other_bursts(-10),
    "bursts of others, -6 dB": other_bursts(-6),
    "bursts of others, 0 dB": other_bursts(0),
}


def measure(
    name: str,
    snr_db: float,
    count: int,
    seed: int,
    offsets: tuple[float, float] = (0.0, 0.05),
    **parameters: float,
) -> dict:
    """What is received of count bursts whose offsets, in cycles per sample, are between two in
    magnitude; parameters are those of the receiver."""
    rng = np.random.default_rng(seed)
    parts, starts, position = [np.zeros(1000, np.complex64)], [], 1000
    for samples in bursts(OTHERS + count)[OTHERS:]:
        cfo = rng.choice((-1, 1)) * rng.uniform(*offsets)
        starts.append(position)
        gap = int(rng.integers(500, 3000))
        turn = rotation(cfo, rng.uniform(), samples.size)
        parts += [samples * turn, np.zeros(gap, np.complex64)]
        position += samples.size + gap
    stream = np.concatenate([*parts, np.zeros(3000, np.complex64)])
    stream = stream + noise(rng, stream.size, CARRIER_POWER / ratio(snr_db))
    stream = INTERFERENCE[name](stream, starts, rng)
    log = received(stream, vqdeepsc.burst_receiver(**parameters))
    failed = np.full(count, BLOCKS)
    headers = set()
    for line in log:
        if line["header_ok"] and OTHERS <= line["image"] < OTHERS + count:
            image = line["image"] - OTHERS
            headers.add(image)
            failed[image] = min(failed[image], line["block_errors"])
    return {
        "what": name,
        "snr_db": snr_db,
        "bursts": count,
        "headers": len(headers) / count,
        "block_errors": float(failed.sum()) / (BLOCKS * count),
    }


def measure_wide(snr_db: float, count: int, seed: int) -> dict:
    """Offsets of 0.117 to 0.25 cycles per sample, and a receiver that expects them."""
    row = measure("nothing", snr_db, count, seed, (0.117, 0.25), largest_cfo=0.25)
    return row | {"what": "offsets of 0.117 to 0.25"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--what", nargs="*", choices=INTERFERENCE, default=list(INTERFERENCE), help="interference"
    )
    parser.add_argument("--snr", type=float, nargs="+", default=[10], help="Es/N0 in dB")
    parser.add_argument(
        "--wide-snr", type=float, nargs="*", default=[4, 10], help="Es/N0 with large offsets"
    )
    parser.add_argument("--bursts", type=int, default=200, help="of each point")
    parser.add_argument("--seed", type=int, default=7, help="of noise and interference")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead")
    arguments = parser.parse_args()
    count, seed = arguments.bursts, arguments.seed
    if not arguments.json:
        print(f"{'':32}{'Es/N0':>7}{'headers':>10}{'block errors':>14}")

    def show(row: dict) -> None:
        if arguments.json:
            print(json.dumps(row), flush=True)
            return
        print(
            f"{row['what']:32}{row['snr_db']:7.1f}{row['headers']:10.1%}{row['block_errors']:14.2%}",
            flush=True,
        )

    for name in arguments.what:
        for snr_db in arguments.snr:
            show(measure(name, snr_db, count, seed))
    for snr_db in arguments.wide_snr:
        show(measure_wide(snr_db, count, seed))


if __name__ == "__main__":
    main()
