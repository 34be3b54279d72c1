# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures and the text of docs/results, from nothing but the CSV files that lie there."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vqdeepsc.link import BITS_PER_SYMBOL, CODE_EXPANSION, EB_OFFSET_DB, NOISELESS, channel_title
from vqdeepsc.simulation.plot import plot_means, save_figure, system_title
from vqdeepsc.whole_files import whole_file, write_whole

RUN = "run.json"
UNQUANTISED = "-unquantised"
"""End of the name of the network that is a model's upper bound."""

COLUMNS = {
    **{"system": str, "source_bits": int, "symbols": int, "channel": str, "snr_db": float},
    **{"images": int, "ssim": float, "psnr_db": float, "undecoded": int},
    "with_block_errors": int,
}
TABLE_SNR = (0.0, 2.0, 4.0, 6.0, 10.0, 20.0)
TABLE_SNR = (-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
BASELINES = ("jpeg", "webp", "avif", "jpeg2000")
VALUES = 3 * 128 * 128
"""Colour values of an image of 128x128 pixels."""

# Table I as printed: scales, symbols with the embedding spaces and without
PRINTED = ((4, 5008, 245_760, "2.03 %"), (3, 1904, 114_688, "1.66 %"))
DIMENSIONS = {1: 128, 2: 256, 3: 512, 4: 1024}
"""Dimension of the paper's codewords at each scale."""

# what the paper says its quantisation costs in SSIM
PRINTED_LOSS = {4: 0.026, 3: 0.066}

Means = list[dict[str, Any]]


def write_means(path: Path, groups: Iterable[dict[str, Any]]) -> None:
    """Writes what `results.summarise` returns."""
    forms = {"snr_db": "{:g}", "ssim": "{:.5f}", "psnr_db": "{:.3f}"}
    with whole_file(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for group in groups:
            writer.writerow(forms.get(name, "{}").format(group[name]) for name in COLUMNS)


def read_means(path: Path) -> Means:
    """Reads what `write_means` wrote; nothing if there is no such file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: kind(row[name]) for name, kind in COLUMNS.items()}
            for row in csv.DictReader(file)
        ]


def write_report(results: Path) -> None:
    """Plots the figures of every CSV in `results` and writes README.md beside them."""
    run = json.loads((results / RUN).read_text())
    models = run["models"]
    sections = [
        _introduction(models),
        _table_one(models),
        _paper_figures(results, models, run.get("upper_bounds", [])),
        _decisions(results, models),
        _natural(results, models),
        _bandwidth(results, models),
        _schemes(results, models),
        _protection(results, models),
        _panels(results),
    ]
    text = "\n\n".join(section for section in sections if section) + "\n"
    write_whole(results / "README.md", text)


def _introduction(models: Sequence[dict]) -> str:
    listed = "\n".join(
        f"- `{model['name']}` {model['version']} (codebooks {model['model_id']}): "
        f"{model['source_bits']:,} bits for each 128×128 picture; {_network(model)}"
        for model in models
    )
    return f"""# Results
`make paper` wrote this page, its figures and the CSV files beside it; `docs/experiments.md` has \
the command and the definitions. Every figure is a mean over pictures, every system sends the same \
number of bits over the same LDPC code, constellation and channel, and a photo codec gets, picture \
by picture, the largest quality that fits. What does not decode counts as mid-grey.

{listed}

SNR is the mean Es/N0 per symbol; Eb/N0 is {EB_OFFSET_DB:.2f} dB less at rate 1/3 over 16-QAM. \
Fading is independent from symbol to symbol, with channel state known to the receiver."""


def _network(model: dict) -> str:
    if model["network"] == "paper":
        width = model["width"] or 1.0
        return "the paper's network" + ("" if width == 1.0 else f" at {width:g} of its width")
    return "not the paper's network, but what the paper sends"


def _table_one(models: Sequence[dict]) -> str:
    lines = [
        "## Table I: symbols for each picture",
        "The paper counts source bits divided by 4, without the LDPC code that it uses; on the air "
        "the code takes three times as many.",
        "",
        "| | " + " | ".join(f"{count} scales" for count, *_ in PRINTED) + " |",
        "|---|" + "---|" * len(PRINTED),
    ]
    bits = {len(model["scales"]): model["source_bits"] for model in models}
    rows: dict[str, list[str]] = {}
    agree = True
    for count, printed, features, ratio in PRINTED:
        scales = range(5 - count, 5)
        values = sum(DIMENSIONS[scale] * (128 >> scale) ** 2 for scale in scales)
        rows.setdefault("With embedding spaces, as printed", []).append(f"{printed:,}")
        rows.setdefault("Without, as printed", []).append(f"{features:,}")
        rows.setdefault("Ratio, as printed", []).append(ratio)
        rows.setdefault("Features of the paper's network / 4", []).append(f"{values // 4:,}")
        agree &= values // 4 == features
        measured = bits.get(count)
        if measured:
            agree &= measured // BITS_PER_SYMBOL == printed
        rows.setdefault("Source bits of our model / 4", []).append(
            f"{measured // BITS_PER_SYMBOL:,}" if measured else "no model"
        )
        rows.setdefault("**On the air, with LDPC 1/3 and 16-QAM**", []).append(
            f"**{measured * CODE_EXPANSION // BITS_PER_SYMBOL:,}**" if measured else "no model"
        )
        rows.setdefault("On the air for each colour value", []).append(
            f"{measured * CODE_EXPANSION / BITS_PER_SYMBOL / VALUES:.3f}"
            if measured
            else "no model"
        )
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    verdict = "agree with" if agree else "do **not** agree with"
    return "\n".join([*lines, "", f"The counts {verdict} the paper's."])


def _paper_figures(results: Path, models: Sequence[dict], upper_bounds: Sequence[dict]) -> str:
    means = read_means(results / "cars.csv")
    if not means:
        return ""
    parts = [f"## Figures 3a and 3b: quality against SNR on {_count(means)} cars"]
    verdicts: list[str] = []
    for bits, group in _by_size(models).items():
        chosen = _of_size(means, bits)
        if not chosen:
            continue
        label = {4: "3a", 3: "3b"}.get(len(group[0]["scales"]), f"{bits}")
        bound = _bounds(means, group, models)
        stem = results / f"fig{label}"
        title = f"Fig. {label}: {_count(means)} cars, {bits:,} bits, LDPC 1/3, 16-QAM"
        plot_means(chosen + bound, [stem.with_suffix(".png")], title)
        parts += [
            f"### Fig. {label}: {bits:,} bits",
            f"![Fig. {label}](fig{label}.png)",
            _table(chosen, [*(model["name"] for model in group), *BASELINES])
            + "".join(f"\n{_level(row, len(TABLE_SNR))}" for row in bound),
        ]
        for model in group:
            verdicts += _verdicts(chosen, model, _bounds(means, [model], models))
    verdicts += [text for bound in upper_bounds if (text := _bound_training(bound))]
    verdicts += _gap(means, models)
    parts += ["### What agrees with the paper, and what does not", _list(verdicts)]
    return "\n\n".join(parts)


def _bounds(means: Means, of: Sequence[dict], models: Sequence[dict]) -> Means:
    """Upper bounds of models `of` among all models; one that is of no model is of each."""
    names = {model["name"] for model in of}
    others = {model["name"] for model in models} - names
    return [
        group
        for group in means
        if group["channel"] == NOISELESS and group["system"].removesuffix(UNQUANTISED) not in others
    ]


def _level(bound: dict[str, Any], columns: int) -> str:
    """A row of `_table` for what no SNR changes."""
    cell = f" {bound['ssim']:.3f} / {bound['psnr_db']:.1f} |"
    return f"| no channel | {bound['system']} |{columns * cell}"


def _bound_training(bound: dict) -> str:
    if not bound["pictures"]:
        return ""
    begun = f", begun at the weights of `{bound['begun_at']}`" if bound["begun_at"] else ""
    return (
        f"`{bound['name']}` is the same network, trained without quantisation on "
        f"{bound['pictures']:,} crops in {bound['hours']:.2f} hours{begun}. More training would "
        "raise it, so quantisation costs at least what is said here."
    )


def _verdicts(means: Means, model: dict, bound: Means) -> list[str]:
    name = model["name"]
    found = [_paper_claim(_against(means, name, "jpeg"))]
    found += [_against(means, name, baseline)[0] for baseline in BASELINES[1:]]
    found = [text for text in found if text]
    plateau = _plateau(means, name)
    if plateau:
        spread = max(plateau) - min(plateau)
        found.append(
            f"`{name}` does not change with SNR once every block arrives: its mean SSIM then stays "
            f"within {spread:.4f}."
        )
    thresholds = [
        f"{channel_title(channel)} {snr_db:g} dB"
        for channel in _channels(means)
        if (snr_db := _first_clean(means, name, channel)) is not None
    ]
    if thresholds:
        found.append(
            f"`{name}`: every block of every picture arrives from {', '.join(thresholds)} on."
        )
    top = max(plateau, default=None)
    scales = len(model["scales"])
    if bound and top is not None:
        found += [
            f"Quantisation costs `{name}` {group['ssim'] - top:.3f} SSIM against "
            f"`{group['system']}`; the paper prints {PRINTED_LOSS.get(scales, float('nan')):.3f}."
            for group in bound
        ]
    elif scales in PRINTED_LOSS:
        found.append(
            f"The upper bound (in the paper {PRINTED_LOSS[scales]:.3f} SSIM above {scales} scales) "
            "is not measured: no network without quantisation was given."
        )
    if model["network"] != "paper":
        found.append(
            f"`{name}` is not the paper's network, so its SSIM is not a reproduction of the "
            "paper's level, only of its comparison."
        )
    return found


def _against(means: Means, name: str, baseline: str) -> tuple[str, bool]:
    """Where a model is above a baseline, in words, and whether it is everywhere."""
    pairs = [
        (group, other)
        for group in means
        if group["system"] == name
        for other in means
        if other["system"] == baseline and _point(other) == _point(group)
    ]
    if not pairs:
        return "", False
    lower = [(one, other) for one, other in pairs if one["ssim"] <= other["ssim"]]
    psnr = sum(one["psnr_db"] > other["psnr_db"] for one, other in pairs)
    title = system_title(baseline)
    text = (
        f"`{name}` has a higher mean SSIM than {title} at {len(pairs) - len(lower)} of "
        f"{len(pairs)} points, and a higher mean PSNR at {psnr}."
    )
    if lower:
        worst = max(other["ssim"] - one["ssim"] for one, other in lower)
        there = [one for one, _ in lower]
        text += f" {title} is above it at {_places(there, means)}, by at most {worst:.3f}."
    return text, not lower


def _paper_claim(compared: tuple[str, bool]) -> str:
    """The paper: VQ-DeepSC consistently outperforms JPEG."""
    text, everywhere = compared
    if not text:
        return ""
    verdict = "**agrees**" if everywhere else "does **not** agree"
    return f"{text} The paper finds SSIM above JPEG's throughout, with which this {verdict}."


def _gap(means: Means, models: Sequence[dict]) -> list[str]:
    """The paper: JPEG suffers more at the smaller size."""
    gaps = {}
    for model in models:
        chosen = _of_size(means, model["source_bits"])
        ours, jpeg = _plateau(chosen, model["name"]), _plateau(chosen, "jpeg")
        if ours and jpeg:
            gaps[model["source_bits"]] = max(ours) - max(jpeg)
    if len(gaps) < 2:
        return []
    small, large = min(gaps), max(gaps)
    agrees = gaps[small] > gaps[large]
    return [
        f"Above the decoding threshold our lead over JPEG is {gaps[large]:+.3f} SSIM at "
        f"{large:,} bits and {gaps[small]:+.3f} at {small:,}. The paper finds that JPEG suffers "
        f"more from the smaller size, which {'agrees' if agrees else 'does **not** agree'}."
    ]


def _decisions(results: Path, models: Sequence[dict]) -> str:
    means = read_means(results / "decisions.csv")
    if not means:
        return ""
    stem = results / "decisions"
    title = f"{_count(means)} cars, LDPC 1/3, 16-QAM: soft and hard bits"
    plot_means(means, [stem.with_suffix(".png")], title)
    names = [model["name"] for model in models]
    systems = [system for name in names for system in (name, f"{name}:hard")]
    parts = [
        f"## Soft against hard bits ({_count(means)} cars)",
        "The same received frames: probabilities of the codewords, or decided bits.",
        "![Soft and hard bits](decisions.png)",
        _table(means, systems, TABLE_SNR),
        _list(text for name in names if (text := _hard_gain(means, name))),
    ]
    return "\n\n".join(parts)


def _hard_gain(means: Means, name: str) -> str:
    best = None
    for group in means:
        hard = _find(means, f"{name}:hard", group["channel"], group["snr_db"])
        if group["system"] == name and hard:
            gain = group["ssim"] - hard["ssim"]
            if best is None or gain > best[0]:
                best = gain, group
    if best is None:
        return ""
    return (
        f"`{name}` gains up to {best[0]:.3f} SSIM from soft bits ({_place(best[1])}); the paper "
        "decodes decided ones."
    )


def _natural(results: Path, models: Sequence[dict]) -> str:
    means = read_means(results / "natural.csv")
    if not means:
        return ""
    parts = [f"## Beyond the paper: {_count(means)} natural photographs (BSDS500)"]
    for bits, group in _by_size(models).items():
        chosen = _of_size(means, bits)
        if not chosen:
            continue
        stem = results / f"natural-{bits}"
        title = f"{_count(means)} photographs of BSDS500, {bits:,} bits"
        plot_means(chosen, [stem.with_suffix(".png")], title)
        names = [model["name"] for model in group]
        found = [_against(chosen, name, baseline)[0] for name in names for baseline in BASELINES]
        parts += [
            f"### {bits:,} bits",
            f"![BSDS500, {bits:,} bits]({stem.name}.png)",
            _table(chosen, [*names, *BASELINES]),
            _list(text for text in found if text),
        ]
    return "\n\n".join(parts)


def _bandwidth(results: Path, models: Sequence[dict]) -> str:
    means = read_means(results / "bandwidth.csv")
    if not means:
        return ""
    parts = [
        f"## Quality against symbols ({_count(means)} cars)",
        "The bandwidth ratio is symbols on the air for each of the 49,152 colour values of a "
        "128×128 picture. Each system keeps its source bits; with more symbols its code gets "
        "stronger.",
    ]
    for channel in _channels(means):
        stem = results / f"bandwidth-{channel}"
        _plot_bandwidth([group for group in means if group["channel"] == channel], stem)
        parts.append(f"![Quality against symbols, {channel_title(channel)}]({stem.name}.png)")
    symbols = sorted({group["symbols"] for group in means})
    lines = [
        "Mean SSIM of our best and of the best baseline at so many symbols:\n",
        "| channel, Es/N0 | " + " | ".join(f"{count:,}" for count in symbols) + " |",
        "|---|" + "---|" * len(symbols),
    ]
    for channel in _channels(means):
        for snr_db in sorted({group["snr_db"] for group in means}):
            cells = []
            for count in symbols:
                there = [
                    group
                    for group in means
                    if (group["channel"], group["snr_db"], group["symbols"])
                    == (channel, snr_db, count)
                ]
                ours = [group for group in there if _base(group) not in BASELINES]
                theirs = [group for group in there if _base(group) in BASELINES]
                cells.append("<br>".join(_best(side) for side in (ours, theirs) if side))
            lines.append(f"| {channel_title(channel)}, {snr_db:g} dB | " + " | ".join(cells) + " |")
    return "\n\n".join([*parts, "\n".join(lines)])


def _best(groups: Means) -> str:
    best = max(groups, key=lambda group: group["ssim"])
    return f"{best['ssim']:.3f} {system_title(_base(best))}, {best['source_bits']:,} bits"


def _schemes(results: Path, models: Sequence[dict]) -> str:
    means = read_means(results / "schemes.csv")
    if not means:
        return ""
    parts = [
        f"## Other constellations and rates at equal symbols ({_count(means)} cars)",
        "QPSK, 16-QAM and 64-QAM with the code rate that keeps bits and symbols (2/3, 1/3 and "
        "2/9). `16qam@N` sends fewer source bits over N symbols, as many as the largest model "
        "takes: the picture is coarser and arrives at an SNR where nothing else does.",
    ]
    for channel in _channels(means):
        stem = results / f"schemes-{channel}"
        chosen = [group for group in means if group["channel"] == channel]
        title = f"{_count(means)} cars, {channel_title(channel)}"
        plot_means(chosen, [stem.with_suffix(".png")], title)
        parts.append(f"![Schemes on {channel_title(channel)}]({stem.name}.png)")
    lines = [
        "| channel | system | bits | symbols | all blocks arrive from | SSIM there |",
        "|---|---|---|---|---|---|",
    ]
    for channel in _channels(means):
        for system, bits in dict.fromkeys((g["system"], g["source_bits"]) for g in means):
            chosen = [group for group in means if group["source_bits"] == bits]
            snr_db = _first_clean(chosen, system, channel)
            there = None if snr_db is None else _find(chosen, system, channel, snr_db)
            where = "nowhere measured" if there is None else f"{snr_db:g} dB"
            shown = "" if there is None else f"{there['ssim']:.3f}"
            symbols = next(g["symbols"] for g in chosen if g["system"] == system)
            lines.append(
                f"| {channel_title(channel)} | {system_title(system)} | {bits:,} | {symbols:,} | "
                f"{where} | {shown} |"
            )
    return "\n\n".join([*parts, "\n".join(lines)])


def _protection(results: Path, models: Sequence[dict]) -> str:
    means = read_means(results / "protection.csv")
    if not means:
        return ""
    parts = [
        f"## Protecting the coarse scales ({_count(means)} cars)",
        "`16qam/6/6/4` gives the coarse scales transport blocks of their own, with 6, 6 and 4 "
        "coded bits for each of their bits, and the finest scale what is left of the same symbols "
        "(neighbours with equal numbers share a block). Without it all bits share one block.",
    ]
    for model in models:
        chosen = [group for group in means if _base(group) == model["name"]]
        if not chosen:
            continue
        stem = results / f"protection-{model['name']}"
        title = f"{_count(means)} cars, {model['name']}: coarse scales protected"
        plot_means(chosen, [stem.with_suffix(".png")], title)
        systems = list(dict.fromkeys(group["system"] for group in chosen))
        parts.append(f"![Protection, {model['name']}]({stem.name}.png)")
        parts.append(_table(chosen, systems, TABLE_SNR))
        parts.append(_list(_protection_verdict(chosen, model["name"], s) for s in systems[1:]))
    return "\n\n".join(parts)


def _protection_verdict(means: Means, plain: str, system: str) -> str:
    differences = []
    for group in means:
        other = _find(means, plain, group["channel"], group["snr_db"])
        if group["system"] == system and other:
            differences.append((group["ssim"] - other["ssim"], group))
    gain, where = max(differences, key=lambda pair: pair[0])
    loss, there = min(differences, key=lambda pair: pair[0])
    mean = sum(difference for difference, _ in differences) / len(differences)
    text = (
        f"{system_title(system)}: up to {gain:+.3f} SSIM ({_place(where)}), {mean:+.3f} on average "
        "over the points"
    )
    if loss < -0.0005:
        return f"{text}; at worst {loss:+.3f} ({_place(there)})."
    return f"{text}; nowhere worse."


def _panels(results: Path) -> str:
    panels = sorted(results.glob("panel-*.jpg"))
    if not panels:
        return ""
    images = "\n".join(f"![{path.stem}]({path.name})" for path in panels)
    return (
        "## What it looks like\nPhotographs that scikit-image ships, reduced and cut to 256×256 "
        f"pixels (four regions), on AWGN.\n\n{images}"
    )


def _plot_bandwidth(means: Means, stem: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    snrs = sorted({group["snr_db"] for group in means})
    systems = list(dict.fromkeys((_base(group), group["source_bits"]) for group in means))
    figure = Figure(figsize=(4.2 * len(snrs) + 3, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(snrs), sharex=True, sharey="row", squeeze=False)
    for column, snr_db in enumerate(snrs):
        for row, (quantity, label) in enumerate(
            (("ssim", "mean SSIM"), ("psnr_db", "mean PSNR (dB)"))
        ):
            axis = axes[row][column]
            for number, (system, bits) in enumerate(systems):
                points = sorted(
                    (group["symbols"] / VALUES, group[quantity])
                    for group in means
                    if (_base(group), group["source_bits"], group["snr_db"])
                    == (system, bits, snr_db)
                )
                axis.plot(
                    *zip(*points, strict=True) if points else ([], []),
                    label=f"{system_title(system)}, {bits:,} bits",
                    color=f"C{number}",
                    marker="osD^vP"[number % 6],
                    markersize=4,
                    linestyle="--" if system in BASELINES else "-",
                )
            axis.grid(alpha=0.3)
            if column == 0:
                axis.set_ylabel(label)
        axes[0][column].set_title(f"Es/N0 {snr_db:g} dB")
        axes[1][column].set_xlabel("symbols for each colour value")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside right upper")
    channel = channel_title(means[0]["channel"])
    figure.suptitle(f"{_count(means)} cars, {channel}, 16-QAM, any code rate")
    save_figure(figure, [stem.with_suffix(".png")])


def _table(means: Means, systems: Sequence[str], snrs: Sequence[float] = TABLE_SNR) -> str:
    """SSIM / PSNR of each system, one line for each channel and system."""
    head = "| channel | system | " + " | ".join(f"{snr_db:g} dB" for snr_db in snrs) + " |"
    lines = [head, "|---|---|" + "---|" * len(snrs)]
    for channel in _channels(means):
        for system in systems:
            cells = [_find(means, system, channel, snr_db) for snr_db in snrs]
            if any(cells):
                shown = [f"{c['ssim']:.3f} / {c['psnr_db']:.1f}" if c else "" for c in cells]
                title = f"{channel_title(channel)} | {system_title(system)}"
                lines.append(f"| {title} | " + " | ".join(shown) + " |")
    return "Mean SSIM / PSNR in dB at Es/N0:\n\n" + "\n".join(lines)


def _plateau(means: Means, name: str) -> list[float]:
    """Mean SSIM of a system at the points where every block arrived."""
    return [g["ssim"] for g in means if g["system"] == name and g["with_block_errors"] == 0]


def _first_clean(means: Means, name: str, channel: str) -> float | None:
    """Lowest SNR from which on every block arrived."""
    points = sorted(
        (group["snr_db"], group["with_block_errors"])
        for group in means
        if (group["system"], group["channel"]) == (name, channel)
    )
    clean = None
    for snr_db, errors in reversed(points):
        if errors:
            break
        clean = snr_db
    return clean


def _of_size(means: Means, source_bits: int) -> Means:
    return [group for group in means if group["source_bits"] == source_bits]


def _find(means: Means, system: str, channel: str, snr_db: float) -> dict[str, Any] | None:
    wanted = system, channel, snr_db
    return next((g for g in means if (g["system"], g["channel"], g["snr_db"]) == wanted), None)


def _point(group: dict[str, Any]) -> tuple:
    return group["source_bits"], group["channel"], group["snr_db"]


def _channels(means: Means) -> list[str]:
    return [c for c in dict.fromkeys(group["channel"] for group in means) if c != NOISELESS]


def _base(group: dict[str, Any]) -> str:
    return group["system"].partition(":")[0]


def _count(means: Means) -> int:
    return max(group["images"] for group in means)


def _place(group: dict[str, Any]) -> str:
    return f"{channel_title(group['channel'])}, {group['snr_db']:g} dB"


def _places(groups: Iterable[dict[str, Any]], means: Means) -> str:
    """Channels and SNRs of groups; neighbours on the grid of `means` as a range."""
    by_channel: dict[str, set[float]] = {}
    for group in groups:
        by_channel.setdefault(group["channel"], set()).add(group["snr_db"])
    texts = []
    for channel, snrs in by_channel.items():
        ranges: list[list[float]] = []
        before = None
        for snr_db in sorted({g["snr_db"] for g in means if g["channel"] == channel}):
            if snr_db in snrs:
                if before in snrs:
                    ranges[-1].append(snr_db)
                else:
                    ranges.append([snr_db])
            before = snr_db
        shown = (f"{r[0]:g}" if len(r) == 1 else f"{r[0]:g} to {r[-1]:g}" for r in ranges)
        texts.append(f"{channel_title(channel)} {', '.join(shown)} dB")
    return "; ".join(texts)


def _by_size(models: Sequence[dict]) -> dict[int, list[dict]]:
    """Models with the same number of source bits, which share a figure."""
    sizes: dict[int, list[dict]] = {}
    for model in models:
        sizes.setdefault(model["source_bits"], []).append(model)
    return sizes


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


if __name__ == "__main__":
    write_report(
        Path(sys.argv[1] if sys.argv[1:] else Path(__file__).parent.parent / "docs/results")
    )
