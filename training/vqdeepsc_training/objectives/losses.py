# SPDX-License-Identifier: GPL-3.0-or-later
"""SSIM of Wang (2004) as a differentiable function, and the losses built on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..base.errors import ConfigurationError, DataError
from ..base.schema import Table, entry

WINDOW = 11
SIGMA = 1.5
C1 = 0.01**2
C2 = 0.03**2
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_SIDE = WINDOW * 2 ** (len(MS_SSIM_WEIGHTS) - 1)


@lru_cache(maxsize=16)
def _band(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Band matrix [length - 10, length] that filters a line with the 11-tap Gaussian window.

    Kept on its device: a GPU would have to wait for each copy.
    """
    if length < WINDOW:
        raise DataError(f"SSIM needs images of at least {WINDOW} pixels, but got {length}.")
    taps = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-(taps**2) / (2 * SIGMA**2))
    window = (window / window.sum()).float()
    band = torch.zeros(length - WINDOW + 1, length)
    for row in range(len(band)):
        band[row, row : row + WINDOW] = window
    return band.to(device, dtype)


def _similarities(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure similarity [B, C, H - 10, W - 10] of images [B, C, H, W].

    11x11 Gaussian window of sigma 1.5, only positions where the whole window fits.
    """
    rows = _band(first.shape[2], first.dtype, first.device)
    columns = _band(first.shape[3], first.dtype, first.device).t()
    stack = torch.stack((first, second, first * first, second * second, first * second))
    # Filtering as two matrix products runs several times faster on CPUs than grouped convolutions.
    mean_1, mean_2, square_1, square_2, product = rows @ (stack @ columns)
    variance_1 = square_1 - mean_1 * mean_1
    variance_2 = square_2 - mean_2 * mean_2
    covariance = product - mean_1 * mean_2
    luminance = (2 * mean_1 * mean_2 + C1) / (mean_1 * mean_1 + mean_2 * mean_2 + C1)
    return luminance, (2 * covariance + C2) / (variance_1 + variance_2 + C2)


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """SSIM [B] of images [B, C, H, W] with values in [0, 1]: mean over channels and positions.

    Raises DataError for images below 11 pixels.
    """
    luminance, structure = _similarities(first, second)
    return (luminance * structure).mean(dim=(1, 2, 3))


def ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """MS-SSIM [B] (Wang 2003) of images [B, C, H, W] with values in [0, 1], mean over channels.

    Five scales, each a mean of 2x2 pixels of the one before (a last odd row or column is left
    out); a negative similarity of a scale counts as 0.
    Raises DataError for images below 176 pixels, whose fifth scale is smaller than the window.
    """
    if min(first.shape[2:]) < MS_SSIM_SIDE:
        raise DataError(
            f"MS-SSIM needs images of at least {MS_SSIM_SIDE} pixels, but got "
            f"{min(first.shape[2:])}."
        )
    value = 1.0
    for level, weight in enumerate(MS_SSIM_WEIGHTS):
        if level:
            first, second = avg_pool2d(first, 2), avg_pool2d(second, 2)
        luminance, structure = _similarities(first, second)
        similarity = structure
        if level == len(MS_SSIM_WEIGHTS) - 1:
            similarity = luminance * structure
        value = value * similarity.mean(dim=(2, 3)).clamp_min(0) ** weight
    return value.mean(1)


def psnr(first: Tensor, second: Tensor) -> Tensor:
    """PSNR [B] in dB of images [B, C, H, W] with values in [0, 1]."""
    error = (first - second).square().mean(dim=(1, 2, 3)).clamp_min(1e-10)
    return -10 * torch.log10(error)


@dataclass(frozen=True)
class LossWeights(Table):
    """Weights of the terms of `reconstruction_loss`; one at least is above 0."""

    mae: float = entry(0.0, low=0)
    mse: float = entry(0.0, low=0)
    log_mse: float = entry(0.0, low=0)
    ssim: float = entry(0.0, low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.mae or self.mse or self.log_mse or self.ssim):
            raise ConfigurationError("loss has no weight for mae, mse, log_mse or ssim")


def reconstruction_loss(
    decoded: Tensor, image: Tensor, weights: LossWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted sum of the terms that have a weight.

    `mae`, `mse`, `ssim` (as 1 - SSIM) and `log_mse`: the mean over the images of ln MSE, whose
    gradient is that of the mean PSNR. Returns the loss and its unweighted terms.
    """
    terms = {}
    if weights.mae:
        terms["mae"] = (decoded - image).abs().mean()
    if weights.mse:
        terms["mse"] = (decoded - image).square().mean()
    if weights.log_mse:
        errors = (decoded - image).square().mean(dim=(1, 2, 3))
        terms["log_mse"] = errors.clamp_min(1e-6).log().mean()
    if weights.ssim:
        terms["ssim"] = 1 - ssim(decoded, image).mean()
    loss = sum(getattr(weights, name) * value for name, value in terms.items())
    return loss, {name: value.detach() for name, value in terms.items()}
