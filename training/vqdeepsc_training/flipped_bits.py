# SPDX-License-Identifier: GPL-3.0-or-later
"""What one flipped bit costs: python -m vqdeepsc_training.flipped_bits --bundle NAME --data PATH.

Before index assignment a flipped bit turns a codeword into any other one, all equally likely over
the possible assignments; afterwards, into one of those whose labels differ in one bit. Both are
measured in the same places, by drawing the picture with every codeword that can come there.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vqdeepsc.codec import Codec, Indices
from vqdeepsc.images.metrics import ssim

from .arguments import count, natural, side
from .data import DataError, evaluation_pictures


def losses(codec: Codec, picture: NDArray[np.uint8], scale: int,
           random: np.random.Generator) -> NDArray[np.float64]:
    """SSIM lost by replacing one label of a scale, at a random place of a picture [H, W, 3].

    Returns [N]: entry d is for the label XOR d, so entry 0 is 0.
    """
    indices = codec.encode(picture)
    height, width = picture.shape[:2]
    codewords = next(s.codewords for s in codec.scales if s.scale == scale)
    place = tuple(random.integers(side) for side in indices.labels[scale].shape)
    rows = []
    for difference in range(codewords):
        labels = dict(indices.labels)
        labels[scale] = labels[scale].copy()
        labels[scale][place] ^= difference
        rows.append(codec.to_bits(Indices(width, height, labels)))
    drawn = codec.decode_many(np.stack(rows), width, height, soft=False)
    values = ssim(picture, drawn)
    return values[0] - values


def measure(codec: Codec, pictures: NDArray[np.uint8], places: int, seed: int) -> dict[str, dict]:
    """Mean SSIM lost by one flipped bit of each scale, on pictures uint8 [P, H, W, 3].

    places: random places of each picture, for the scale of the most codewords; with N times fewer
    codewords, N times as many, for as much drawing. Returns by scale: `random`, the mean over all
    assignments; `assigned`, with the labels that the bundle has; `difference_error`, the standard
    error of the difference of the two.
    """
    random = np.random.default_rng(seed)
    most = max(scale.codewords for scale in codec.scales)
    result = {}
    for scale in codec.scales:
        found = np.array([losses(codec, picture, scale.scale, random)
                          for picture in pictures
                          for _ in range(places * most // scale.codewords)])
        one_bit = 1 << np.arange(scale.bits)
        before, after = found[:, 1:].mean(1), found[:, one_bit].mean(1)
        result[f"s{scale.scale}"] = {
            "random": float(before.mean()), "assigned": float(after.mean()),
            "difference_error": float((before - after).std(ddof=1) / np.sqrt(len(found))),
        }
    return result


def table(measured: dict[str, dict]) -> list[str]:
    """Markdown table of what `measure` returned, in thousandths of SSIM."""
    lines = ["| Scale | Random labels | Assigned labels | Standard error of the difference |",
             "|---|---|---|---|"]
    lines += [f"| {key[1:]} | {1000 * one['random']:.3f} | {1000 * one['assigned']:.3f} | "
              f"{1000 * one['difference_error']:.3f} |" for key, one in measured.items()]
    return lines


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vqdeepsc_training.flipped_bits",
        description="Measure what one flipped bit of each scale costs, in thousandths of SSIM.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--bundle", required=True, help="directory or name of the bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder or tar file of pictures")
    parser.add_argument("--size", type=side, default=128, help="side of the centre crop in pixels")
    parser.add_argument("--pictures", type=count, default=40, help="how many at most")
    parser.add_argument("--places", type=count, default=1,
                        help="places of each picture, for the scale of the most codewords")
    parser.add_argument("--seed", type=natural, default=0, help="of the places")
    parser.add_argument("--record", type=Path,
                        help="also keep the figures in this file, by bundle")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    args = parse_args(argv)
    try:
        codec = Codec(args.bundle)
        pictures = evaluation_pictures(args.data, args.size, args.pictures)
        measured = measure(codec, pictures, args.places, args.seed)
        if args.record:
            kept = json.loads(args.record.read_text()) if args.record.exists() else {}
            kept[codec.name] = {"model_id": codec.model_id, "pictures": len(pictures),
                                "places": args.places, "seed": args.seed, "scales": measured}
            args.record.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    except (DataError, ValueError, OSError) as error:
        print(f"flipped_bits: {error}", file=sys.stderr)
        return 2
    print("\n".join(table(measured)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
