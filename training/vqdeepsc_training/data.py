# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures from folders and tar files, decoded once into a memory-mapped cache; random crops."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from . import distributed

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff", ".avif"}


class DataError(Exception):
    """Data that cannot be used; the message is one sentence for the user."""


def read_picture(data: bytes, name: str) -> Image.Image:
    """RGB picture from the bytes of a file, turned upright by its EXIF orientation.

    Raises DataError if the bytes are no picture that can be decoded.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError,
            Image.DecompressionBombError) as error:
        raise DataError(f"{name} cannot be read as a picture.") from error


def pictures(path: Path) -> Iterator[tuple[str, Image.Image]]:
    """Names and RGB pictures of a folder (with its subfolders) or a tar file, sorted by name.

    Raises DataError if the path is neither, holds no picture, or holds one that cannot be decoded.
    """
    count = 0
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES):
            count += 1
            yield file.name, read_picture(file.read_bytes(), str(file))
    elif path.is_file():
        try:
            with tarfile.open(path) as archive:
                members = [m for m in archive.getmembers()
                           if m.isfile() and Path(m.name).suffix.lower() in SUFFIXES]
                for member in sorted(members, key=lambda m: m.name):
                    count += 1
                    file = archive.extractfile(member)
                    yield member.name, read_picture(file.read(), f"{member.name} in {path}")
        except (tarfile.TarError, EOFError) as error:
            raise DataError(f"{path} is neither a folder nor a readable tar file.") from error
    else:
        raise DataError(f"{path} does not exist.")
    if count == 0:
        raise DataError(f"{path} holds no picture.")


@dataclass
class PictureCache:
    """Decoded pictures in one memory-mapped file of bytes: picture i is [H, W, 3] at offsets[i]."""

    pixels: np.ndarray
    offsets: list[int]
    sizes: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> np.ndarray:
        height, width = self.sizes[index]
        start = self.offsets[index]
        return self.pixels[start : start + 3 * height * width].reshape(height, width, 3)


def fit(picture: Image.Image, smallest: int, largest: int) -> Image.Image:
    """Resize a picture so that its shorter side lies between `smallest` and `largest`."""
    shorter = min(picture.size)
    wanted = min(max(shorter, smallest), largest)
    if wanted == shorter:
        return picture
    scale = wanted / shorter
    size = tuple(max(wanted, round(side * scale)) for side in picture.size)
    return picture.resize(size, Image.Resampling.LANCZOS)


def open_cache(source: Path, folder: Path, smallest: int, largest: int) -> PictureCache:
    """Cache of the pictures of `source` in `folder`; made on first use, mapped afterwards.

    Pictures are kept with a shorter side of `smallest` to `largest` pixels.
    Raises DataError as `pictures` does.
    """
    if not source.exists():
        raise DataError(f"{source} does not exist.")
    stamp = f"{source.resolve()} {source.stat().st_mtime_ns} {smallest} {largest}"
    base = folder / hashlib.sha256(stamp.encode()).hexdigest()[:16]
    index_file, pixel_file = base.with_suffix(".json"), base.with_suffix(".pixels")
    if not index_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        offsets, sizes, position = [], [], 0
        # Several processes may do this at once; each whole file replaces an equal one.
        unfinished = pixel_file.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as out:
            for _, picture in pictures(source):
                array = np.asarray(fit(picture, smallest, largest), dtype=np.uint8)
                offsets.append(position)
                sizes.append(array.shape[:2])
                position += array.size
                out.write(array.tobytes())
        unfinished.replace(pixel_file)
        unfinished.write_text(json.dumps({"offsets": offsets, "sizes": sizes}))
        unfinished.replace(index_file)
    index = json.loads(index_file.read_text())
    pixels = np.memmap(pixel_file, dtype=np.uint8, mode="r")
    return PictureCache(pixels, index["offsets"], [tuple(size) for size in index["sizes"]])


LUMA = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)


def jittered(image: Tensor, amount: float, random: np.random.Generator) -> Tensor:
    """Pictures [B, 3, H, W] in [0, 1] with other brightness, contrast and saturation.

    Each of the three factors of a picture lies between 1 - amount and 1 + amount: of the values,
    of their distance to the picture's mean, and of their distance to the pixel's luma.
    """
    factors = 1 + amount * random.uniform(-1, 1, (3, len(image), 1, 1, 1))
    brightness, contrast, saturation = torch.from_numpy(factors).float()
    image = brightness * image
    image = torch.lerp(image.mean((1, 2, 3), keepdim=True), image, contrast)
    image = torch.lerp((LUMA * image).sum(1, keepdim=True), image, saturation)
    return image.clamp(0, 1)


class BatchSampler:
    """Random crops; batch `step` depends on seed, step and process, so that resuming is exact.

    caches and shares: where pictures come from, and how much of each batch on average;
    crop: side of the crops in pixels; zoom: largest factor by which a region is shrunk to a crop;
    epochs: take every picture once in each pass over all data sets, whatever their shares;
    flips: mirror half of the crops; colour: amount of `jittered`.
    """

    def __init__(
        self, caches: list[PictureCache], shares: list[float], crop: int, batch: int,
        seed: int, zoom: float = 1.0, epochs: bool = False, flips: bool = True,
        colour: float = 0.0,
    ) -> None:
        if len(caches) != len(shares):
            raise DataError(f"{len(caches)} data sets are given, but {len(shares)} shares.")
        self.caches = caches
        self.shares = np.asarray(shares, dtype=np.float64) / sum(shares)
        self.crop = crop
        self.batch = batch
        self.seed = seed
        self.zoom = zoom
        self.epochs = epochs
        self.flips = flips
        self.colour = colour

    @property
    def pictures(self) -> int:
        """Pictures of all data sets."""
        return sum(len(cache) for cache in self.caches)

    def steps(self, epochs: int) -> int:
        """Steps in which all processes together see every picture `epochs` times."""
        return math.ceil(epochs * self.pictures / (self.batch * distributed.processes()))

    def ends_epoch(self, steps: int) -> bool:
        """Whether the last of so many steps was the last one of an epoch, where epochs count."""
        at_once = self.batch * distributed.processes()
        return self.epochs and steps * at_once % self.pictures < at_once

    def _drawn(self, random: np.random.Generator) -> np.ndarray:
        cache = self.caches[random.choice(len(self.caches), p=self.shares)]
        return cache[random.integers(len(cache))]

    def _of_epoch(self, number: int) -> np.ndarray:
        """Picture `number` of the run, counted over all processes and epochs."""
        epoch, place = divmod(number, self.pictures)
        # The third number keeps this apart from the randomness of the crops.
        order = np.random.default_rng((self.seed, epoch, 2**32 - 1)).permutation(self.pictures)
        index = int(order[place])
        ends = np.cumsum([len(cache) for cache in self.caches])
        owner = int(np.searchsorted(ends, index, side="right"))
        return self.caches[owner][index - int(ends[owner]) + len(self.caches[owner])]

    def _crop(self, picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
        height, width = picture.shape[:2]
        largest = min(height, width, int(self.crop * self.zoom))
        side = int(random.integers(self.crop, largest + 1))
        top = random.integers(height - side + 1)
        left = random.integers(width - side + 1)
        region = picture[top : top + side, left : left + side]
        if side != self.crop:
            shrunk = Image.fromarray(region).resize((self.crop,) * 2, Image.Resampling.LANCZOS)
            region = np.asarray(shrunk)
        return region[:, ::-1] if self.flips and random.random() < 0.5 else region

    def __call__(self, step: int) -> Tensor:
        """Batch [B, 3, crop, crop] in [0, 1] of a step."""
        random = np.random.default_rng((self.seed, step, distributed.rank()))
        first = (step * distributed.processes() + distributed.rank()) * self.batch
        crops = np.stack([
            self._crop(self._of_epoch(first + i) if self.epochs else self._drawn(random), random)
            for i in range(self.batch)])
        image = torch.from_numpy(crops).permute(0, 3, 1, 2).float().div_(255)
        return jittered(image, self.colour, random) if self.colour else image


def sampler_of(configuration: dict, caches: list[PictureCache],
               shares: list[float]) -> BatchSampler:
    """Sampler of the crops that a configuration asks for."""
    return BatchSampler(
        caches, shares, configuration["crop"], configuration["batch"], configuration["seed"],
        configuration.get("zoom", 1.0), "epochs" in configuration,
        configuration.get("flips", True), configuration.get("colour", 0.0))


def centre_crop(picture: Image.Image, side: int) -> np.ndarray:
    """Shorter side resized to `side`, centre square cut out: uint8 [side, side, 3]."""
    scale = side / min(picture.size)
    size = tuple(max(side, round(length * scale)) for length in picture.size)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)), dtype=np.uint8)


def evaluation_pictures(path: Path, side: int = 128, limit: int | None = None) -> np.ndarray:
    """Centre crops uint8 [P, side, side, 3] of the pictures of a folder or tar file, by name."""
    found = []
    for _, picture in pictures(path):
        found.append(centre_crop(picture, side))
        if limit is not None and len(found) >= limit:
            break
    return np.stack(found)
