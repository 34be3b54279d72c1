# SPDX-License-Identifier: GPL-3.0-or-later
"""Smaller number formats of a bundle.

int8: graphs whose convolutions are quantised (8-bit weights by channel, 8-bit features, ranges from
calibration images); fp16: graphs that compute in half precision. A variant pays if it costs less
than 0.002 of SSIM and is a tenth smaller or faster.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16
from vqdeepsc.codec import Codec, write_manifest

from ..base.files import whole_path
from ..base.schema import Table
from ..data.images import evaluation_images
from ..reports.evaluation import evaluate

GRAPHS = ("encoder.onnx", "decoder.onnx")
COST = 0.002
GAIN = 0.9
TIMED = 20
CALIBRATION_IMAGES = 40
LIMIT = 100


@dataclass(frozen=True)
class MeasuredVariant(Table):
    """A bundle in one number format.

    kilobytes: by graph; milliseconds: processor time to encode and to decode an image; pays:
    whether it is kept, None of the original.
    """

    kilobytes: dict[str, int]
    milliseconds: dict[str, float]
    ssim: float
    psnr_db: float
    pays: bool | None = None


class Inputs(CalibrationDataReader):
    """Hands a graph's inputs to the calibration one by one."""

    def __init__(self, feeds: list[dict[str, NDArray]]) -> None:
        self.feeds = iter(feeds)

    def get_next(self) -> dict[str, NDArray] | None:
        return next(self.feeds, None)


def graph_inputs(codec: Codec, images: NDArray[np.uint8]) -> dict[str, list[dict[str, NDArray]]]:
    """What encoder and decoder get for images uint8 [P, H, W, 3], by file name."""
    feeds: dict[str, list[dict]] = {name: [] for name in GRAPHS}
    for image in images:
        values = (image.transpose(2, 0, 1)[None] / 255).astype(np.float32)
        indices = codec.encode(image).maps
        feeds["encoder.onnx"].append({"image": values})
        feeds["decoder.onnx"].append(
            {
                f"q{scale}": codec.bundle.codebooks[scale][found].transpose(2, 0, 1)[None].copy()
                for scale, found in indices.items()
            }
        )
    return feeds


def to_int8(source: Path, target: Path, feeds: list[dict[str, NDArray]]) -> None:
    """Quantise the convolutions of a graph."""
    prepared = target.with_suffix(".prepared")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        target,
        Inputs(feeds),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    prepared.unlink()


def to_fp16(source: Path, target: Path, feeds: list[dict[str, NDArray]]) -> None:
    """Make a graph compute in half precision; inputs and outputs stay as they are."""
    with tempfile.TemporaryDirectory() as folder:
        # The runtime folds the casts of stored half-precision weights into plain weights.
        plain = Path(folder) / "plain.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(plain)
        onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        half = convert_float_to_float16(onnx.load(plain), keep_io_types=True)
    with whole_path(target) as unfinished:
        onnx.save(half, unfinished)


CONVERSIONS = {"int8": to_int8, "fp16": to_fp16}


def write_variant(
    codec: Codec,
    kind: str,
    graphs: tuple[str, ...],
    folder: Path,
    feeds: dict[str, list[dict[str, NDArray]]],
) -> None:
    """Copy of a bundle in `folder` with some graphs converted."""
    manifest = codec.bundle.manifest
    folder.mkdir(parents=True, exist_ok=True)
    for name in manifest.files:
        shutil.copy(manifest.directory / name, folder / name)
    for name in graphs:
        CONVERSIONS[kind](manifest.directory / name, folder / name, feeds[name])
    write_manifest(
        folder,
        name=manifest.name,
        version=f"{manifest.version}+{kind}",
        priors={scale.scale: scale.prior for scale in codec.scales},
        training=manifest.training,
        measured={},
    )


def milliseconds(codec: Codec, images: NDArray[np.uint8]) -> dict[str, float]:
    """Median processor time that a codec takes to encode and to decode one image."""
    times: dict[str, list[float]] = {"encode": [], "decode": []}
    for image in images[:TIMED]:
        started = time.process_time()
        indices = codec.encode(image)
        encoded = time.process_time()
        codec.decode(codec.one_hot(indices), *image.shape[1::-1])
        times["encode"].append(encoded - started)
        times["decode"].append(time.process_time() - encoded)
    return {key: round(1000 * float(np.median(values)), 2) for key, values in times.items()}


def measure(directory: Path, images: NDArray[np.uint8], threads: int) -> MeasuredVariant:
    """Size, speed and quality of the bundle in a directory."""
    codec = Codec(directory, threads=threads)
    figures, _ = evaluate(codec, images)
    return MeasuredVariant(
        {name: round((directory / name).stat().st_size / 1000) for name in GRAPHS},
        milliseconds(codec, images),
        figures.ssim,
        figures.psnr_db,
    )


def pays(original: MeasuredVariant, variant: MeasuredVariant) -> bool:
    """Whether a variant costs less than COST and is smaller or faster by a tenth."""
    smaller, faster = (
        sum(after.values()) <= GAIN * sum(before.values())
        for before, after in (
            (original.kilobytes, variant.kilobytes),
            (original.milliseconds, variant.milliseconds),
        )
    )
    return original.ssim - variant.ssim < COST and (smaller or faster)


def try_variants(
    bundle: str | Path,
    output: Path,
    calibration: Path,
    data: Path,
    *,
    calibration_images: int = CALIBRATION_IMAGES,
    limit: int = LIMIT,
    size: int = 128,
    threads: int = 1,
) -> dict[str, MeasuredVariant]:
    """Measure a bundle and every variant; those that pay stay in the folder `output`.

    calibration: folder or tar file of images that set the ranges of int8, and `data`: to measure
    on, at most `calibration_images` and `limit` of them, centre crops of `size` pixels.
    Raises an Error in one sentence.
    """
    logging.getLogger().setLevel(logging.ERROR)
    codec = Codec(bundle, threads=threads)
    calibrating = evaluation_images(calibration, size, calibration_images)
    feeds = graph_inputs(codec, calibrating)
    images = evaluation_images(data, size, limit)
    results = {"original": measure(codec.bundle.manifest.directory, images, threads)}
    for kind in CONVERSIONS:
        for part, graphs in (("decoder", GRAPHS[1:]), ("both", GRAPHS)):
            folder = output / f"{codec.name}-{kind}-{part}"
            write_variant(codec, kind, graphs, folder, feeds)
            measured = measure(folder, images, threads)
            kept = pays(results["original"], measured)
            results[f"{kind}, {part}"] = replace(measured, pays=kept)
            if not kept:
                shutil.rmtree(folder)
    return results
