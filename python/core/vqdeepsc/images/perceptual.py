# SPDX-License-Identifier: GPL-3.0-or-later
"""How different two images look: CIEDE2000, and SSIMULACRA2 and FLIP where they are installed."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vqdeepsc.errors import ParameterError

_SSIMULACRA2_SIDE = 8  # pixels of the smallest image that has a score

_CIE_DELTA = 6 / 29
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, IEC 61966-2-1
_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]],
)


def ciede2000(reference: NDArray[np.uint8], image: NDArray[np.uint8]) -> float:
    """Mean CIEDE2000 colour difference of the pixels (CIE 142:2001), 0 for an equal image.

    reference, image: uint8 [H, W, 3], sRGB. Raises ValueError for different shapes."""
    _check_shapes(reference, image)
    return float(np.mean(_difference(_lab(reference), _lab(image))))


def ssimulacra2(reference: NDArray[np.uint8], image: NDArray[np.uint8]) -> float:
    """SSIMULACRA2 score, 100 for an equal image, below 0 for a very bad one; NaN below 8 pixels.

    reference, image: uint8 [H, W, 3]. Raises ValueError for different shapes and ParameterError
    without the package ssimulacra2."""
    _check_shapes(reference, image)
    package = _package("ssimulacra2", "SSIMULACRA2", "ssimulacra2")
    if min(reference.shape[:2]) < _SSIMULACRA2_SIDE:
        return math.nan
    return float(package.compute_ssimulacra2(_png(reference), _png(image)))


def flip(reference: NDArray[np.uint8], image: NDArray[np.uint8]) -> float:
    """Mean FLIP error, 0 for an equal image to 1, at 67 pixels a degree.

    reference, image: uint8 [H, W, 3]. Raises ValueError for different shapes and ParameterError
    without the package flip-evaluator."""
    _check_shapes(reference, image)
    package = _package("flip_evaluator", "FLIP", "flip-evaluator")
    pair = (np.ascontiguousarray(one, np.float32) / 255 for one in (reference, image))
    return float(package.evaluate(*pair, "LDR", applyMagma=False)[1])


METRICS: dict[str, Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]] = {
    "ciede2000": ciede2000,
    "ssimulacra2": ssimulacra2,
    "flip": flip,
}


def _check_shapes(reference: NDArray[np.uint8], image: NDArray[np.uint8]) -> None:
    if reference.shape != image.shape or reference.ndim != 3:
        raise ValueError(
            f"images of different size: {list(reference.shape)} and {list(image.shape)}"
        )


def _package(module: str, metric: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ParameterError(f"{metric} needs the Python package {package}") from error


def _png(image: NDArray[np.uint8]) -> io.BytesIO:
    """The package takes files alone."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=0)
    file.seek(0)
    return file


def _lab(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE 1976 L*a*b* [3, H, W] of sRGB."""
    values = np.arange(256) / 255
    curve = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    x, y, z = np.moveaxis(curve[image] @ _TO_XYZ.T / _WHITE, -1, 0)
    fx, fy, fz = (
        np.where(t > _CIE_DELTA**3, np.cbrt(t), t / (3 * _CIE_DELTA**2) + 4 / 29) for t in (x, y, z)
    )
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def _difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> Any:
    """CIEDE2000 with all weights 1: G. Sharma, W. Wu, E. N. Dalal, Color Res. Appl. 30 (2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    boost = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    c1, c2 = np.hypot(boost * a1, b1), np.hypot(boost * a2, b2)
    h1, h2 = (np.arctan2(b, boost * a) % (2 * np.pi) for a, b in ((a1, b1), (a2, b2)))
    product = c1 * c2
    turn = (h2 - h1 + np.pi) % (2 * np.pi) - np.pi
    turn = np.where(product == 0, 0, turn)
    hue_step = 2 * np.sqrt(product) * np.sin(turn / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = np.where(product == 0, h1 + h2, (h1 + turn / 2) % (2 * np.pi))
    tone = (
        1
        - 0.17 * np.cos(mean_h - np.pi / 6)
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.pi / 30)
        - 0.20 * np.cos(4 * mean_h - np.deg2rad(63))
    )
    blue = np.deg2rad(30) * np.exp(-(((np.rad2deg(mean_h) - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * np.sin(2 * blue)
    away = (mean_l - 50) ** 2
    step_l = (l2 - l1) / (1 + 0.015 * away / np.sqrt(20 + away))
    step_c = (c2 - c1) / (1 + 0.045 * mean_c)
    step_h = hue_step / (1 + 0.015 * mean_c * tone)
    squared = step_l**2 + step_c**2 + step_h**2 + rotation * step_c * step_h
    return np.sqrt(np.maximum(squared, 0))
