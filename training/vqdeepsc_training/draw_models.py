# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the bundles and draw docs/models.md: python -m vqdeepsc_training.draw_models.

`--data NAME=PATH` measures bundles and photo codecs on data sets and keeps the figures in
results/quality.json; without it, the page is drawn from those. Pictures are shown of photographs
that scikit-image ships, because the data sets may not be published again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from vqdeepsc.codec import Codec
from vqdeepsc.images.metrics import ssim

from . import flipped_bits
from .arguments import count
from .checkpoint import whole_curve
from .data import DataError, evaluation_pictures
from .evaluate import evaluate, evaluate_baseline, quality
from .figures import save_figure
from .photographs import PHOTOGRAPHS, SIDE, photograph_tiles
from .repository import ROOT

RESULTS = ROOT / "training" / "results"
PHOTOGRAPHS_NAME = "scikit-image"
NAMES = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}
SHOWN = {"best": 0.0, "upper quartile": 0.25, "median": 0.5, "lower quartile": 0.75, "worst": 1.0}
MARGIN, CAPTION = 8, 18
INTRODUCTION = """\
# Models

What the bundles of [`models/`](../models) make of pictures, noiseless and with hard decisions, \
beside photo codecs that may use the same number of bits for each picture (the largest quality \
setting whose file fits). SSIM is Wang's, mean over RGB; CIEDE2000 says how far colours are off, \
so less is better. No picture was seen in training. How the models were made is in their cards; \
what noise does to them is in [experiments.md](experiments.md).

Made by `python -m vqdeepsc_training.draw_models` from \
[`training/results`](../training/results) and the bundles.
"""


def photographs() -> NDArray[np.uint8]:
    """All tiles [P, 128, 128, 3] of all photographs."""
    return np.concatenate([photograph_tiles(name) for name in PHOTOGRAPHS])


def measure(bundles: list[Codec], data: dict[str, Path], limit: int | None, record: Path) -> dict:
    """Figures of bundles and photo codecs on data sets and on the photographs.

    What `record` holds already, of the same bundle and number of pictures, is not measured again.
    Returns {"models": {bundle: {data: figures}}, "codecs": {bits: {data: {codec: figures}}},
    "bundles": {bundle: {file: SHA-256}}} and writes it to `record`.
    Raises DataError for data that cannot be used.
    """
    kept = json.loads(record.read_text()) if record.exists() else {}
    kept = {"bundles": {}, "models": {}, "codecs": {}} | kept
    sets = {name: evaluation_pictures(path, SIDE, limit) for name, path in data.items()}
    sets[PHOTOGRAPHS_NAME] = photographs()
    for codec in bundles:
        files = {name: sha for name, sha in codec.bundle.manifest.files.items()
                 if not name.endswith(".md")}
        if kept["bundles"].get(codec.name) != files:
            kept["bundles"][codec.name] = files
            kept["models"][codec.name] = {}
        models = kept["models"][codec.name]
        codecs = kept["codecs"].setdefault(str(codec.bits_per_region), {})
        for name, pictures in sets.items():
            if models.get(name, {}).get("pictures") != len(pictures):
                models[name], _ = evaluate(codec, pictures)
            known = codecs.setdefault(name, {})
            for baseline in NAMES:
                if known.get(baseline, {}).get("pictures") != len(pictures):
                    known[baseline], _ = evaluate_baseline(baseline, pictures,
                                                           codec.bits_per_region)
            record.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    return kept


def quality_table(kept: dict, name: str, bits: int) -> list[str]:
    """Markdown table of one bundle beside the photo codecs, for every data set."""
    lines = ["| Data | Pictures | | SSIM | PSNR | CIEDE2000 |", "|---|---|---|---|---|---|"]
    notes = []
    for data, ours in kept["models"][name].items():
        codecs = kept["codecs"][str(bits)][data]
        rows = {f"**{name}**": ours} | {NAMES[key]: codecs[key] for key in NAMES}
        for number, (system, one) in enumerate(rows.items()):
            first = f"| {data} | {one['pictures']} " if number == 0 else "| | "
            lines.append(f"{first}| {system} | {one['ssim']:.3f} | {one['psnr_db']:.2f} dB | "
                         f"{one['ciede2000']:.2f} |")
            if one.get("failed"):
                notes.append(f"{one['failed']} pictures of {data} fit into the bits at no quality "
                             f"of {system} and count as mid-grey.")
    return [*lines, "", *notes, ""] if notes else [*lines, ""]


def chosen(scores: NDArray[np.float64]) -> dict[str, int]:
    """Numbers of the pictures of SHOWN, by falling score."""
    order = np.argsort(-scores, kind="stable")
    return {name: int(order[round(share * (len(order) - 1))]) for name, share in SHOWN.items()}


def picture_sheet(codec: Codec, pictures: NDArray[np.uint8], path: Path) -> None:
    """Draw original, ours and the photo codecs, one row for each picture of SHOWN."""
    ours = [codec.decode(codec.one_hot(codec.encode(picture)), SIDE, SIDE) for picture in pictures]
    rows = chosen(np.array([float(ssim(*pair)) for pair in zip(pictures, ours, strict=True)]))
    picked = pictures[list(rows.values())]
    columns = {"original": list(picked), codec.name: [ours[i] for i in rows.values()]}
    for baseline in NAMES:
        _, columns[NAMES[baseline]] = evaluate_baseline(baseline, picked, codec.bits_per_region)
    step = SIDE + MARGIN, SIDE + MARGIN + CAPTION
    sheet = Image.new("RGB", (MARGIN + step[0] * len(columns), CAPTION + step[1] * len(rows)),
                      "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    for column, (title, drawn) in enumerate(columns.items()):
        left = MARGIN + step[0] * column
        draw.text((left, 2), title, "black", font)
        for row, (name, picture) in enumerate(zip(rows, drawn, strict=True)):
            top = CAPTION + step[1] * row
            sheet.paste(Image.fromarray(picture), (left, top))
            figures = quality(picked[row], picture) if column else {}
            text = f"{figures['ssim']:.3f}  {figures['psnr_db']:.1f} dB" if column else name
            draw.text((left, top + SIDE + 2), text, "black", font)
    sheet.save(path, optimize=True)


def curves(records: dict[str, dict], base: Path) -> None:
    """SSIM and PSNR of validation against the crops seen, as base.png and base.svg."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axis, (key, label) in zip(figure.subplots(1, 2),
                                  (("ssim", "SSIM"), ("psnr_db", "PSNR (dB)")), strict=True):
        for name, record in records.items():
            points = whole_curve(record["history"], record["validation"])
            axis.plot([point["pictures"] / 1000 for point in points],
                      [point[key] for point in points], label=name)
        axis.set_xlabel("crops seen (thousands)")
        axis.set_ylabel(f"{label}, validation")
        axis.grid(alpha=0.3)
        axis.legend()
    save_figure(figure, base)


def draw(bundles: list[Codec], kept: dict, results: Path, docs: Path) -> None:
    """Write models.md and its figures into `docs`.

    Raises DataError if a bundle has not been measured.
    """
    for codec in bundles:
        if not kept["models"].get(codec.name):
            raise DataError(f"{codec.name} has not been measured: give --data.")
    docs.mkdir(parents=True, exist_ok=True)
    pictures = photographs()
    records = {path.stem.replace("_", "-"): json.loads(path.read_text())
               for path in sorted(results.glob("*.json"))}
    records = {name: record for name, record in records.items() if "validation" in record}
    lines = [INTRODUCTION]
    for codec in bundles:
        sheet = docs / f"models_{codec.name}.png"
        picture_sheet(codec, pictures, sheet)
        lines += [
            f"## {codec.name}: {codec.bits_per_region:,} bits", "",
            *quality_table(kept, codec.name, codec.bits_per_region),
            f"All {len(pictures)} tiles of 128x128 pixels of five photographs that scikit-image "
            f"ships, ordered by the SSIM of {codec.name}: the best, the quartiles, the median and "
            "the worst.", "", f"![Pictures of {codec.name}]({sheet.name})", ""]
        flipped = records.get(codec.name, {}).get("flipped_bits")
        if flipped:
            lines += ["What one flipped bit costs, in thousandths of SSIM, over all ways to assign "
                      "the labels of a scale and as assigned (two codewords have one way only):",
                      "", *flipped_bits.table(flipped), ""]
    if records:
        curves(records, docs / "models_training")
        lines += ["## Training", "", "Validation pictures of Cars196 during training, averaged "
                  "weights; the x axis goes on from the runs before.", "",
                  "![Validation during training](models_training.png)", ""]
    (docs / "models.md").write_text("\n".join(lines))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.draw_models",
        description="Measure the bundles beside photo codecs and draw docs/models.md.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--bundles", nargs="+", help="names or directories (default: all shipped)")
    parser.add_argument("--data", nargs="+", metavar="NAME=PATH", default=[],
                        help="data sets to measure on; what is recorded already stays")
    parser.add_argument("--limit", type=count, help="number of pictures of each data set at most")
    parser.add_argument("--threads", type=count, help="of the networks (default: all cores)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the records")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder to write into")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    args = parse_args(argv)
    try:
        shipped = sorted(path.parent for path in (ROOT / "models").glob("*/manifest.json"))
        bundles = [Codec(bundle, args.threads) for bundle in args.bundles or shipped]
        data = {name: Path(path) for name, _, path in (one.partition("=") for one in args.data)}
        record = args.results / "quality.json"
        if data:
            measure(bundles, data, args.limit, record)
        if not record.exists():
            raise DataError(f"{record} does not exist: give --data to measure.")
        draw(bundles, json.loads(record.read_text()), args.results, args.docs)
    except (DataError, ValueError, OSError) as error:
        print(f"draw_models: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
