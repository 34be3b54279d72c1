#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block errors over Es/N0 on channels that fade, beside the known channel, and the loss in dB.

Run with the Python of the installation (prefix/bin/python).
Bursts, paths and the known channel are those of burst_impairments.py. --model selective and
dynamic take the paths from GNU Radio's selective_fading_model and dynamic_channel_model, whose
channel is not known; the second adds offsets of clock and frequency that walk.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from burst_fading import FADING, PAYLOADS, Fading, bursts, noise, ratio
from burst_impairments import measure_fading, receive
from burst_link import CARRIER_POWER, SAMPLE_RATE
from gnuradio import blocks, channels, gr
from gnuradio.vqdeepsc.radio.bursts import BURST_PROFILES

GAP = 2000
TAPS = 24  # of the filter that makes the delays
WAVES = 16


def fading_model(model: str, fading: Fading, doppler: float, seed: int) -> gr.hier_block2:
    """GNU Radio's model of such paths, of mean power 1."""
    powers = np.array(fading.powers) / np.sum(fading.powers)
    delays = [float(delay) for delay in fading.delays]
    magnitudes = np.sqrt(powers).tolist()
    sight, factor = bool(fading.rician), fading.rician or 1.0
    if model == "selective":
        return channels.selective_fading_model(
            WAVES, doppler / SAMPLE_RATE, sight, factor, seed, delays, magnitudes, TAPS
        )
    # A clock within 20 ppm and a frequency within 1 kHz, that walk slowly.
    return channels.dynamic_channel_model(
        SAMPLE_RATE,
        *(0.001, 20.0, 0.001, 1000.0),
        *(WAVES, doppler, sight, factor, delays, magnitudes, TAPS),
        *(0.0, seed),
    )


def measure_model(
    model: str, name: str, doppler: float, snr_db: float, count: int, seed: int, profile: int
) -> dict:
    """As measure_fading(), over a model of GNU Radio."""
    samples = bursts(count, profile)
    sent = np.zeros((count, PAYLOADS[profile].length + GAP), np.complex64)
    sent[:, : samples.shape[1]] = samples
    top = gr.top_block()
    sink = blocks.vector_sink_c()
    source = blocks.vector_source_c(np.r_[np.zeros(GAP), sent.ravel()])
    top.connect(source, fading_model(model, FADING[name], doppler, seed), sink)
    top.run()
    rng = np.random.default_rng(seed)
    stream = np.array(sink.data(), np.complex64)
    stream = stream + noise(rng, stream.size, CARRIER_POWER / ratio(snr_db))
    return {"what": name, "doppler_hz": doppler, "snr_db": snr_db} | receive(stream, count)


def threshold(rows: list[dict], who: str, share: float) -> float:
    """Es/N0 in dB at which that share of the blocks fails, on straight lines of its logarithm."""
    for before, after in pairwise(rows):
        if before[who] > share >= after[who]:
            least = 1 / (10 * after["bursts"])
            high, low = (np.log10(max(row[who], least)) for row in (before, after))
            place = (high - np.log10(share)) / (high - low)
            return float(before["snr_db"] + place * (after["snr_db"] - before["snr_db"]))
    return float("nan")


def plot(curves: dict[str, list[dict]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
    for name, rows in curves.items():
        snr = [row["snr_db"] for row in rows]
        floor = 0.3 / (3 * rows[0]["bursts"])
        (line,) = axes.semilogy(snr, [max(row["received"], floor) for row in rows], label=name)
        if "known" in rows[0]:
            known = [max(row["known"], floor) for row in rows]
            axes.semilogy(snr, known, "--", color=line.get_color())
    axes.set(xlabel="Es/N0 (dB)", ylabel="blocks that fail (dashed: channel known)")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--fading", nargs="+", choices=FADING, default=["three taps", "six taps"], help="channels"
    )
    parser.add_argument(
        "--doppler", type=float, nargs="+", default=[1, 10, 50, 100, 200], help="spread in Hz"
    )
    parser.add_argument(
        "--snr", type=float, nargs="+", default=[6, 8, 10, 12, 14, 16], help="Es/N0 in dB, upwards"
    )
    parser.add_argument(
        "--profile", nargs="+", default=["static"], choices=BURST_PROFILES, help="of the bursts"
    )
    parser.add_argument(
        "--model", default="ours", choices=("ours", "selective", "dynamic"), help="of the paths"
    )
    parser.add_argument("--share", type=float, default=0.01, help="of the blocks, for the loss")
    parser.add_argument("--bursts", type=int, default=100, help="of each point")
    parser.add_argument("--seed", type=int, default=7, help="of channel and noise")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="PNG file with the curves")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead")
    return parser.parse_args()


def show(name: str, rows: list[dict], arguments: argparse.Namespace) -> None:
    whose = [who for who in ("received", "known") if who in rows[0]]
    levels = {who: threshold(rows, who, arguments.share) for who in whose}
    if arguments.json:
        print(json.dumps({"curve": name, "rows": rows, "threshold_db": levels}), flush=True)
        return
    print(f"{name}, paths: {arguments.model}")
    for row in rows:
        shares = "".join(f"{row[who]:10.2%} {who}" for who in whose)
        print(f"{row['snr_db']:8.1f} dB{row['headers']:9.1%} headers{shares}")
    reached = {who: level for who, level in levels.items() if not np.isnan(level)}
    text = ", ".join(f"{who} at {level:.2f} dB" for who, level in reached.items())
    loss = f", loss {levels['received'] - levels['known']:.2f} dB" if len(reached) == 2 else ""
    print(f"  {arguments.share:.1%} of the blocks: {text or 'beside these'}{loss}", flush=True)


def main() -> None:
    arguments = parse_arguments()
    curves: dict[str, list[dict]] = {}
    for profile in arguments.profile:
        number = BURST_PROFILES.index(profile)
        for name in arguments.fading:
            for doppler in arguments.doppler:
                rows = []
                for snr_db in sorted(arguments.snr):
                    point = (name, doppler, snr_db, arguments.bursts, arguments.seed, number)
                    rows.append(
                        measure_fading(*point)
                        if arguments.model == "ours"
                        else measure_model(arguments.model, *point)
                    )
                curves[f"{profile}, {name}, {doppler:g} Hz"] = rows
                show(f"{profile}, {name}, {doppler:g} Hz", rows, arguments)
    if arguments.plot:
        plot(curves, arguments.plot)


if __name__ == "__main__":
    main()
