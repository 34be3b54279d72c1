# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that arrive, in any order and from several senders, to images."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.changed_limits import allowed, option
from vqdeepsc.codec import Codec, region_count
from vqdeepsc.kernels import REGION_BLOCKS, FrameHeader
from vqdeepsc.limits import (
    MAXIMUM_IMAGES_IN_FLIGHT,
    MAXIMUM_MISSING_RATIO,
    MAXIMUM_REGIONS_IN_FLIGHT,
)

from .frames import Burst, FrameError, check_copies


@dataclass(frozen=True)
class ReceivedImage:
    """A decoded image: uint8 [H, W, 3], its number, and how many of its regions arrived.

    snr_db: mean of its bursts, decoded_at: when the last of them was (time.monotonic()); None where
    the regions did not say.
    """

    image: NDArray[np.uint8]
    number: int
    regions: int
    received: int
    snr_db: float | None = None
    decoded_at: float | None = None


@dataclass
class _Incomplete:
    """What has arrived of an image: regions of LLRs, and which of them are free of errors."""

    header: FrameHeader
    llrs: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    certain: set[int] = field(default_factory=set)
    received: Counter[int] = field(default_factory=Counter)
    complete: int = 0
    bursts: int = 0
    snr_sum: float = 0.0
    decoded_at: float | None = None
    touched: float = field(default_factory=time.monotonic)

    @property
    def regions(self) -> int:
        """Regions that the image has."""
        header = self.header
        return region_count(header.width, header.height, header.version)

    def add(
        self, region: int, llrs: NDArray[np.float32], combined: int, errors: int | None
    ) -> None:
        if region in self.certain:
            return
        if errors == 0 or combined > 1 or region not in self.llrs:
            self.llrs[region] = np.array(llrs, np.float32)
        else:
            self.llrs[region] += llrs
        if errors == 0:
            self.certain.add(region)


class ImageAssembler:
    """Collects the regions of images until they are complete, or the next one of a sender begins.

    Senders are told apart by the sessions of their frames and may take turns. With too many images
    or regions in flight the oldest image is dropped, and so is one of which too little has arrived
    when it would be decoded.

    copies: how often each region is sent, at least 1; an image is complete with so many of each.
    on_drop: called with a sentence for an image that is dropped.
    """

    def __init__(
        self,
        codec: Codec,
        copies: int = 1,
        on_drop: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        check_copies(copies)
        self._on_drop = on_drop
        self._codec = codec
        self._copies = copies
        # By the session of the sender, the one that a frame came of last at the end.
        self._images: dict[tuple[int, int], _Incomplete] = {}

    @property
    def has_begun(self) -> bool:
        """Whether some regions of an image have arrived and the image is not decoded."""
        return bool(self._images)

    def add(
        self,
        header: FrameHeader,
        llrs: NDArray[np.float32],
        combined: int = 1,
        errors: int | None = None,
        burst: Burst | None = None,
    ) -> list[ReceivedImage]:
        """Take LLRs float [bits_per_region] of one region; return the images that are done.

        LLRs of a region that comes twice are added, unless the later ones stem from several
        copies already (combined > 1): then they take the place of the earlier ones. A region
        without errors (errors: of its code blocks, None if unknown) stays as it is, whatever
        comes after it. Raises FrameError for a region of another model or of another length.
        """
        self._check(header, llrs)
        done: list[ReceivedImage] = []
        sender = header.version, header.session
        image = self._images.pop(sender, None)
        if image and not _same_image(image.header, header):
            done += self._decode(image)
            image = None
        image = self._images[sender] = image or _Incomplete(header)
        region = header.first_block // REGION_BLOCKS
        image.add(region, llrs, combined, errors)
        image.received[region] += 1
        image.touched = burst.decoded_at if burst else time.monotonic()
        if burst:
            image.bursts += 1
            image.snr_sum += burst.snr_db
            image.decoded_at = burst.decoded_at
        image.complete += image.received[region] == self._copies
        if image.complete == image.regions:
            done += self._decode(self._images.pop(sender))
        self._drop_oldest()
        return done

    def oldest(self) -> float | None:
        """When the last region came of the image that has waited longest; None without one."""
        return min((image.touched for image in self._images.values()), default=None)

    def flush(self, seconds: float = 0.0, now: float | None = None) -> Iterator[ReceivedImage]:
        """Decode, one by one, the images of which nothing has come for so many seconds.

        now: the moment up to which all that came was taken, None for the present one."""
        latest = (time.monotonic() if now is None else now) - seconds
        waiting = [sender for sender, image in self._images.items() if image.touched <= latest]
        for sender in waiting:
            yield from self._decode(self._images.pop(sender))

    def _check(self, header: FrameHeader, llrs: NDArray[np.float32]) -> None:
        codec = self._codec
        if header.model != codec.model_id:
            raise FrameError(
                f"the frame is of model {header.model:04x}, the codebooks here are "
                f"{codec.model_id:04x}"
            )
        if llrs.shape != (codec.bits_per_region,):
            raise FrameError(f"a region has {codec.bits_per_region} bits, not {llrs.size}")
        if header.first_block % REGION_BLOCKS:
            raise FrameError(f"block {header.first_block} is inside a region")
        if header.block_bits not in (0, codec.bits_per_region // REGION_BLOCKS):
            raise FrameError(
                f"a block has {codec.bits_per_region // REGION_BLOCKS} bits, not "
                f"{header.block_bits}"
            )

    def _drop_oldest(self) -> None:
        regions = sum(len(image.llrs) for image in self._images.values())
        while len(self._images) > 1:
            if len(self._images) > MAXIMUM_IMAGES_IN_FLIGHT:
                reason = allowed(MAXIMUM_IMAGES_IN_FLIGHT, "images")
            elif regions > MAXIMUM_REGIONS_IN_FLIGHT:
                reason = allowed(MAXIMUM_REGIONS_IN_FLIGHT, "regions")
            else:
                return
            oldest = self._images.pop(next(iter(self._images)))
            regions -= len(oldest.llrs)
            self._on_drop(f"image {oldest.header.image} dropped: {reason} are in flight")

    def _decode(self, image: _Incomplete) -> list[ReceivedImage]:
        header = image.header
        if image.regions > MAXIMUM_MISSING_RATIO * len(image.llrs):
            few = f"less than one in {MAXIMUM_MISSING_RATIO}{option(MAXIMUM_MISSING_RATIO)}"
            arrived = f"{len(image.llrs)} of {image.regions} regions arrived, {few}"
            self._on_drop(f"image {header.image} dropped: {arrived}")
            return []
        pixels = self._codec.decode_received(
            image.llrs, header.width, header.height, header.version
        )
        received = ReceivedImage(
            pixels,
            header.image,
            image.regions,
            len(image.llrs),
            image.snr_sum / image.bursts if image.bursts else None,
            image.decoded_at,
        )
        return [received]


def _same_image(one: FrameHeader, other: FrameHeader) -> bool:
    return (one.image, one.width, one.height) == (other.image, other.width, other.height)
