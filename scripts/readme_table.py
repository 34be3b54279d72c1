#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the rows of the README's table of qualities from docs/results/cars.csv."""

from __future__ import annotations

import csv
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MEANS = ROOT / "docs" / "results" / "cars.csv"
README = ROOT / "README.md"
SYSTEMS = {"JPEG": "jpeg", "WebP": "webp", "AVIF": "avif"}
SNR_DB = (0.0, 2.0, 4.0)
ROW = re.compile(r"\| \*{0,2}([\w-]+)\*{0,2} \|")


def with_figures(text: str, means: list[dict[str, str]]) -> str:
    """The README with the figures of means over AWGN in its rows of models and photo codecs.

    means: rows of cars.csv. A photo codec gets as many bits as the model above it. Raises KeyError
    for a row whose figures are missing."""
    found = {
        (row["system"], row["source_bits"], float(row["snr_db"])): row
        for row in means
        if row["channel"] == "awgn"
    }
    bits_of = {system: bits for system, bits, _ in found if system not in SYSTEMS.values()}
    bits = ""
    lines = []
    for line in text.split("\n"):
        name = ROW.match(line)
        if name and (name[1] in bits_of or name[1] in SYSTEMS):
            system = SYSTEMS.get(name[1], name[1])
            bits = bits_of.get(system, bits)
            rows = [found[system, bits, snr_db] for snr_db in SNR_DB]
            cells = [f"{float(row['ssim']):.3f}, {float(row['psnr_db']):.1f} dB" for row in rows]
            line = f"{name[0]} {' | '.join(cells)} |"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    """Rewrites README.md."""
    with MEANS.open(encoding="utf-8", newline="") as file:
        means = list(csv.DictReader(file))
    README.write_text(with_figures(README.read_text(encoding="utf-8"), means), encoding="utf-8")


if __name__ == "__main__":
    main()
