# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality of decoded images, and how evenly indices are used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from vqdeepsc.images.metrics import psnr, ssim

from ..base.quality import Quality
from .losses import MS_SSIM_SIDE, ms_ssim

DIGITS = {"ssim": 4, "psnr_db": 2, "ciede2000": 2, "ms_ssim": 4}


def colour_difference(image: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """Mean CIEDE2000 between two images [H, W, 3]."""
    return float(deltaE_ciede2000(rgb2lab(image), rgb2lab(decoded)).mean())


def entropy_share(counts: NDArray) -> float:
    """Entropy of index counts [N] as a share of log2 N."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum() / np.log2(len(counts)))


def quality(image: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> Quality:
    """Quality of a decoded image [H, W, 3]."""
    multi_scale = None
    if min(image.shape[:2]) >= MS_SSIM_SIDE:
        pair = (
            torch.from_numpy(p.copy()).permute(2, 0, 1)[None].double() / 255
            for p in (image, decoded)
        )
        multi_scale = ms_ssim(*pair).item()
    return Quality(
        ssim=float(ssim(image, decoded)),
        psnr_db=float(psnr(image, decoded)),
        ciede2000=colour_difference(image, decoded),
        ms_ssim=multi_scale,
    )


def mean_quality(figures: Sequence[Quality]) -> Quality:
    """Means over images, rounded to DIGITS."""
    means = {}
    for key, digits in DIGITS.items():
        values = [getattr(one, key) for one in figures]
        means[key] = None if None in values else round(float(np.mean(values)), digits)
    return Quality(**means)
