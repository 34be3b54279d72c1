# SPDX-License-Identifier: GPL-3.0-or-later
"""SSIM of Wang (2004) as a differentiable function, and the losses built on it."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

WINDOW = 11
SIGMA = 1.5
C1 = 0.01**2
C2 = 0.03**2


@lru_cache(maxsize=16)
def _band(length: int) -> Tensor:
    """Band matrix [length - 10, length] that filters a line with the 11-tap Gaussian window."""
    if length < WINDOW:
        raise ValueError(f"SSIM needs pictures of at least {WINDOW} pixels, but got {length}.")
    taps = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-(taps**2) / (2 * SIGMA**2))
    window = (window / window.sum()).float()
    band = torch.zeros(length - WINDOW + 1, length)
    for row in range(len(band)):
        band[row, row : row + WINDOW] = window
    return band


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """SSIM [B] of pictures [B, C, H, W] with values in [0, 1]: mean over channels and positions.

    11x11 Gaussian window of sigma 1.5, only positions where the whole window fits.
    Raises ValueError for pictures below 11 pixels.
    """
    rows = _band(first.shape[2]).to(first)
    columns = _band(first.shape[3]).to(first).t()
    stack = torch.stack((first, second, first * first, second * second, first * second))
    # Filtering as two matrix products runs several times faster on CPUs than grouped convolutions.
    mean_1, mean_2, square_1, square_2, product = rows @ (stack @ columns)
    variance_1 = square_1 - mean_1 * mean_1
    variance_2 = square_2 - mean_2 * mean_2
    covariance = product - mean_1 * mean_2
    values = ((2 * mean_1 * mean_2 + C1) * (2 * covariance + C2)) / (
        (mean_1 * mean_1 + mean_2 * mean_2 + C1) * (variance_1 + variance_2 + C2)
    )
    return values.mean(dim=(1, 2, 3))


def psnr(first: Tensor, second: Tensor) -> Tensor:
    """PSNR [B] in dB of pictures [B, C, H, W] with values in [0, 1]."""
    error = (first - second).square().mean(dim=(1, 2, 3)).clamp_min(1e-10)
    return -10 * torch.log10(error)


def reconstruction_loss(
    decoded: Tensor, image: Tensor, weights: dict[str, float]
) -> tuple[Tensor, dict[str, float]]:
    """Weighted sum of the terms that `weights` names.

    `mae`, `mse`, `ssim` (as 1 - SSIM) and `log_mse`: the mean over the pictures of ln MSE, whose
    gradient is that of the mean PSNR. Returns the loss and its unweighted terms.
    """
    terms = {}
    if weights.get("mae"):
        terms["mae"] = (decoded - image).abs().mean()
    if weights.get("mse"):
        terms["mse"] = (decoded - image).square().mean()
    if weights.get("log_mse"):
        errors = (decoded - image).square().mean(dim=(1, 2, 3))
        terms["log_mse"] = errors.clamp_min(1e-6).log().mean()
    if weights.get("ssim"):
        terms["ssim"] = 1 - ssim(decoded, image).mean()
    loss = sum(weights[name] * value for name, value in terms.items())
    return loss, {name: value.item() for name, value in terms.items()}
