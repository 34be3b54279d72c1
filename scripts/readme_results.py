#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the README's table of qualities, and which codecs are beaten, from docs/results."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page import join_names, render
from paper_means import (
    BASELINES,
    Means,
    channels,
    count,
    find,
    known_snr,
    of_size,
    point,
    read_means,
    system_title,
)
from paper_report import RUN_FILE
from vqdeepsc.simulation import Summary

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
README = ROOT / "README.md"
BEGIN = "<!-- begin of what scripts/readme_results.py writes -->\n"
END = "<!-- end of what scripts/readme_results.py writes -->\n"
SHOWN = ("jpeg", "avif")
"""Photo codecs in the table."""
COMPARED = ("jpeg", "webp", "avif")
"""Photo codecs in the sentence below it."""
NATIVE = ("jpeg", "webp")
"""Photo codecs in the table of images at their own size."""
SNR_DB = (0.0, 2.0, 4.0)
TRANSMISSION_SNR_DB = (-2.0, 0.0, 2.0, 3.0, 4.0, 6.0)
FEWEST = 400
"""Images that the table is of at least."""


def least_lead(model: str, codec: str, means: Means) -> tuple[float, float] | None:
    """By how much SSIM and PSNR in dB a model's means are above a codec's where that is least.

    None where the codec was not measured at every point of the model."""
    codecs = {point(group): group for group in means if str(group.system) == codec}
    ours = [group for group in means if str(group.system) == model]
    if not ours or any(point(group) not in codecs for group in ours):
        return None
    ssim, psnr_db = (
        min(getattr(group, measure) - getattr(codecs[point(group)], measure) for group in ours)
        for measure in ("ssim", "psnr_db")
    )
    return ssim, psnr_db


def leads_of(models: list[str], *collections: Means) -> list[dict[str, str]]:
    """The photo codecs that each model beats at every point of all collections."""
    leads = []
    for model in models:
        names = []
        for codec in COMPARED:
            found = [least_lead(model, codec, means) for means in collections]
            if all(lead and min(lead) > 0 for lead in found):
                ssim, psnr_db = map(min, zip(*found, strict=True))
                names.append(f"{system_title(codec)} (by {ssim:.3f} and {psnr_db:.3f} dB)")
        if names:
            leads.append({"model": model, "codecs": join_names(names)})
    return leads


@dataclass(frozen=True)
class NativeRow:
    """A model on images at their own size, and the photo codecs with as many bits.

    cells: SSIM and PSNR of the model and of NATIVE."""

    bits_per_pixel: float
    model: str
    cells: list[str]


def native_rows(fixed: dict, progressive: dict) -> list[NativeRow]:
    """By falling bits per pixel, from what two programs print with --json.

    fixed: `bench/images/image_quality.py --native`; progressive: `bench/images/allocation.py`.
    Raises ValueError for other numbers of images."""
    if fixed["images"] != progressive["images"]:
        raise ValueError("native.json and allocation.json are of different images")
    by_point: dict[tuple[float, str], dict[str, dict]] = {}
    for row in fixed["rows"]:
        ours = next(one for one in fixed["rows"] if one["system"] == row["model"])
        point_of_model = (ours["bits"] / fixed["pixels"], row["model"])
        by_point.setdefault(point_of_model, {})[row["system"]] = row
    for row in progressive["rows"]:
        point_of_model = (row["bits_per_pixel"], progressive["model"])
        name = progressive["model"] if row["system"].startswith("allocated") else row["system"]
        by_point.setdefault(point_of_model, {})[name] = row
    return [
        NativeRow(
            bits,
            model,
            [
                f"{systems[name]['ssim']:.3f}, {systems[name]['psnr_db']:.1f} dB"
                for name in (model, *NATIVE)
            ],
        )
        for (bits, model), systems in sorted(by_point.items(), reverse=True)
    ]


def transmission_facts(means: Means) -> dict[str, Any]:
    """A progressive model's protections, what takes as many symbols, and the best format.

    Raises ValueError without means."""
    if not means:
        raise ValueError("there are no means of one transmission")
    fixed = [group for group in means if "@" not in str(group.system)]
    rows = []
    for system in dict.fromkeys(group.system for group in fixed):
        found = [find(fixed, str(system), "awgn", snr_db) for snr_db in TRANSMISSION_SNR_DB]
        name = f"**{system.title}**" if system.scheme.protection else system.title
        rows.append((name, [cell(group) for group in found if group]))
    known = known_snr(means)
    rows.append(("best format, SNR known", [cell(known[snr_db]) for snr_db in TRANSMISSION_SNR_DB]))
    return {
        "images": count(means),
        "symbols": min(group.symbols for group in means),
        "columns": [f"{snr_db:g} dB" for snr_db in TRANSMISSION_SNR_DB],
        "rows": rows,
    }


def cell(group: Summary) -> str:
    """SSIM and PSNR in a cell."""
    return f"{group.ssim:.3f}, {group.psnr_db:.1f} dB"


def results_text(
    cars: Means, natural: Means, transmission: Means, fixed: dict, progressive: dict, run: dict
) -> str:
    """The part of the README between the two marks.

    cars, natural, transmission: means of the files of these names; fixed, progressive: as of
    `native_rows`; run: what `make paper` says of the networks.
    Raises ValueError for means that are missing or of fewer images than FEWEST."""
    ours = {
        str(group.system): (group.source_bits, group.symbols)
        for group in cars
        if str(group.system) not in BASELINES and group.channel_name in channels(cars)
    }
    symbols = dict(ours.values())
    above = sorted({group.snr_db for group in cars if SNR_DB[-1] < group.snr_db < math.inf})
    rows, level = [], True
    for bits in symbols:
        models = [model for model, size in ours.items() if size[0] == bits]
        for system in (*models, *SHOWN):
            of_bits = of_size(cars, bits)
            found = [find(of_bits, system, "awgn", snr_db) for snr_db in (*SNR_DB, *above)]
            if not all(group and group.images >= FEWEST for group in found):
                raise ValueError(f"there are no means of {FEWEST} images for {system}")
            cells = [cell(group) for group in found]
            level &= len({*cells[len(SNR_DB) - 1 :]}) == 1
            name = f"**{system}**" if system in models else system_title(system)
            rows.append((name, cells[: len(SNR_DB)]))
    columns = [f"{snr_db:g} dB" for snr_db in SNR_DB]
    if level and above:
        columns[-1] += " and more"
    return render(
        "readme_results.md",
        images=FEWEST,
        symbols=[f"{number:,}" for number in symbols.values()],
        columns=columns,
        rows=rows,
        own=[model for model in run["models"] if model["network"] == "paper"],
        leads=leads_of(list(ours), cars, natural),
        transmission=transmission_facts(transmission),
        native=native_rows(fixed, progressive),
        native_images=fixed["images"],
        native_pixels=round(fixed["pixels"]),
        compared=[system_title(name) for name in NATIVE],
    )


def read_results(folder: Path) -> tuple[Means, Means, Means, dict, dict, dict]:
    """What `results_text` takes, from the files of a folder."""
    fixed, progressive, run = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("native.json", "allocation.json", RUN_FILE)
    )
    cars, natural, transmission = (
        read_means(folder / f"{name}.csv") for name in ("cars", "natural", "transmission")
    )
    return cars, natural, transmission, fixed, progressive, run


def with_results(readme: str, text: str) -> str:
    """The README with `text` between the two marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{text}{END}{after}"


def main() -> None:
    """Rewrites README.md, unless the results are of fewer images."""
    try:
        text = results_text(*read_results(RESULTS))
    except ValueError as error:
        print(f"README.md stays as it is: {error}", file=sys.stderr)
    else:
        readme = README.read_text(encoding="utf-8")
        README.write_text(with_results(readme, text), encoding="utf-8")


if __name__ == "__main__":
    main()
