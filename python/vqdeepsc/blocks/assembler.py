# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that arrive, in any order and from several senders, to images."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.changed_limits import allowed, option
from vqdeepsc.codec import Codec, Run, RunError, run_of_frame
from vqdeepsc.codec.regions import FRAME_VERSION
from vqdeepsc.kernels import REGION_BLOCKS, FrameHeader
from vqdeepsc.limits import (
    MAXIMUM_IMAGES_IN_FLIGHT,
    MAXIMUM_MISSING_RATIO,
    MAXIMUM_REGIONS_IN_FLIGHT,
    MAXIMUM_REQUEST_RUNS,
)

from .frames import Burst, FrameError, check_copies
from .requests import NO_ASKING, Asking, Missing, Request

# Images of one sender that wait for what was asked for; within so many of them it comes, since
# senders are ahead of what was heard; and images whose late frames are skipped.
_WAITING_IMAGES = 8
_ANSWER_IMAGES = 4
_REMEMBERED_IMAGES = 1024


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


@dataclass(eq=False)
class _Incomplete:
    """What has arrived of an image: runs of blocks with LLRs, and which are free of errors.

    versions: in which runs with errors came; complete: blocks of the runs of which all has come.
    requests: how often something was asked for; awaited: the block behind the last one of it;
    later: images of its sender that have begun since."""

    header: FrameHeader
    llrs: dict[Run, NDArray[np.float32]] = field(default_factory=dict)
    certain: set[Run] = field(default_factory=set)
    received: Counter[Run] = field(default_factory=Counter)
    versions: defaultdict[Run, set[int]] = field(default_factory=lambda: defaultdict(set))
    settled: set[Run] = field(default_factory=set)
    complete: int = 0
    bursts: int = 0
    snr_sum: float = 0.0
    decoded_at: float | None = None
    requests: int = 0
    later: int = 0
    awaited: int = 0

    def __post_init__(self) -> None:
        self.awaited = self.header.blocks

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

    def count(self, run: Run, all_came: bool) -> None:
        """Count a run as complete, once, if all that will come of it has come."""
        if all_came and run not in self.settled:
            self.settled.add(run)
            self.complete += self._blocks(run)

    def is_over(self, run: Run, copies: int) -> bool:
        """Whether a run that came, in so many copies, was the last that its sender will send."""
        is_last = run.first_block < self.awaited <= run.first_block + run.blocks
        return is_last and (self.requests > 0 or self.received[run] >= copies)

    def missing(self) -> list[Missing]:
        """What is not complete, in order, as far as a request may name it."""
        gaps: list[Missing] = []
        begun = sorted(run for run in self.llrs if run not in self.settled)
        at = position = 0
        for settled in [*sorted(self.settled), Run(self.header.blocks, 1, 1)]:
            while at < len(begun) and begun[at].first_block < settled.first_block:
                run = begun[at]
                end = min(run.first_block + run.blocks, settled.first_block)
                if end > position:
                    _append(gaps, position, max(position, run.first_block), ())
                    first = max(position, run.first_block)
                    _append(gaps, first, end, tuple(sorted(self.versions[run])))
                    position = end
                at += 1
            _append(gaps, position, settled.first_block, ())
            position = max(position, settled.first_block + settled.blocks)
            if len(gaps) > MAXIMUM_REQUEST_RUNS:
                break
        return gaps[:MAXIMUM_REQUEST_RUNS]


def _append(gaps: list[Missing], first: int, end: int, versions: tuple[int, ...]) -> None:
    """Add blocks to the last of the gaps if they go on there, else as one more."""
    if end <= first:
        return
    if gaps and gaps[-1].end == first and gaps[-1].versions == versions:
        gaps[-1] = gaps[-1]._replace(blocks=end - gaps[-1].first_block)
    else:
        gaps.append(Missing(first, end - first, versions))


@dataclass
class _Sender:
    """The images of a sender that are not decoded, and when it was heard or asked last."""

    images: list[_Incomplete] = field(default_factory=list)
    touched: float = 0.0

    def find(self, header: FrameHeader) -> _Incomplete | None:
        """The image that a frame is of."""
        return next((one for one in self.images if _key(one.header) == _key(header)), None)


class ImageAssembler:
    """Collects the regions of images until they are complete, or the next one of a sender begins.

    Senders are told apart by the sessions of their frames and may take turns. With too many images
    or regions in flight the oldest image is dropped, and so is one of which too little has arrived
    when it would be decoded.

    Where it may ask, an image is complete when all of its blocks came without errors. What is
    missing is asked for when the last of its frames, or of those that were asked for, has come,
    when later images begin, or after a silence; meanwhile up to eight images of a sender wait.

    copies: how often each region is sent, at least 1; an image is complete with so many of each.
    on_drop: called with a sentence for an image that is dropped.
    asking: when it asks; may be changed. on_request: called with what it asks for.
    """

    def __init__(
        self,
        codec: Codec,
        copies: int = 1,
        on_drop: Callable[[str], None] = lambda sentence: None,
        asking: Asking = NO_ASKING,
        on_request: Callable[[Request], None] = lambda request: None,
    ) -> None:
        check_copies(copies)
        self._on_drop = on_drop
        self._codec = codec
        self._copies = copies
        self.asking = asking
        self._on_request = on_request
        # By version and session, the one that a frame came of last at the end.
        self._senders: dict[tuple[int, int], _Sender] = {}
        self._decoded: dict[tuple[int, ...], None] = {}

    @property
    def has_begun(self) -> bool:
        """Whether some regions of an image have arrived and the image is not decoded."""
        return bool(self._senders)

    def add(
        self,
        header: FrameHeader,
        llrs: NDArray[np.float32],
        combined: int = 1,
        errors: int | None = None,
        burst: Burst | None = None,
        version: int = 0,
    ) -> list[ReceivedImage]:
        """Take LLRs float [bits] of one frame; return the images that are done.

        LLRs of a region that comes twice are added, unless the later ones stem from several
        copies already (combined > 1): then they take the place of the earlier ones. A region
        without errors (errors: of its code blocks, None if unknown) stays as it is, whatever
        comes after it. version: the redundancy version that came. Raises FrameError for a frame of
        another model, or one that carries what the model does not send.
        """
        run = self._run(header, llrs)
        asks = self._asks(header)
        if asks and _key(header) in self._decoded:
            return []
        sender = self._senders.pop((header.version, header.session), None) or _Sender()
        self._senders[header.version, header.session] = sender
        sender.touched = burst.decoded_at if burst else time.monotonic()
        done: list[ReceivedImage] = []
        image = sender.find(header)
        if not image:
            done += self._make_room(sender, _WAITING_IMAGES if asks else 1)
            image = _Incomplete(header)
            sender.images.append(image)
        image.add(run, llrs[: run.bits], combined, errors)
        image.received[run] += 1
        image.versions[run].add(version)
        all_copies = image.received[run] >= self._copies
        known = asks and errors is not None
        image.count(run, run in image.certain if known else all_copies)
        if burst:
            image.bursts += 1
            image.snr_sum += burst.snr_db
            image.decoded_at = burst.decoded_at
        is_over = asks and image.is_over(run, self._copies)
        if image.complete >= header.blocks or (is_over and not self._ask(image)):
            sender.images.remove(image)
            done += self._decode(image)
        if not sender.images:
            del self._senders[header.version, header.session]
        self._drop_oldest()
        return done

    def oldest(self) -> float | None:
        """When the sender was heard or asked that is silent for longest; None without one."""
        return min((sender.touched for sender in self._senders.values()), default=None)

    def flush(self, seconds: float = 0.0, now: float | None = None) -> Iterator[ReceivedImage]:
        """Decode, one by one, the images of senders that were silent for so many seconds.

        Those of which more may be asked for wait longer, unless seconds is 0. now: the moment up to
        which all that came was taken, None for the present one."""
        moment = time.monotonic() if now is None else now
        for key, sender in list(self._senders.items()):
            if sender.touched > moment - seconds:
                continue
            waiting = [image for image in sender.images if seconds and self._ask(image)]
            over = [image for image in sender.images if image not in waiting]
            sender.images, sender.touched = waiting, moment
            if not waiting:
                self._senders.pop(key, None)
            for image in over:
                yield from self._decode(image)

    def _asks(self, header: FrameHeader) -> bool:
        return bool(self.asking.most_requests) and header.version == FRAME_VERSION

    def _ask(self, image: _Incomplete) -> bool:
        """Ask for what is missing of an image; False where it was asked often enough."""
        if not self._asks(image.header) or image.requests >= self.asking.most_requests:
            return False
        missing = image.missing()
        image.requests += 1
        image.later = 0
        image.awaited = missing[-1].end
        self._on_request(Request(image.header.session, image.header.image, tuple(missing)))
        return True

    def _make_room(self, sender: _Sender, most: int) -> list[ReceivedImage]:
        """Before one more image of a sender: decode its oldest, and ask for those before it."""
        done: list[ReceivedImage] = []
        while len(sender.images) >= most:
            done += self._decode(sender.images.pop(0))
        for image in sender.images:
            image.later += 1
            if image.later >= (_ANSWER_IMAGES if image.requests else 1):
                self._ask(image)
        return done

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
        images = [image for sender in self._senders.values() for image in sender.images]
        regions = sum(len(image.llrs) for image in images)
        for count, oldest in zip(range(len(images), 1, -1), images, strict=False):
            if count > MAXIMUM_IMAGES_IN_FLIGHT:
                reason = allowed(MAXIMUM_IMAGES_IN_FLIGHT, "images")
            elif regions > MAXIMUM_REGIONS_IN_FLIGHT:
                reason = allowed(MAXIMUM_REGIONS_IN_FLIGHT, "regions")
            else:
                return
            key, sender = next(iter(self._senders.items()))
            sender.images.remove(oldest)
            if not sender.images:
                del self._senders[key]
            regions -= len(oldest.llrs)
            self._on_drop(f"image {oldest.header.image} dropped: {reason} are in flight")

    def _decode(self, image: _Incomplete) -> list[ReceivedImage]:
        header = image.header
        if self._asks(header):
            self._decoded[_key(header)] = None
            while len(self._decoded) > _REMEMBERED_IMAGES:
                del self._decoded[next(iter(self._decoded))]
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


def _key(header: FrameHeader) -> tuple[int, ...]:
    """What frames of one image have in common, beside the model."""
    return header.version, header.session, header.image, header.width, header.height
