# SPDX-License-Identifier: GPL-3.0-or-later
"""Where `vqdeepsc transmit` takes images from: files, folders, a camera, another program.

Each source iterates over SourceImages, or None when there is no image at the moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.errors import Error
from vqdeepsc.images.files import ImageError
from vqdeepsc.images.finding import find_images


class SourceImage(NamedTuple):
    """An image to send, uint8 [H, W, 3], and its name; or the Error that says why there is none."""

    name: str
    image: NDArray[np.uint8] | Error


Item = SourceImage | None


def image_sources(paths: Sequence[str], loop: bool = False, strict: bool = False) -> Iterator[Item]:
    """The images of files, folders and archives in order, over and over if loop is set.

    strict: whether images that were cut short are refused.

    Raises ImageError at once where there are none, and at the end of a round where none could
    be read."""
    found = find_images(paths)

    def images() -> Iterator[Item]:
        for turn in count():
            if turn and not loop:
                return
            readable = False
            for file in found:
                try:
                    image: NDArray[np.uint8] | Error = file.load(strict=strict)
                    readable = True
                except ImageError as error:
                    image = error
                yield SourceImage(file.name, image)
            if not readable:
                raise ImageError("none of the images can be read")

    return images()


def camera(source: str) -> Iterator[Item]:
    """The frames of a camera (its number) or of a video (its path or address).

    Raises ImageError at once where OpenCV or the camera is missing."""
    try:
        import cv2
    except ImportError as error:
        raise ImageError(
            "a camera needs OpenCV for Python (Debian's package python3-opencv)"
        ) from error
    capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
    if not capture.isOpened():
        raise ImageError(f"there is no camera or video {source}")
    # an old frame is worth nothing
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def frames() -> Iterator[Item]:
        try:
            for number in count():
                arrived, frame = capture.read()
                if not arrived:
                    return
                rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
                yield SourceImage(f"{source}, frame {number}", rgb)
        finally:
            capture.release()

    return frames()
