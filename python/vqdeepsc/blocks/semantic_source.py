# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in, bits with frame tags out."""

import glob
import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pmt
from gnuradio import gr
from numpy.typing import NDArray

from vqdeepsc.codec import DEFAULT_MODEL
from vqdeepsc.codec.bundle import NETWORKS
from vqdeepsc.codec.providers import DEFAULT_PROVIDER
from vqdeepsc.errors import ParameterError
from vqdeepsc.images.files import ImageError
from vqdeepsc.images.finding import FoundImage, find_images
from vqdeepsc.images.search import Search, SearchingCodec
from vqdeepsc.messages import printable

from .frames import (
    END_OF_IMAGES,
    FRAME_TAG,
    RANDOM,
    REDUNDANCY_VERSIONS,
    VERSION_KEY,
    Frame,
    FrameError,
    ImageNumbers,
    check_copies,
    frames_of_image,
    header_to_pmt,
    image_to_frames,
    pdu_to_image,
    publish_image,
    take_session,
)

# How long work() may wait for an image; handlers of messages wait as long.
_IDLE_SECONDS = 0.01


def _named_files(source: str) -> list[FoundImage]:
    """The images of a file, folder, archive or glob pattern, in order of name."""
    path = Path(source).expanduser()
    paths = [path]
    if not path.exists() and glob.has_magic(source):
        paths = sorted(Path(name) for name in glob.glob(str(path)))  # noqa: PTH207
        if not paths:
            raise ImageError(f"no file matches {source}")
    return [image for path in paths for image in find_images([path])]


@dataclass(frozen=True)
class _Image:
    """An image that waits, uint8 [H, W, 3]; its number and its PDU's bytes, if it has any."""

    image: NDArray[np.uint8]
    number: int | None = None
    pixels: pmt.pmt_base | None = None


class semantic_source(gr.sync_block):
    """Encodes images and sends their regions as bits, one per byte, MSB first.

    Each region is ``bits_per_region`` items long (20,032 for four scales, 7,616 for three), or
    ``frame_bits`` items, filled with zeros, where a code wants a longer frame. A progressive model
    sends as many bits of each region as ``frame_bits`` holds, or, with one of ``frames``,
    ``bits_per_pixel`` and ``quality``, frames with as many blocks as serves the image best. The
    first item of each
    carries the tag ``frame`` (see :mod:`.frames`). Images come from files, in
    order of name, and from image PDUs at the message port ``pictures``, which PMT_EOF ends; each
    image that goes out is published at the message port ``sent``. An image that cannot be read
    is logged and skipped. What else goes wrong ends the stream, and ``error`` has it.

    :param source: an image file, a folder, a tar archive, a glob pattern, or "" for PDUs alone
    :param model: name of a model or path of a bundle
    :param repeat: whether the files are sent over and over
    :param interval: seconds from the beginning of one image to that of the next, at least 0
    :param frame_bits: 0 for bits_per_region, or length of a frame: at least bits_per_region, of a
        progressive model 64 to 65,535
    :param copies: how often each image is sent, at least 1; the copies have the same id and
        take turns in their redundancy version
    :param first_image: id of the first image that brings none, 0 to 65,535, or -1 for a random
        one
    :param session: number of this sender's run, 0 to 2^32 - 1, or -1 for a random one; receivers
        put images together from frames of one session
    :param search: processor seconds for each region to search for better indices, 0 for none, at
        most 3,600; nothing is sent meanwhile, and the flowgraph's own work counts
    :param search_for: what the search makes better: psnr, ssim or both
    :param search_steps: number of steps instead of ``search``, for the same bits on every run, or 0
    :param provider: what the networks run on, NAME or NAME:PRECISION: cpu, openvino, cuda, coreml,
        directml, if the onnxruntime that is installed has it
    :param frames: frames of each image, 0 for as many as it takes: a constant rate
    :param bits_per_pixel: source bits for each pixel of an image, which has one frame at least, or
        0
    :param quality: PSNR in dB for which an image gets as few frames as give it, or 0
    :raises Error: for a source that names no image, or a parameter out of range
    """

    def __init__(
        self,
        source: str = "",
        model: str = DEFAULT_MODEL,
        repeat: bool = False,
        interval: float = 0.0,
        frame_bits: int = 0,
        copies: int = 1,
        first_image: int = RANDOM,
        session: int = RANDOM,
        search: float = 0.0,
        search_for: str = "both",
        search_steps: int = 0,
        provider: str = DEFAULT_PROVIDER,
        frames: int = 0,
        bits_per_pixel: float = 0.0,
        quality: float = 0.0,
    ) -> None:
        gr.sync_block.__init__(self, "semantic_source", None, [np.uint8])
        self.error: Exception | None = None
        self.codec = SearchingCodec(
            model,
            search=Search(float(search), search_for, int(search_steps)),
            provider=provider,
            networks=NETWORKS if frames or bits_per_pixel or quality else ("encoder",),
        )
        self._frame_bits, self._budget = frames_of_image(
            self.codec, frame_bits, frames, bits_per_pixel, quality
        )
        self._files = _named_files(str(source)) if source else []
        check_copies(copies)
        self._copies = copies
        self.set_repeat(repeat)
        self.set_interval(interval)
        self._ended = False
        self._next_file = 0
        self._readable = 0
        self._numbers = ImageNumbers(first_image)
        self._session = take_session(session)
        self._begun = -math.inf
        self._queue: deque[_Image] = deque()
        self._frames: Iterator[tuple[int, Frame]] = iter(())
        self._bits = np.empty(0, np.uint8)
        self._images_port = pmt.intern("pictures")
        self._sent_port = pmt.intern("sent")
        self.message_port_register_in(self._images_port)
        self.set_msg_handler(self._images_port, self._take_image)
        self.message_port_register_out(self._sent_port)

    def set_repeat(self, repeat: bool) -> None:
        """Start or stop sending the files over and over."""
        self._repeat = bool(repeat)

    def set_interval(self, interval: float) -> None:
        """Change the seconds between the beginnings of images; at least 0."""
        if not interval >= 0:
            raise ParameterError(f"interval is {interval} s, but must be at least 0")
        self._interval = float(interval)

    def _take_image(self, pdu: pmt.pmt_base) -> None:
        if pmt.equal(pdu, END_OF_IMAGES):
            self._ended = True
            return
        try:
            self._queue.append(_Image(*pdu_to_image(pdu), pmt.cdr(pdu)))
        except FrameError as error:
            self.logger.error(f"image PDU not sent: {error}")

    def _next_image(self) -> _Image | None:
        if self._queue:
            return self._queue.popleft()
        while self._next_file < len(self._files):
            file = self._files[self._next_file]
            self._next_file += 1
            try:
                image = file.load()
                self._readable += 1
            except ImageError as error:
                self.logger.error(printable(f"image not sent: {error}"))
                continue
            finally:
                # Where no file can be read, going round again would never end.
                if self._next_file == len(self._files) and self._repeat and self._readable:
                    self._next_file = 0
            return _Image(image)
        return None

    def _exhausted(self) -> bool:
        ended = self._ended or bool(self._files)
        return ended and self._next_file >= len(self._files) and not self._queue

    def _next_frame(self) -> bool:
        """Put the next region in self._bits and tag it; False where there is none now."""
        following = next(self._frames, None)
        if following is None:
            if time.monotonic() < self._begun + self._interval:
                return False
            found = self._next_image()
            if found is None:
                return False
            self._begun = time.monotonic()
            number = self._numbers.take(found.number)
            frames = list(
                image_to_frames(
                    self.codec,
                    found.image,
                    number,
                    self._session,
                    self._frame_bits,
                    self._budget,
                )
            )
            self._frames = (
                (version, frame)
                for version in islice(cycle(REDUNDANCY_VERSIONS), self._copies)
                for frame in frames
            )
            following = next(self._frames)
            publish_image(self, self._sent_port, found.image, number, found.pixels)
        version, frame = following
        self._bits = frame.bits
        self._tag = header_to_pmt(frame.header)
        if version:
            self._tag = pmt.dict_add(self._tag, VERSION_KEY, pmt.from_long(version))
        return True

    def work(self, input_items: list[NDArray[Any]], output_items: list[NDArray[Any]]) -> int:
        out = output_items[0]
        produced = 0
        try:
            while produced < out.size:
                if not self._bits.size:
                    if not self._next_frame():
                        break
                    self.add_item_tag(
                        0,
                        self.nitems_written(0) + produced,
                        pmt.intern(FRAME_TAG),
                        self._tag,
                    )
                count = min(out.size - produced, self._bits.size)
                out[produced : produced + count] = self._bits[:count]
                self._bits = self._bits[count:]
                produced += count
        except Exception as error:
            # An exception that leaves work() hangs the flowgraph.
            self.error = error
            reason = str(error) or type(error).__name__
            self.logger.error(printable(f"semantic_source stops, for an image: {reason}"))
            return -1
        if produced == 0:
            if self._exhausted():
                return -1
            time.sleep(_IDLE_SECONDS)
        return produced
