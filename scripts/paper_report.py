# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures and the text of docs/results, from nothing but the CSV files that lie there.

What is concluded is computed here; templates/results.md says it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from page import render
from paper_figures import VALUES, plot_bandwidth, plot_transmission
from paper_means import (
    BASELINES,
    UNQUANTISED,
    Means,
    base,
    channels,
    count,
    find,
    first_clean,
    formats,
    known_snr,
    of_size,
    plateau,
    point,
    point_title,
    points_title,
    read_means,
    system_title,
)
from vqdeepsc.link import BITS_PER_SYMBOL, CODE_EXPANSION, EB_OFFSET_DB, channel_title
from vqdeepsc.simulation import Summary
from vqdeepsc.simulation.plot import plot_means
from vqdeepsc.whole_files import write_whole

RUN_FILE = "run.json"
TABLE_SNR = (0.0, 2.0, 4.0, 6.0, 10.0, 20.0)
THRESHOLD_SNR = (-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)

# Table I as printed: scales, symbols with the embedding spaces and without
PRINTED = ((4, 5008, 245_760, "2.03 %"), (3, 1904, 114_688, "1.66 %"))
DIMENSIONS = {1: 128, 2: 256, 3: 512, 4: 1024}
"""Dimension of the paper's codewords at each scale."""

# what the paper says its quantisation costs in SSIM
PRINTED_LOSS = {4: 0.026, 3: 0.066}

Facts = dict[str, Any]


def write_report(results: Path) -> None:
    """Plots the figures of every CSV in `results` and writes README.md beside them."""
    run = json.loads((results / RUN_FILE).read_text())
    models = run["models"]
    text = render(
        "results.md",
        models=models,
        eb_offset_db=EB_OFFSET_DB,
        expansion=CODE_EXPANSION,
        values=VALUES,
        table_one=table_one(models),
        cars=paper_figures(results, models),
        upper_bounds=run.get("upper_bounds", []),
        decisions=decisions(results, models),
        natural=natural(results, models),
        bandwidth=bandwidth(results),
        schemes=schemes(results),
        protection=protection(results, models),
        transmission=transmission(results),
        panels=[path.stem for path in sorted(results.glob("panel-*.jpg"))],
    )
    write_whole(results / "README.md", text)


def table_one(models: Sequence[dict]) -> Facts:
    """Rows of Table I beside ours, and whether the counts agree."""
    bits = {len(model["scales"]): model["source_bits"] for model in models}
    columns, agree = [], True
    for number, printed, features, ratio in PRINTED:
        scales = range(5 - number, 5)
        values = sum(DIMENSIONS[scale] * (128 >> scale) ** 2 for scale in scales) // 4
        ours = bits.get(number)
        agree &= values == features and ours in (None, printed * BITS_PER_SYMBOL)
        on_the_air = ours and ours * CODE_EXPANSION / BITS_PER_SYMBOL
        columns.append(
            {
                "scales": number,
                **{"printed": printed, "features": features, "ratio": ratio, "values": values},
                "ours": f"{ours // BITS_PER_SYMBOL:,}" if ours else "no model",
                "on_the_air": f"{on_the_air:,.0f}" if on_the_air else "no model",
                "per_value": f"{on_the_air / VALUES:.3f}" if on_the_air else "no model",
            }
        )
    return {"columns": columns, "agree": agree}


def paper_figures(results: Path, models: Sequence[dict]) -> Facts | None:
    """Figures 3a and 3b: one group for each number of source bits."""
    means = read_means(results / "cars.csv")
    if not means:
        return None
    groups, verdicts = [], []
    for bits, group, chosen in by_size(models, means):
        name = {4: "3a", 3: "3b"}.get(len(group[0]["scales"]), f"{bits}")
        bounds = bounds_of(means, group, models)
        title = f"Fig. {name}: {count(means)} cars, {bits:,} bits, LDPC 1/3, 16-QAM"
        plot_means(chosen + bounds, [results / f"fig{name}.png"], title)
        rows = table(chosen, [*(model["name"] for model in group), *BASELINES])
        rows += [
            ["no channel", str(bound.system), *len(TABLE_SNR) * [quality(bound)]]
            for bound in bounds
        ]
        groups.append({"name": name, "bits": bits, "snr_db": TABLE_SNR, "rows": rows})
        verdicts += [verdict(chosen, model, bounds_of(means, [model], models)) for model in group]
    return {
        "images": count(means),
        "groups": groups,
        "verdicts": verdicts,
        "gap": gap(means, models),
    }


def bounds_of(means: Means, of: Sequence[dict], models: Sequence[dict]) -> Means:
    """Upper bounds of models `of` among all models; one that is of no model is of each."""
    names = {model["name"] for model in of}
    others = {model["name"] for model in models} - names
    return [
        group
        for group in means
        if group.channel is None and str(group.system).removesuffix(UNQUANTISED) not in others
    ]


def verdict(means: Means, model: dict, bounds: Means) -> Facts:
    """What follows about a model from the means at its number of source bits."""
    name = model["name"]
    level = plateau(means, name)
    clean = [
        f"{channel_title(channel)} {snr_db:g} dB"
        for channel in channels(means)
        if (snr_db := first_clean(means, name, channel)) is not None
    ]
    return {
        "model": name,
        "network": model["network"],
        "against": comparisons(means, [name]),
        "spread": max(level) - min(level) if level else None,
        "clean": clean,
        "losses": [(b.ssim - max(level), str(b.system)) for b in bounds] if level else [],
        "scales": len(model["scales"]),
        "printed_loss": PRINTED_LOSS.get(len(model["scales"])),
    }


def comparisons(means: Means, names: Sequence[str]) -> list[Facts]:
    """Where models are above each of the photo codecs that were measured beside them."""
    return [
        facts for name in names for codec in BASELINES if (facts := against(means, name, codec))
    ]


def against(means: Means, name: str, codec: str) -> Facts | None:
    """At how many points a model is above a photo codec, and where it is not."""
    codecs = {point(group): group for group in means if str(group.system) == codec}
    pairs = [
        (group, codecs[point(group)])
        for group in means
        if str(group.system) == name and point(group) in codecs
    ]
    if not pairs:
        return None
    lower = [(one, other) for one, other in pairs if one.ssim <= other.ssim]
    return {
        "model": name,
        "codec": system_title(codec),
        "points": len(pairs),
        "ssim": len(pairs) - len(lower),
        "psnr": sum(one.psnr_db > other.psnr_db for one, other in pairs),
        "lower_at": points_title([one for one, _ in lower], means),
        "lower_by": max((other.ssim - one.ssim for one, other in lower), default=0.0),
    }


def gap(means: Means, models: Sequence[dict]) -> Facts | None:
    """The best model's lead over JPEG above the decoding threshold, with most and fewest bits."""
    leads = {}
    for model in models:
        chosen = of_size(means, model["source_bits"])
        ours, jpeg = plateau(chosen, model["name"]), plateau(chosen, "jpeg")
        if ours and jpeg:
            lead = max(ours) - max(jpeg)
            leads[model["source_bits"]] = max(lead, leads.get(model["source_bits"], lead))
    if len(leads) < 2:
        return None
    small, large = min(leads), max(leads)
    return {"small": small, "large": large, "at_small": leads[small], "at_large": leads[large]}


def decisions(results: Path, models: Sequence[dict]) -> Facts | None:
    """Soft beside hard bits."""
    means = read_means(results / "decisions.csv")
    if not means:
        return None
    title = f"{count(means)} cars, LDPC 1/3, 16-QAM: soft and hard bits"
    plot_means(means, [results / "decisions.png"], title)
    names = [model["name"] for model in models]
    gains = []
    for name in names:
        soft = [group for group in means if str(group.system) == name]
        found = [
            (group.ssim - hard.ssim, point_title(group))
            for group in soft
            if (hard := find(means, f"{name}:hard", group.channel_name, group.snr_db))
        ]
        if found:
            gains.append((name, *max(found, key=lambda pair: pair[0])))
    systems = [system for name in names for system in (name, f"{name}:hard")]
    return {
        "images": count(means),
        "snr_db": THRESHOLD_SNR,
        "rows": table(means, systems, THRESHOLD_SNR),
        "gains": gains,
    }


def natural(results: Path, models: Sequence[dict]) -> Facts | None:
    """Natural photographs: one group for each number of source bits."""
    means = read_means(results / "natural.csv")
    if not means:
        return None
    groups = []
    for bits, group, chosen in by_size(models, means):
        title = f"{count(means)} photographs of BSDS500, {bits:,} bits"
        plot_means(chosen, [results / f"natural-{bits}.png"], title)
        names = [model["name"] for model in group]
        rows = table(chosen, [*names, *BASELINES])
        against = comparisons(chosen, names)
        groups.append({"bits": bits, "snr_db": TABLE_SNR, "rows": rows, "against": against})
    return {"images": count(means), "groups": groups}


def bandwidth(results: Path) -> Facts | None:
    """The best of ours and of the photo codecs at each number of symbols."""
    means = read_means(results / "bandwidth.csv")
    if not means:
        return None
    symbols = sorted({group.symbols for group in means})
    rows = []
    for channel in channels(means):
        plot_bandwidth(
            [group for group in means if group.channel_name == channel],
            results / f"bandwidth-{channel}.png",
        )
        for snr_db in sorted({group.snr_db for group in means}):
            at_snr = [g for g in means if (g.channel_name, g.snr_db) == (channel, snr_db)]
            cells = []
            for number in symbols:
                there = [group for group in at_snr if group.symbols == number]
                ours = [group for group in there if base(group) not in BASELINES]
                theirs = [group for group in there if base(group) in BASELINES]
                cells.append("<br>".join(best(side) for side in (ours, theirs) if side))
            rows.append([f"{channel_title(channel)}, {snr_db:g} dB", *cells])
    named = [(channel, channel_title(channel)) for channel in channels(means)]
    return {"images": count(means), "channels": named, "symbols": symbols, "rows": rows}


def best(groups: Means) -> str:
    """The group of the highest SSIM, in a cell."""
    found = max(groups, key=lambda group: group.ssim)
    return f"{found.ssim:.3f} {system_title(base(found))}, {found.source_bits:,} bits"


def schemes(results: Path) -> Facts | None:
    """From which SNR on all blocks of each constellation and rate arrive."""
    means = read_means(results / "schemes.csv")
    if not means:
        return None
    rows, earlier = [], []
    for channel in channels(means):
        title = channel_title(channel)
        chosen = [group for group in means if group.channel_name == channel]
        plot_means(chosen, [results / f"schemes-{channel}.png"], f"{count(means)} cars, {title}")
        clean: dict[bool, list[float]] = {True: [], False: []}
        for system, bits in dict.fromkeys((str(g.system), g.source_bits) for g in means):
            of_bits = of_size(means, bits)
            snr_db = first_clean(of_bits, system, channel)
            where, shown = "nowhere measured", ""
            if snr_db is not None:
                where = f"{snr_db:g} dB"
                shown = f"{find(of_bits, system, channel, snr_db).ssim:.3f}"
                clean["@" in system].append(snr_db)
            symbols = next(g.symbols for g in of_bits if str(g.system) == system)
            cells = [title, system_title(system), f"{bits:,}", f"{symbols:,}", where, shown]
            rows.append(cells)
        if clean[True] and clean[False]:
            earlier.append((title, min(clean[True]), min(clean[False])))
    named = [(channel, channel_title(channel)) for channel in channels(means)]
    return {"images": count(means), "channels": named, "rows": rows, "earlier": earlier}


def protection(results: Path, models: Sequence[dict]) -> Facts | None:
    """What unequal protection of the scales brings: one group for each model."""
    means = read_means(results / "protection.csv")
    if not means:
        return None
    groups = []
    for model in models:
        name = model["name"]
        chosen = [group for group in means if base(group) == name]
        if not chosen:
            continue
        title = f"{count(means)} cars, {name}: coarse scales protected"
        plot_means(chosen, [results / f"protection-{name}.png"], title)
        systems = list(dict.fromkeys(str(group.system) for group in chosen))
        gains = [protection_gain(chosen, name, system) for system in systems[1:]]
        rows = table(chosen, systems, THRESHOLD_SNR)
        groups.append({"model": name, "snr_db": THRESHOLD_SNR, "rows": rows, "gains": gains})
    return {"images": count(means), "groups": groups}


def transmission(results: Path) -> Facts | None:
    """One transmission of a progressive model beside what has one quality or none."""
    means = read_means(results / "transmission.csv")
    if not means:
        return None
    symbols = min(group.symbols for group in means)
    fixed = [g for g in means if g.symbols == symbols and "@" not in str(g.system)]
    plot_transmission(means, results / "transmission.png")
    systems = list(dict.fromkeys(str(group.system) for group in fixed))
    rows = table(fixed, systems, THRESHOLD_SNR)
    known = known_snr(means)
    shown = [quality(known[snr_db]) if snr_db in known else "" for snr_db in THRESHOLD_SNR]
    rows.append(["AWGN", "best format, SNR known", *shown])
    return {
        "images": count(means),
        "symbols": symbols,
        "snr_db": THRESHOLD_SNR,
        "rows": rows,
        "formats": formats(known.values()),
    }


def protection_gain(means: Means, plain: str, system: str) -> Facts:
    """The largest, the mean and the smallest gain in SSIM of a system over the plain one."""
    gains = [
        (group.ssim - other.ssim, point_title(group))
        for group in means
        if str(group.system) == system
        and (other := find(means, plain, group.channel_name, group.snr_db))
    ]
    most, least = (choose(gains, key=lambda pair: pair[0]) for choose in (max, min))
    mean = sum(gain for gain, _ in gains) / len(gains)
    return {"system": system_title(system), "most": most, "least": least, "mean": mean}


def table(
    means: Means, systems: Sequence[str], snrs: Sequence[float] = TABLE_SNR
) -> list[list[str]]:
    """SSIM / PSNR of each system, one row for each channel and system."""
    rows = []
    for channel in channels(means):
        for system in systems:
            cells = [find(means, system, channel, snr_db) for snr_db in snrs]
            if any(cells):
                shown = [quality(cell) if cell else "" for cell in cells]
                rows.append([channel_title(channel), system_title(system), *shown])
    return rows


def quality(group: Summary) -> str:
    """SSIM and PSNR in a cell."""
    return f"{group.ssim:.3f} / {group.psnr_db:.1f}"


def by_size(models: Sequence[dict], means: Means) -> Iterator[tuple[int, list[dict], Means]]:
    """Source bits, the models that have as many, which share a figure, and their means."""
    for bits in dict.fromkeys(model["source_bits"] for model in models):
        chosen = of_size(means, bits)
        if chosen:
            yield bits, [model for model in models if model["source_bits"] == bits], chosen


if __name__ == "__main__":
    write_report(
        Path(sys.argv[1] if sys.argv[1:] else Path(__file__).parent.parent / "docs/results")
    )
