#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the README's table of qualities, and which codecs are beaten, from docs/results."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
README = ROOT / "README.md"
SYSTEMS = {"JPEG": "jpeg", "WebP": "webp", "AVIF": "avif"}
SNR_DB = (0.0, 2.0, 4.0)
IMAGES = "400"  # as the README says
MODEL = re.compile(r"\| \*\*([\w-]+)\*\* \|")
CODEC = re.compile(r"\| (\w+) \|")
BEATEN = re.compile(r"At every SNR on the three channels.*")

Row = dict[str, str]


def read_means(name: str) -> list[Row]:
    """The rows of a CSV file of docs/results."""
    with (RESULTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def join_names(names: list[str]) -> str:
    """Names with commas, the last one after "and"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def least_lead(model: str, codec: str, means: list[Row]) -> tuple[float, float] | None:
    """By how much SSIM and PSNR in dB a model's means are above a codec's where that is least.

    None where the codec was not measured at every point of the model."""
    found = {
        tuple(row[key] for key in ("system", "source_bits", "channel", "snr_db")): row
        for row in means
    }
    points = [tuple(point) for system, *point in found if system == model]
    if not points or any((codec, *point) not in found for point in points):
        return None
    ssim, psnr_db = (
        min(
            float(found[(model, *point)][measure]) - float(found[(codec, *point)][measure])
            for point in points
        )
        for measure in ("ssim", "psnr_db")
    )
    return ssim, psnr_db


def with_beaten(text: str, *collections: list[Row]) -> str:
    """The README with the photo codecs that each of its models beats on all collections."""
    parts = []
    for model in MODEL.findall(text):
        names = []
        for name, codec in SYSTEMS.items():
            leads = [least_lead(model, codec, means) for means in collections]
            if all(lead and min(lead) > 0 for lead in leads):
                ssim, psnr_db = map(min, zip(*leads, strict=True))
                names.append(f"{name} (by {ssim:.3f} and {psnr_db:.3f} dB)")
        if names:
            parts.append(f"with `{model}` than with {join_names(names)}")
    sentence = (
        "At every SNR on the three channels, on cars as on natural photographs, mean SSIM and PSNR "
        f"are higher {', and '.join(parts) if parts else 'with no model'}; in brackets the "
        "smallest lead."
    )
    return BEATEN.sub(sentence, text)


def with_figures(text: str, means: list[Row]) -> str:
    """The README with the figures of means over AWGN in its rows of models and photo codecs.

    means: rows of cars.csv. A photo codec gets as many bits as the model above it.
    Raises ValueError for a row whose figures are missing or of other numbers of images."""
    found = {
        (row["system"], row["source_bits"], float(row["snr_db"])): row
        for row in means
        if row["channel"] == "awgn" and row["images"] == IMAGES
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
                raise ValueError(f"there are no means of {IMAGES} images for {name[1]}") from error
            cells = [f"{float(row['ssim']):.3f}, {float(row['psnr_db']):.1f} dB" for row in rows]
            line = f"{name[0]} {' | '.join(cells)} |"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    """Rewrites README.md, unless the results are of other models or of fewer images."""
    cars, natural = read_means("cars.csv"), read_means("natural.csv")
    try:
        text = with_figures(README.read_text(encoding="utf-8"), cars)
    except ValueError as error:
        print(f"README.md stays as it is: {error}", file=sys.stderr)
    else:
        README.write_text(with_beaten(text, cars, natural), encoding="utf-8")


if __name__ == "__main__":
    main()
