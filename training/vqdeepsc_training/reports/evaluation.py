# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle, or a photo codec, makes of images without noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from vqdeepsc.codec import Codec, region_count
from vqdeepsc.images.baselines import compress, decompress, mid_grey

from ..base.files import whole_path
from ..data.images import evaluation_images
from ..objectives.quality import entropy_share, mean_quality, quality
from ..trainer.record import Baseline, Evaluation

SHEET_IMAGES = 24


@dataclass(frozen=True, kw_only=True)
class Comparison(Evaluation):
    """An evaluation of a bundle, and of photo codecs by name."""

    baselines: dict[str, Baseline]


def evaluate(codec: Codec, images: NDArray[np.uint8]) -> tuple[Evaluation, list[NDArray[np.uint8]]]:
    """Noiseless quality of a codec on images uint8 [P, H, W, 3], and the decoded images."""
    scales = {scale.scale: scale.codewords for scale in codec.scales}
    counts = {scale: np.zeros(codewords) for scale, codewords in scales.items()}
    figures = []
    decoded_images = []
    for image in images:
        indices = codec.encode(image)
        height, width = image.shape[:2]
        decoded = codec.decode(codec.one_hot(indices), width, height)
        for scale, found in indices.maps.items():
            counts[scale] += np.bincount(found.ravel(), minlength=scales[scale])
        figures.append(quality(image, decoded))
        decoded_images.append(decoded)
    result = Evaluation(
        images=len(images),
        **vars(mean_quality(figures)),
        entropy_share={f"s{scale}": round(entropy_share(c), 3) for scale, c in counts.items()},
        index_counts={f"s{scale}": tuple(c.astype(int).tolist()) for scale, c in counts.items()},
    )
    return result, decoded_images


def evaluate_baseline(
    name: str, images: NDArray[np.uint8], bits: int
) -> tuple[Baseline, list[NDArray[np.uint8]]]:
    """Quality of a photo codec on images uint8 [P, H, W, 3], at most `bits` bits each.

    Each image has the largest quality setting that fits; one that fits at none is mid-grey and
    counted as failed. Returns the decoded images too.
    """
    figures, decoded_images, failed = [], [], 0
    for image in images:
        height, width = image.shape[:2]
        file = compress(image, name, bits)
        if file is None:
            failed += 1
            decoded = mid_grey(width, height)
        else:
            decoded = decompress(file.content, width, height)
        figures.append(quality(image, decoded))
        decoded_images.append(decoded)
    means = vars(mean_quality(figures))
    return Baseline(images=len(images), failed=failed, **means), decoded_images


def sheet(images: NDArray, decoded: list[NDArray], count: int, columns: int = 8) -> Image.Image:
    """The first `count` images, each above what was decoded."""
    pairs = [np.concatenate(pair) for pair in zip(images[:count], decoded[:count], strict=True)]
    columns = min(columns, len(pairs))
    while len(pairs) % columns:
        pairs.append(np.full_like(pairs[0], 255))
    rows = [np.concatenate(pairs[i : i + columns], axis=1) for i in range(0, len(pairs), columns)]
    return Image.fromarray(np.concatenate(rows))


def evaluate_bundle(
    codec: Codec,
    data: Sequence[Path],
    size: int = 128,
    limit: int | None = None,
    baselines: Sequence[str] = (),
    sheet_path: Path | None = None,
) -> dict[str, Comparison]:
    """Figures of a codec, and of photo codecs at its number of bits, by data set.

    data: folders or tar files of images, at most `limit` of each, of which the centre crops of
    `size` pixels are taken; sheet_path: file for a sheet of originals and decoded images, with a
    number for each data set if there are several.
    Raises DataError for data that cannot be used.
    """
    results = {}
    bits = codec.bits_per_region * region_count(size, size)
    for number, path in enumerate(data, start=1):
        images = evaluation_images(path, size, limit)
        figures, decoded = evaluate(codec, images)
        results[str(path)] = Comparison(
            **vars(figures),
            baselines={name: evaluate_baseline(name, images, bits)[0] for name in baselines},
        )
        if sheet_path:
            sheet_path.parent.mkdir(parents=True, exist_ok=True)
            name = sheet_path.stem + ("" if len(data) == 1 else f"-{number}")
            with whole_path(sheet_path.with_name(name + sheet_path.suffix)) as unfinished:
                sheet(images, decoded, min(SHEET_IMAGES, len(images))).save(unfinished)
    return results
