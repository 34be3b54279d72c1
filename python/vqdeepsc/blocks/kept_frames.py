# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames that a sender has sent, for receivers that ask for some of them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from vqdeepsc.errors import ParameterError
from vqdeepsc.limits import MAXIMUM_ANSWERS, MAXIMUM_KEPT_BYTES

from .frames import REDUNDANCY_VERSIONS, Frame
from .requests import Request, next_version

_FRAME_BYTES = 512  # of a frame beside its bits
_MOST_IMAGES = 4096


class _KeptImage:
    """The frames of an image, in order of their blocks, and which of them are to go out again."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._headers = [frame.header for frame in frames]
        self._bits = [np.packbits(frame.bits) for frame in frames]
        self._frame_bits = len(frames[0].bits)
        self._first = [header.first_block for header in self._headers]
        self._ends = [*self._first[1:], self._headers[0].blocks]
        self._answers: Counter[int] = Counter()
        self._asked: dict[int, int] = {}
        self.bytes = sum(bits.nbytes + _FRAME_BYTES for bits in self._bits)

    @property
    def asked(self) -> int:
        """Frames that are to go out again."""
        return len(self._asked)

    def ask(self, request: Request) -> None:
        """Note the frames that have blocks of the request."""
        run = 0
        for frame, (first, end) in enumerate(zip(self._first, self._ends, strict=True)):
            while run < len(request.missing) and request.missing[run].end <= first:
                run += 1
            if run == len(request.missing):
                return
            missing = request.missing[run]
            if missing.first_block >= end or self._answers[frame] >= MAXIMUM_ANSWERS:
                continue
            versions = (next_version(missing.versions), self._asked.get(frame))
            # who has nothing of it needs the version that can be decoded alone
            known = [version for version in versions if version is not None]
            self._asked[frame] = min(known, key=REDUNDANCY_VERSIONS.index)

    def take(self) -> Iterator[tuple[int, Frame]]:
        """Version and frame of all that are to go out again, which then have."""
        asked, self._asked = self._asked, {}
        self._answers.update(asked.keys())
        return ((asked[frame], self._frame(frame)) for frame in sorted(asked))

    def _frame(self, frame: int) -> Frame:
        bits = np.unpackbits(self._bits[frame], count=self._frame_bits)
        return Frame(self._headers[frame], bits)


class KeptFrames:
    """Frames of the last images of a session.

    unknown: requests that came for images that are not kept; answers: frames that went out again

    session: of the images; images: how many are kept, 0 to 4,096, as long as they take at most
    MAXIMUM_KEPT_BYTES. A frame goes out again MAXIMUM_ANSWERS times at most. Raises
    ParameterError for another number."""

    def __init__(self, session: int, images: int) -> None:
        self.set_images(images)
        self.unknown = 0
        self.answers = 0
        self._session = session
        self._kept: dict[int, _KeptImage] = {}

    def set_images(self, images: int) -> None:
        """Change how many images are kept, from the next one on."""
        if not 0 <= images <= _MOST_IMAGES:
            raise ParameterError(f"kept_images is {images}, but must be 0 to {_MOST_IMAGES:,}")
        self.images = int(images)

    @property
    def asked(self) -> int:
        """Frames that are to go out again."""
        return sum(image.asked for image in self._kept.values())

    def keep(self, number: int, frames: Sequence[Frame]) -> None:
        """Keep the frames of an image, in order of their blocks, and forget the oldest images."""
        self._kept.pop(number, None)
        if self.images:
            self._kept[number] = _KeptImage(frames)
        total = sum(image.bytes for image in self._kept.values())
        while len(self._kept) > self.images or (self._kept and total > MAXIMUM_KEPT_BYTES):
            total -= self._kept.pop(next(iter(self._kept))).bytes

    def ask(self, request: Request) -> bool:
        """Note what a request asks for; False where the image is not kept."""
        image = self._kept.get(request.image) if request.session == self._session else None
        if image is None:
            self.unknown += 1
            return False
        image.ask(request)
        return True

    def take(self) -> Iterator[tuple[int, Frame]]:
        """Redundancy version and frame of all that were asked for, which are so no more."""
        self.answers += self.asked
        # their bits are unpacked one by one
        return chain.from_iterable([image.take() for image in self._kept.values()])
