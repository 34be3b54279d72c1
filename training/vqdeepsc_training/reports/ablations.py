# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the ablations, docs/ablations.md, and its curves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..base.errors import DataError
from ..base.files import write_whole
from ..trainer.ablation import Variant, read_variants
from .figures import save_figure

INTRODUCTION = """\
# Ablations

What each part of the training recipe is worth, on a small network. Every variant is trained for \
the same processor time, with one change to the reference of its table. The runs are short, so \
they rank what learns fast. All figures are of 128x128 pictures, noiseless; brackets hold the \
distance to the reference. Least entropy: of the codebook whose indices use the smallest share of \
their bits.

Made by `python -m vqdeepsc_training report-ablations` from the records in \
[`training/results/ablations`](../training/results/ablations), which \
`python -m vqdeepsc_training ablate` wrote; the variants are those of \
[`training/ablations.json`](../training/ablations.json), the options are explained in \
[`training/README.md`](../training/README.md#configurations).
"""

TEXTS = {
    "First recipe": (
        "",
        """\
The shipped models have the changes of `unbounded, few dimensions, weight 16`: few dimensions and \
a heavy commitment keep the features near their codewords, so that the gradient copied past the \
quantiser is nearly right, and without tanh there is one part less.""",
    ),
    "Shipped recipe": (
        """\
The reference is `unbounded, few dimensions, weight 16` with the loss and the shares of cars and \
natural photographs of the shipped models. `bsds500/test` is reported, and nothing was chosen by \
it.""",
        """\
Nothing of the quantiser's training and of distillation pays here, so the shipped recipe has none \
of it. The rotation trick and codes of length 1 (with one dimension more, for the one that the \
length takes) lose far more than seeds differ. Noise that anneals, colour jitter, flips and \
shrinking make no difference that stands out from that of the seeds; flips and shrinking stay for \
runs that see every photograph many times, which a minute is too short to show. Cars alone gain a \
little on cars and lose on natural photographs, and natural photographs alone the other way round, \
so the shipped models see both. The wider teacher takes three fifths of the time, so that the \
student sees two fifths of the crops; whether it pays where time is no matter, runs of this length \
do not say.""",
    ),
}
"""What stands before and after a table."""


Records = dict[str, list[dict]]
Groups = dict[str, Records]


def read_records(folder: Path, variants: dict[str, Variant]) -> Records:
    """Records of a folder by variant, in the order of `variants`; one for each seed.

    Raises DataError if there is none of the reference of a table, or a table's runs cost different
    times.
    """
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    records = {
        name: those
        for name in variants
        if (those := [record for record in found if record["name"] == name])
    }
    for table in dict.fromkeys(variant.table for variant in variants.values()):
        of_table = [name for name in records if variants[name].table == table]
        if not of_table and records:
            continue
        name = reference(variants, table)
        if name not in records:
            raise DataError(f"{folder} has no record of the {name}.")
        if len({record["minutes"] for name in of_table for record in records[name]}) > 1:
            raise DataError(
                f"The records of {table!r} in {folder} are of runs of different length."
            )
    return records


def reference(variants: dict[str, Variant], table: str) -> str:
    """The variant of a table that changes nothing."""
    return next(
        name for name, variant in variants.items() if variant.table == table and not variant.change
    )


def by_table(records: Records, variants: dict[str, Variant]) -> dict[str, Groups]:
    """Records by table, group and variant."""
    tables: dict[str, Groups] = {}
    for name, those in records.items():
        variant = variants[name]
        tables.setdefault(variant.table, {}).setdefault(variant.group, {})[name] = those
    return tables


def mean(records: list[dict], *keys: str) -> float:
    """Mean of a figure over seeds; keys: its path within a record."""
    values = records
    for key in keys:
        values = [value[key] for value in values]
    return float(np.mean(values))


def quality(records: list[dict], compared: list[dict] | None, *where: str) -> str:
    """Two cells of a table, SSIM and PSNR, each with its distance to the reference, if any."""
    cells = []
    for key, form, unit in (("ssim", ".3f", ""), ("psnr_db", ".2f", " dB")):
        value = mean(records, *where, key)
        cell = f"{value:{form}}{unit}"
        if compared is not None:
            cell += f" ({value - mean(compared, *where, key):+{form}})"
        cells.append(cell)
    return " | ".join(cells)


def elsewhere(records: Records) -> list[str]:
    """Data sets that all runs of a table were measured on besides the first."""
    sets = [set(record.get("elsewhere", ())) for those in records.values() for record in those]
    return sorted(set.intersection(*sets))


def table(groups: Groups, reference: str) -> list[str]:
    """Markdown table of all variants, each with its distance to the reference."""
    all_records = {name: those for variants in groups.values() for name, those in variants.items()}
    others = elsewhere(all_records)
    heads = [
        "",
        "Variant",
        "Change",
        "SSIM",
        "PSNR",
        "CIEDE2000",
        "Least entropy",
        "Crops seen",
        *(
            f"{figure}, {other.removesuffix('.tar')}"
            for other in others
            for figure in ("SSIM", "PSNR")
        ),
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for group, variants in groups.items():
        for name, records in variants.items():
            change = json.dumps(records[0]["change"])[1:-1].replace("|", "\\|")
            compared = None if name == reference else all_records[reference]
            least = np.mean([min(record["entropy_share"].values()) for record in records])
            cells = [
                group,
                name,
                f"`{change}`" if change else "",
                quality(records, compared),
                f"{mean(records, 'ciede2000'):.2f}",
                f"{least:.0%}",
                f"{mean(records, 'crops_seen'):,.0f}",
                *(quality(records, compared, "elsewhere", other) for other in others),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def spread(records: Records) -> str:
    """How far seeds lie apart, as a sentence."""
    repeated = [those for those in records.values() if len(those) > 1]
    if not repeated:
        return "There is one run of each, so differences of a few thousandths of SSIM say nothing."
    ssim, psnr = (
        np.sqrt(np.mean([np.var([r[key] for r in those], ddof=1) for those in repeated]))
        for key in ("ssim", "psnr_db")
    )
    fewest, most = (count(len(those) for those in records.values()) for count in (min, max))
    runs = f"{most}" if fewest == most else f"{fewest} to {most}"
    measured = (
        "all variants"
        if fewest > 1
        else ", ".join(f"`{name}`" for name, those in records.items() if len(those) > 1)
    )
    return (
        f"Figures are means of {runs} seeds; over {measured}, one seed lies {ssim:.4f} of SSIM "
        f"and {psnr:.2f} dB (standard deviation) from the mean, and what differs by less than "
        "two or three times that says nothing."
    )


def circumstances(groups: Groups, reference: str, variant: Variant) -> str:
    """What all runs of a table have in common, as sentences."""
    records = {name: those for variants in groups.values() for name, those in variants.items()}
    one = records[reference][0]
    text = (
        f"{one['parameters']:,} parameters, crops of {variant.configuration['crop']} pixels, "
        f"batch {variant.configuration['batch']}, {one['minutes']:g} min of processor time"
    )
    machines = {
        (r.get("computed_in"), r.get("processor")) for those in records.values() for r in those
    }
    if len(machines) == 1 and (None, None) not in machines:
        precision, processor = machines.pop()
        text += f" in {precision} ({processor})"
    data = f" of {one['validation_data'].removesuffix('.tar')}" if "validation_data" in one else ""
    return f"{text}, {one['pictures']} validation pictures{data}. {spread(records)}"


def curves(tables: dict[str, Groups], variants: dict[str, Variant], base: Path) -> None:
    """SSIM and PSNR against processor time, as base.png.

    Each table has two rows, each of its groups a column.
    """
    from matplotlib.figure import Figure

    shown = {
        title: {
            group: rows for group, rows in groups.items() if reference(variants, title) not in rows
        }
        or groups
        for title, groups in tables.items()
    }
    columns = max(len(groups) for groups in shown.values())
    figure = Figure(figsize=(4.6 * columns, 6.5 * len(shown)), layout="constrained")
    parts = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for part, (title, groups) in zip(parts, shown.items(), strict=True):
        name = reference(variants, title)
        (compared,) = (rows[name] for rows in tables[title].values() if name in rows)
        part.suptitle(title, fontweight="bold")
        axes = part.subplots(2, columns, sharex=True, sharey="row", squeeze=False)
        for column, (group, rows) in enumerate(groups.items()):
            for axis, (key, label) in zip(
                axes[:, column], (("ssim", "SSIM"), ("psnr_db", "PSNR (dB)")), strict=True
            ):
                plot_group(axis, {name: compared} | rows, key)
                if column == 0:
                    axis.set_ylabel(f"{label}, validation")
            axes[0][column].set_title(group)
            axes[0][column].legend(fontsize="small", loc="lower right")
            axes[1][column].set_xlabel("processor time (minutes)")
        for axis in axes[:, len(groups) :].flat:
            axis.remove()
    save_figure(figure, base)


def plot_group(axis: object, rows: Records, key: str) -> None:
    """Curves of one figure, the first variant in black; a line for each seed."""
    for number, (name, records) in enumerate(rows.items()):
        for record in records:
            # The first tenths of a run are far below the rest, and would flatten it.
            points = [p for p in record["validation"] if p["seconds"] >= 18 * record["minutes"]]
            axis.plot(
                [point["seconds"] / 60 for point in points],
                [p[key] for p in points],
                label=name if record is records[0] else None,
                color=f"C{number - 1}" if number else "black",
                lw=1.2,
            )
    axis.grid(alpha=0.3)


def write_page(folder: Path, plan: Path, docs: Path) -> None:
    """Write ablations.md, ablations.png and ablations.svg into `docs`.

    Raises DataError or ValueError as `read_records` and `read_variants` do.
    """
    variants = read_variants(plan)
    tables = by_table(read_records(folder, variants), variants)
    docs.mkdir(parents=True, exist_ok=True)
    lines = [INTRODUCTION]
    for title, groups in tables.items():
        name = reference(variants, title)
        before, after = TEXTS.get(title, ("", ""))
        text = f"{before} {circumstances(groups, name, variants[name])}".strip()
        lines += [f"## {title}", text, "", *table(groups, name), ""]
        missing = [
            f"`{one}`"
            for one, variant in variants.items()
            if variant.table == title and not any(one in rows for rows in groups.values())
        ]
        if missing:
            lines += [f"Not run yet: {', '.join(missing)}.", ""]
        if after:
            lines += [after, ""]
    lines += ["## Curves", "![Validation against processor time](ablations.png)", ""]
    write_whole(docs / "ablations.md", "\n".join(lines))
    curves(tables, variants, docs / "ablations")
