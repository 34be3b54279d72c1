# SPDX-License-Identifier: GPL-3.0-or-later
"""semantic_encoder and semantic_decoder: PDU to PDU."""

import numpy as np
import pmt
from flowgraph import photograph
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.codec import Codec
from gnuradio.vqdeepsc.frames import (
    FrameHeader,
    bits_to_llrs,
    pdu_to_picture,
    picture_to_frames,
    picture_to_pdu,
)
from gnuradio.vqdeepsc.loopback import stored_messages


class TestSemanticCodecBlocks(gr_unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.codec = Codec()

    def run_block(self, block, port_in, port_out, pdus):
        top = gr.top_block()
        result = blocks.message_debug()
        top.msg_connect(block, port_out, result, "store")
        inbox = block.to_basic_block()
        for pdu in pdus:
            inbox._post(pmt.intern(port_in), pdu)
        inbox._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))
        top.run()
        return stored_messages(result)

    def test_encoder(self):
        image = photograph(200, 100)
        without_id = pmt.dict_delete(pmt.car(picture_to_pdu(image, 0)), pmt.intern("picture"))
        pdus = [
            picture_to_pdu(image, 41),
            pmt.cons(pmt.make_dict(), pmt.init_u8vector(3, [1, 2, 3])),
            pmt.cons(without_id, pmt.cdr(picture_to_pdu(image, 0))),
        ]
        frames = self.run_block(vqdeepsc.semantic_encoder(), "pictures", "frames", pdus)
        bits = self.codec.encode_bits(image)
        self.assertEqual(len(frames), 4)
        for index, frame in enumerate(frames):
            header = FrameHeader.from_pmt(pmt.car(frame))
            picture, region = 41 + index // 2, index % 2
            self.assertEqual(header, FrameHeader(picture, 200, 100, region, self.codec.model_id))
            np.testing.assert_array_equal(pmt.to_python(pmt.cdr(frame)), bits[region])

    def test_decoder_takes_hard_and_soft_bits(self):
        image = photograph(200, 100)
        expected = self.codec.decode_bits(self.codec.encode_bits(image), 200, 100)
        pdus = [pmt.intern("nonsense"), pmt.cons(pmt.make_dict(), pmt.PMT_NIL)]
        for picture, soft in ((1, False), (2, True)):
            for header, bits in picture_to_frames(self.codec, image, picture):
                data = (
                    pmt.init_f32vector(bits.size, bits_to_llrs(bits).tolist())
                    if soft
                    else pmt.init_u8vector(bits.size, bits.tolist())
                )
                pdus.append(pmt.cons(header.to_pmt(), data))
        # a region of the wrong length is passed over
        pdus.append(pmt.cons(pmt.car(pdus[-1]), pmt.init_u8vector(3, [0, 1, 0])))
        drawn = self.run_block(vqdeepsc.semantic_decoder(), "frames", "pictures", pdus)
        self.assertEqual([pdu_to_picture(pdu)[1] for pdu in drawn], [1, 2])
        for pdu in drawn:
            np.testing.assert_array_equal(pdu_to_picture(pdu)[0], expected)

    def test_pictures_of_many_sizes_pass_both(self):
        for width, height in ((1, 1), (17, 5), (128, 128), (130, 257)):
            with self.subTest(width=width, height=height):
                image = photograph(width, height)
                frames = self.run_block(
                    vqdeepsc.semantic_encoder(), "pictures", "frames", [picture_to_pdu(image, 0)]
                )
                (drawn,) = self.run_block(vqdeepsc.semantic_decoder(), "frames", "pictures", frames)
                expected = self.codec.decode_bits(self.codec.encode_bits(image), width, height)
                np.testing.assert_array_equal(pdu_to_picture(drawn)[0], expected)

    def test_unknown_model(self):
        for block in (vqdeepsc.semantic_encoder, vqdeepsc.semantic_decoder):
            with self.assertRaisesRegex(ValueError, "nosuchmodel"):
                block("nosuchmodel")


if __name__ == "__main__":
    gr_unittest.run(TestSemanticCodecBlocks)
