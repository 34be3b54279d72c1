# SPDX-License-Identifier: GPL-3.0-or-later
"""Images from folders and tar files, and their centre crops."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..base.errors import DataError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff", ".avif"}


def read_image(data: bytes, name: str) -> Image.Image:
    """RGB image from the bytes of a file, turned upright by its EXIF orientation.

    Raises DataError if the bytes are no image that can be decoded.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as error:
        raise DataError(f"{name} cannot be read as an image.") from error


def image_files(folder: Path) -> list[Path]:
    """Image files of a folder and its subfolders, sorted by name."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)


def read_images(path: Path) -> Iterator[tuple[str, Image.Image]]:
    """Names and RGB images of a folder (with its subfolders) or a tar file, sorted by name.

    Raises DataError if the path is neither, holds no image, or holds one that cannot be decoded.
    """
    count = 0
    if path.is_dir():
        for file in image_files(path):
            count += 1
            yield file.name, read_image(file.read_bytes(), str(file))
    elif path.is_file():
        try:
            with tarfile.open(path) as archive:
                members = [
                    m
                    for m in archive.getmembers()
                    if m.isfile() and Path(m.name).suffix.lower() in SUFFIXES
                ]
                for member in sorted(members, key=lambda m: m.name):
                    count += 1
                    file = archive.extractfile(member)
                    yield member.name, read_image(file.read(), f"{member.name} in {path}")
        except (tarfile.TarError, EOFError) as error:
            raise DataError(f"{path} is neither a folder nor a readable tar file.") from error
    else:
        raise DataError(f"{path} does not exist.")
    if count == 0:
        raise DataError(f"{path} holds no image.")


def fit(image: Image.Image, smallest: int, largest: int) -> Image.Image:
    """Resize an image so that its shorter side lies between `smallest` and `largest`."""
    shorter = min(image.size)
    wanted = min(max(shorter, smallest), largest)
    if wanted == shorter:
        return image
    scale = wanted / shorter
    size = tuple(max(wanted, round(side * scale)) for side in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def centre_crop(image: Image.Image, side: int) -> np.ndarray:
    """Shorter side resized to `side`, centre square cut out: uint8 [side, side, 3]."""
    scale = side / min(image.size)
    size = tuple(max(side, round(length * scale)) for length in image.size)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)), dtype=np.uint8)


def evaluation_images(path: Path, side: int = 128, limit: int | None = None) -> np.ndarray:
    """Centre crops uint8 [P, side, side, 3] of the images of a folder or tar file, by name."""
    found = []
    for _, image in read_images(path):
        found.append(centre_crop(image, side))
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
