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

from vqdeepsc.codec import DEFAULT_MODEL, Codec
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
from .kept_frames import KeptFrames
from .requests import Request, RequestError

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
    order of name, and from image PDUs at the message port ``images``, which PMT_EOF ends; each
    image that goes out is published at the message port ``sent``. An image that cannot be read
    is logged and skipped. What else goes wrong ends the stream, and ``error`` has it.

    Receivers may ask at the message port ``requests`` (see :mod:`.requests`) for frames of the last
    images. They go out again in the next redundancy version, behind the image that is on its way,
    and turn by turn with the images that wait. A message that is no request is counted and skipped.

    :param source: an image file, a folder, a tar archive, a glob pattern, or "" for PDUs alone
    :param model: name of a model or path of a bundle, or a Codec that has its own provider and
        search
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
    :param kept_images: how many of the last images may be asked for, 0 to 4,096
    :param answer_seconds: with kept_images, how long the stream goes on after its last frame, for
        receivers that ask, at least 0
    :raises Error: for a source that names no image, or a parameter out of range
    """

    def __init__(
        self,
        source: str = "",
        model: str | Codec = DEFAULT_MODEL,
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
        kept_images: int = 0,
        answer_seconds: float = 10.0,
    ) -> None:
        gr.sync_block.__init__(self, "semantic_source", None, [np.uint8])
        self.error: Exception | None = None
        if isinstance(model, Codec):
            self.codec = model
        else:
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
        self._kept = KeptFrames(self._session, int(kept_images))
        self.set_answer_seconds(answer_seconds)
        self.refused_requests = 0
        self._answered_last = False
        self._begun = self._last_frame = -math.inf
        self._queue: deque[_Image] = deque()
        self._frames: Iterator[tuple[int, Frame]] = iter(())
        self._bits: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._images_port = pmt.intern("images")
        self._sent_port = pmt.intern("sent")
        self.message_port_register_in(self._images_port)
        self.set_msg_handler(self._images_port, self._take_image)
        self.message_port_register_out(self._sent_port)
        self._requests_port = pmt.intern("requests")
        self.message_port_register_in(self._requests_port)
        self.set_msg_handler(self._requests_port, self._take_request)

    @property
    def answers(self) -> int:
        """Frames that went out again because receivers asked for them."""
        return self._kept.answers

    @property
    def unknown_requests(self) -> int:
        """Requests for images that are not kept, or of another session."""
        return self._kept.unknown

    def set_repeat(self, repeat: bool) -> None:
        """Start or stop sending the files over and over."""
        self._repeat = bool(repeat)

    def set_interval(self, interval: float) -> None:
        """Change the seconds between the beginnings of images; at least 0."""
        if not interval >= 0:
            raise ParameterError(f"interval is {interval} s, but must be at least 0")
        self._interval = float(interval)

    def set_kept_images(self, kept_images: int) -> None:
        """Change how many of the last images may be asked for, from the next one on."""
        self._kept.set_images(int(kept_images))

    def set_answer_seconds(self, answer_seconds: float) -> None:
        """Change how long the stream goes on after its last frame; at least 0."""
        if not answer_seconds >= 0:
            raise ParameterError(f"answer_seconds is {answer_seconds} s, but must be at least 0")
        self._answer_seconds = float(answer_seconds)

    def _take_request(self, message: pmt.pmt_base) -> None:
        try:
            self._kept.ask(Request.from_pmt(message))
        except RequestError as error:
            self.refused_requests += 1
            if self.refused_requests == 1:
                self.logger.error(f"request skipped, as will be others that are none: {error}")

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
        if not ended or self._next_file < len(self._files) or self._queue or self._kept.asked:
            return False
        waits = self._answer_seconds if self._kept.images else 0.0
        return time.monotonic() >= self._last_frame + waits

    def _begin_image(self) -> Iterator[tuple[int, Frame]]:
        """The frames of the next image, in all copies; none where there is no image now."""
        if time.monotonic() < self._begun + self._interval:
            return iter(())
        found = self._next_image()
        if found is None:
            return iter(())
        self._begun = time.monotonic()
        number = self._numbers.take(found.number)
        frames = list(
            image_to_frames(
                self.codec, found.image, number, self._session, self._frame_bits, self._budget
            )
        )
        self._kept.keep(number, frames)
        publish_image(self, self._sent_port, found.image, number, found.pixels)
        versions = islice(cycle(REDUNDANCY_VERSIONS), self._copies)
        return ((version, frame) for version in versions for frame in frames)

    def _begin_frames(self) -> tuple[int, Frame] | None:
        """The first frame of the next image or of what was asked for, which take turns."""
        turns = [(False, self._begin_image), (True, self._kept.take)]
        for answers, begin in turns if self._answered_last else reversed(turns):
            self._frames = begin()
            if following := next(self._frames, None):
                self._answered_last = answers
                return following
        return None

    def _next_frame(self) -> bool:
        """Put the next region in self._bits and tag it; False where there is none now."""
        following = next(self._frames, None) or self._begin_frames()
        if following is None:
            return False
        version, frame = following
        self._bits = frame.bits
        self._last_frame = time.monotonic()
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
