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
from vqdeepsc.codec import Codec, Run, RunError, run_of_frame
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

    Where frames carry other blocks than regions, a region that arrived is 64 blocks of them.
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
    """What has arrived of an image: runs of blocks with LLRs, and which are free of errors.

    complete: blocks of which all copies have come."""

    header: FrameHeader
    llrs: dict[Run, NDArray[np.float32]] = field(default_factory=dict)
    certain: set[Run] = field(default_factory=set)
    received: Counter[Run] = field(default_factory=Counter)
    complete: int = 0
    bursts: int = 0
    snr_sum: float = 0.0
    decoded_at: float | None = None
    touched: float = field(default_factory=time.monotonic)

    @property
    def regions(self) -> int:
        """Regions that the image has."""
        return -(-self.header.blocks // REGION_BLOCKS)

    @property
    def received_regions(self) -> int:
        """Regions that arrived, at least in part where a frame carries one."""
        blocks = sum(self._blocks(run) for run in self.llrs)
        missing = blocks < self.header.blocks
        return min(-(-blocks // REGION_BLOCKS), self.regions - missing)

    def _blocks(self, run: Run) -> int:
        """Blocks of the image in a run."""
        return min(run.blocks, self.header.blocks - run.first_block)

    def add(self, run: Run, llrs: NDArray[np.float32], combined: int, errors: int | None) -> None:
        """Take the LLRs of a run, as ImageAssembler.add does."""
        if run in self.certain:
            return
        if errors == 0 or combined > 1 or run not in self.llrs:
            self.llrs[run] = np.array(llrs, np.float32)
        else:
            self.llrs[run] += llrs
        if errors == 0:
            self.certain.add(run)

    def count(self, run: Run, copies: int) -> None:
        """Count a copy of a run, of which so many will come."""
        self.received[run] += 1
        if self.received[run] == copies:
            self.complete += self._blocks(run)


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
        """Take LLRs float [bits] of one frame; return the images that are done.

        LLRs of a region that comes twice are added, unless the later ones stem from several
        copies already (combined > 1): then they take the place of the earlier ones. A region
        without errors (errors: of its code blocks, None if unknown) stays as it is, whatever
        comes after it. Raises FrameError for a frame of another model, or one that carries what
        the model does not send.
        """
        run = self._run(header, llrs)
        done: list[ReceivedImage] = []
        sender = header.version, header.session
        image = self._images.pop(sender, None)
        if image and not _same_image(image.header, header):
            done += self._decode(image)
            image = None
        image = self._images[sender] = image or _Incomplete(header)
        image.add(run, llrs[: run.bits], combined, errors)
        image.count(run, self._copies)
        image.touched = burst.decoded_at if burst else time.monotonic()
        if burst:
            image.bursts += 1
            image.snr_sum += burst.snr_db
            image.decoded_at = burst.decoded_at
        if image.complete >= header.blocks:
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

    def _run(self, header: FrameHeader, llrs: NDArray[np.float32]) -> Run:
        """What a frame carries; raises FrameError."""
        codec = self._codec
        if header.model != codec.model_id:
            raise FrameError(
                f"the frame is of model {header.model:04x}, the codebooks here are "
                f"{codec.model_id:04x}"
            )
        try:
            return run_of_frame(codec.layout, header.first_block, header.block_bits, llrs.size)
        except RunError as error:
            raise FrameError(str(error)) from error

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
            image.received_regions,
            image.snr_sum / image.bursts if image.bursts else None,
            image.decoded_at,
        )
        return [received]


def _same_image(one: FrameHeader, other: FrameHeader) -> bool:
    return (one.image, one.width, one.height) == (other.image, other.width, other.height)
