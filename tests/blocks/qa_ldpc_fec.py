# SPDX-License-Identifier: GPL-3.0-or-later
"""ldpc_fec_encoder and ldpc_fec_decoder in GNU Radio's own FEC blocks."""

import numpy as np
import pmt
from flowgraph import make_tag
from gnuradio import blocks, digital, fec, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.loopback import stored_messages
from vqdeepsc.kernels import LdpcEncoder

PAYLOAD, CODED = 1000, 3000


class TestLdpcFec(gr_unittest.TestCase):
    def setUp(self):
        self.tb = gr.top_block()
        self.bits = np.random.default_rng(5).integers(0, 2, (12, PAYLOAD), np.uint8)

    def coded(self, rows):
        encoder = LdpcEncoder(PAYLOAD, CODED)
        return np.concatenate([encoder.encode(row) for row in rows])

    def objects(self, make, count):
        return make(PAYLOAD, CODED) if count == 0 else [make(PAYLOAD, CODED) for _ in range(count)]

    def test_sizes_and_rates(self):
        encoder = vqdeepsc.ldpc_fec_encoder(PAYLOAD, CODED)
        decoder = vqdeepsc.ldpc_fec_decoder(PAYLOAD, CODED)
        self.assertEqual(fec.get_encoder_input_size(encoder), PAYLOAD)
        self.assertEqual(fec.get_encoder_output_size(encoder), CODED)
        self.assertEqual(fec.get_decoder_input_size(decoder), CODED)
        self.assertEqual(fec.get_decoder_output_size(decoder), PAYLOAD)
        self.assertEqual(fec.get_decoder_input_item_size(decoder), gr.sizeof_float)
        self.assertEqual(fec.get_decoder_output_item_size(decoder), gr.sizeof_char)
        self.assertEqual(fec.get_history(decoder), 0)
        self.assertEqual(fec.get_shift(decoder), 0)

    def test_extended_encoder_and_decoder(self):
        for threading, count in ((None, 0), ("ordinary", 2), ("capillary", 4)):
            with self.subTest(threading=threading):
                self.tb = gr.top_block()
                source = blocks.vector_source_b(self.bits.reshape(-1).tolist())
                encoder = fec.extended_encoder(
                    self.objects(vqdeepsc.ldpc_fec_encoder, count), threading, "11"
                )
                decoder = fec.extended_decoder(
                    self.objects(vqdeepsc.ldpc_fec_decoder, count), threading, None, "11"
                )
                coded, decoded = blocks.vector_sink_b(), blocks.vector_sink_b()
                self.tb.connect(source, encoder, coded)
                # LLRs of a noisy but good channel: nothing is certain, and one in 50 is wrong
                noise = blocks.vector_source_f(
                    np.random.default_rng(6).normal(0, 2, self.bits.size * 3).tolist()
                )
                add = blocks.add_ff()
                self.tb.connect(encoder, digital.chunks_to_symbols_bf([-4, 4]), add)
                self.tb.connect(noise, (add, 1))
                self.tb.connect(add, decoder, decoded)
                self.tb.run()
                np.testing.assert_array_equal(coded.data(), self.coded(self.bits))
                received = np.array(decoded.data(), np.uint8)
                # the threaded wrappers may keep the last frames back
                self.assertGreaterEqual(received.size, (len(self.bits) - count) * PAYLOAD)
                np.testing.assert_array_equal(received, self.bits.reshape(-1)[: received.size])

    def tagged(self, lengths):
        """Frames of these lengths through the tagged blocks: frames, coded and decoded bits."""
        frames = [row[:length] for row, length in zip(self.bits, lengths, strict=False)]
        offsets = np.cumsum([0, *lengths[:-1]])
        tags = [
            make_tag(int(offset), "packet_len", pmt.from_long(length))
            for offset, length in zip(offsets, lengths, strict=True)
        ]
        source = blocks.vector_source_b(np.concatenate(frames).tolist(), False, 1, tags)
        encoder = fec.tagged_encoder(
            vqdeepsc.ldpc_fec_encoder(PAYLOAD, CODED),
            gr.sizeof_char,
            gr.sizeof_char,
            "packet_len",
            8000,
        )
        decoder = fec.tagged_decoder(
            vqdeepsc.ldpc_fec_decoder(PAYLOAD, CODED),
            gr.sizeof_float,
            gr.sizeof_char,
            "packet_len",
            8000,
        )
        coded, decoded = blocks.vector_sink_b(), blocks.vector_sink_b()
        self.tb.connect(source, encoder, digital.chunks_to_symbols_bf([-4, 4]), decoder, decoded)
        self.tb.connect(encoder, coded)
        self.tb.run()
        return frames, coded.data(), decoded.data()

    def test_tagged_blocks_take_shorter_frames(self):
        frames, coded, decoded = self.tagged([1000, 24, 500, 1000, 999])
        expected = [LdpcEncoder(f.size, 3 * f.size).encode(f) for f in frames]
        np.testing.assert_array_equal(coded, np.concatenate(expected))
        np.testing.assert_array_equal(decoded, np.concatenate(frames))

    def test_frames_without_room_for_a_crc_become_zeros(self):
        """An exception ended the thread of the encoder, and the flowgraph waited for ever."""
        for length in (1, 7):
            frames, coded, decoded = self.tagged([1000, length, 500])
            frames[1] = np.zeros(length, np.uint8)
            first, last = (LdpcEncoder(f.size, 3 * f.size).encode(f) for f in frames[::2])
            expected = [first, np.zeros(3 * length, np.uint8), last]
            np.testing.assert_array_equal(coded, np.concatenate(expected))
            np.testing.assert_array_equal(decoded, np.concatenate(frames))

    def run_async(self, block, vectors):
        """PDUs with these vectors through an async block, and what came out of it."""
        self.tb = gr.top_block()
        outbox = blocks.message_debug()
        self.tb.msg_connect(block, "out", outbox, "store")
        inbox = block.to_basic_block()
        for vector in vectors:
            inbox._post(pmt.intern("in"), pmt.cons(pmt.PMT_NIL, vector))
        inbox._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))
        self.tb.run()
        return [pmt.to_python(pmt.cdr(message)) for message in stored_messages(outbox)]

    def test_async_blocks(self):
        encoder = fec.async_encoder(vqdeepsc.ldpc_fec_encoder(PAYLOAD, CODED), False, False, False)
        rows = self.bits[:3]
        coded = self.run_async(encoder, [pmt.init_u8vector(PAYLOAD, row.tolist()) for row in rows])
        np.testing.assert_array_equal(np.concatenate(coded), self.coded(rows))
        decoder = fec.async_decoder(vqdeepsc.ldpc_fec_decoder(PAYLOAD, CODED), False, False)
        llrs = [pmt.init_f32vector(CODED, (8.0 * row - 4).tolist()) for row in coded]
        np.testing.assert_array_equal(np.concatenate(self.run_async(decoder, llrs)), rows.ravel())

    def test_wrong_parameters_are_named(self):
        for make in (vqdeepsc.ldpc_fec_encoder, vqdeepsc.ldpc_fec_decoder):
            with self.assertRaisesRegex(ValueError, "0"):
                make(0, 300)
            with self.assertRaisesRegex(ValueError, "5"):
                make(100, 300, 5)
            with self.assertRaisesRegex(ValueError, "no room for the 1 code block"):
                make(100, 115)
        with self.assertRaisesRegex(ValueError, "1001"):
            vqdeepsc.ldpc_fec_decoder(100, 300, iterations=1001)


if __name__ == "__main__":
    gr_unittest.run(TestLdpcFec)
