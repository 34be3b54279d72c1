# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are decoded once, into a memory-mapped cache."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..base.errors import DataError
from ..base.files import whole_file, write_whole
from .images import fit, image_files, read_images

CACHE = Path("runs/cache")
"""Folder for decoded images, where none is given."""

READER = 2
"""Changes with what a file is decoded to; 2: as the run time does, with colour profiles."""


@dataclass
class ImageCache:
    """Decoded images in one memory-mapped file of bytes: image i is [H, W, 3] at offsets[i]."""

    pixels: np.ndarray
    offsets: list[int]
    sizes: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> np.ndarray:
        height, width = self.sizes[index]
        start = self.offsets[index]
        return self.pixels[start : start + 3 * height * width].reshape(height, width, 3)


def fingerprint(source: Path, smallest: int, largest: int) -> str:
    """Name of the cache of a folder or tar file: another one when a file of it changes."""
    state = hashlib.sha256(f"{READER} {source.resolve()} {smallest} {largest}".encode())
    # The time of a folder says nothing of its subfolders, nor of files that are written anew.
    for file in image_files(source) if source.is_dir() else [source]:
        facts = file.stat()
        state.update(f"\0{file.relative_to(source)} {facts.st_size} {facts.st_mtime_ns}".encode())
    return state.hexdigest()[:16]


def open_cache(source: Path, folder: Path, smallest: int, largest: int) -> ImageCache:
    """Cache of the images of `source` in `folder`; made on first use, mapped afterwards.

    Images are kept with a shorter side of `smallest` to `largest` pixels.
    Raises DataError as `read_images` does.
    """
    if not source.exists():
        raise DataError(f"{source} does not exist.")
    base = folder / fingerprint(source, smallest, largest)
    index_file, pixel_file = base.with_suffix(".json"), base.with_suffix(".pixels")
    if not index_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        offsets, sizes, position = [], [], 0
        # Several processes may do this at once; each whole file replaces an equal one.
        with whole_file(pixel_file) as out:
            for _, image in read_images(source):
                array = np.asarray(fit(Image.fromarray(image), smallest, largest))
                offsets.append(position)
                sizes.append(array.shape[:2])
                position += array.size
                out.write(array.tobytes())
        write_whole(index_file, json.dumps({"offsets": offsets, "sizes": sizes}))
    index = json.loads(index_file.read_text())
    pixels = np.memmap(pixel_file, dtype=np.uint8, mode="r")
    return ImageCache(pixels, index["offsets"], [tuple(size) for size in index["sizes"]])
