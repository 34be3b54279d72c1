# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that stay on the device, and random crops that are made there.

Reads tar files with Pillow alone, so that it works where the core package is not installed.
"""

from __future__ import annotations

import io
import itertools
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..base.errors import DataError

LANCZOS = 3
"""Half the width of the window, in pixels of the smaller image."""
PIXELS_AT_ONCE = 2**23
"""Pixels that are gathered at once: what bounds the memory of a batch's crops."""


def decode(content: bytes) -> NDArray[np.uint8]:
    """An image file as uint8 [H, W, 3]; raises OSError or ValueError if it is none."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


def read_tar(path: Path, going_on: Callable[[], bool] = lambda: True) -> list[NDArray[np.uint8]]:
    """Images uint8 [H, W, 3] of a tar file, decoded by all processors.

    going_on: asked before each image; those that follow a no are left out. Raises DataError for a
    file that is no tar file, holds no image, or one that cannot be decoded.
    """

    def one(content: bytes) -> NDArray[np.uint8] | None:
        return decode(content) if going_on() else None

    try:
        with tarfile.open(path) as archive:
            members = [member for member in archive if member.isfile()]
            contents = [archive.extractfile(member).read() for member in members]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            images = [image for image in pool.map(one, contents) if image is not None]
    except (OSError, ValueError, tarfile.TarError) as error:
        raise DataError(f"{path} cannot be read as a tar file of images: {error}.") from error
    if not images:
        raise DataError(f"{path} holds no image, or there was no time to decode one.")
    return images


@dataclass(frozen=True)
class ResidentImages:
    """Images of all data sets in one tensor on the device.

    pixels: uint8 [P, 3], row by row, one image after the other; starts, heights, widths: of each
    image, on the CPU; owners: number of its data set.
    """

    pixels: Tensor
    starts: NDArray[np.int64]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    owners: NDArray[np.int64]

    @classmethod
    def of(
        cls, sets: Sequence[Sequence[NDArray[np.uint8]]], device: torch.device
    ) -> ResidentImages:
        """Data sets of images uint8 [H, W, 3], copied to the device."""
        images = [image for one in sets for image in one]
        sizes = np.array([image.shape[:2] for image in images], np.int64)
        counts = sizes.prod(1)
        pixels = torch.from_numpy(np.concatenate([image.reshape(-1, 3) for image in images]))
        return cls(
            pixels.to(device),
            np.cumsum(counts) - counts,
            sizes[:, 0],
            sizes[:, 1],
            np.repeat(np.arange(len(sets)), [len(one) for one in sets]),
        )

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class Regions:
    """Square regions of images that become crops: int64 [B], flips bool [B].

    starts: of the region's first pixel; strides: pixels from row to row; sides: in pixels.
    """

    starts: NDArray[np.int64]
    strides: NDArray[np.int64]
    sides: NDArray[np.int64]
    flips: NDArray[np.bool_]


def lanczos_matrices(sides: Tensor, crop: int, largest: int) -> Tensor:
    """Matrices [B, crop, largest] that resize lines of `sides` pixels [B] to `crop`, as Pillow.

    What lies beyond a line's side has the weight 0; `sides` are at least `crop`.
    """
    scale = (sides.float() / crop)[:, None, None]
    to = torch.arange(crop, device=sides.device)[None, :, None] + 0.5
    source = torch.arange(largest, device=sides.device)[None, None, :] + 0.5
    distance = (source - to * scale) / scale
    weights = torch.sinc(distance) * torch.sinc(distance / LANCZOS)
    inside = (distance.abs() < LANCZOS) & (source < sides[:, None, None])
    weights = weights * inside
    return weights / weights.sum(2, keepdim=True)


class ResidentSampler:
    """Random crops of resident images; batch `step` depends on seed and step alone.

    images and shares: where crops come from, and how much of each batch on average comes from each
    data set; crop: side of the crops in pixels; zoom: largest factor by which a region is shrunk
    to a crop; flips: mirror half of them.
    Raises DataError if an image is smaller than a crop, or shares and data sets do not match.
    """

    def __init__(
        self,
        images: ResidentImages,
        shares: Sequence[float],
        crop: int,
        batch: int,
        seed: int,
        zoom: float = 1.0,
        flips: bool = True,
    ) -> None:
        self.members = [np.flatnonzero(images.owners == n) for n in range(len(shares))]
        if len(images.owners) != sum(map(len, self.members)) or not all(map(len, self.members)):
            raise DataError(f"{len(shares)} shares do not fit the data sets.")
        if min(images.heights.min(), images.widths.min()) < crop:
            raise DataError(f"An image to train on is smaller than a crop of {crop} pixels.")
        self.images = images
        self.shares = np.asarray(shares, np.float64) / sum(shares)
        self.crop = crop
        self.batch = batch
        self.seed = seed
        self.zoom = zoom
        self.flips = flips

    def ends_epoch(self, step: int) -> bool:
        """No: images are random, not counted."""
        return False

    def batches(self, step: int, workers: int = 0) -> Iterator[Tensor]:
        """The batches of this step and those after it; workers: not needed."""
        return (self.crops(self.regions(number)) for number in itertools.count(step))

    def regions(self, step: int) -> Regions:
        """What becomes the batch of a step."""
        random = np.random.default_rng((self.seed, step))
        images, count = self.images, self.batch
        owners = random.choice(len(self.shares), count, p=self.shares)
        index = np.array([self.members[n][random.integers(len(self.members[n]))] for n in owners])
        heights, widths = images.heights[index], images.widths[index]
        largest = np.minimum(np.minimum(heights, widths), int(self.crop * self.zoom))
        sides = random.integers(self.crop, largest + 1)
        top, left = random.integers(heights - sides + 1), random.integers(widths - sides + 1)
        flips = random.random(count) < (0.5 if self.flips else 0.0)
        return Regions(images.starts[index] + top * widths + left, widths, sides, flips)

    def crops(self, regions: Regions) -> Tensor:
        """Batch [B, 3, crop, crop] in [0, 1] on the device, channels last."""
        largest = int(regions.sides.max())
        device = self.images.pixels.device
        numbers = torch.from_numpy(
            np.stack([regions.starts, regions.strides, regions.sides, regions.flips])
        )
        if device.type == "cuda":
            numbers = numbers.pin_memory()
        numbers = numbers.to(device, non_blocking=True)
        at_once = max(1, PIXELS_AT_ONCE // largest**2)
        parts = [self._shrunk(part, largest) for part in numbers.split(at_once, 1)]
        return torch.cat(parts).clamp_(0, 1).contiguous(memory_format=torch.channels_last)

    def _shrunk(self, numbers: Tensor, largest: int) -> Tensor:
        """Crops [B, 3, crop, crop] of regions: starts, strides, sides and flips int64 [4, B]."""
        starts, strides, sides, flips = (line[:, None] for line in numbers)
        line = torch.arange(largest, device=numbers.device)[None]
        # Beyond a region the last pixel stands, whose weight is 0 there.
        inside = torch.minimum(line, sides - 1)
        columns = torch.where(flips.bool(), sides - 1 - inside, inside)
        positions = (starts + inside * strides)[:, :, None] + columns[:, None, :]
        found = self.images.pixels[positions.flatten()].view(*positions.shape, 3)
        image = found.permute(0, 3, 1, 2).float().div_(255)
        if largest == self.crop:
            return image
        matrices = lanczos_matrices(numbers[2], self.crop, largest)[:, None]
        return matrices @ image @ matrices.transpose(2, 3)
