# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a bundle: python -m vqdeepsc_training.evaluate --bundle DIRECTORY --data PATH..."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from vqdeepsc.codec import Codec, region_count
from vqdeepsc.images.baselines import BASELINES, compress, decompress, mid_grey
from vqdeepsc.images.metrics import psnr, ssim

from .arguments import count, side
from .data import DataError, evaluation_pictures
from .losses import MS_SSIM_SIDE, ms_ssim

DIGITS = {"ssim": 4, "psnr_db": 2, "ciede2000": 2, "ms_ssim": 4}


def colour_difference(picture: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """Mean CIEDE2000 between two pictures [H, W, 3]."""
    return float(deltaE_ciede2000(rgb2lab(picture), rgb2lab(decoded)).mean())


def entropy_share(counts: NDArray) -> float:
    """Entropy of label counts [N] as a share of log2 N."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum() / np.log2(len(counts)))


def quality(picture: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> dict[str, float]:
    """SSIM, PSNR (dB) and CIEDE2000 of a decoded picture [H, W, 3].

    MS-SSIM too where it is defined, from 176 pixels a side.
    """
    figures = {
        "ssim": float(ssim(picture, decoded)),
        "psnr_db": float(psnr(picture, decoded)),
        "ciede2000": colour_difference(picture, decoded),
    }
    if min(picture.shape[:2]) >= MS_SSIM_SIDE:
        pair = (torch.from_numpy(p.copy()).permute(2, 0, 1)[None].double() / 255
                for p in (picture, decoded))
        figures["ms_ssim"] = ms_ssim(*pair).item()
    return figures


def mean_quality(figures: list[dict[str, float]]) -> dict[str, float | None]:
    """Means over pictures, rounded; `ms_ssim` is None where it is not defined."""
    means = {key: float(np.mean([one[key] for one in figures])) for key in figures[0]}
    rounded = {key: round(value, DIGITS[key]) for key, value in means.items()}
    return {key: rounded.get(key) for key in DIGITS}


def evaluate(codec: Codec, pictures: NDArray[np.uint8]) -> tuple[dict, list[NDArray[np.uint8]]]:
    """Noiseless quality of a codec on pictures uint8 [P, H, W, 3].

    Returns the mean of `quality`, how often each label occurs, the share of each codebook's bits
    that the labels' entropy uses, and the decoded pictures.
    """
    scales = {scale.scale: scale.codewords for scale in codec.scales}
    counts = {scale: np.zeros(codewords) for scale, codewords in scales.items()}
    figures = []
    decoded_pictures = []
    for picture in pictures:
        indices = codec.encode(picture)
        height, width = picture.shape[:2]
        decoded = codec.decode(codec.one_hot(indices), width, height)
        for scale, labels in indices.labels.items():
            counts[scale] += np.bincount(labels.ravel(), minlength=scales[scale])
        figures.append(quality(picture, decoded))
        decoded_pictures.append(decoded)
    result = {
        "pictures": len(pictures),
        **mean_quality(figures),
        "entropy_share": {f"s{scale}": round(entropy_share(c), 3) for scale, c in counts.items()},
        "label_counts": {f"s{scale}": c.astype(int).tolist() for scale, c in counts.items()},
    }
    return result, decoded_pictures


def evaluate_baseline(name: str, pictures: NDArray[np.uint8],
                      bits: int) -> tuple[dict, list[NDArray[np.uint8]]]:
    """Quality of a photo codec on pictures uint8 [P, H, W, 3], at most `bits` bits each.

    Each picture has the largest quality setting that fits; one that fits at none is mid-grey and
    counted as `failed`. Returns the mean of `quality` and the decoded pictures.
    """
    figures, decoded_pictures, failed = [], [], 0
    for picture in pictures:
        height, width = picture.shape[:2]
        file = compress(picture, name, bits)
        if file is None:
            failed += 1
            decoded = mid_grey(width, height)
        else:
            decoded = decompress(file.content, width, height)
        figures.append(quality(picture, decoded))
        decoded_pictures.append(decoded)
    return {"pictures": len(pictures), **mean_quality(figures), "failed": failed}, decoded_pictures


def sheet(pictures: NDArray, decoded: list[NDArray], count: int, columns: int = 8) -> Image.Image:
    """The first `count` pictures, each above what was decoded."""
    pairs = [np.concatenate(pair) for pair in zip(pictures[:count], decoded[:count], strict=True)]
    columns = min(columns, len(pairs))
    while len(pairs) % columns:
        pairs.append(np.full_like(pairs[0], 255))
    rows = [np.concatenate(pairs[i : i + columns], axis=1) for i in range(0, len(pairs), columns)]
    return Image.fromarray(np.concatenate(rows))


def described(figures: dict) -> str:
    """One line of text for figures as `evaluate` and `evaluate_baseline` return them."""
    text = (f"SSIM {figures['ssim']:.4f}  PSNR {figures['psnr_db']:.2f} dB  "
            f"CIEDE2000 {figures['ciede2000']:.2f}")
    if figures["ms_ssim"] is not None:
        text += f"  MS-SSIM {figures['ms_ssim']:.4f}"
    if figures.get("failed"):
        text += f"  ({figures['failed']} fit at no quality, scored as mid-grey)"
    return text


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.evaluate", description="Measure a bundle, noiseless.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--bundle", required=True, help="directory or name of the bundle")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="folders or tar files of pictures")
    parser.add_argument("--size", type=side, default=128, help="side of the centre crop in pixels")
    parser.add_argument("--limit", type=count, help="number of pictures of each data set at most")
    parser.add_argument("--sheet", type=Path, help="write a sheet of original and decoded pictures")
    parser.add_argument("--baselines", nargs="*", choices=BASELINES, default=(),
                        help="photo codecs to measure at the bundle's number of bits")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    args = parse_args(argv)
    results = {}
    try:
        codec = Codec(args.bundle)
        for path in args.data:
            pictures = evaluation_pictures(path, args.size, args.limit)
            figures, decoded = evaluate(codec, pictures)
            bits = codec.bits_per_region * region_count(args.size, args.size)
            results[str(path)] = figures | {"baselines": {
                name: evaluate_baseline(name, pictures, bits)[0] for name in args.baselines}}
            if args.sheet:
                args.sheet.parent.mkdir(parents=True, exist_ok=True)
                name = args.sheet.stem + ("" if len(args.data) == 1 else f"-{len(results)}")
                sheet(pictures, decoded, min(24, len(pictures))).save(
                    args.sheet.with_name(name + args.sheet.suffix))
    except (DataError, ValueError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(results))
        return 0
    for path, figures in results.items():
        shares = " ".join(f"{name} {share:.0%}" for name, share in figures["entropy_share"].items())
        print(f"{path}: {figures['pictures']} pictures, entropy {shares}")
        for name, measured in {codec.name: figures, **figures["baselines"]}.items():
            print(f"  {name:<14}" + described(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
