# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture PDUs in, region PDUs out."""

import pmt
from gnuradio import gr

from ..codec import Codec
from ..frames import PICTURE_IDS, FrameError, pdu_to_picture, picture_to_frames, u8vector


class semantic_encoder(gr.basic_block):
    """Encodes each picture PDU at ``pictures`` into region PDUs at ``frames``.

    PDUs are those of :mod:`gnuradio.vqdeepsc.frames`; region PDUs hold one bit per byte. A
    picture without an id gets the next one. A PDU that is no picture is logged and passed over.

    :param model: name of a model or path of a bundle
    """

    def __init__(self, model: str = "vqdeepsc-4s") -> None:
        gr.basic_block.__init__(self, "semantic_encoder", None, None)
        self._codec = Codec(model)
        self._next_picture = 0
        self._pictures_port = pmt.intern("pictures")
        self._frames_port = pmt.intern("frames")
        self.message_port_register_in(self._pictures_port)
        self.set_msg_handler(self._pictures_port, self._encode)
        self.message_port_register_out(self._frames_port)

    def _encode(self, pdu: pmt.pmt_base) -> None:
        try:
            image, picture = pdu_to_picture(pdu)
            if picture is None:
                picture = self._next_picture
            self._next_picture = (picture + 1) % PICTURE_IDS
            for header, bits in picture_to_frames(self._codec, image, picture):
                self.message_port_pub(self._frames_port, pmt.cons(header.to_pmt(), u8vector(bits)))
        except FrameError as error:
            self.logger.error(f"picture PDU passed over: {error}")
        except Exception as error:
            # The scheduler swallows what a handler raises.
            self.logger.error(f"picture PDU not encoded: {error}")
