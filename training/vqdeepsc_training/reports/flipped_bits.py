# SPDX-License-Identifier: GPL-3.0-or-later
"""What one flipped bit costs.

Before index assignment a flipped bit turns a codeword into any other one, all equally likely over
the possible assignments; afterwards, into one of those whose indices differ in one bit. Both are
measured at the same positions, by decoding the image with every codeword that can come there.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vqdeepsc.codec import Codec, Indices
from vqdeepsc.images.metrics import ssim

from ..base.files import write_whole


def losses(
    codec: Codec, image: NDArray[np.uint8], scale: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """SSIM lost by replacing one index of a scale, at a random position of an image [H, W, 3].

    Returns [N]: entry d is for the index XOR d, so entry 0 is 0.
    """
    indices = codec.encode(image)
    height, width = image.shape[:2]
    codewords = next(s.codewords for s in codec.scales if s.scale == scale)
    position = tuple(random.integers(side) for side in indices.maps[scale].shape)
    rows = []
    for difference in range(codewords):
        changed = dict(indices.maps)
        changed[scale] = changed[scale].copy()
        changed[scale][position] ^= difference
        rows.append(codec.to_bits(Indices(width, height, changed)))
    decoded = codec.decode_many(np.stack(rows), width, height, soft=False)
    values = ssim(image, decoded)
    return values[0] - values


def measure(codec: Codec, images: NDArray[np.uint8], positions: int, seed: int) -> dict[str, dict]:
    """Mean SSIM lost by one flipped bit of each scale, on images uint8 [P, H, W, 3].

    positions: random ones of each image, for the scale of the most codewords; with N times fewer
    codewords, N times as many, for as much drawing. Returns by scale: `random`, the mean over all
    assignments; `assigned`, with the indices that the bundle has; `difference_error`, the standard
    error of the difference of the two.
    """
    random = np.random.default_rng(seed)
    most = max(scale.codewords for scale in codec.scales)
    result = {}
    for scale in codec.scales:
        found = np.array(
            [
                losses(codec, image, scale.scale, random)
                for image in images
                for _ in range(positions * most // scale.codewords)
            ]
        )
        one_bit = 1 << np.arange(scale.bits)
        before, after = found[:, 1:].mean(1), found[:, one_bit].mean(1)
        result[f"s{scale.scale}"] = {
            "random": float(before.mean()),
            "assigned": float(after.mean()),
            "difference_error": float((before - after).std(ddof=1) / np.sqrt(len(found))),
        }
    return result


def table(measured: dict[str, dict]) -> list[str]:
    """Markdown table of what `measure` returned, in thousandths of SSIM."""
    lines = [
        "| Scale | Random indices | Assigned indices | Standard error of the difference |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {key[1:]} | {1000 * one['random']:.3f} | {1000 * one['assigned']:.3f} | "
        f"{1000 * one['difference_error']:.3f} |"
        for key, one in measured.items()
    ]
    return lines


def keep_record(
    path: Path, codec: Codec, measured: dict[str, dict], *, images: int, positions: int, seed: int
) -> None:
    """Write what `measure` returned into a JSON file, beside the figures of other bundles."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[codec.name] = {
        "model_id": codec.model_id,
        "images": images,
        "positions": positions,
        "seed": seed,
        "scales": measured,
    }
    write_whole(path, json.dumps(kept, indent=1, sort_keys=True) + "\n")
