# SPDX-License-Identifier: GPL-3.0-or-later
"""Images from folders and tar files, as the run time reads them, and their centre crops."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from vqdeepsc.images.files import ImageError, crop_square
from vqdeepsc.images.finding import find_images

from ..base.errors import DataError


def image_files(folder: Path) -> list[Path]:
    """Image files of a folder and its subfolders, sorted by name; DataError if there is none."""
    try:
        found = find_images([folder], report=lambda sentence: None)
    except ImageError as error:
        raise DataError(f"{error}.") from error
    return [image.path for image in found]


def read_images(path: Path, seed: int | None = None) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Names and images uint8 [H, W, 3] of a folder (with its subfolders), a .tar archive or a file.

    Sorted by name, or shuffled by a seed. Raises DataError for a path that holds no image, and for
    an image that cannot be decoded.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist.")
    try:
        found = list(find_images([path]))
        if seed is not None:
            random.Random(seed).shuffle(found)
        for image in found:
            yield image.name, image.load(strict=True)
    except ImageError as error:
        raise DataError(f"{error}.") from error


def fit(image: Image.Image, smallest: int, largest: int) -> Image.Image:
    """Resize an image so that its shorter side lies between `smallest` and `largest`."""
    shorter = min(image.size)
    wanted = min(max(shorter, smallest), largest)
    if wanted == shorter:
        return image
    scale = wanted / shorter
    size = tuple(max(wanted, round(side * scale)) for side in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def evaluation_images(path: Path, side: int = 128, limit: int | None = None) -> NDArray[np.uint8]:
    """Centre crops uint8 [P, side, side, 3] of the images of a folder or tar file, by name."""
    found = []
    for _, image in read_images(path):
        found.append(crop_square(image, side))
        if limit is not None and len(found) >= limit:
            break
    return np.stack(found)


def short_name(path: Path) -> str:
    """File and folder: enough for a record to tell data sets apart, wherever they lie."""
    return "/".join(path.resolve().parts[-2:])


def named_paths(given: Sequence[str], option: str) -> dict[str, Path]:
    """Paths by name from texts NAME=PATH; raises DataError for another text given as `option`."""
    paths = {}
    for text in given:
        name, separator, path = text.partition("=")
        if not separator:
            raise DataError(f"{option} {text} is not NAME=PATH.")
        paths[name] = Path(path)
    return paths
