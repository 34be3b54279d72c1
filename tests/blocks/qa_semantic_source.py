# SPDX-License-Identifier: GPL-3.0-or-later
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pmt
from flowgraph import MODELS, photograph
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.assembler import ImageAssembler
from gnuradio.vqdeepsc.blocks.frames import (
    END_OF_IMAGES,
    FRAME_TAG,
    bits_to_llrs,
    header_from_pmt,
    image_to_pdu,
    pdu_to_image,
)
from gnuradio.vqdeepsc.blocks.loopback import connect_link, stored_messages
from PIL import Image
from tiny_bundle import PROGRESSIVE, make_bundle
from vqdeepsc.allocation import Budget, encode_frames
from vqdeepsc.codec import Codec
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.images.files import load_image
from vqdeepsc.images.search import Search, SearchingCodec
from vqdeepsc.kernels import FrameHeader
from vqdeepsc.link import ChannelModel


class TestSemanticSource(gr_unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.codec = Codec()

    def setUp(self):
        self.tb = gr.top_block()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def wait_until(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def save(self, name, width, height):
        path = self.folder / name
        Image.fromarray(photograph(width, height)).save(path)
        return path

    def run_source(self, *args, **parameters):
        source = vqdeepsc.semantic_source(*args, **parameters)
        sink = blocks.vector_sink_b()
        sent = blocks.message_debug()
        self.tb.connect(source, sink)
        self.tb.msg_connect(source, "sent", sent, "store")
        self.tb.run()
        return np.array(sink.data(), np.uint8), sink.tags(), stored_messages(sent)

    def test_a_search_gives_the_bits_of_a_searching_codec(self):
        path = self.save("a.png", 64, 64)
        parameters = {"search_for": "psnr", "search_steps": 10}
        bits, _, _ = self.run_source(str(path), **parameters)
        codec = SearchingCodec(search=Search(goal="psnr", steps=10))
        expected = codec.encode_bits(load_image(path))
        self.assertTrue(np.array_equal(bits, expected.reshape(-1)))
        self.assertFalse(np.array_equal(expected, self.codec.encode_bits(load_image(path))))
        for wrong in ({"search": -1.0}, {"search_for": "beauty"}, {"search": 1, "search_steps": 1}):
            with self.assertRaises(ValueError):
                vqdeepsc.semantic_source(**wrong)

    def test_file_becomes_the_bits_of_the_codec(self):
        path = self.save("a.png", 200, 130)
        for model, region_bits in zip(MODELS, (20032, 7616), strict=True):
            with self.subTest(model):
                self.tb = gr.top_block()
                codec = Codec(model)
                bits, tags, sent = self.run_source(str(path), model, first_image=7, session=5)
                expected = codec.encode_bits(load_image(path))
                self.assertEqual(expected.shape, (2, region_bits))
                np.testing.assert_array_equal(bits, expected.reshape(-1))
                self.assertEqual([tag.offset for tag in tags], [i * region_bits for i in range(2)])
                self.assertEqual({pmt.symbol_to_string(tag.key) for tag in tags}, {FRAME_TAG})
                for region, tag in enumerate(tags):
                    self.assertEqual(
                        header_from_pmt(tag.value),
                        FrameHeader(
                            model=codec.model_id,
                            session=5,
                            image=7,
                            width=200,
                            height=130,
                            first_block=64 * region,
                        ),
                    )
                np.testing.assert_array_equal(pdu_to_image(sent[0])[0], load_image(path))

    def test_budgets_of_a_progressive_model(self):
        """What the link brings is the image of the codec, decoded from the frames of the budget."""
        path = self.save("a.png", 250, 170)
        image = load_image(path)
        model = str(make_bundle(self.folder / "tiny", PROGRESSIVE))
        codec = Codec(model)
        for parameters, budget, count in (
            ({"frames": 2, "frame_bits": 8000}, Budget(bits=16_000), 2),
            ({"bits_per_pixel": 0.6, "frame_bits": 5000}, Budget(bits_per_pixel=0.6), 5),
            ({"frame_bits": 20_032}, Budget(), 3),
            ({}, Budget(), 3),
        ):
            with self.subTest(**parameters):
                self.tb = gr.top_block()
                frame_bits = parameters.get("frame_bits", 0)
                source = vqdeepsc.semantic_source(str(path), model, **parameters)
                sink = vqdeepsc.semantic_sink(model, frame_bits=frame_bits)
                bits, images = blocks.vector_sink_b(), blocks.message_debug()
                length = frame_bits or codec.bits_per_region
                connect_link(self.tb, source, sink, length, ChannelModel("awgn"), 20.0)
                self.tb.connect(source, bits)
                self.tb.msg_connect(sink, "images", images, "store")
                self.tb.run()
                sent = encode_frames(codec, image, budget, frame_bits=frame_bits)
                self.assertEqual(sent.bits.shape, (count, length))
                np.testing.assert_array_equal(bits.data(), sent.bits.reshape(-1))
                headers = [header_from_pmt(tag.value) for tag in bits.tags()]
                self.assertEqual(
                    [(header.first_block, header.block_bits) for header in headers],
                    [(run.first_block, run.block_bits) for run in sent.runs],
                )
                expected = codec.decode_received(
                    {
                        run: certain_llrs(row[: run.bits])
                        for run, row in zip(sent.runs, sent.bits, strict=True)
                    },
                    250,
                    170,
                )
                ((decoded, _),) = map(pdu_to_image, stored_messages(images))
                # soft bits may be a little less than certain
                difference = np.abs(decoded.astype(int) - expected)
                self.assertLessEqual(difference.max(), 1)
                self.assertLess(np.count_nonzero(difference), 20)

    def test_budgets_that_cannot_be_are_refused(self):
        model = str(make_bundle(self.folder / "tiny", PROGRESSIVE))
        for parameters, sentence in (
            ({"model": model, "frames": 1, "quality": 30.0}, "not two of them"),
            ({"model": model, "frames": -1}, "above 0"),
            ({"model": model, "frame_bits": 63}, "takes 64 to 65,535"),
            ({"frames": 1}, "only a progressive model takes a budget"),
        ):
            with self.assertRaisesRegex(ValueError, sentence):
                vqdeepsc.semantic_source(**parameters)
        path = self.save("a.png", 250, 170)
        source = vqdeepsc.semantic_source(str(path), model, frames=1, frame_bits=100)
        self.tb.connect(source, blocks.null_sink(gr.sizeof_char))
        self.tb.run()
        self.assertIn("takes at least 2 frames of 100 bits, not 1", str(source.error))

    def test_folder_is_sent_in_order_and_unreadable_images_are_passed_over(self):
        self.save("b.png", 128, 128)
        self.save("a.png", 64, 48)
        (self.folder / "aa.png").write_bytes(b"no image")
        bits, tags, _ = self.run_source(str(self.folder), first_image=65535)
        self.assertEqual(bits.size, 2 * 20032)
        headers = [header_from_pmt(tag.value) for tag in tags]
        self.assertEqual(
            [(h.image, h.width, h.height) for h in headers], [(65535, 64, 48), (0, 128, 128)]
        )

    def test_a_receiver_does_not_mix_images_of_a_sender_that_was_started_again(self):
        self.save("a.png", 256, 128)
        Image.fromarray(255 - photograph(256, 128)).save(self.folder / "b.png")
        paths = [self.folder / name for name in ("a.png", "b.png")]
        runs = []
        for path in paths:
            self.tb = gr.top_block()
            bits, tags, _ = self.run_source(str(path), first_image=9)
            headers = [header_from_pmt(tag.value) for tag in tags]
            runs.append(list(zip(headers, bits_to_llrs(bits).reshape(2, -1), strict=True)))
        cut, whole = runs
        assembler = ImageAssembler(self.codec)
        decoded = [*assembler.add(*cut[0]), *assembler.add(*whole[1]), *assembler.flush()]
        self.assertEqual([(each.received, each.regions) for each in decoded], [(1, 2), (1, 2)])

    def test_glob(self):
        self.save("b.png", 128, 128)
        self.save("a.jpg", 64, 48)
        bits, _, _ = self.run_source(str(self.folder / "*.jpg"))
        self.assertEqual(bits.size, 20032)

    def test_copies_and_the_end_of_images(self):
        source = vqdeepsc.semantic_source(copies=3)
        sink = blocks.vector_sink_b()
        sent = blocks.message_debug()
        self.tb.connect(source, sink)
        self.tb.msg_connect(source, "sent", sent, "store")
        inbox = source.to_basic_block()
        image = photograph(200, 100)
        pdu = image_to_pdu(image, 5)
        inbox._post(pmt.intern("images"), pdu)
        inbox._post(pmt.intern("images"), END_OF_IMAGES)
        self.tb.run()
        headers = [header_from_pmt(tag.value) for tag in sink.tags()]
        self.assertEqual([(h.image, h.first_block) for h in headers], [(5, 0), (5, 64)] * 3)
        # the first copy is in the encoder's own redundancy version, as a single transmission is
        versions = [pmt.to_python(tag.value).get("redundancy_version") for tag in sink.tags()]
        self.assertEqual(versions, [None, None, 2, 2, 3, 3])
        rows = np.array(sink.data(), np.uint8).reshape(3, 2, 20032)
        for copy in rows:
            np.testing.assert_array_equal(copy, self.codec.encode_bits(image))
        (image,) = stored_messages(sent)
        # the same bytes, which are not made again
        self.assertTrue(pmt.eq(pmt.cdr(image), pmt.cdr(pdu)))
        with self.assertRaisesRegex(ValueError, "copies is 0"):
            vqdeepsc.semantic_source(copies=0)

    def test_longer_frames_are_filled_with_zeros(self):
        path = self.save("a.png", 200, 100)
        bits, tags, _ = self.run_source(str(path), frame_bits=20085)
        self.assertEqual([tag.offset for tag in tags], [0, 20085])
        rows = bits.reshape(2, 20085)
        np.testing.assert_array_equal(rows[:, :20032], self.codec.encode_bits(load_image(path)))
        self.assertFalse(rows[:, 20032:].any())

    def test_image_pdus(self):
        image = photograph(90, 128)
        source = vqdeepsc.semantic_source()
        sink = blocks.vector_sink_b()
        self.tb.connect(source, sink)
        port = pmt.intern("images")
        source.to_basic_block()._post(port, pmt.intern("nonsense"))
        source.to_basic_block()._post(port, image_to_pdu(image, 77))
        self.tb.start()
        self.wait_until(lambda: len(sink.data()) >= 20032)
        self.tb.stop()
        self.tb.wait()
        np.testing.assert_array_equal(sink.data(), self.codec.encode_bits(image)[0])
        self.assertEqual(header_from_pmt(sink.tags()[0].value).image, 77)

    def test_images_that_wait_are_sent_before_the_flowgraph_ends(self):
        images = [photograph(40 + i, 128) for i in range(5)]
        source = vqdeepsc.semantic_source()
        sink = blocks.vector_sink_b()
        self.tb.connect(source, sink)
        inbox = source.to_basic_block()
        for image in images:
            inbox._post(pmt.intern("images"), image_to_pdu(image, 0))
        inbox._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))
        self.tb.run()
        expected = [self.codec.encode_bits(image)[0] for image in images]
        np.testing.assert_array_equal(sink.data(), np.concatenate(expected))

    def test_interval_changes_while_running(self):
        path = self.save("a.png", 32, 32)
        source = vqdeepsc.semantic_source(str(path), repeat=True, interval=1000.0)
        sent = blocks.message_debug()
        self.tb.connect(source, blocks.null_sink(gr.sizeof_char))
        self.tb.msg_connect(source, "sent", sent, "store")
        self.tb.start()
        self.wait_until(lambda: sent.num_messages() > 0)
        time.sleep(1)
        paced = sent.num_messages()
        source.set_interval(0.01)
        self.wait_until(lambda: sent.num_messages() >= 3)
        self.tb.stop()
        self.tb.wait()
        self.assertEqual(paced, 1)

    def test_repeat_ends_when_it_is_switched_off(self):
        path = self.save("a.png", 32, 32)
        source = vqdeepsc.semantic_source(str(path), repeat=True, first_image=0)
        sent = blocks.message_debug()
        self.tb.connect(source, blocks.null_sink(gr.sizeof_char))
        self.tb.msg_connect(source, "sent", sent, "store")
        self.tb.start()
        self.wait_until(lambda: sent.num_messages() >= 3)
        source.set_repeat(False)
        waiter = threading.Thread(target=self.tb.wait, daemon=True)
        waiter.start()
        waiter.join(60)
        self.assertFalse(waiter.is_alive())
        numbers = [
            pmt.to_long(pmt.dict_ref(pmt.car(m), pmt.intern("image"), pmt.PMT_NIL))
            for m in stored_messages(sent)
        ]
        self.assertEqual(numbers, list(range(len(numbers))))

    def test_wrong_parameters(self):
        with self.assertRaisesRegex(ValueError, "nowhere"):
            vqdeepsc.semantic_source("nowhere/*.png")
        with self.assertRaisesRegex(ValueError, "no images"):
            vqdeepsc.semantic_source(str(self.folder))
        with self.assertRaisesRegex(ValueError, "-1"):
            vqdeepsc.semantic_source(interval=-1)
        with self.assertRaisesRegex(ValueError, "100"):
            vqdeepsc.semantic_source(frame_bits=100)
        for number in (-2, 65536):
            with self.assertRaisesRegex(ValueError, f"first_image is {number}"):
                vqdeepsc.semantic_source(first_image=number)
        with self.assertRaisesRegex(ValueError, "nosuchmodel"):
            vqdeepsc.semantic_source(model="nosuchmodel")


if __name__ == "__main__":
    gr_unittest.run(TestSemanticSource)
