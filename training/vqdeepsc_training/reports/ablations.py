# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the ablations, docs/ablations.md, and its curves.

templates/ablations.md has the sentences.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import DataError
from ..base.files import write_whole
from ..trainer.ablation import Variant, read_variants
from ..trainer.record import VariantQuality, VariantRecord, read_variant_record
from .figures import save_figure
from .page import render

STANDARD_ERRORS = 3
"""A difference of so many standard errors counts as one."""

Records = dict[str, list[VariantRecord]]
Groups = dict[str, Records]


@dataclass(frozen=True)
class Spread:
    """How far seeds lie apart.

    fewest, most: seeds of a variant; repeated: variants that have more than one; ssim, psnr_db:
    standard deviation of one seed from the mean of its variant.
    """

    fewest: int
    most: int
    repeated: list[str]
    ssim: float
    psnr_db: float


@dataclass(frozen=True)
class StandingOut:
    """Variants whose mean SSIM is above or below the reference by more than seeds explain."""

    above: list[str]
    below: list[str]


@dataclass(frozen=True)
class Circumstances:
    """What all runs of a table have in common; precision, processor: None where they differ.

    minutes: of each run; images: of validation, from `data`.
    """

    parameters: int
    crop: int
    batch: int
    minutes: float
    precision: str | None
    processor: str | None
    images: int
    data: str


@dataclass(frozen=True)
class Section:
    """A table of the page; missing: variants that have not been run."""

    title: str
    runs: Circumstances
    seeds: Spread | None
    head: list[str]
    rows: list[list[str]]
    missing: list[str]
    standing_out: StandingOut | None


def read_records(folder: Path, variants: dict[str, Variant]) -> Records:
    """Records of a folder by variant, in the order of `variants`; one for each seed.

    Raises DataError if there is none of the reference of a table, or a table's runs cost different
    times.
    """
    found = [read_variant_record(path) for path in sorted(folder.glob("*.json"))]
    records = {
        name: those
        for name in variants
        if (those := [record for record in found if record.name == name])
    }
    for table in dict.fromkeys(variant.table for variant in variants.values()):
        of_table = [name for name in records if variants[name].table == table]
        if not of_table and records:
            continue
        name = reference(variants, table)
        if name not in records:
            raise DataError(f"{folder} has no record of the {name}.")
        if len({record.minutes for name in of_table for record in records[name]}) > 1:
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


def mean(records: Sequence[VariantQuality], key: str) -> float:
    """Mean of a figure over seeds."""
    return float(np.mean([getattr(record, key) for record in records]))


def quality(
    records: Sequence[VariantQuality], compared: Sequence[VariantQuality] | None
) -> list[str]:
    """Two cells of a table, SSIM and PSNR, each with its distance to the reference, if any."""
    cells = []
    for key, form, unit in (("ssim", ".3f", ""), ("psnr_db", ".2f", " dB")):
        value = mean(records, key)
        cell = f"{value:{form}}{unit}"
        if compared is not None:
            cell += f" ({value - mean(compared, key):+{form}})"
        cells.append(cell)
    return cells


def elsewhere(records: Records) -> list[str]:
    """Data sets that all runs of a table were measured on besides the first."""
    sets = [set(record.elsewhere or ()) for those in records.values() for record in those]
    return sorted(set.intersection(*sets))


def rows(groups: Groups, reference: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of all variants, each with its distance to the reference."""
    records = all_records(groups)
    others = elsewhere(records)
    head = ["", "Variant", "Change", "SSIM", "PSNR", "CIEDE2000", "Least entropy", "Crops seen"]
    head += [
        f"{figure}, {other.removesuffix('.tar')}" for other in others for figure in ("SSIM", "PSNR")
    ]
    table = []
    for group, variants in groups.items():
        for name, those in variants.items():
            change = json.dumps(those[0].change)[1:-1].replace("|", "\\|")
            compared = None if name == reference else records[reference]
            least = np.mean([min(record.entropy_share.values()) for record in those])
            cells = [
                group,
                name,
                f"`{change}`" if change else "",
                *quality(those, compared),
                f"{mean(those, 'ciede2000'):.2f}",
                f"{least:.0%}",
                f"{mean(those, 'crops_seen'):,.0f}",
            ]
            for other in others:
                there, base = (
                    runs and [run.elsewhere[other] for run in runs] for runs in (those, compared)
                )
                cells += quality(there, base)
            table.append(cells)
    return head, table


def all_records(groups: Groups) -> Records:
    """The records of a table by variant."""
    return {name: those for variants in groups.values() for name, those in variants.items()}


def variance(records: Sequence[VariantQuality], key: str) -> float:
    """Variance of a figure over seeds, without bias."""
    return float(np.var([getattr(record, key) for record in records], ddof=1))


def spread(records: Records) -> Spread | None:
    """How far seeds lie apart, None if there is one run of each variant."""
    repeated = {name: those for name, those in records.items() if len(those) > 1}
    if not repeated:
        return None
    several = list(repeated.values())
    seeds = [len(those) for those in records.values()]
    ssim, psnr_db = (
        float(np.sqrt(np.mean([variance(those, key) for those in several])))
        for key in ("ssim", "psnr_db")
    )
    return Spread(min(seeds), max(seeds), list(repeated), ssim, psnr_db)


def standing_out(records: Records, reference: str, ssim: float) -> StandingOut:
    """The variants that stand out; ssim: standard deviation of one seed."""
    found = StandingOut([], [])
    base = records[reference]
    for name, those in records.items():
        error = ssim * np.sqrt(1 / len(those) + 1 / len(base))
        difference = mean(those, "ssim") - mean(base, "ssim")
        if abs(difference) > STANDARD_ERRORS * error:
            (found.above if difference > 0 else found.below).append(name)
    return found


def circumstances(groups: Groups, reference: str, variant: Variant) -> Circumstances:
    """What all runs of a table have in common."""
    records = all_records(groups)
    one = records[reference][0]
    machines = {
        (record.computed_in, record.processor) for those in records.values() for record in those
    }
    precision, processor = machines.pop() if len(machines) == 1 else (None, None)
    return Circumstances(
        one.parameters,
        variant.configuration["crop"],
        variant.configuration["batch"],
        one.minutes,
        precision,
        processor,
        one.images,
        one.validation_data.removesuffix(".tar"),
    )


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
            points = [p for p in record.validation if p.seconds >= 18 * record.minutes]
            axis.plot(
                [point.seconds / 60 for point in points],
                [getattr(point, key) for point in points],
                label=name if record is records[0] else None,
                color=f"C{number - 1}" if number else "black",
                lw=1.2,
            )
    axis.grid(alpha=0.3)


def write_page(folder: Path, plan: Path, docs: Path) -> None:
    """Write ablations.md and ablations.png into `docs`.

    Raises TrainingError as `read_records` and `read_variants` do.
    """
    variants = read_variants(plan)
    tables = by_table(read_records(folder, variants), variants)
    docs.mkdir(parents=True, exist_ok=True)
    sections = []
    for title, groups in tables.items():
        name = reference(variants, title)
        records = all_records(groups)
        seeds = spread(records)
        head, body = rows(groups, name)
        sections.append(
            Section(
                title,
                circumstances(groups, name, variants[name]),
                seeds,
                head,
                body,
                [
                    one
                    for one, variant in variants.items()
                    if variant.table == title and one not in records
                ],
                standing_out(records, name, seeds.ssim) if seeds else None,
            )
        )
    text = render("ablations.md", tables=sections, standard_errors=STANDARD_ERRORS)
    write_whole(docs / "ablations.md", text)
    curves(tables, variants, docs / "ablations")
