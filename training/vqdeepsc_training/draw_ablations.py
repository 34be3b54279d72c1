# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/ablations.md and its curves: python -m vqdeepsc_training.draw_ablations."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from .ablate import RESULTS
from .data import DataError
from .figures import save_figure
from .repository import ROOT

REFERENCE = "reference"
INTRODUCTION = """\
# Ablations

What each part of the training recipe is worth, on a small network ({parameters:,} parameters, \
crops of {crop} pixels, batch {batch}), each variant trained for {minutes:g} minutes of processor \
time with one change to the reference. Measured on {pictures} validation pictures of 128x128, \
noiseless. The runs are short, so they rank what learns fast; {seeds} The shipped models have the \
changes of `unbounded, few dimensions, weight 16`: few dimensions and a heavy commitment keep the \
features near their codewords, so that the gradient copied past the quantiser is nearly right, and \
without tanh there is one part less.

Made by `python -m vqdeepsc_training.draw_ablations` from the records in \
[`training/results/ablations`](../training/results/ablations), which \
`python -m vqdeepsc_training.ablate` wrote; the variants are those of \
[`training/ablations.json`](../training/ablations.json).
"""


def read_records(folder: Path) -> list[dict]:
    """All records of a folder, in the order of the groups of the variants file.

    Raises DataError if there is none, none of the reference, or they cost different times.
    """
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not any(record["name"] == REFERENCE for record in records):
        raise DataError(f"{folder} has no record of the {REFERENCE}.")
    if len({record["minutes"] for record in records}) > 1:
        raise DataError(f"The records in {folder} are of runs of different length.")
    return records


def by_variant(records: list[dict]) -> dict[str, dict[str, list[dict]]]:
    """Records by group and variant, the reference first; one for each seed."""
    groups: dict[str, dict[str, list[dict]]] = {}
    for record in sorted(records, key=lambda r: r["name"] != REFERENCE):
        groups.setdefault(record["group"], {}).setdefault(record["name"], []).append(record)
    return groups


def mean(records: list[dict], key: str) -> float:
    """Mean of a figure over seeds."""
    return float(np.mean([record[key] for record in records]))


def table(groups: dict[str, dict[str, list[dict]]]) -> list[str]:
    """Markdown table of all variants, each with its distance to the reference."""
    reference = next(iter(groups.values()))[REFERENCE]
    lines = ["| | Variant | Change | SSIM | PSNR | CIEDE2000 | Least entropy | Crops seen |",
             "|---|---|---|---|---|---|---|---|"]
    for group, variants in groups.items():
        for name, records in variants.items():
            change = json.dumps(records[0]["change"])[1:-1].replace("|", "\\|")
            ssim, psnr = mean(records, "ssim"), mean(records, "psnr_db")
            away = ("", "") if name == REFERENCE else (
                f" ({ssim - mean(reference, 'ssim'):+.3f})",
                f" ({psnr - mean(reference, 'psnr_db'):+.2f})")
            least = np.mean([min(record["entropy_share"].values()) for record in records])
            lines.append(
                f"| {group} | {name} | {f'`{change}`' if change else ''} | {ssim:.3f}{away[0]} | "
                f"{psnr:.2f} dB{away[1]} | {mean(records, 'ciede2000'):.2f} | {least:.0%} | "
                f"{mean(records, 'crops_seen'):,.0f} |")
    return lines


def spread(groups: dict[str, dict[str, list[dict]]]) -> str:
    """How far seeds lie apart, as a clause."""
    sets = [records for variants in groups.values() for records in variants.values()
            if len(records) > 1]
    if not sets:
        return ("there is one run of each, so differences of a few thousandths of SSIM say "
                "nothing.")
    deviation = {key: np.sqrt(np.mean([np.var([r[key] for r in records], ddof=1)
                                       for records in sets])) for key in ("ssim", "psnr_db")}
    return (f"one seed lies {deviation['ssim']:.3f} of SSIM and {deviation['psnr_db']:.2f} dB "
            "(standard deviation) from another.")


def curves(groups: dict[str, dict[str, list[dict]]], base: Path) -> None:
    """SSIM and PSNR against processor time, one column for each group, as base.png and base.svg."""
    from matplotlib.figure import Figure

    reference = next(iter(groups.values()))[REFERENCE]
    shown = {group: variants for group, variants in groups.items() if REFERENCE not in variants}
    shown = shown or groups
    figure = Figure(figsize=(4.2 * len(shown), 6.5), layout="constrained")
    axes = figure.subplots(2, len(shown), sharex=True, sharey="row", squeeze=False)
    for column, (group, variants) in enumerate(shown.items()):
        for row, (key, label) in enumerate((("ssim", "SSIM"), ("psnr_db", "PSNR (dB)"))):
            axis = axes[row][column]
            for name, records in ({REFERENCE: reference} | variants).items():
                for number, record in enumerate(records):
                    axis.plot([point["seconds"] / 60 for point in record["validation"]],
                              [point[key] for point in record["validation"]],
                              label=name if number == 0 else None,
                              color="black" if name == REFERENCE
                              else f"C{list(variants).index(name)}")
            axis.grid(alpha=0.3)
            if column == 0:
                axis.set_ylabel(f"{label}, validation")
        axes[0][column].set_title(group)
        axes[0][column].legend(fontsize="small")
        axes[1][column].set_xlabel("processor time (minutes)")
    save_figure(figure, base)


def draw(records: list[dict], docs: Path) -> None:
    """Write ablations.md, ablations.png and ablations.svg into `docs`."""
    groups = by_variant(records)
    reference = next(iter(groups.values()))[REFERENCE][0]
    text = INTRODUCTION.format(
        parameters=reference["parameters"], crop=reference["configuration"]["crop"],
        batch=reference["configuration"]["batch"], minutes=reference["minutes"],
        pictures=reference["pictures"], seeds=spread(groups))
    docs.mkdir(parents=True, exist_ok=True)
    lines = [text, *table(groups), "",
             "In brackets: the distance to the reference. Least entropy: of the codebook whose "
             "labels use the smallest share of their bits.", "",
             "![Validation against processor time](ablations.png)", ""]
    (docs / "ablations.md").write_text("\n".join(lines))
    curves(groups, docs / "ablations")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.draw_ablations",
        description="Draw the table and the curves of the ablations.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the records")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder to write into")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    args = parse_args(argv)
    try:
        draw(read_records(args.results), args.docs)
    except (DataError, OSError) as error:
        print(f"draw_ablations: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
