# SPDX-License-Identifier: GPL-3.0-or-later
"""Try smaller number formats on a bundle: python -m vqdeepsc_training.variants --bundle NAME ...

int8: graphs whose convolutions are quantised (8-bit weights by channel, 8-bit features, ranges from
calibration pictures); fp16: graphs that compute in half precision. A variant pays if it costs less
than 0.002 of SSIM and is a tenth smaller or faster.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
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

from .arguments import count, side
from .data import DataError, evaluation_pictures
from .evaluate import evaluate

GRAPHS = ("encoder.onnx", "decoder.onnx")
COST = 0.002
GAIN = 0.9
TIMED = 20


class Inputs(CalibrationDataReader):
    """Hands a graph's inputs to the calibration one by one."""

    def __init__(self, feeds: list[dict[str, NDArray]]) -> None:
        self.feeds = iter(feeds)

    def get_next(self) -> dict[str, NDArray] | None:
        return next(self.feeds, None)


def graph_inputs(codec: Codec, pictures: NDArray[np.uint8]) -> dict[str, list[dict[str, NDArray]]]:
    """What encoder and decoder get for pictures uint8 [P, H, W, 3], by file name."""
    feeds: dict[str, list[dict]] = {name: [] for name in GRAPHS}
    for picture in pictures:
        image = (picture.transpose(2, 0, 1)[None] / 255).astype(np.float32)
        labels = codec.encode(picture).labels
        feeds["encoder.onnx"].append({"image": image})
        feeds["decoder.onnx"].append({
            f"q{scale}": codec.bundle.codebooks[scale][found].transpose(2, 0, 1)[None].copy()
            for scale, found in labels.items()})
    return feeds


def to_int8(source: Path, target: Path, feeds: list[dict[str, NDArray]]) -> None:
    """Quantise the convolutions of a graph."""
    prepared = target.with_suffix(".prepared")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantize_static(prepared, target, Inputs(feeds), quant_format=QuantFormat.QDQ,
                    op_types_to_quantize=["Conv"], per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
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
    onnx.save(half, target)


CONVERSIONS = {"int8": to_int8, "fp16": to_fp16}


def write_variant(codec: Codec, kind: str, graphs: tuple[str, ...], folder: Path,
                  feeds: dict[str, list[dict[str, NDArray]]]) -> None:
    """Copy of a bundle in `folder` with some graphs converted."""
    manifest = codec.bundle.manifest
    folder.mkdir(parents=True, exist_ok=True)
    for name in manifest.files:
        shutil.copy(manifest.directory / name, folder / name)
    for name in graphs:
        CONVERSIONS[kind](manifest.directory / name, folder / name, feeds[name])
    write_manifest(folder, name=manifest.name, version=f"{manifest.version}+{kind}",
                   priors={scale.scale: scale.prior for scale in codec.scales},
                   training=manifest.content["training"], measured={})


def milliseconds(codec: Codec, pictures: NDArray[np.uint8]) -> dict[str, float]:
    """Median processor time that a codec takes to encode and to decode one picture."""
    times: dict[str, list[float]] = {"encode": [], "decode": []}
    for picture in pictures[:TIMED]:
        started = time.process_time()
        indices = codec.encode(picture)
        encoded = time.process_time()
        codec.decode(codec.one_hot(indices), *picture.shape[1::-1])
        times["encode"].append(encoded - started)
        times["decode"].append(time.process_time() - encoded)
    return {key: round(1000 * float(np.median(values)), 2) for key, values in times.items()}


def measure(directory: Path, pictures: NDArray[np.uint8], threads: int) -> dict:
    """Size, speed and quality of the bundle in a directory."""
    codec = Codec(directory, threads=threads)
    figures, _ = evaluate(codec, pictures)
    return {"kilobytes": {name: round((directory / name).stat().st_size / 1000)
                          for name in GRAPHS},
            "milliseconds": milliseconds(codec, pictures),
            "ssim": figures["ssim"], "psnr_db": figures["psnr_db"]}


def pays(original: dict, variant: dict) -> bool:
    """Whether a variant costs less than COST and is smaller or faster by a tenth."""
    smaller, faster = (sum(variant[key].values()) <= GAIN * sum(original[key].values())
                       for key in ("kilobytes", "milliseconds"))
    return original["ssim"] - variant["ssim"] < COST and (smaller or faster)


def try_variants(args: argparse.Namespace) -> dict[str, dict]:
    """Measure the bundle and every variant; those that pay stay in the output folder.

    Raises DataError or ValueError in one sentence.
    """
    logging.getLogger().setLevel(logging.ERROR)
    codec = Codec(args.bundle, threads=args.threads)
    calibration = evaluation_pictures(args.calibration, args.size, args.calibration_pictures)
    feeds = graph_inputs(codec, calibration)
    pictures = evaluation_pictures(args.data, args.size, args.limit)
    results = {"original": measure(codec.bundle.manifest.directory, pictures, args.threads)}
    for kind in CONVERSIONS:
        for part, graphs in (("decoder", GRAPHS[1:]), ("both", GRAPHS)):
            folder = args.output / f"{codec.name}-{kind}-{part}"
            write_variant(codec, kind, graphs, folder, feeds)
            measured = measure(folder, pictures, args.threads)
            measured["pays"] = pays(results["original"], measured)
            results[f"{kind}, {part}"] = measured
            if not measured["pays"]:
                shutil.rmtree(folder)
    return results


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.variants",
        description="Convert a bundle to int8 and to fp16 and measure what that costs and brings.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--bundle", required=True, help="directory or name of the bundle")
    parser.add_argument("--output", type=Path, required=True,
                        help="folder for the variants that pay")
    parser.add_argument("--calibration", type=Path, required=True,
                        help="folder or tar file of pictures that set the ranges of int8")
    parser.add_argument("--calibration-pictures", type=count, default=40, help="how many at most")
    parser.add_argument("--data", type=Path, required=True,
                        help="folder or tar file of pictures to measure on")
    parser.add_argument("--limit", type=count, default=100, help="how many at most")
    parser.add_argument("--size", type=side, default=128, help="side of the centre crops in pixels")
    parser.add_argument("--threads", type=count, default=1, help="processor threads")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    args = parse_args(argv)
    try:
        results = try_variants(args)
    except (DataError, ValueError, OSError) as error:
        print(f"variants: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(results, indent=1))
        return 0
    print(f"{'':<14}  encoder  decoder   encode    decode    SSIM    PSNR  pays")
    for name, one in results.items():
        kilobytes, ms = one["kilobytes"].values(), one["milliseconds"].values()
        said = {None: "", True: "yes", False: "no"}[one.get("pays")]
        print(f"{name:<14}" + "".join(f"{value:>6} kB" for value in kilobytes)
              + "".join(f"{value:>7.1f} ms" for value in ms)
              + f"  {one['ssim']:.4f}  {one['psnr_db']:.2f}  {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
