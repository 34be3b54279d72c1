# SPDX-License-Identifier: GPL-3.0-or-later
"""Received images as files."""

import os
from pathlib import Path

import numpy as np
from gnuradio import gr
from numpy.typing import NDArray
from PIL import Image

from vqdeepsc.images.files import ImageError
from vqdeepsc.whole_files import whole_file

from .assembler import ReceivedImage

_COMPRESSION = 2  # takes a third of the time of the default, 6, for 7 % more bytes


class ImageFolder:
    """Writes images as PNG into a folder and never over one that is there.

    :raises ImageError: where the folder cannot be made
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder).expanduser()
        self._copies: dict[int, int] = {}  # that are known to be there, of each number
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageError(f"cannot make the folder '{folder}': {error.strerror}") from error

    def write(self, image: NDArray[np.uint8], number: int) -> Path:
        """Write image, uint8 [H, W, 3], as image-NUMBER.png; raises OSError."""
        copy = self._copies.get(number, 0) + 1
        while True:
            suffix = "" if copy == 1 else f"-{copy}"
            path = self._folder / f"image-{number:05d}{suffix}.png"
            try:
                with whole_file(path, replace=False) as file:
                    Image.fromarray(image).save(file, "PNG", compress_level=_COMPRESSION)
                self._copies[number] = copy
                return path
            except FileExistsError:
                copy += 1


def keep_image(image: ReceivedImage, folder: ImageFolder | None, logger: gr.logger) -> None:
    """Write a decoded image into the folder, if any; what is missing goes into the log."""
    if image.received < image.regions:
        logger.warn(f"image {image.number}: {image.received} of {image.regions} regions arrived")
    if folder:
        try:
            folder.write(image.image, image.number)
        except OSError as error:
            logger.error(f"image {image.number} not written: {error}")
