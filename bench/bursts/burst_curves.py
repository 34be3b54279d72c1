#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block errors over Es/N0 on channels that fade, beside the known channel, and the loss in dB.

Run with the Python of the installation (prefix/bin/python). A burst whose header is lost counts all
its blocks, which the known channel has not to receive; "payload" is what fails in the other bursts.
Bursts, paths and the known channel are those of burst_impairments.py. A curve is measured at those
of --snr around the share of failed blocks at which it is compared. --model selective and dynamic
take the paths from GNU Radio's selective_fading_model and dynamic_channel_model, whose channel is
not known; the second adds offsets of clock and frequency that walk. --results keeps the points in a
file, and a run goes on where another ended.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from burst_fading import BLOCKS, FADING, PAYLOADS, Fading, bursts, noise, ratio
from burst_impairments import measure_fading, receive, shares
from burst_link import CARRIER_POWER, SAMPLE_RATE, ArraySource
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
    source = ArraySource(np.r_[np.zeros(GAP), sent.ravel()])
    top.connect(source, fading_model(model, FADING[name], doppler, seed), sink)
    top.run()
    rng = np.random.default_rng(seed)
    stream = np.array(sink.data(), np.complex64)
    stream = stream + noise(rng, stream.size, CARRIER_POWER / ratio(snr_db))
    return {"what": name, "doppler_hz": doppler, "snr_db": snr_db} | shares(
        count, *receive(stream, count)
    )


def threshold(rows: list[dict], who: str, share: float) -> float:
    """Es/N0 in dB at which that share of the blocks fails, on straight lines of its logarithm."""
    for before, after in pairwise(rows):
        if before[who] > share >= after[who]:
            least = 1 / (10 * after["bursts"])
            high, low = (np.log10(max(row[who], least)) for row in (before, after))
            place = (high - np.log10(share)) / (high - low)
            return float(before["snr_db"] + place * (after["snr_db"] - before["snr_db"]))
    return float("nan")


def whose(row: dict) -> list[str]:
    return [who for who in ("received", "known") if who in row]


class Results:
    """Points that were measured, in a file of JSON lines if there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path and path.exists() else []
        self.rows = [json.loads(line) for line in lines]

    def row(self, key: dict) -> dict:
        """The point of these parameters, measured if it is not there."""
        for row in self.rows:
            if row.items() >= key.items():
                return row
        name, doppler, snr_db = key["what"], key["doppler_hz"], key["snr_db"]
        count, seed = key["bursts"], key["seed"]
        profile = BURST_PROFILES.index(key["profile"])
        if key["model"] == "ours":
            row = measure_fading(name, doppler, snr_db, count, seed, profile)
        else:
            row = measure_model(key["model"], name, doppler, snr_db, count, seed, profile)
        self.rows.append(key | row)
        if self._path:
            with self._path.open("a") as file:
                file.write(json.dumps(key | row) + "\n")
        return key | row


def crossing(results: Results, key: dict, grid: list[float], start: int, share: float) -> int:
    """Measures upwards and downwards from a point of the grid until all cross the share.

    Returns where the receiver does."""

    def failed(at: int) -> list[float]:
        row = results.row(key | {"snr_db": grid[at]})
        return [row[who] for who in whose(row)]

    top = start
    while max(failed(top)) > share and top + 1 < len(grid):
        top += 1
    bottom = start
    while min(failed(bottom)) <= share and bottom > 0:
        bottom -= 1
    while top > 0 and failed(top - 1)[0] <= share:
        top -= 1
    return top


def curves(arguments: argparse.Namespace, results: Results) -> Iterator[tuple[str, list[dict]]]:
    """Name and points of each curve."""
    grid = sorted(arguments.snr)
    for profile in arguments.profile:
        for name in arguments.fading:
            start = len(grid) // 2
            for doppler in arguments.doppler:
                key = {
                    "model": arguments.model,
                    "profile": profile,
                    "what": name,
                    "doppler_hz": doppler,
                    "bursts": arguments.bursts,
                    "seed": arguments.seed,
                }
                start = crossing(results, key, grid, start, arguments.share)
                for snr_db in arguments.fixed_snr:
                    results.row(key | {"snr_db": snr_db})
                rows = [row for row in results.rows if row.items() >= key.items()]
                yield (
                    f"{profile}, {name}, {doppler:g} Hz",
                    sorted(rows, key=lambda row: row["snr_db"]),
                )


def by_curve(rows: list[dict], model: str) -> dict[str, list[dict]]:
    """Points of a model by the name of their curve, upwards; of equal ones that of more bursts."""
    measured: dict[str, dict[float, dict]] = {}
    names = list(FADING)

    def place(row: dict) -> tuple:
        return names.index(row["what"]), row["doppler_hz"], row["snr_db"], row["bursts"]

    for row in sorted(rows, key=place):
        if row["model"] == model:
            name = f"{row['profile']}, {row['what']}, {row['doppler_hz']:g} Hz"
            measured.setdefault(name, {})[row["snr_db"]] = row
    return {name: list(points.values()) for name, points in measured.items()}


def plot(measured: dict[str, list[dict]], path: Path) -> None:
    """One diagram for each channel, a colour for each spread."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    channels_ = list(dict.fromkeys(rows[0]["what"] for rows in measured.values()))
    figure, diagrams = plt.subplots(
        1,
        len(channels_),
        figsize=(4.2 * len(channels_), 4.2),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for channel, axes in zip(channels_, diagrams[0], strict=True):
        for name, rows in measured.items():
            if rows[0]["what"] != channel:
                continue
            snr = [row["snr_db"] for row in rows]
            # What no block failed at is shown below the least share that can be seen.
            floor = 0.5 / (BLOCKS * rows[0]["bursts"])
            shares_ = {who: [max(row[who], floor) for row in rows] for who in whose(rows[0])}
            label = name.replace(f", {channel}", "").removeprefix("static, ")
            (line,) = axes.semilogy(snr, shares_["received"], "o-", markersize=3, label=label)
            if "known" in shares_:
                axes.semilogy(snr, shares_["known"], "--", color=line.get_color())
        axes.set(title=channel, xlabel="mean Es/N0 (dB)")
        axes.grid(True, which="both", alpha=0.3)
        axes.legend(fontsize="small")
    diagrams[0][0].set_ylabel("blocks that fail (dashed: known channel)")
    figure.savefig(path, dpi=110)


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
        help="channels; none for what the file has",
    )
    parser.add_argument(
        "--doppler", type=float, nargs="+", default=[1, 10, 50, 100, 200], help="spread in Hz"
    )
    parser.add_argument(
        "--snr", type=float, nargs="+", default=list(range(3, 30, 2)), help="grid of Es/N0 in dB"
    )
    parser.add_argument(
        "--fixed-snr", type=float, nargs="*", default=[], help="measured beside the crossing, in dB"
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
    parser.add_argument("--results", type=Path, metavar="FILE", help="JSON lines of the points")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="PNG file with the curves")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead")
    return parser.parse_args()


def show(name: str, rows: list[dict], arguments: argparse.Namespace) -> None:
    """The points of a curve, and where it and what is beside it reach the share."""
    rows = [row | {"payload": row["received"] - (1 - row["headers"])} for row in rows]
    parts = ["received", "payload", *(["known"] if "known" in rows[0] else [])]
    levels = {who: threshold(rows, who, arguments.share) for who in parts}
    if arguments.json:
        print(json.dumps({"curve": name, "rows": rows, "threshold_db": levels}), flush=True)
        return
    print(f"{name}, paths: {arguments.model}")
    for row in rows:
        shown = "".join(f"{row[who]:10.2%} {who}" for who in parts)
        print(f"{row['snr_db']:8.1f} dB{row['bursts']:6}{row['headers']:9.1%} headers{shown}")
    reached = {who: level for who, level in levels.items() if not np.isnan(level)}
    text = ", ".join(f"{who} at {level:.2f} dB" for who, level in reached.items())
    print(f"  {arguments.share:.1%} of the blocks: {text or 'beside these'}", flush=True)


def main() -> None:
    arguments = parse_arguments()
    results = Results(arguments.results)
    for name, rows in curves(arguments, results):
        show(name, rows, arguments)
    measured = by_curve(results.rows, arguments.model)
    if not arguments.fading:
        for name, rows in measured.items():
            show(name, rows, arguments)
    if arguments.plot:
        plot(measured, arguments.plot)


if __name__ == "__main__":
    main()
