# SPDX-License-Identifier: GPL-3.0-or-later
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pmt
from flowgraph import MODELS, make_tag, photograph
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import (
    FRAME_TAG,
    bits_to_llrs,
    header_to_pmt,
    image_to_frames,
    pdu_to_image,
)
from gnuradio.vqdeepsc.blocks.loopback import stored_messages
from vqdeepsc.codec import Codec
from vqdeepsc.images.files import load_image
from vqdeepsc.kernels import FrameHeader

SESSION = 11


class TestSemanticSink(gr_unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.codec = Codec()

    def setUp(self):
        self.tb = gr.top_block()

    def run_sink(self, items, tags, soft=True, **parameters):
        make = blocks.vector_source_f if soft else blocks.vector_source_b
        source = make(items.tolist(), False, 1, tags)
        sink = vqdeepsc.semantic_sink(soft=soft, **parameters)
        images = blocks.message_debug()
        self.tb.connect(source, sink)
        self.tb.msg_connect(sink, "images", images, "store")
        self.tb.run()
        return [pdu_to_image(pdu) for pdu in stored_messages(images)]

    def frames(self, image, number=0):
        return list(image_to_frames(self.codec, image, number, SESSION))

    def test_soft_and_hard_bits_give_the_image_of_the_codec(self):
        image = photograph(200, 130)
        for model, soft in product(MODELS, (True, False)):
            with self.subTest(model, soft=soft):
                self.tb = gr.top_block()
                codec = Codec(model)
                frames = list(image_to_frames(codec, image, 9, SESSION))
                rows = [bits_to_llrs(bits) if soft else bits for _, bits in frames]
                tags = [
                    make_tag(i * codec.bits_per_region, FRAME_TAG, header_to_pmt(header))
                    for i, (header, _) in enumerate(frames)
                ]
                decoded = self.run_sink(np.concatenate(rows), tags, soft, model=model)
                self.assertEqual([number for _, number in decoded], [9])
                expected = codec.decode_bits(codec.encode_bits(image), 200, 130)
                np.testing.assert_array_equal(decoded[0][0], expected)

    def test_copies_make_one_image(self):
        """Each copy of an image was decoded and written."""
        image = photograph(200, 130)
        size = self.codec.bits_per_region
        frames = self.frames(image, 9) * 2
        tags = [
            make_tag(i * size, FRAME_TAG, header_to_pmt(header))
            for i, (header, _) in enumerate(frames)
        ]
        # a wrong copy that is uncertain, and a right one
        rows = [bits_to_llrs(bits) for _, bits in frames]
        half = len(rows) // 2
        items = np.concatenate([-0.1 * row for row in rows[:half]] + rows[half:])
        decoded = self.run_sink(items, tags, copies=2)
        self.assertEqual([number for _, number in decoded], [9])
        expected = self.codec.decode_bits(self.codec.encode_bits(image), 200, 130)
        np.testing.assert_array_equal(decoded[0][0], expected)

    def test_regions_of_images_beyond_the_limit_are_passed_over(self):
        ((_, bits),) = self.frames(photograph(128, 128))
        rows = np.tile(bits_to_llrs(bits), 3)
        for lie, most in (((65535, 65535), {}), ((129, 128), {"max_pixels": 128 * 128})):
            self.tb = gr.top_block()
            sizes = [(128, 128), lie, (128, 128)]
            tags = [
                make_tag(
                    i * bits.size,
                    FRAME_TAG,
                    header_to_pmt(
                        FrameHeader(
                            model=self.codec.model_id, image=i, width=size[0], height=size[1]
                        )
                    ),
                )
                for i, size in enumerate(sizes)
            ]
            decoded = self.run_sink(rows, tags, **most)
            self.assertEqual([number for _, number in decoded], [0, 2])
        with self.assertRaisesRegex(ValueError, "max_pixels is 0"):
            vqdeepsc.semantic_sink(max_pixels=0)

    def test_uncertain_bits_are_weighed(self):
        image = photograph(128, 128)
        ((header, bits),) = self.frames(image)
        rng = np.random.default_rng(1)
        llrs = (bits_to_llrs(bits) / 100 + rng.normal(0, 1, bits.size)).astype(np.float32)
        ((decoded, _),) = self.run_sink(llrs, [make_tag(0, FRAME_TAG, header_to_pmt(header))])
        np.testing.assert_array_equal(decoded, self.codec.decode_llrs(llrs[None], 128, 128))
        hard = self.codec.decode_bits((llrs[None] > 0).astype(np.uint8), 128, 128)
        self.assertGreater(np.abs(decoded.astype(int) - hard).max(), 0)

    def test_stream_that_begins_inside_a_region_resynchronises(self):
        image = photograph(128, 128)
        ((header, bits),) = self.frames(image, 5)
        llrs = bits_to_llrs(bits)
        stream = np.concatenate([llrs[1234:], llrs[:777], llrs, llrs[:10]])
        begin = llrs.size - 1234
        # the second tag cuts its region short; the third begins a whole one
        tags = [
            make_tag(begin, FRAME_TAG, header_to_pmt(header)),
            make_tag(begin + 777, FRAME_TAG, header_to_pmt(header)),
        ]
        ((decoded, number),) = self.run_sink(stream, tags)
        self.assertEqual(number, 5)
        np.testing.assert_array_equal(decoded, self.codec.decode_bits(bits[None], 128, 128))

    def test_missing_region_is_concealed_when_the_next_image_begins(self):
        image = photograph(256, 128)
        first = self.frames(image, 1)
        second = self.frames(photograph(128, 128), 2)
        sent = [first[0], second[0]]
        tags = [
            make_tag(i * 20032, FRAME_TAG, header_to_pmt(header))
            for i, (header, _) in enumerate(sent)
        ]
        llrs = np.concatenate([bits_to_llrs(bits) for _, bits in sent])
        decoded = self.run_sink(llrs, tags)
        self.assertEqual([number for _, number in decoded], [1, 2])
        bits = self.codec.encode_bits(image)
        expected = self.codec.decode_bits(bits, 256, 128, received=[True, False])
        np.testing.assert_array_equal(decoded[0][0], expected)

    def test_wrong_frames_are_skipped_and_the_next_is_decoded(self):
        image = photograph(128, 128)
        ((header, bits),) = self.frames(image, 3)
        other = FrameHeader(model=header.model ^ 1, image=3, width=128, height=128)
        outside = pmt.dict_add(header_to_pmt(header), pmt.intern("first_block"), pmt.from_long(64))
        values = [
            header_to_pmt(other),
            outside,
            pmt.intern("nonsense"),
            pmt.make_dict(),
            header_to_pmt(header),
        ]
        llrs = np.tile(bits_to_llrs(bits), len(values))
        decoded = self.run_sink(
            llrs, [make_tag(i * 20032, FRAME_TAG, v) for i, v in enumerate(values)]
        )
        self.assertEqual(len(decoded), 1)
        np.testing.assert_array_equal(decoded[0][0], self.codec.decode_bits(bits[None], 128, 128))

    def test_no_number_is_too_wild(self):
        image = photograph(128, 128)
        ((header, bits),) = self.frames(image)
        llrs = bits_to_llrs(bits)
        llrs[::7] = np.nan
        llrs[1::7] = np.inf
        llrs[2::7] = -np.inf
        ((decoded, _),) = self.run_sink(llrs, [make_tag(0, FRAME_TAG, header_to_pmt(header))])
        self.assertEqual(decoded.shape, (128, 128, 3))

    def test_files_are_written_and_none_is_overwritten(self):
        image = photograph(64, 48)
        ((header, bits),) = self.frames(image, 4)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "received"
            for _ in range(2):
                self.tb = gr.top_block()
                ((decoded, _),) = self.run_sink(
                    bits_to_llrs(bits),
                    [make_tag(0, FRAME_TAG, header_to_pmt(header))],
                    folder=str(folder),
                )
            self.assertEqual(
                sorted(p.name for p in folder.iterdir()),
                ["image-00004-2.png", "image-00004.png"],
            )
            np.testing.assert_array_equal(load_image(folder / "image-00004.png"), decoded)

    def test_an_image_that_cannot_be_decoded_at_the_end_is_told(self):
        """What stop() raised left a callback of the scheduler, and ended the process."""
        (header, bits), _ = self.frames(photograph(200, 100))
        source = blocks.vector_source_f(
            bits_to_llrs(bits).tolist(), False, 1, [make_tag(0, FRAME_TAG, header_to_pmt(header))]
        )
        sink = vqdeepsc.semantic_sink()
        images = blocks.message_debug()
        self.tb.connect(source, sink)
        self.tb.msg_connect(sink, "images", images, "store")
        sink._codec.bundle.stop()  # its networks fail from now on
        self.tb.run()
        self.assertEqual(stored_messages(images), [])

    def test_a_flowgraph_that_is_run_again_begins_a_region(self):
        image = photograph(128, 128)
        ((header, bits),) = self.frames(image, 5)
        llrs = bits_to_llrs(bits)
        sink, images = vqdeepsc.semantic_sink(), blocks.message_debug()
        tag = make_tag(0, FRAME_TAG, header_to_pmt(header))
        # the second run begins with what the first one still wants
        for items, tags in ((llrs[:777], [tag]), (llrs[777:], [])):
            self.tb = gr.top_block()
            self.tb.connect(blocks.vector_source_f(items.tolist(), False, 1, tags), sink)
            self.tb.msg_connect(sink, "images", images, "store")
            self.tb.run()
        self.assertEqual(stored_messages(images), [])

    def test_wrong_parameters(self):
        with self.assertRaisesRegex(ValueError, "nosuchmodel"):
            vqdeepsc.semantic_sink(model="nosuchmodel")
        with tempfile.NamedTemporaryFile() as file, self.assertRaisesRegex(ValueError, "folder"):
            vqdeepsc.semantic_sink(folder=file.name)


if __name__ == "__main__":
    gr_unittest.run(TestSemanticSink)
