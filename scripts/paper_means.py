# SPDX-License-Identifier: GPL-3.0-or-later
"""Means of quality, as docs/results keeps them in CSV files, and what can be asked of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from vqdeepsc.link import NOISELESS, channel_title
from vqdeepsc.simulation import Summary, System
from vqdeepsc.simulation.identity import parse_channel
from vqdeepsc.whole_files import whole_file

COLUMNS = [field.name for field in fields(Summary)]
_PARSERS: dict[str, Callable[[str], Any]] = {
    **{"system": System.parse, "channel": parse_channel},
    **dict.fromkeys(("snr_db", "ssim", "psnr_db"), float),
}
"""How a column is read where it is no integer."""
UNQUANTISED = "-unquantised"
"""End of the name of the network that is a model's upper bound."""
BASELINES = ("jpeg", "webp", "avif", "jpeg2000")

Means = list[Summary]


def write_means(path: Path, groups: Iterable[Summary]) -> None:
    """Writes means, SSIM with five digits and PSNR with three."""
    forms = {"snr_db": "{:g}", "ssim": "{:.5f}", "psnr_db": "{:.3f}"}
    with whole_file(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for group in groups:
            values = group.to_json()
            writer.writerow(forms.get(name, "{}").format(values[name]) for name in COLUMNS)


def read_means(path: Path) -> Means:
    """Reads what `write_means` wrote; nothing if there is no such file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Summary(**{name: _PARSERS.get(name, int)(row[name]) for name in COLUMNS})
            for row in csv.DictReader(file)
        ]


def plateau(means: Means, name: str) -> list[float]:
    """Mean SSIM of a system at the points where every block arrived."""
    return [g.ssim for g in means if str(g.system) == name and g.with_block_errors == 0]


def first_clean(means: Means, name: str, channel: str) -> float | None:
    """Lowest SNR from which on every block arrived."""
    points = sorted(
        (group.snr_db, group.with_block_errors)
        for group in means
        if (str(group.system), group.channel_name) == (name, channel)
    )
    clean = None
    for snr_db, errors in reversed(points):
        if errors:
            break
        clean = snr_db
    return clean


def system_title(system: str) -> str:
    """For people: the name of a system as results.csv has it."""
    return System.parse(system).title


def of_size(means: Means, source_bits: int) -> Means:
    return [group for group in means if group.source_bits == source_bits]


def find(means: Means, system: str, channel: str, snr_db: float) -> Summary | None:
    wanted = system, channel, snr_db
    return next((g for g in means if (str(g.system), g.channel_name, g.snr_db) == wanted), None)


def point(group: Summary) -> tuple:
    return group.source_bits, group.channel_name, group.snr_db


def channels(means: Means) -> list[str]:
    return [c for c in dict.fromkeys(group.channel_name for group in means) if c != NOISELESS]


def base(group: Summary) -> str:
    return group.system.name


def count(means: Means) -> int:
    return max(group.images for group in means)


def point_title(group: Summary) -> str:
    return f"{channel_title(group.channel_name)}, {group.snr_db:g} dB"


def points_title(groups: Iterable[Summary], means: Means) -> str:
    """Channels and SNRs of groups; neighbours on the grid of `means` as a range."""
    by_channel: dict[str, set[float]] = {}
    for group in groups:
        by_channel.setdefault(group.channel_name, set()).add(group.snr_db)
    texts = []
    for channel, snrs in by_channel.items():
        ranges: list[list[float]] = []
        before = None
        for snr_db in sorted({g.snr_db for g in means if g.channel_name == channel}):
            if snr_db in snrs:
                if before in snrs:
                    ranges[-1].append(snr_db)
                else:
                    ranges.append([snr_db])
            before = snr_db
        shown = (f"{r[0]:g}" if len(r) == 1 else f"{r[0]:g} to {r[-1]:g}" for r in ranges)
        texts.append(f"{channel_title(channel)} {', '.join(shown)} dB")
    return "; ".join(texts)


def known_snr(means: Means) -> dict[float, Summary]:
    """By SNR over AWGN the best that a model reaches in any format, as if the sender knew it."""
    found: dict[float, Summary] = {}
    for group in means:
        if group.channel_name == "awgn" and base(group) not in BASELINES:
            best = found.get(group.snr_db)
            if best is None or group.ssim > best.ssim:
                found[group.snr_db] = group
    return dict(sorted(found.items()))


def formats(groups: Iterable[Summary]) -> list[str]:
    """What groups are sent with, each named once with its SNRs, which rise."""
    by_title: dict[str, list[float]] = {}
    for group in groups:
        scheme = group.system.scheme
        title = f"{group.source_bits:,} bits over `{replace(scheme, symbols=0)}`"
        by_title.setdefault(title, []).append(group.snr_db)
    return [
        f"{title} {f'from {snr[0]:g} to {snr[-1]:g}' if snr[1:] else f'at {snr[0]:g}'} dB"
        for title, snr in by_title.items()
    ]
