# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft or hard bits with frame tags in, images out."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pmt
from gnuradio import gr
from numpy.typing import NDArray

from vqdeepsc.allocation import check_frame_bits
from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.codec.providers import DEFAULT_PROVIDER
from vqdeepsc.kernels import FrameHeader
from vqdeepsc.limits import MAXIMUM_PIXELS, check_maximum_pixels
from vqdeepsc.messages import printable

from .assembler import ImageAssembler, ReceivedImage
from .frames import FRAME_TAG, FrameError, bits_to_llrs, header_from_pmt, publish_image
from .image_folder import ImageFolder, keep_image


class semantic_sink(gr.sync_block):
    """Collects regions from a stream of bits and decodes the images.

    A region begins at an item with the tag ``frame`` (see :mod:`.frames`);
    items outside regions are skipped, so a stream that begins in the middle of a region is
    in step again at the next tag. An image is decoded when all its regions have arrived, when a
    region of another image arrives, or when the flowgraph stops; what did not arrive is filled
    from the prior of the codebooks. Decoded images are published at the message port
    ``images`` and written to ``folder``.

    :param model: name of a model or path of a bundle, or a Codec that has its own provider
    :param soft: True for floats with LLR = ln P(1)/P(0), False for bytes with one bit each
    :param folder: where image-NUMBER.png files go, or "" for none
    :param max_pixels: width times height of the largest image of which regions are taken, 1 to
        65,535 squared
    :param provider: what the networks run on, NAME or NAME:PRECISION: cpu, openvino, cuda, coreml,
        directml, if the onnxruntime that is installed has it
    :param copies: how often each region is sent, at least 1; their LLRs are added
    :param frame_bits: 0, or length of a frame of a progressive model, as at the source
    :raises Error: for a parameter out of range or a folder that cannot be made
    """

    def __init__(
        self,
        model: str | Codec = DEFAULT_MODEL,
        soft: bool = True,
        folder: str = "",
        max_pixels: int = MAXIMUM_PIXELS,
        provider: str = DEFAULT_PROVIDER,
        copies: int = 1,
        frame_bits: int = 0,
    ) -> None:
        gr.sync_block.__init__(self, "semantic_sink", [np.float32 if soft else np.uint8], None)
        self.set_max_pixels(max_pixels)
        if isinstance(model, Codec):
            self._codec = model
        else:
            self._codec = Codec(model, provider=provider, networks=("decoder",))
        self._soft = soft
        self._files = ImageFolder(folder) if folder else None
        self._assembler = ImageAssembler(self._codec, copies, self.logger.warn)
        self._header: FrameHeader | None = None
        length = check_frame_bits(self._codec, int(frame_bits))
        # what makes the frames of other models longer than a region says nothing
        region = length if self._codec.layout.embedded else self._codec.bits_per_region
        self._region = np.empty(region, np.float32)
        self._filled = 0
        self._images_port = pmt.intern("images")
        self.message_port_register_out(self._images_port)

    def set_max_pixels(self, max_pixels: int) -> None:
        """Change how large an image may be; what has arrived of a larger one stays."""
        self._max_pixels = check_maximum_pixels(max_pixels)

    def _publish(self, images: Iterable[ReceivedImage]) -> None:
        for image in images:
            keep_image(image, self._files, self.logger)
            publish_image(self, self._images_port, image.image, image.number)

    def _begin_region(self, tag: gr.tag_t) -> None:
        if self._header is not None:
            self.logger.warn(f"a region of {self._filled} bits was cut short")
        self._filled = 0
        try:
            self._header = header_from_pmt(tag.value, self._max_pixels)
        except FrameError as error:
            self._header = None
            self.logger.error(f"frame skipped: {error}")

    def _take(self, items: NDArray[Any]) -> None:
        """Add items to the region that has begun; what is left over lies between regions."""
        if self._header is None:
            return
        count = min(items.size, self._region.size - self._filled)
        part = items[:count] if self._soft else bits_to_llrs(items[:count])
        self._region[self._filled : self._filled + count] = part
        self._filled += count
        if self._filled < self._region.size:
            return
        header, self._header = self._header, None
        try:
            self._publish(self._assembler.add(header, self._region))
        except FrameError as error:
            self.logger.error(f"frame skipped: {error}")

    def work(self, input_items: list[NDArray[Any]], output_items: list[NDArray[Any]]) -> int:
        items = input_items[0]
        first = self.nitems_read(0)
        try:
            tags = self.get_tags_in_window(0, 0, items.size, pmt.intern(FRAME_TAG))
            position = 0
            for tag in sorted(tags, key=lambda tag: tag.offset):
                self._take(items[position : tag.offset - first])
                position = tag.offset - first
                self._begin_region(tag)
            self._take(items[position:])
        except Exception as error:
            # An exception that leaves work() hangs the flowgraph.
            self.logger.error(f"semantic_sink skips what it cannot use: {error}")
            self._header = None
        return items.size

    def start(self) -> bool:
        # What a flowgraph that is run again sends does not belong to the region that was cut off.
        self._header = None
        return True

    def stop(self) -> bool:
        try:
            self._publish(self._assembler.flush())
        except Exception as error:
            # An exception must not leave a callback of the scheduler.
            self.logger.error(printable(f"image not decoded: {error}"))
        return True
