# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality of decoded images, and how evenly indices are used."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from vqdeepsc.images.metrics import psnr, ssim

from .losses import MS_SSIM_SIDE, ms_ssim

DIGITS = {"ssim": 4, "psnr_db": 2, "ciede2000": 2, "ms_ssim": 4}


def colour_difference(image: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """Mean CIEDE2000 between two images [H, W, 3]."""
    return float(deltaE_ciede2000(rgb2lab(image), rgb2lab(decoded)).mean())


def entropy_share(counts: NDArray) -> float:
    """Entropy of index counts [N] as a share of log2 N."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum() / np.log2(len(counts)))


def quality(image: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> dict[str, float]:
    """SSIM, PSNR (dB) and CIEDE2000 of a decoded image [H, W, 3].

    MS-SSIM too where it is defined, from 176 pixels a side.
    """
    figures = {
        "ssim": float(ssim(image, decoded)),
        "psnr_db": float(psnr(image, decoded)),
        "ciede2000": colour_difference(image, decoded),
    }
    if min(image.shape[:2]) >= MS_SSIM_SIDE:
        pair = (
            torch.from_numpy(p.copy()).permute(2, 0, 1)[None].double() / 255
            for p in (image, decoded)
        )
        figures["ms_ssim"] = ms_ssim(*pair).item()
    return figures


def mean_quality(figures: list[dict[str, float]]) -> dict[str, float | None]:
    """Means over images, rounded; `ms_ssim` is None where it is not defined."""
    means = {key: float(np.mean([one[key] for one in figures])) for key in figures[0]}
    rounded = {key: round(value, DIGITS[key]) for key, value in means.items()}
    return {key: rounded.get(key) for key in DIGITS}


def format_quality(figures: dict) -> str:
    """One line of text for figures as `evaluate` and `evaluate_baseline` return them."""
    text = (
        f"SSIM {figures['ssim']:.4f}  PSNR {figures['psnr_db']:.2f} dB  "
        f"CIEDE2000 {figures['ciede2000']:.2f}"
    )
    if figures["ms_ssim"] is not None:
        text += f"  MS-SSIM {figures['ms_ssim']:.4f}"
    if figures.get("failed"):
        text += f"  ({figures['failed']} fit at no quality, scored as mid-grey)"
    return text
