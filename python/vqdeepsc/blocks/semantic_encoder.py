# SPDX-License-Identifier: GPL-3.0-or-later
"""Image PDUs in, region PDUs out."""

import pmt
from gnuradio import gr

from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.codec.bundle import NETWORKS
from vqdeepsc.codec.providers import DEFAULT_PROVIDER

from ..vqdeepsc_python import array_to_u8vector
from .frames import (
    RANDOM,
    FrameError,
    ImageNumbers,
    frames_of_image,
    header_to_pmt,
    image_to_frames,
    pdu_to_image,
    take_session,
)


class semantic_encoder(gr.basic_block):
    """Encodes each image PDU at ``images`` into region PDUs at ``frames``.

    PDUs are those of :mod:`.frames`; region PDUs hold one bit per byte. A
    image without a number gets the next one. A PDU that is no image is logged and skipped.

    :param model: name of a model or path of a bundle
    :param first_image: number of the first image that brings none, 0 to 65,535, or -1 for a random
        one
    :param session: number of this sender's run, 0 to 2^32 - 1, or -1 for a random one; receivers
        put images together from frames of one session
    :param provider: what the networks run on, NAME or NAME:PRECISION: cpu, openvino, cuda, coreml,
        directml, if the onnxruntime that is installed has it
    :param frame_bits: 0, or bits of a frame of a progressive model, 64 to 65,535
    :param frames: frames of each image, 0 for as many as it takes; as at semantic_source, and only
        a progressive model takes these
    :param bits_per_pixel: source bits for each pixel of an image, which has one frame at least, or
        0
    :param quality: PSNR in dB for which an image gets as few frames as give it, or 0
    :raises Error: for a parameter out of range
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        first_image: int = RANDOM,
        session: int = RANDOM,
        provider: str = DEFAULT_PROVIDER,
        frame_bits: int = 0,
        frames: int = 0,
        bits_per_pixel: float = 0.0,
        quality: float = 0.0,
    ) -> None:
        gr.basic_block.__init__(self, "semantic_encoder", None, None)
        networks = NETWORKS if frames or bits_per_pixel or quality else ("encoder",)
        self._codec = Codec(model, provider=provider, networks=networks)
        self._frame_bits, self._budget = frames_of_image(
            self._codec, frame_bits, frames, bits_per_pixel, quality
        )
        self._numbers = ImageNumbers(first_image)
        self._session = take_session(session)
        self._images_port = pmt.intern("images")
        self._frames_port = pmt.intern("frames")
        self.message_port_register_in(self._images_port)
        self.set_msg_handler(self._images_port, self._encode)
        self.message_port_register_out(self._frames_port)

    def _encode(self, pdu: pmt.pmt_base) -> None:
        try:
            image, number = pdu_to_image(pdu)
            number = self._numbers.take(number)
            for header, bits in image_to_frames(
                self._codec, image, number, self._session, self._frame_bits, self._budget
            ):
                frame = pmt.cons(header_to_pmt(header), array_to_u8vector(bits))
                self.message_port_pub(self._frames_port, frame)
        except FrameError as error:
            self.logger.error(f"image PDU skipped: {error}")
        except Exception as error:
            # The scheduler swallows what a handler raises.
            self.logger.error(f"image PDU not encoded: {error}")
