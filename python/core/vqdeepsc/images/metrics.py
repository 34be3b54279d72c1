# SPDX-License-Identifier: GPL-3.0-or-later
"""How near a received image is to the sent one: SSIM and PSNR."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WINDOW_SIZE = 11
"""Pixels of a side of the window of SSIM; a smaller image has none."""
_SIGMA = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2


def _gaussian_window() -> NDArray[np.float64]:
    offsets = np.arange(WINDOW_SIZE) - WINDOW_SIZE // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


_WINDOW = _gaussian_window()


def ssim(reference: NDArray[np.uint8], images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean structural similarity of RGB images to a reference, 1 for an equal one.

    Wang et al. 2004: Gaussian window 11x11 with sigma 1.5, population covariance, range 255, mean
    over the positions where the window fits and over the channels.

    reference: uint8 [H, W, 3]; images: uint8 [..., H, W, 3]. Returns float64 [...].
    Raises ValueError for other shapes or images smaller than the window."""
    x = _channels_first(reference)
    y = _channels_first(images)
    if x.ndim != 3 or y.shape[-3:] != x.shape:
        raise ValueError(
            f"images of different size: {list(reference.shape)} and {list(images.shape)}"
        )
    if min(x.shape[1:]) < WINDOW_SIZE:
        raise ValueError(f"SSIM needs at least {WINDOW_SIZE}x{WINDOW_SIZE} pixels")
    moments_x = _window_mean(np.stack([x, x * x]))
    flat = y.reshape(-1, *x.shape)
    # one image at a time stays in the cache
    scores = [_similarity(x, moments_x, image) for image in flat]
    return np.array(scores).reshape(y.shape[:-3])


def psnr(reference: NDArray[np.uint8], images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio in dB over all channels, infinite for an equal image.

    reference: uint8 [H, W, 3]; images: uint8 [..., H, W, 3]. Returns float64 [...].
    Raises ValueError for other shapes."""
    if reference.ndim != 3 or images.shape[-3:] != reference.shape:
        raise ValueError(
            f"images of different size: {list(reference.shape)} and {list(images.shape)}"
        )
    difference = images.astype(np.float64) - reference
    with np.errstate(divide="ignore"):
        decibels: NDArray[np.float64] = 10 * np.log10(
            255**2 / np.mean(difference**2, axis=(-3, -2, -1))
        )
    return decibels


class Quality(NamedTuple):
    """How near an image is to another one: SSIM, NaN where it is too small for one, and PSNR."""

    ssim: float
    psnr_db: float


def quality(reference: NDArray[np.uint8], image: NDArray[np.uint8]) -> Quality:
    """Quality of an image uint8 [H, W, 3] against a reference of the same shape."""
    return qualities(reference, image[None])[0]


def qualities(reference: NDArray[np.uint8], images: NDArray[np.uint8]) -> list[Quality]:
    """Quality of each image of uint8 [N, H, W, 3] against a reference uint8 [H, W, 3]."""
    ssims = [math.nan] * len(images)
    if min(reference.shape[:2]) >= WINDOW_SIZE:
        ssims = list(map(float, ssim(reference, images)))
    psnrs = map(float, psnr(reference, images))
    return [Quality(*both) for both in zip(ssims, psnrs, strict=True)]


def _channels_first(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.moveaxis(images, -1, -3).astype(np.float64)


def _similarity(
    x: NDArray[np.float64], moments_x: NDArray[np.float64], y: NDArray[np.float64]
) -> float:
    mean_x, square_x = moments_x
    mean_y, square_y, product = _window_mean(np.stack([y, y * y, x * y]))
    mean_product = mean_x * mean_y
    mean_squares = mean_x * mean_x + mean_y * mean_y
    similarity = (2 * mean_product + _C1) * (2 * (product - mean_product) + _C2)
    similarity /= (mean_squares + _C1) * (square_x + square_y - mean_squares + _C2)
    return float(similarity.mean())


def _window_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean in each full window: [..., H, W] to [..., H - 10, W - 10]."""
    for axis in (-2, -1):
        values = values.swapaxes(axis, 0)
        size = len(values) - WINDOW_SIZE + 1
        half = WINDOW_SIZE // 2
        total = _WINDOW[half] * values[half : half + size]
        for i in range(half):  # the window is symmetric
            j = WINDOW_SIZE - 1 - i
            total += _WINDOW[i] * (values[i : i + size] + values[j : j + size])
        values = total.swapaxes(axis, 0)
    return values
