#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code blocks that fail where the channel changes within a burst, or the front end is not ideal.

Run with the Python of the installation (prefix/bin/python).
Bursts of 20,032 bits, rate 1/3, 16-QAM, of 25 ms at 1 Msample/s, each with a frequency offset of
its own; beside the receiver, the same bursts, noise, demapper and decoder with frequency, timing,
noise and the channel at the middle of each OFDM symbol known. Es is the mean power of a carrier,
N0 the noise in it. A burst that is lost counts all its blocks as failed.
"""

import argparse
import json
from collections.abc import Callable

import numpy as np
from burst_fading import (
    BLOCKS,
    FADING,
    HEADER_END,
    bursts,
    faded,
    known_errors,
    noise,
    ratio,
    rotation,
)
from burst_link import AMPLITUDE, CARRIER_POWER, received
from gnuradio import vqdeepsc
from gnuradio.vqdeepsc.radio.bursts import BURST_PROFILES

BATCH = 100  # bursts that are received at once; the next ones have the same payloads

# --- front ends: what happens to the samples of a burst with noise


def pulses(length: int, period: int, over_db: float) -> Callable:
    """Noise of that power over the signal in length of period samples."""

    def change(samples: np.ndarray, rng: np.random.Generator, density: float) -> np.ndarray:
        out = samples + noise(rng, samples.size, density)
        for begin in range(0, samples.size - period, period):
            first = begin + int(rng.integers(0, period - length))
            out[first : first + length] += noise(rng, length, AMPLITUDE**2 * ratio(over_db))
        return out

    return change


def impulses(share: float, over_db: float) -> Callable:
    """Noise of that power over the signal in single samples."""

    def change(samples: np.ndarray, rng: np.random.Generator, density: float) -> np.ndarray:
        hit = rng.random(samples.size) < share
        out = samples + noise(rng, samples.size, density)
        return out + hit * noise(rng, samples.size, AMPLITUDE**2 * ratio(over_db))

    return change


def gain_step(size_db: float, of_noise: bool) -> Callable:
    """The gain changes once within the payload, up or down; with the noise where it is an AGC."""

    def change(samples: np.ndarray, rng: np.random.Generator, density: float) -> np.ndarray:
        gain = np.ones(samples.size)
        first = int(rng.integers(HEADER_END, samples.size))
        gain[first:] = 10 ** (rng.choice((-1, 1)) * size_db / 20)
        disturbance = noise(rng, samples.size, density)
        return (samples + disturbance) * gain if of_noise else samples * gain + disturbance

    return change


def agc_tail(from_db: float, samples_to_settle: float) -> Callable:
    """The gain comes down exponentially from the first sample of the burst on."""

    def change(samples: np.ndarray, rng: np.random.Generator, density: float) -> np.ndarray:
        gain = 10 ** (from_db / 20 * np.exp(-np.arange(samples.size) / samples_to_settle))
        return (samples + noise(rng, samples.size, density)) * gain

    return change


def late_noise(level_db: float) -> Callable:
    """Noise of that power over the signal begins within the payload."""

    def change(samples: np.ndarray, rng: np.random.Generator, density: float) -> np.ndarray:
        out = samples + noise(rng, samples.size, density)
        first = int(rng.integers(HEADER_END, samples.size))
        out[first:] += noise(rng, samples.size - first, AMPLITUDE**2 * ratio(level_db))
        return out

    return change


def lost_samples(count: int) -> Callable:
    """So many samples of the payload are not there."""

    def change(samples: np.ndarray, rng: np.random.Generator, density: float) -> np.ndarray:
        first = HEADER_END + 600
        position = int(rng.integers(first, samples.size - 3000))
        kept = np.delete(samples, slice(position, position + count))
        return kept + noise(rng, kept.size, density)

    return change


def constant(over_db: float) -> Callable:
    """A carrier at 0 Hz of that power over the signal, see run()."""

    def change(samples: np.ndarray, rng: np.random.Generator, density: float) -> np.ndarray:
        return samples + noise(rng, samples.size, density)

    change.leak = AMPLITUDE * 10 ** (over_db / 20)  # type: ignore[attr-defined]
    return change


FRONT_ENDS = {
    "pulses of 100 samples in 5,000, +10 dB": pulses(100, 5000, 10),
    "pulses of 300 samples in 5,000, +10 dB": pulses(300, 5000, 10),
    "impulses in 1 % of the samples, +20 dB": impulses(0.01, 20),
    "noise of -10 dB begins in the payload": late_noise(-10),
    "gain step of 6 dB": gain_step(6, False),
    "gain step of 6 dB, of noise too": gain_step(6, True),
    "AGC settles from +6 dB in 5 ms": agc_tail(6, 5000),
    "100 samples lost": lost_samples(100),
    "1,000 samples lost": lost_samples(1000),
    "carrier at 0 Hz, 8 dB": constant(8),
    "carrier at 0 Hz, 30 dB": constant(30),
}


def receive(stream: np.ndarray, count: int) -> np.ndarray:
    """Headers and failed blocks of count bursts in a stream of samples, int [2]."""
    log = received(stream, vqdeepsc.burst_receiver())
    failed = np.full(count, BLOCKS)
    for line in log:
        if line["header_ok"] and line["image"] < count:
            failed[line["image"]] = min(failed[line["image"]], line["block_errors"])
    headers = {line["image"] for line in log if line["header_ok"]}
    return np.array([len(headers), failed.sum()])


def shares(count: int, headers: int, failed: int) -> dict:
    return {
        "bursts": count,
        "headers": headers / count,
        "received": float(failed) / (BLOCKS * count),
    }


def run(
    disturb: Callable, snr_db: float, count: int, seed: int, known: bool, profile: int = 0
) -> dict:
    """Block errors of count bursts; disturb(samples, rng, density) gives a burst's samples with
    noise, and the channel of its payload as of faded(), or None."""
    rng = np.random.default_rng(seed)
    density = CARRIER_POWER / ratio(snr_db)
    errors = 0
    results = np.zeros(2, int)
    for first in range(0, count, BATCH):
        parts = [noise(rng, 1000, density)]
        for samples in bursts(min(BATCH, count), profile)[: count - first]:
            out, channel = disturb(samples, rng, density)
            if known:
                errors += known_errors(out, channel, density, profile)
            parts += [
                out * rotation(rng.uniform(-0.05, 0.05), rng.uniform(), out.size),
                noise(rng, int(rng.integers(500, 3000)), density),
            ]
        stream = np.concatenate([*parts, noise(rng, 3000, density)])
        stream += np.complex64(getattr(disturb, "leak", 0.0))
        results += receive(stream, min(BATCH, count - first))
    result = shares(count, *results)
    if known:
        result["known"] = errors / (BLOCKS * count)
    return result


def measure_fading(
    name: str, doppler: float, snr_db: float, count: int, seed: int, profile: int = 0
) -> dict:
    def disturb(
        samples: np.ndarray, rng: np.random.Generator, density: float
    ) -> tuple[np.ndarray, np.ndarray]:
        out, channel = faded(samples, rng, FADING[name], doppler, profile)
        return out + noise(rng, out.size, density), channel

    return {"what": name, "doppler_hz": doppler, "snr_db": snr_db} | run(
        disturb, snr_db, count, seed, True, profile
    )


def measure_front_end(name: str, snr_db: float, count: int, seed: int) -> dict:
    change = FRONT_ENDS[name]

    def disturb(
        samples: np.ndarray, rng: np.random.Generator, density: float
    ) -> tuple[np.ndarray, None]:
        return change(samples, rng, density), None

    disturb.leak = getattr(change, "leak", 0.0)  # type: ignore[attr-defined]
    return {"what": name, "snr_db": snr_db} | run(disturb, snr_db, count, seed, False)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--fading",
        nargs="*",
        choices=FADING,
        default=["one tap", "three taps", "six taps"],
        help="channels that change",
    )
    parser.add_argument(
        "--doppler", type=float, nargs="+", default=[1, 10, 50, 100], help="spread in Hz"
    )
    parser.add_argument("--snr", type=float, nargs="+", default=[10, 15, 25], help="Es/N0 in dB")
    parser.add_argument(
        "--front-end", nargs="*", choices=FRONT_ENDS, default=list(FRONT_ENDS), help="front ends"
    )
    parser.add_argument("--front-end-snr", type=float, default=15.0, help="Es/N0 in dB")
    parser.add_argument(
        "--profile", default=BURST_PROFILES[0], choices=BURST_PROFILES, help="of bursts that fade"
    )
    parser.add_argument("--bursts", type=int, default=100, help="of each point")
    parser.add_argument("--seed", type=int, default=7, help="of channel and noise")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    count, seed = arguments.bursts, arguments.seed
    profile = BURST_PROFILES.index(arguments.profile)
    if not arguments.json:
        print(f"{'':40}{'fD':>5}{'Es/N0':>7}{'headers':>9}{'received':>10}{'known':>8}")

    def show(row: dict) -> None:
        if arguments.json:
            print(json.dumps(row), flush=True)
            return
        doppler = f"{row['doppler_hz']:g}" if "doppler_hz" in row else ""
        known = f"{row['known']:8.2%}" if "known" in row else ""
        print(
            f"{row['what']:40}{doppler:>5}{row['snr_db']:7.1f}{row['headers']:9.1%}"
            f"{row['received']:10.2%}{known}",
            flush=True,
        )

    for name in arguments.fading:
        for doppler in arguments.doppler:
            for snr_db in arguments.snr:
                show(measure_fading(name, doppler, snr_db, count, seed, profile))
    for name in arguments.front_end:
        show(measure_front_end(name, arguments.front_end_snr, count, seed))


if __name__ == "__main__":
    main()
