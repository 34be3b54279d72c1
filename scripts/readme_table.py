#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the rows of the README's table of qualities from docs/results/cars.csv."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MEANS = ROOT / "docs" / "results" / "cars.csv"
README = ROOT / "README.md"
SYSTEMS = {"JPEG": "jpeg", "WebP": "webp", "AVIF": "avif"}
SNR_DB = (0.0, 2.0, 4.0)
PICTURES = "400"  # as the README says
MODEL = re.compile(r"\| \*\*([\w-]+)\*\* \|")
CODEC = re.compile(r"\| (\w+) \|")


def with_figures(text: str, means: list[dict[str, str]]) -> str:
    """The README with the figures of means over AWGN in its rows of models and photo codecs.

    means: rows of cars.csv. A photo codec gets as many bits as the model above it.
    Raises ValueError for a row whose figures are missing or of other numbers of pictures."""
    found = {
        (row["system"], row["source_bits"], float(row["snr_db"])): row
        for row in means
        if row["channel"] == "awgn" and row["pictures"] == PICTURES
    }
    bits_of = {system: bits for system, bits, _ in found if system not in SYSTEMS.values()}
    bits = ""
    lines = []
    for line in text.split("\n"):
        codec = CODEC.match(line)
        name = MODEL.match(line) or (codec if codec and codec[1] in SYSTEMS else None)
        if name:
            system = SYSTEMS.get(name[1], name[1])
            bits = bits if name is codec else bits_of.get(system, "")
            try:
                rows = [found[system, bits, snr_db] for snr_db in SNR_DB]
            except KeyError as error:
                raise ValueError(
                    f"there are no means of {PICTURES} pictures for {name[1]}"
                ) from error
            cells = [f"{float(row['ssim']):.3f}, {float(row['psnr_db']):.1f} dB" for row in rows]
            line = f"{name[0]} {' | '.join(cells)} |"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    """Rewrites README.md, unless the results are of other models or of fewer pictures."""
    with MEANS.open(encoding="utf-8", newline="") as file:
        means = list(csv.DictReader(file))
    try:
        text = with_figures(README.read_text(encoding="utf-8"), means)
    except ValueError as error:
        print(f"README.md stays as it is: {error}", file=sys.stderr)
    else:
        README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
