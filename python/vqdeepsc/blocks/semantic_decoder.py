# SPDX-License-Identifier: GPL-3.0-or-later
"""Region PDUs in, image PDUs out."""

import threading
import time
from collections.abc import Iterable

import pmt
from gnuradio import gr

from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.codec.providers import DEFAULT_PROVIDER
from vqdeepsc.errors import ParameterError
from vqdeepsc.limits import MAXIMUM_PIXELS, check_maximum_pixels

from ..vqdeepsc_python import f32vector_to_array, u8vector_to_array
from .assembler import ImageAssembler, ReceivedImage
from .frames import (
    Burst,
    FrameError,
    bits_to_llrs,
    block_errors,
    combined_copies,
    header_from_pmt,
    publish_image,
)
from .image_folder import ImageFolder, keep_image
from .message_sink import waiting_messages

_SHORTEST_SECONDS = 0.01


class semantic_decoder(gr.basic_block):
    """Decodes the images of the region PDUs at ``frames`` and publishes them at ``pictures``.

    PDUs are those of :mod:`.frames`, with bits (u8vector) or LLRs ln P(1)/P(0)
    (f32vector). An image is decoded when all its regions have arrived, when a region of another
    image arrives, when none has arrived for the time of the timeout, or when the flowgraph
    stops. A PDU that is no region is logged and skipped.

    :param model: name of a model or path of a bundle
    :param copies: how often each region is sent, at least 1; their LLRs are added
    :param timeout: seconds after which an incomplete image is decoded; 0 for no such limit
    :param folder: where image-NUMBER.png files go, or "" for none
    :param max_pixels: width times height of the largest image of which regions are taken, 1 to
        65,535 squared
    :param provider: what the networks run on, NAME or NAME:PRECISION: cpu, openvino, cuda, coreml,
        directml, if the onnxruntime that is installed has it
    :raises Error: for a parameter out of range or a folder that cannot be made
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        copies: int = 1,
        timeout: float = 0.0,
        folder: str = "",
        max_pixels: int = MAXIMUM_PIXELS,
        provider: str = DEFAULT_PROVIDER,
    ) -> None:
        gr.basic_block.__init__(self, "semantic_decoder", None, None)
        if not timeout >= 0:
            raise ParameterError(f"timeout is {timeout} s, but must be at least 0")
        self.set_max_pixels(max_pixels)
        self.codec = Codec(model, provider=provider, networks=("decoder",))
        self._assembler = ImageAssembler(self.codec, copies, self.logger.warn)
        self._files = ImageFolder(folder) if folder else None
        self._timeout = timeout
        self._timer: threading.Timer | None = None
        self._frames_port = pmt.intern("frames")
        self._images_port = pmt.intern("pictures")
        self.message_port_register_in(self._frames_port)
        self.set_msg_handler(self._frames_port, self._decode)
        self.message_port_register_out(self._images_port)
        # The timer's thread must not decode, so it sends word to the block's own.
        self._timeout_port = pmt.intern("timeout")
        self.message_port_register_in(self._timeout_port)
        self.set_msg_handler(self._timeout_port, self._decode_incomplete)

    def set_max_pixels(self, max_pixels: int) -> None:
        """Change how large an image may be; what has arrived of a larger one stays."""
        self._max_pixels = check_maximum_pixels(max_pixels)

    def backlog(self) -> int:
        """How many region PDUs wait to be decoded."""
        waiting: int = self.to_basic_block().nmsgs(self._frames_port)
        return waiting

    def _start_timer(self) -> None:
        """Let one timer run while images wait, to the moment at which the first may be decoded."""
        oldest = self._assembler.oldest()
        if self._timer or not self._timeout or oldest is None:
            return
        seconds = max(oldest + self._timeout - time.monotonic(), _SHORTEST_SECONDS)
        word = (self._timeout_port, pmt.PMT_NIL)
        self._timer = threading.Timer(seconds, self.to_basic_block()._post, word)
        self._timer.daemon = True
        self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _decode_incomplete(self, _: pmt.pmt_base) -> None:
        self._stop_timer()
        # Regions that wait may be of these images; their handler starts the timer again.
        if not self.backlog():
            self._flush(self._timeout)
            self._start_timer()

    def _flush(self, seconds: float = 0.0) -> None:
        try:
            self._publish(self._assembler.flush(seconds))
        except Exception as error:
            # The scheduler swallows what a handler raises.
            self.logger.error(f"image not decoded: {error}")

    def _publish(self, images: Iterable[ReceivedImage]) -> None:
        for image in images:
            keep_image(image, self._files, self.logger)
            publish_image(self, self._images_port, image.image, image.number)

    def _decode(self, pdu: pmt.pmt_base) -> None:
        try:
            if not pmt.is_pair(pdu):
                raise FrameError("a region PDU is a pair of a dictionary and a vector")
            header = header_from_pmt(pmt.car(pdu), self._max_pixels)
            data = pmt.cdr(pdu)
            if pmt.is_u8vector(data):
                llrs = bits_to_llrs(u8vector_to_array(data))
            elif pmt.is_f32vector(data):
                llrs = f32vector_to_array(data)
            else:
                raise FrameError("a region PDU holds a u8vector of bits or a f32vector of LLRs")
            copies, errors = combined_copies(pmt.car(pdu)), block_errors(pmt.car(pdu))
            burst = Burst.from_pmt(pmt.car(pdu))
            self._publish(self._assembler.add(header, llrs, copies, errors, burst))
            if self._timeout:
                # A decoder that lags behind must not count its own delay.
                now = burst.decoded_at if burst else None
                self._publish(self._assembler.flush(self._timeout, now))
            self._start_timer()
        except FrameError as error:
            self.logger.error(f"region PDU skipped: {error}")
        except Exception as error:
            # The scheduler swallows what a handler raises.
            self.logger.error(f"region PDU not decoded: {error}")

    def finish(self) -> None:
        """Decode the region PDUs that wait, and what has arrived."""
        for pdu in waiting_messages(self, "frames"):
            self._decode(pdu)
        self._flush()
        self._stop_timer()

    def stop(self) -> bool:
        # A flowgraph that is stopped leaves messages behind.
        self.finish()
        return True
