# SPDX-License-Identifier: GPL-3.0-or-later
"""Region PDUs in, picture PDUs out."""

import numpy as np
import pmt
from gnuradio import gr

from ..codec import Codec
from ..frames import (
    FrameError,
    FrameHeader,
    PictureAssembler,
    ReceivedPicture,
    bits_to_llrs,
    picture_to_pdu,
)


class semantic_decoder(gr.basic_block):
    """Draws the pictures of the region PDUs at ``frames`` and publishes them at ``pictures``.

    PDUs are those of :mod:`gnuradio.vqdeepsc.frames`, with bits (u8vector) or LLRs ln P(1)/P(0)
    (f32vector). A picture is drawn when all its regions have arrived, when a region of another
    picture arrives, or when the flowgraph stops. A PDU that is no region is logged and passed
    over.

    :param model: name of a model or path of a bundle
    """

    def __init__(self, model: str = "vqdeepsc-4s") -> None:
        gr.basic_block.__init__(self, "semantic_decoder", None, None)
        self._assembler = PictureAssembler(Codec(model))
        self._frames_port = pmt.intern("frames")
        self._pictures_port = pmt.intern("pictures")
        self.message_port_register_in(self._frames_port)
        self.set_msg_handler(self._frames_port, self._decode)
        self.message_port_register_out(self._pictures_port)

    def _publish(self, pictures: list[ReceivedPicture]) -> None:
        for drawn in pictures:
            self.message_port_pub(self._pictures_port, picture_to_pdu(drawn.image, drawn.picture))

    def _decode(self, pdu: pmt.pmt_base) -> None:
        try:
            if not pmt.is_pair(pdu):
                raise FrameError("a region PDU is a pair of a dictionary and a vector")
            header = FrameHeader.from_pmt(pmt.car(pdu))
            data = pmt.cdr(pdu)
            if pmt.is_u8vector(data):
                llrs = bits_to_llrs(pmt.to_python(data))
            elif pmt.is_f32vector(data):
                llrs = np.array(pmt.to_python(data), np.float32)
            else:
                raise FrameError("a region PDU holds a u8vector of bits or a f32vector of LLRs")
            self._publish(self._assembler.add(header, llrs))
        except FrameError as error:
            self.logger.error(f"region PDU passed over: {error}")
        except Exception as error:
            # The scheduler swallows what a handler raises.
            self.logger.error(f"region PDU not decoded: {error}")

    def stop(self) -> bool:
        self._publish(self._assembler.flush())
        return True
