# SPDX-License-Identifier: GPL-3.0-or-later
"""The photographs that scikit-image ships: sample data, and images that may be shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from vqdeepsc.images.sample import sample_image

from .images import fit

PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
SIDE = 128


def photograph_tiles(name: str) -> NDArray[np.uint8]:
    """All tiles [P, 128, 128, 3] of a photograph whose shorter side is resized to 256.

    Raises Error where scikit-image or the image is missing.
    """
    with Image.open(sample_image(name)) as image:
        pixels = np.asarray(fit(image.convert("RGB"), 2 * SIDE, 2 * SIDE))
    rows, columns = pixels.shape[0] // SIDE, pixels.shape[1] // SIDE
    return np.stack(
        [
            pixels[SIDE * r : SIDE * (r + 1), SIDE * c : SIDE * (c + 1)]
            for r in range(rows)
            for c in range(columns)
        ]
    )
