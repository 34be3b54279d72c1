# SPDX-License-Identifier: GPL-3.0-or-later
"""Region PDUs in, image PDUs out."""

import threading
import time
from collections.abc import Iterable
from dataclasses import replace

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
    redundancy_version,
)
from .image_folder import ImageFolder, keep_image
from .message_sink import waiting_messages
from .requests import Asking, Request

_SHORTEST_SECONDS = 0.01


class semantic_decoder(gr.basic_block):
    """Decodes the images of the region PDUs at ``frames`` and publishes them at ``images``.

    PDUs are those of :mod:`.frames`, with bits (u8vector) or LLRs ln P(1)/P(0)
    (f32vector). An image is decoded when all its regions have arrived, when a region of another
    image arrives, when none has arrived for the time of the timeout, or when the flowgraph
    stops. A PDU that is no region is logged and skipped.

    With most_requests, what is missing of an image, or has block errors, is asked for at the port
    ``requests``, for the same port of a semantic_source: when the last frame of the image has
    come, when its sender goes on with another, or after a silence. Until it is whole or was asked
    for so often, the image waits, as one of eight of its sender.

    :param model: name of a model or path of a bundle
    :param copies: how often each region is sent, at least 1; their LLRs are added
    :param timeout: seconds after which an incomplete image is decoded, 0 for no such limit; with
        most_requests ask_after takes its place
    :param folder: where image-NUMBER.png files go, or "" for none
    :param max_pixels: width times height of the largest image of which regions are taken, 1 to
        65,535 squared
    :param provider: what the networks run on, NAME or NAME:PRECISION: cpu, openvino, cuda, coreml,
        directml, if the onnxruntime that is installed has it
    :param most_requests: how often what is missing of an image is asked for, 0 to 100
    :param ask_after: seconds of a sender's silence after which it is asked, and after the last
        request the image is decoded, 0.01 to 3600
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
        most_requests: int = 0,
        ask_after: float = 1.0,
    ) -> None:
        gr.basic_block.__init__(self, "semantic_decoder", None, None)
        if not timeout >= 0:
            raise ParameterError(f"timeout is {timeout} s, but must be at least 0")
        self.set_max_pixels(max_pixels)
        self.codec = Codec(model, provider=provider, networks=("decoder",))
        asking = Asking(most_requests, ask_after)
        self._assembler = ImageAssembler(
            self.codec, copies, self._drop, asking, self._publish_request
        )
        self.refusal = ""  # the first sentence about a region or an image that was refused
        self._files = ImageFolder(folder) if folder else None
        self._timeout = timeout
        self._timer: threading.Timer | None = None
        self._frames_port = pmt.intern("frames")
        self._images_port = pmt.intern("images")
        self.message_port_register_in(self._frames_port)
        self.set_msg_handler(self._frames_port, self._decode)
        self.message_port_register_out(self._images_port)
        self._requests_port = pmt.intern("requests")
        self.message_port_register_out(self._requests_port)
        # The timer's thread must not decode, so it sends word to the block's own.
        self._timeout_port = pmt.intern("timeout")
        self.message_port_register_in(self._timeout_port)
        self.set_msg_handler(self._timeout_port, self._decode_incomplete)

    def set_max_pixels(self, max_pixels: int) -> None:
        """Change how large an image may be; what has arrived of a larger one stays."""
        self._max_pixels = check_maximum_pixels(max_pixels)

    def set_most_requests(self, most_requests: int) -> None:
        """Change how often what is missing of an image is asked for, 0 to 100."""
        self._assembler.asking = replace(self._assembler.asking, most_requests=most_requests)

    def set_ask_after(self, ask_after: float) -> None:
        """Change after how many seconds of silence a sender is asked, 0.01 to 3600."""
        self._assembler.asking = replace(self._assembler.asking, ask_after=ask_after)

    @property
    def _silence(self) -> float:
        """Seconds of a sender's silence after which something is done, 0 for any."""
        asking = self._assembler.asking
        return asking.ask_after if asking.most_requests else self._timeout

    def _drop(self, sentence: str) -> None:
        self.refusal = self.refusal or sentence
        self.logger.warn(sentence)

    def _publish_request(self, request: Request) -> None:
        self.message_port_pub(self._requests_port, request.to_pmt())

    def backlog(self) -> int:
        """How many region PDUs wait to be decoded."""
        waiting: int = self.to_basic_block().nmsgs(self._frames_port)
        return waiting

    def _start_timer(self) -> None:
        """Let one timer run while images wait, to the moment at which the first may be decoded."""
        oldest = self._assembler.oldest()
        silence = self._silence
        if self._timer or not silence or oldest is None:
            return
        seconds = max(oldest + silence - time.monotonic(), _SHORTEST_SECONDS)
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
            self._flush(self._silence)
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
            burst, version = Burst.from_pmt(pmt.car(pdu)), redundancy_version(pmt.car(pdu))
            self._publish(self._assembler.add(header, llrs, copies, errors, burst, version))
            if silence := self._silence:
                # A decoder that lags behind must not count its own delay.
                now = burst.decoded_at if burst else None
                self._publish(self._assembler.flush(silence, now))
            self._start_timer()
        except FrameError as error:
            self.refusal = self.refusal or str(error)
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
