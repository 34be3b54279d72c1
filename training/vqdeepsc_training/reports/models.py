# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about the models, docs/models.md, and its figures, kept in results/quality.json.

Images are shown of photographs that scikit-image ships, because the data sets may not be published
again. templates/models.md has the sentences.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from vqdeepsc.codec import Codec
from vqdeepsc.images.metrics import ssim

from ..base.errors import ConfigurationError, DataError
from ..base.files import whole_path, write_whole
from ..base.repository import ROOT
from ..base.schema import Table
from ..data.images import evaluation_images
from ..data.photographs import PHOTOGRAPHS, SIDE, photograph_tiles
from ..objectives.quality import quality
from ..trainer.record import (
    Baseline,
    Evaluation,
    ModelRecord,
    read_model_records,
    whole_curve,
)
from . import flipped_bits
from .evaluation import evaluate, evaluate_baseline
from .figures import save_figure
from .page import render

RESULTS = ROOT / "training" / "results"
PHOTOGRAPHS_NAME = "scikit-image"
NAMES = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}
SHOWN = {"best": 0.0, "upper quartile": 0.25, "median": 0.5, "lower quartile": 0.75, "worst": 1.0}
MARGIN, CAPTION = 8, 18


@dataclass(frozen=True)
class QualityRecord(Table):
    """What quality.json keeps.

    bundles: SHA-256 of a bundle's files by its name and theirs; models: by bundle and data set;
    codecs: by bits of an image, data set and photo codec.
    """

    bundles: dict[str, dict[str, str]]
    models: dict[str, dict[str, Evaluation]]
    codecs: dict[str, dict[str, dict[str, Baseline]]]


def read_quality(record: Path) -> QualityRecord:
    """The record in a file, empty where there is none; raises DataError."""
    if not record.exists():
        return QualityRecord({}, {}, {})
    try:
        return QualityRecord.read(json.loads(record.read_text()))
    except (ValueError, ConfigurationError) as error:
        raise DataError(f"{record} cannot be used: {error}.") from error


def photographs() -> NDArray[np.uint8]:
    """All tiles [P, 128, 128, 3] of all photographs."""
    return np.concatenate([photograph_tiles(name) for name in PHOTOGRAPHS])


def measure(
    bundles: list[Codec], data: dict[str, Path], limit: int | None, record: Path
) -> QualityRecord:
    """Figures of bundles and photo codecs on data sets and on the photographs.

    What `record` holds already, of the same bundle and number of images, is not measured again.
    Returns all, and writes it to `record`. Raises DataError for data that cannot be used.
    """
    kept = read_quality(record)
    sets = {name: evaluation_images(path, SIDE, limit) for name, path in data.items()}
    sets[PHOTOGRAPHS_NAME] = photographs()
    for codec in bundles:
        files = {
            name: sha
            for name, sha in codec.bundle.manifest.files.items()
            if not name.endswith(".md")
        }
        if kept.bundles.get(codec.name) != files:
            kept.bundles[codec.name] = files
            kept.models[codec.name] = {}
        models = kept.models[codec.name]
        codecs = kept.codecs.setdefault(str(codec.bits_per_region), {})
        for name, images in sets.items():
            if name not in models or models[name].images != len(images):
                models[name], _ = evaluate(codec, images)
            known = codecs.setdefault(name, {})
            for baseline in NAMES:
                if baseline not in known or known[baseline].images != len(images):
                    known[baseline], _ = evaluate_baseline(baseline, images, codec.bits_per_region)
            write_whole(record, json.dumps(kept.to_json(), indent=1, sort_keys=True) + "\n")
    return kept


def beside_codecs(
    kept: QualityRecord, name: str, bits: int
) -> dict[str, dict[str, Evaluation | Baseline]]:
    """Figures by data set and system, of one bundle and then of the photo codecs."""
    return {
        data: {name: ours, **{NAMES[key]: kept.codecs[str(bits)][data][key] for key in NAMES}}
        for data, ours in kept.models[name].items()
    }


def chosen(scores: NDArray[np.float64]) -> dict[str, int]:
    """Numbers of the images of SHOWN, by falling score."""
    order = np.argsort(-scores, kind="stable")
    return {name: int(order[round(share * (len(order) - 1))]) for name, share in SHOWN.items()}


def image_sheet(codec: Codec, images: NDArray[np.uint8], path: Path) -> None:
    """Compose original, ours and the photo codecs, one row for each image of SHOWN."""
    ours = [codec.decode(codec.one_hot(codec.encode(image)), SIDE, SIDE) for image in images]
    rows = chosen(np.array([float(ssim(*pair)) for pair in zip(images, ours, strict=True)]))
    picked = images[list(rows.values())]
    columns = {"original": list(picked), codec.name: [ours[i] for i in rows.values()]}
    for baseline in NAMES:
        _, columns[NAMES[baseline]] = evaluate_baseline(baseline, picked, codec.bits_per_region)
    step = SIDE + MARGIN, SIDE + MARGIN + CAPTION
    sheet = Image.new(
        "RGB", (MARGIN + step[0] * len(columns), CAPTION + step[1] * len(rows)), "white"
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    for column, (title, shown) in enumerate(columns.items()):
        left = MARGIN + step[0] * column
        draw.text((left, 2), title, "black", font)
        for row, (name, image) in enumerate(zip(rows, shown, strict=True)):
            top = CAPTION + step[1] * row
            sheet.paste(Image.fromarray(image), (left, top))
            text = name
            if column:
                figures = quality(picked[row], image)
                text = f"{figures.ssim:.3f}  {figures.psnr_db:.1f} dB"
            draw.text((left, top + SIDE + 2), text, "black", font)
    with whole_path(path) as unfinished:
        sheet.save(unfinished, optimize=True)


def curves(records: dict[str, ModelRecord], base: Path) -> None:
    """SSIM and PSNR of validation against the crops seen, as base.png."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axis, (key, label) in zip(
        figure.subplots(1, 2), (("ssim", "SSIM"), ("psnr_db", "PSNR (dB)")), strict=True
    ):
        for name, record in records.items():
            points = whole_curve(record.history, record.validation)
            axis.plot(
                [point.images / 1000 for point in points],
                [getattr(point, key) for point in points],
                label=name,
            )
        axis.set_xlabel("crops seen (thousands)")
        axis.set_ylabel(f"{label}, validation")
        axis.grid(alpha=0.3)
        axis.legend()
    save_figure(figure, base)


def write_page(bundles: list[Codec], kept: QualityRecord, results: Path, docs: Path) -> None:
    """Write models.md and its figures into `docs`.

    Raises DataError if a bundle has not been measured.
    """
    for codec in bundles:
        if not kept.models.get(codec.name):
            raise DataError(f"{codec.name} has not been measured: give --data.")
    docs.mkdir(parents=True, exist_ok=True)
    images = photographs()
    records = read_model_records(results)
    training_data = dict.fromkeys(
        data for codec in bundles for data in codec.bundle.manifest.training.get("data", ())
    )
    models = []
    for codec in bundles:
        image_sheet(codec, images, docs / f"models_{codec.name}.png")
        flipped = records[codec.name].flipped_bits if codec.name in records else {}
        models.append(
            {
                "name": codec.name,
                "bits": codec.bits_per_region,
                "quality": beside_codecs(kept, codec.name, codec.bits_per_region),
                "flipped": flipped_bits.table(flipped) if flipped else [],
            }
        )
    if records:
        curves(records, docs / "models_training")
    measured = dict.fromkeys(data for model in models for data in model["quality"])
    text = render(
        "models.md",
        models=models,
        training_data=list(training_data),
        seen=[data for data in measured if data in training_data],
        tiles=len(images),
        photographs=len(PHOTOGRAPHS),
        curves=bool(records),
    )
    write_whole(docs / "models.md", text)


def report_models(
    bundles: list[Codec], data: Mapping[str, Path], limit: int | None, results: Path, docs: Path
) -> None:
    """Measure bundles on data sets by name, if there are any, and write the page of them all.

    limit: of images of each data set; results: folder of the records, quality.json among them;
    docs: folder of the page. Raises DataError as `measure` and `write_page`.
    """
    record = results / "quality.json"
    if data:
        measure(bundles, dict(data), limit, record)
    if not record.exists():
        raise DataError(f"{record} does not exist: give --data to measure.")
    write_page(bundles, read_quality(record), results, docs)
