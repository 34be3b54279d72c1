# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a bundle: python -m vqdeepsc_training.evaluate --bundle DIRECTORY --data PATH..."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from .data import DataError, evaluation_pictures
from .repository import Codec, psnr, ssim


def colour_difference(picture: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """Mean CIEDE2000 between two pictures [H, W, 3]."""
    return float(deltaE_ciede2000(rgb2lab(picture), rgb2lab(decoded)).mean())


def entropy_share(counts: NDArray) -> float:
    """Entropy of label counts [N] as a share of log2 N."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum() / np.log2(len(counts)))


def evaluate(codec: Codec, pictures: NDArray[np.uint8]) -> tuple[dict, list[NDArray[np.uint8]]]:
    """Noiseless quality of a codec on pictures uint8 [P, H, W, 3].

    Returns the mean SSIM, PSNR (dB), CIEDE2000, the share of each codebook's bits that the labels'
    entropy uses, and the decoded pictures.
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
        figures.append((float(ssim(picture, decoded)), float(psnr(picture, decoded)),
                        colour_difference(picture, decoded)))
        decoded_pictures.append(decoded)
    means = np.mean(figures, axis=0)
    result = {
        "pictures": len(pictures),
        "ssim": round(float(means[0]), 4),
        "psnr_db": round(float(means[1]), 2),
        "ciede2000": round(float(means[2]), 2),
        "entropy_share": {f"s{scale}": round(entropy_share(c), 3) for scale, c in counts.items()},
    }
    return result, decoded_pictures


def sheet(pictures: NDArray, decoded: list[NDArray], count: int, columns: int = 8) -> Image.Image:
    """The first `count` pictures, each above what was decoded."""
    pairs = [np.concatenate(pair) for pair in zip(pictures[:count], decoded[:count], strict=True)]
    while len(pairs) % columns:
        pairs.append(np.full_like(pairs[0], 255))
    rows = [np.concatenate(pairs[i : i + columns], axis=1) for i in range(0, len(pairs), columns)]
    return Image.fromarray(np.concatenate(rows))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.evaluate", description="Measure a bundle, noiseless.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--bundle", required=True, help="directory or name of the bundle")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="folders or tar files of pictures")
    parser.add_argument("--size", type=int, default=128, help="side of the centre crop in pixels")
    parser.add_argument("--limit", type=int, help="number of pictures of each data set at most")
    parser.add_argument("--sheet", type=Path, help="write a sheet of original and decoded pictures")
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
            results[str(path)], decoded = evaluate(codec, pictures)
            if args.sheet:
                args.sheet.parent.mkdir(parents=True, exist_ok=True)
                name = args.sheet.stem + ("" if len(args.data) == 1 else f"-{len(results)}")
                sheet(pictures, decoded, min(24, len(pictures))).save(
                    args.sheet.with_name(name + args.sheet.suffix))
    except (DataError, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(results))
        return 0
    for path, figures in results.items():
        shares = " ".join(f"{name} {share:.0%}" for name, share in figures["entropy_share"].items())
        print(f"{path}: {figures['pictures']} pictures, SSIM {figures['ssim']:.4f}, "
              f"PSNR {figures['psnr_db']:.2f} dB, CIEDE2000 {figures['ciede2000']:.2f}, "
              f"entropy {shares}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
