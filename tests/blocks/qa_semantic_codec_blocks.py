# SPDX-License-Identifier: GPL-3.0-or-later
"""semantic_encoder and semantic_decoder: PDU to PDU."""

import tempfile
import threading
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pmt
from flowgraph import MODELS, photograph
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import (
    FrameError,
    bits_to_llrs,
    header_from_pmt,
    header_to_pmt,
    image_to_frames,
    image_to_pdu,
    pdu_to_image,
)
from gnuradio.vqdeepsc.blocks.loopback import stored_messages
from tiny_bundle import PROGRESSIVE, make_bundle
from vqdeepsc.allocation import Budget, encode_frames
from vqdeepsc.codec import Codec
from vqdeepsc.images.files import load_image
from vqdeepsc.kernels import FrameHeader

SESSION = 11


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
        without_id = pmt.dict_delete(pmt.car(image_to_pdu(image, 0)), pmt.intern("image"))
        pdus = [
            image_to_pdu(image, 41),
            pmt.cons(pmt.make_dict(), pmt.init_u8vector(3, [1, 2, 3])),
            pmt.cons(without_id, pmt.cdr(image_to_pdu(image, 0))),
        ]
        for model in MODELS:
            codec = Codec(model)
            block = vqdeepsc.semantic_encoder(model, session=SESSION)
            frames = self.run_block(block, "images", "frames", pdus)
            bits = codec.encode_bits(image)
            self.assertEqual(len(frames), 4)
            for index, frame in enumerate(frames):
                header = header_from_pmt(pmt.car(frame))
                region = index % 2
                expected = FrameHeader(
                    model=codec.model_id,
                    session=SESSION,
                    image=41 + index // 2,
                    width=200,
                    height=100,
                    first_block=64 * region,
                )
                self.assertEqual(header, expected)
                np.testing.assert_array_equal(pmt.to_python(pmt.cdr(frame)), bits[region])

    def test_budgets_of_a_progressive_model(self):
        image = photograph(200, 100)
        with tempfile.TemporaryDirectory() as folder:
            model = make_bundle(Path(folder) / "tiny", PROGRESSIVE)
            codec = Codec(model)
            block = vqdeepsc.semantic_encoder(str(model), frame_bits=3000, frames=4)
            frames = self.run_block(block, "images", "frames", [image_to_pdu(image, 41)])
            sent = encode_frames(codec, image, Budget(bits=12_000), frame_bits=3000)
            self.assertEqual([len(pmt.to_python(pmt.cdr(frame))) for frame in frames], [3000] * 4)
            headers = [header_from_pmt(pmt.car(frame)) for frame in frames]
            self.assertEqual(
                [(header.first_block, header.block_bits) for header in headers],
                [(run.first_block, run.block_bits) for run in sent.runs],
            )
            decoder = vqdeepsc.semantic_decoder(str(model))
            ((decoded, number),) = map(
                pdu_to_image, self.run_block(decoder, "frames", "images", frames)
            )
        self.assertEqual(number, 41)
        received = {
            run: bits_to_llrs(bits[: run.bits])
            for run, bits in zip(sent.runs, sent.bits, strict=True)
        }
        np.testing.assert_array_equal(decoded, codec.decode_received(received, 200, 100))
        with self.assertRaisesRegex(ValueError, "only a progressive model takes a budget"):
            vqdeepsc.semantic_encoder(frames=4)

    def test_an_image_becomes_a_message_only_where_one_is_wanted(self):
        frames = self.frames(photograph(100, 100), 3)
        conversion = mock.patch("gnuradio.vqdeepsc.blocks.frames.image_to_pdu", wraps=image_to_pdu)
        with tempfile.TemporaryDirectory() as folder, conversion as converted:
            block = vqdeepsc.semantic_decoder(folder=folder)
            for frame in frames:
                block._decode(frame)
            self.assertEqual(len(list(Path(folder).glob("*.png"))), 1)
            self.assertFalse(converted.called)
            self.run_block(vqdeepsc.semantic_decoder(), "frames", "images", frames)
            self.assertTrue(converted.called)

    def test_decoder_takes_hard_and_soft_bits(self):
        for model in MODELS:
            with self.subTest(model):
                self.check_hard_and_soft_bits(Codec(model))

    def check_hard_and_soft_bits(self, codec):
        image = photograph(200, 100)
        expected = codec.decode_bits(codec.encode_bits(image), 200, 100)
        pdus = [pmt.intern("nonsense"), pmt.cons(pmt.make_dict(), pmt.PMT_NIL)]
        for number, soft in ((1, False), (2, True)):
            for header, bits in image_to_frames(codec, image, number, SESSION):
                data = (
                    pmt.init_f32vector(bits.size, bits_to_llrs(bits).tolist())
                    if soft
                    else pmt.init_u8vector(bits.size, bits.tolist())
                )
                pdus.append(pmt.cons(header_to_pmt(header), data))
        # a region of the wrong length is skipped
        pdus.append(pmt.cons(pmt.car(pdus[-1]), pmt.init_u8vector(3, [0, 1, 0])))
        with tempfile.TemporaryDirectory() as folder:
            block = vqdeepsc.semantic_decoder(codec.name, folder=folder)
            decoded = self.run_block(block, "frames", "images", pdus)
            written = [load_image(path) for path in sorted(Path(folder).iterdir())]
        self.assertEqual([pdu_to_image(pdu)[1] for pdu in decoded], [1, 2])
        for image in [*(pdu_to_image(pdu)[0] for pdu in decoded), *written]:
            np.testing.assert_array_equal(image, expected)
        self.assertEqual(len(written), 2)

    def test_images_of_many_sizes_pass_both(self):
        for width, height in ((1, 1), (17, 5), (128, 128), (130, 257)):
            with self.subTest(width=width, height=height):
                image = photograph(width, height)
                frames = self.run_block(
                    vqdeepsc.semantic_encoder(), "images", "frames", [image_to_pdu(image, 0)]
                )
                (decoded,) = self.run_block(vqdeepsc.semantic_decoder(), "frames", "images", frames)
                expected = self.codec.decode_bits(self.codec.encode_bits(image), width, height)
                np.testing.assert_array_equal(pdu_to_image(decoded)[0], expected)

    def wait_until(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def frames(self, image, number):
        return [
            pmt.cons(header_to_pmt(header), pmt.init_f32vector(bits.size, bits_to_llrs(bits)))
            for header, bits in image_to_frames(self.codec, image, number, SESSION)
        ]

    def test_copies_are_added(self):
        image = photograph(200, 100)
        rng = np.random.default_rng(5)
        noisy = []
        for copy in range(4):
            for header, bits in image_to_frames(self.codec, image, 7, SESSION):
                llrs = 2.0 * (2.0 * bits - 1.0) + rng.normal(scale=2.0, size=bits.size)
                # one copy of one region is lost, so its image waits for the next one
                region = header.first_block // 64
                if (copy, region) != (3, 1):
                    data = pmt.init_f32vector(bits.size, llrs)
                    noisy.append((region, llrs, pmt.cons(header_to_pmt(header), data)))
        sums = [sum(llrs for region, llrs, _ in noisy if region == number) for number in (0, 1)]
        expected = self.codec.decode_llrs(np.array(sums, np.float32), 200, 100)
        others = self.frames(image, 8) * 4
        pdus = [*(pdu for _, _, pdu in noisy), *others]
        decoded = self.run_block(vqdeepsc.semantic_decoder(copies=4), "frames", "images", pdus)
        self.assertEqual([pdu_to_image(pdu)[1] for pdu in decoded], [7, 8])
        difference = pdu_to_image(decoded[0])[0].astype(int) - expected
        # the sums are rounded in another order
        self.assertLessEqual(np.abs(difference).max(), 1)

    def test_a_region_without_errors_stays(self):
        image = photograph(128, 128)
        ((header, bits),) = image_to_frames(self.codec, image, 7, SESSION)
        right = 16.0 * (2.0 * bits - 1.0)

        def pdu(llrs, errors, copies=1):
            dictionary = header_to_pmt(header)
            for key, value in (("copies", copies), ("block_errors", errors)):
                dictionary = pmt.dict_add(dictionary, pmt.intern(key), pmt.from_long(value))
            return pmt.cons(dictionary, pmt.init_f32vector(llrs.size, llrs))

        pdus = [pdu(-right, 3), pdu(right, 0, 2), pdu(-right, 3), pdu(-right, 1, 2)]
        (decoded,) = self.run_block(vqdeepsc.semantic_decoder(copies=4), "frames", "images", pdus)
        expected = self.codec.decode_llrs(right[None].astype(np.float32), 128, 128)
        np.testing.assert_array_equal(pdu_to_image(decoded)[0], expected)

    def test_regions_of_images_beyond_the_limit_are_passed_over(self):
        lie = FrameHeader(model=self.codec.model_id, image=5, width=65535, height=65535)
        with self.assertRaisesRegex(FrameError, "has 65535x65535 pixels, more than the 40,000,000"):
            header_from_pmt(header_to_pmt(lie))
        image = photograph(200, 100)
        good = self.frames(image, 3)
        pdus = [good[0], pmt.cons(header_to_pmt(lie), pmt.cdr(good[0])), good[1]]
        (decoded,) = self.run_block(vqdeepsc.semantic_decoder(), "frames", "images", pdus)
        expected = self.codec.decode_bits(self.codec.encode_bits(image), 200, 100)
        np.testing.assert_array_equal(pdu_to_image(decoded)[0], expected)
        for most, count in ((20_000, 1), (19_999, 0)):
            block = vqdeepsc.semantic_decoder(max_pixels=most)
            self.assertEqual(len(self.run_block(block, "frames", "images", good)), count)

    def test_image_pdus_beyond_the_limit_are_passed_over(self):
        pdu = image_to_pdu(photograph(200, 100), 3)
        self.assertEqual(pdu_to_image(pdu, 20_000)[1], 3)
        with self.assertRaisesRegex(FrameError, "the image has 200x100 pixels, more than the 19,9"):
            pdu_to_image(pdu, 19_999)
        claim = pmt.dict_add(pmt.car(pdu), pmt.intern("height"), pmt.from_long(65535))
        with self.assertRaisesRegex(FrameError, "60000 bytes are no"):
            pdu_to_image(pmt.cons(claim, pmt.cdr(pdu)))

    def test_timeout_decodes_what_has_arrived(self):
        image = photograph(200, 100)
        top = gr.top_block()
        block = vqdeepsc.semantic_decoder(timeout=0.2)
        result = blocks.message_debug()
        top.msg_connect(block, "images", result, "store")
        top.start()
        block.to_basic_block()._post(pmt.intern("frames"), self.frames(image, 3)[0])
        self.wait_until(lambda: result.num_messages())
        top.stop()
        top.wait()
        (decoded,) = stored_messages(result)
        self.assertEqual(pdu_to_image(decoded)[1], 3)

    def test_one_timer_serves_many_regions(self):
        """Each region had a thread of its own."""
        frames = [frame for i in range(20) for frame in self.frames(photograph(200, 100), i)[:1]]
        block = vqdeepsc.semantic_decoder(timeout=1000.0)
        inbox, port = block.to_basic_block(), pmt.intern("frames")
        result = blocks.message_debug()
        top = gr.top_block()
        top.msg_connect(block, "images", result, "store")
        timers = set()
        top.start()
        for count, frame in enumerate(frames):
            inbox._post(port, frame)
            # the first region of the next image ends the one before
            self.wait_until(lambda count=count: result.num_messages() == count)
            timers.update(t for t in threading.enumerate() if isinstance(t, threading.Timer))
        top.stop()
        top.wait()
        self.assertLessEqual(len(timers), 1)

    def test_a_timer_that_ends_early_decodes_nothing(self):
        first, second, third = self.frames(photograph(300, 100), 3)
        top = gr.top_block()
        block = vqdeepsc.semantic_decoder(timeout=1000.0)
        result = blocks.message_debug()
        top.msg_connect(block, "images", result, "store")
        inbox = block.to_basic_block()
        top.start()
        for frame in (first, second):
            inbox._post(pmt.intern("frames"), frame)
            inbox._post(pmt.intern("timeout"), pmt.PMT_NIL)
        self.wait_until(lambda: not inbox.nmsgs(pmt.intern("timeout")))
        inbox._post(pmt.intern("frames"), third)
        self.wait_until(lambda: result.num_messages())
        top.stop()
        top.wait()
        (decoded,) = stored_messages(result)
        expected = self.codec.decode_bits(self.codec.encode_bits(photograph(300, 100)), 300, 100)
        np.testing.assert_array_equal(pdu_to_image(decoded)[0], expected)

    def test_no_timer_is_left_behind(self):
        first, _ = self.frames(photograph(200, 100), 3)
        block = vqdeepsc.semantic_decoder(timeout=1000.0)
        self.assertEqual(len(self.run_block(block, "frames", "images", [first])), 1)
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                # one that was cancelled may take a moment to end
                thread.join(60)
                self.assertFalse(thread.is_alive())

    def test_refuses_parameters_out_of_range(self):
        for parameters, sentence in (
            ({"copies": 0}, "copies is 0"),
            ({"timeout": -1.0}, "timeout is -1.0 s"),
            ({"max_pixels": 0}, "max_pixels is 0"),
            ({"max_pixels": 65535**2 + 1}, "max_pixels is 4294836226"),
        ):
            with self.assertRaisesRegex(ValueError, sentence):
                vqdeepsc.semantic_decoder(**parameters)
        with self.assertRaisesRegex(ValueError, "first_image is 65536"):
            vqdeepsc.semantic_encoder(first_image=65536)
        with self.assertRaisesRegex(ValueError, "session is -2"):
            vqdeepsc.semantic_encoder(session=-2)

    def test_unknown_model(self):
        for block in (vqdeepsc.semantic_encoder, vqdeepsc.semantic_decoder):
            with self.assertRaisesRegex(ValueError, "nosuchmodel"):
                block("nosuchmodel")


if __name__ == "__main__":
    gr_unittest.run(TestSemanticCodecBlocks)
