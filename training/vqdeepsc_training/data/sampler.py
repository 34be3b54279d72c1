# SPDX-License-Identifier: GPL-3.0-or-later
"""Random crops in batches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..base import distributed
from ..base.errors import DataError

if TYPE_CHECKING:
    from .cache import ImageCache

LUMA = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)


def jittered(image: Tensor, amount: float, random: np.random.Generator) -> Tensor:
    """Images [B, 3, H, W] in [0, 1] with other brightness, contrast and saturation.

    Each of the three factors of an image lies between 1 - amount and 1 + amount: of the values,
    of their distance to the image's mean, and of their distance to the pixel's luma.
    """
    factors = 1 + amount * random.uniform(-1, 1, (3, len(image), 1, 1, 1))
    brightness, contrast, saturation = torch.from_numpy(factors).float()
    image = brightness * image
    image = torch.lerp(image.mean((1, 2, 3), keepdim=True), image, contrast)
    image = torch.lerp((LUMA * image).sum(1, keepdim=True), image, saturation)
    return image.clamp(0, 1)


class BatchSampler(Dataset):
    """Random crops; batch `step` depends on seed, step and process, so that resuming is exact.

    caches and shares: where images come from, and how much of each batch on average;
    crop: side of the crops in pixels; zoom: largest factor by which a region is shrunk to a crop;
    epochs: take every image once in each pass over all data sets, whatever their shares;
    flips: mirror half of the crops; colour: amount of `jittered`.
    """

    def __init__(
        self,
        caches: list[ImageCache],
        shares: Sequence[float],
        crop: int,
        batch: int,
        seed: int,
        zoom: float = 1.0,
        epochs: bool = False,
        flips: bool = True,
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
        # Worker processes belong to no group of training processes.
        self.rank, self.processes = distributed.rank(), distributed.processes()
        self._order_epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    @property
    def images(self) -> int:
        """Images of all data sets."""
        return sum(len(cache) for cache in self.caches)

    def steps(self, epochs: int) -> int:
        """Steps in which all processes together see every image `epochs` times."""
        return math.ceil(epochs * self.images / (self.batch * self.processes))

    def ends_epoch(self, steps: int) -> bool:
        """Whether the last of so many steps was the last one of an epoch, where epochs count."""
        at_once = self.batch * self.processes
        return self.epochs and steps * at_once % self.images < at_once

    def _random_image(self, random: np.random.Generator) -> np.ndarray:
        cache = self.caches[random.choice(len(self.caches), p=self.shares)]
        return cache[random.integers(len(cache))]

    def _epoch_image(self, number: int) -> np.ndarray:
        """Image `number` of the run, counted over all processes and epochs."""
        epoch, position = divmod(number, self.images)
        if epoch != self._order_epoch:
            # The third number keeps this apart from the randomness of the crops.
            random = np.random.default_rng((self.seed, epoch, 2**32 - 1))
            self._order_epoch, self._order = epoch, random.permutation(self.images)
        index = int(self._order[position])
        ends = np.cumsum([len(cache) for cache in self.caches])
        owner = int(np.searchsorted(ends, index, side="right"))
        return self.caches[owner][index - int(ends[owner]) + len(self.caches[owner])]

    def _crop(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        largest = min(height, width, int(self.crop * self.zoom))
        side = int(random.integers(self.crop, largest + 1))
        top = random.integers(height - side + 1)
        left = random.integers(width - side + 1)
        region = image[top : top + side, left : left + side]
        if side != self.crop:
            shrunk = Image.fromarray(region).resize((self.crop,) * 2, Image.Resampling.LANCZOS)
            region = np.asarray(shrunk)
        return region[:, ::-1] if self.flips and random.random() < 0.5 else region

    def batches(self, step: int, workers: int) -> Iterator[Tensor]:
        """The batches of this step and those after it; workers: processes that make them."""
        loader = DataLoader(
            self,
            batch_size=None,
            sampler=itertools.count(step),
            num_workers=workers,
            generator=torch.Generator(),
        )
        return iter(loader)

    def __getitem__(self, step: int) -> Tensor:
        """Batch [B, 3, crop, crop] in [0, 1] of a step."""
        random = np.random.default_rng((self.seed, step, self.rank))
        first = (step * self.processes + self.rank) * self.batch
        crops = np.stack(
            [
                self._crop(
                    self._epoch_image(first + i) if self.epochs else self._random_image(random),
                    random,
                )
                for i in range(self.batch)
            ]
        )
        image = torch.from_numpy(crops).permute(0, 3, 1, 2).float().div_(255)
        return jittered(image, self.colour, random) if self.colour else image
