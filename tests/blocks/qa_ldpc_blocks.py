# SPDX-License-Identifier: GPL-3.0-or-later
"""ldpc_encoder and ldpc_decoder against the kernels that the bindings offer."""

from itertools import pairwise

import numpy as np
import pmt
from flowgraph import make_tag
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.loopback import stored_messages
from vqdeepsc.kernels import LdpcDecoder, LdpcEncoder


def values(tags) -> list[tuple[int, str, object]]:
    found = [(t.offset, pmt.symbol_to_string(t.key), pmt.to_python(t.value)) for t in tags]
    return sorted(found, key=lambda entry: entry[:2])


class TestLdpcBlocks(gr_unittest.TestCase):
    def setUp(self):
        self.tb = gr.top_block()
        self.rng = np.random.default_rng(7)

    def encode(self, bits, tags, *parameters, chunk=None, **named):
        source = blocks.vector_source_b(bits.tolist(), False, 1, tags)
        encoder = vqdeepsc.ldpc_encoder(*parameters, **named)
        sink = blocks.vector_sink_b()
        self.tb.connect(source, encoder, sink)
        self.tb.run(*([chunk] if chunk else []))
        return np.array(sink.data(), np.uint8), values(sink.tags())

    def decode(self, llrs, tags, *parameters, chunk=None, soft_output=True, **named):
        source = blocks.vector_source_f(llrs.tolist(), False, 1, tags)
        decoder = vqdeepsc.ldpc_decoder(*parameters, soft_output=soft_output, **named)
        sink = blocks.vector_sink_f() if soft_output else blocks.vector_sink_b()
        frames = blocks.message_debug()
        self.tb.connect(source, decoder, sink)
        self.tb.msg_connect(decoder, "frames", frames, "store")
        self.tb.run(*([chunk] if chunk else []))
        reports = [pmt.to_python(message) for message in stored_messages(frames)]
        return np.array(sink.data()), values(sink.tags()), reports

    def test_encoder_is_the_kernel_frame_by_frame_however_the_stream_is_cut(self):
        # 60,096 coded bits are more than a default buffer holds of most item types
        for payload, coded, chunk in ((20032, 60096, None), (100, 300, 7), (100, 300, None)):
            with self.subTest(payload=payload, chunk=chunk):
                self.tb = gr.top_block()
                frames = self.rng.integers(0, 2, (5, payload), np.uint8)
                tags = [make_tag(i * payload, "frame", pmt.from_long(i)) for i in range(5)]
                tags.append(make_tag(2 * payload, "other", pmt.from_long(99)))
                got, got_tags = self.encode(frames.reshape(-1), tags, payload, coded, chunk=chunk)
                kernel = LdpcEncoder(payload, coded)
                np.testing.assert_array_equal(
                    got, np.concatenate([kernel.encode(frame) for frame in frames])
                )
                expected = [(i * coded, "frame", i) for i in range(5)]
                expected.insert(3, (2 * coded, "other", 99))
                self.assertEqual(got_tags, expected)

    def test_encoder_waits_for_the_first_tag_and_drops_what_is_cut_short(self):
        bits = self.rng.integers(0, 2, 1000, np.uint8)
        tags = [make_tag(offset, "frame", pmt.from_long(offset)) for offset in (130, 190, 290, 950)]
        got, got_tags = self.encode(bits, tags, 100, 300, chunk=11)
        kernel = LdpcEncoder(100, 300)
        np.testing.assert_array_equal(
            got, np.concatenate([kernel.encode(bits[i : i + 100]) for i in (190, 290)])
        )
        self.assertEqual(got_tags, [(0, "frame", 190), (300, "frame", 290)])

    def test_without_a_tag_frames_follow_each_other(self):
        bits = self.rng.integers(0, 2, 250, np.uint8)
        got, _ = self.encode(bits, [], 100, 300, 2, 1, frame_tag="")
        kernel = LdpcEncoder(100, 300, 2, 1)
        np.testing.assert_array_equal(
            got, np.concatenate([kernel.encode(bits[:100]), kernel.encode(bits[100:200])])
        )

    def test_a_flowgraph_that_is_run_again_begins_a_frame(self):
        bits = self.rng.integers(0, 2, 250, np.uint8)
        source = blocks.vector_source_b(bits.tolist())
        sink = blocks.vector_sink_b()
        self.tb.connect(source, vqdeepsc.ldpc_encoder(100, 300, frame_tag=""), sink)
        for _ in range(2):
            self.tb.run()
            source.rewind()
        kernel = LdpcEncoder(100, 300)
        once = [kernel.encode(bits[:100]), kernel.encode(bits[100:200])]
        np.testing.assert_array_equal(sink.data(), np.concatenate(once * 2))

    def noisy(self, payload, coded, frames, sigma):
        bits = self.rng.integers(0, 2, (frames, payload), np.uint8)
        encoder = LdpcEncoder(payload, coded)
        sent = np.array([encoder.encode(row) for row in bits]) * 2.0 - 1
        llrs = 2 / sigma**2 * (sent + self.rng.normal(0, sigma, sent.shape))
        return bits, llrs.astype(np.float32)

    def test_decoder_is_the_kernel_and_reports(self):
        payload, coded = 1000, 3000
        bits, llrs = self.noisy(payload, coded, 4, 0.8)
        llrs[2] = self.rng.normal(0, 1, coded)
        tags = [
            make_tag(
                i * coded,
                "frame",
                pmt.dict_add(pmt.make_dict(), pmt.intern("region"), pmt.from_long(i)),
            )
            for i in range(4)
        ]
        kernel = LdpcDecoder(payload, coded)
        expected = [kernel.decode(row) for row in llrs]
        for soft in (True, False):
            with self.subTest(soft=soft):
                self.tb = gr.top_block()
                got, got_tags, reports = self.decode(
                    llrs.reshape(-1), tags, payload, coded, soft_output=soft
                )
                part = 1 if soft else 0
                np.testing.assert_array_equal(got, np.concatenate([e[part] for e in expected]))
                self.assertEqual(
                    [offset for offset, _, _ in got_tags], [i * payload for i in range(4)]
                )
                self.assertEqual(
                    [report["crc_ok"] for report in reports], [True, True, False, True]
                )
                for i, (_, _, value) in enumerate(got_tags):
                    self.assertEqual(value["region"], i)
                    self.assertEqual(
                        (
                            value["crc_ok"],
                            value["block_errors"],
                            value["blocks"],
                            value["iterations"],
                        ),
                        expected[i][2:],
                    )
                    value.pop("region")
                    self.assertEqual(value, reports[i])
        np.testing.assert_array_equal(expected[0][0], bits[0])

    def test_frames_of_several_transport_blocks(self):
        """Each block is what the kernel makes of it alone, and a lost one leaves the others."""
        transport_blocks = [(192, 1152), (1280, 5760), (6144, 15936)]
        payload, coded = 7616, 22848
        bits = self.rng.integers(0, 2, (2, payload), np.uint8)
        tags = [make_tag(i * payload, "frame", pmt.make_dict()) for i in range(2)]
        sent, _ = self.encode(
            bits.reshape(-1), tags, payload, coded, transport_blocks=transport_blocks
        )
        expected_bits, expected_llrs = [], []
        offsets = np.cumsum([(0, 0), *transport_blocks], axis=0)
        sent = sent.reshape(2, coded)
        llrs = (8.0 * sent - 4 + self.rng.normal(0, 2, sent.shape)).astype(np.float32)
        llrs[1, offsets[2, 1] :] = self.rng.normal(0, 1, 15936)
        reports = [[], []]
        for i in range(2):
            for (p0, c0), (p1, c1) in pairwise(offsets):
                encoder, decoder = LdpcEncoder(p1 - p0, c1 - c0), LdpcDecoder(p1 - p0, c1 - c0)
                np.testing.assert_array_equal(sent[i, c0:c1], encoder.encode(bits[i, p0:p1]))
                hard, soft, *_ = decoder.decode(llrs[i, c0:c1])
                expected_bits.append(hard)
                expected_llrs.append(soft)
                reports[i] += decoder.block_results
        tags = [make_tag(i * coded, "frame", pmt.make_dict()) for i in range(2)]
        for soft, expected in ((True, expected_llrs), (False, expected_bits)):
            with self.subTest(soft=soft):
                self.tb = gr.top_block()
                got, got_tags, published = self.decode(
                    llrs.reshape(-1),
                    tags,
                    payload,
                    coded,
                    soft_output=soft,
                    transport_blocks=transport_blocks,
                )
                np.testing.assert_array_equal(got, np.concatenate(expected))
                self.assertEqual([value for _, _, value in got_tags], published)
                for report, blocks in zip(published, reports, strict=True):
                    crc_ok, iterations = (list(c) for c in zip(*blocks, strict=True))
                    self.assertEqual(report["block_crc_ok"], crc_ok)
                    self.assertEqual(report["block_iterations"], iterations)
                    self.assertEqual(report["blocks"], len(blocks))
                    self.assertEqual(report["block_errors"], crc_ok.count(False))
                    self.assertEqual(report["crc_ok"], all(crc_ok))
                    self.assertAlmostEqual(report["iterations"], np.mean(iterations), 5)
        self.assertTrue(published[0]["crc_ok"])
        self.assertEqual(published[1]["block_crc_ok"], [True, True, False])
        np.testing.assert_array_equal(expected_bits[3], bits[1, :192])

    def test_a_tag_names_the_redundancy_version_of_its_frame(self):
        payload, coded = 1000, 1500
        bits = self.rng.integers(0, 2, (4, payload), np.uint8)
        versions = (None, 2, 3, 1)

        def tags(length):
            return [
                make_tag(
                    i * length,
                    "frame",
                    pmt.make_dict()
                    if version is None
                    else pmt.to_pmt({"redundancy_version": version}),
                )
                for i, version in enumerate(versions)
            ]

        for own in (0, 1):
            with self.subTest(own=own):
                self.tb = gr.top_block()
                sent, _ = self.encode(
                    bits.reshape(-1), tags(payload), payload, coded, redundancy_version=own
                )
                for row, frame, version in zip(sent.reshape(4, coded), bits, versions, strict=True):
                    encoder = LdpcEncoder(
                        payload, coded, redundancy_version=own if version is None else version
                    )
                    np.testing.assert_array_equal(row, encoder.encode(frame))
                self.tb = gr.top_block()
                got, _, published = self.decode(
                    (8.0 * sent - 4).astype(np.float32),
                    tags(coded),
                    payload,
                    coded,
                    redundancy_version=own,
                )
                self.assertEqual(len(published), 4)
                # versions 0 and 3 alone hold enough of the code for all bits at this rate
                for i in (0, 2) if own == 0 else (2,):
                    np.testing.assert_array_equal(got.reshape(4, payload)[i] > 0, bits[i])

    def test_a_wrong_redundancy_version_drops_its_frame(self):
        bits = self.rng.integers(0, 2, 3 * 100, np.uint8)
        values = (pmt.from_long(4), pmt.from_long(1), pmt.intern("two"))
        tags = [
            make_tag(
                i * 100,
                "frame",
                pmt.dict_add(pmt.make_dict(), pmt.intern("redundancy_version"), value),
            )
            for i, value in enumerate(values)
        ]
        sent, got_tags = self.encode(bits, tags, 100, 300)
        encoder = LdpcEncoder(100, 300, redundancy_version=1)
        np.testing.assert_array_equal(sent, encoder.encode(bits[100:200]))
        self.assertEqual(len(got_tags), 1)

    def test_transport_blocks_that_are_no_frame_are_refused(self):
        for make in (vqdeepsc.ldpc_encoder, vqdeepsc.ldpc_decoder):
            for transport_blocks, sentence in (
                ([(40, 120), (60, 160)], "100 payload bits and 280 coded bits"),
                ([(40, 122), (60, 178)], "after 122 coded bits, inside a symbol of 4"),
                ([(40, 20), (60, 280)], "coded_bits is 20"),
            ):
                with self.assertRaisesRegex(ValueError, sentence):
                    make(100, 300, transport_blocks=transport_blocks)

    def test_decoder_reports_each_code_block(self):
        payload, coded = 20032, 60096
        _, llrs = self.noisy(payload, coded, 1, 0.7)
        # three code blocks of the same length, the second without any information
        llrs[0, coded // 3 : 2 * coded // 3] = 0
        tags = [make_tag(0, "frame", pmt.make_dict())]
        _, got_tags, reports = self.decode(llrs[0], tags, payload, coded, iterations=9)
        kernel = LdpcDecoder(payload, coded, iterations=9)
        self.assertEqual(kernel.block_results, [])
        kernel.decode(llrs[0])
        crc_ok, iterations = (list(column) for column in zip(*kernel.block_results, strict=True))
        self.assertEqual(crc_ok, [True, False, True])
        self.assertEqual(iterations[1], 9)
        self.assertLess(max(iterations[0], iterations[2]), 9)
        for report in (reports[0], got_tags[0][2]):
            self.assertEqual(report["block_crc_ok"], crc_ok)
            self.assertEqual(report["block_iterations"], iterations)
            self.assertEqual(report["block_errors"], 1)
            self.assertAlmostEqual(report["iterations"], np.mean(iterations), 5)

    def test_iterations_change_while_running(self):
        payload, coded = 1000, 3000
        _, llrs = self.noisy(payload, coded, 1, 0.95)
        decoder = vqdeepsc.ldpc_decoder(payload, coded, iterations=1, frame_tag="")
        self.assertEqual(decoder.iterations(), 1)
        source = blocks.vector_source_f(llrs[0].tolist())
        frames = blocks.message_debug()
        self.tb.connect(source, decoder, blocks.null_sink(gr.sizeof_float))
        self.tb.msg_connect(decoder, "frames", frames, "store")
        self.tb.run()
        decoder.set_iterations(30)
        source.rewind()
        self.tb.run()
        few, many = (pmt.to_python(message) for message in stored_messages(frames))
        self.assertFalse(few["crc_ok"])
        self.assertEqual(few["iterations"], 1)
        self.assertTrue(many["crc_ok"])
        self.assertGreater(many["iterations"], 1)

    def test_decoder_survives_any_number(self):
        llrs = np.array([np.nan, np.inf, -np.inf, 0, 1e38, -1e-40] * 50, np.float32)
        got, _, reports = self.decode(llrs, [], 100, 300, frame_tag="")
        self.assertEqual(got.size, 100)
        self.assertTrue(np.isfinite(got).all())
        self.assertEqual(reports[0]["blocks"], 1)

    def test_wrong_parameters_are_named(self):
        for make in (vqdeepsc.ldpc_encoder, vqdeepsc.ldpc_decoder):
            with self.assertRaisesRegex(ValueError, "0"):
                make(0, 300)
            with self.assertRaisesRegex(ValueError, "3"):
                make(100, 300, 3)
            with self.assertRaisesRegex(ValueError, "7"):
                make(100, 300, 4, 7)
            with self.assertRaisesRegex(ValueError, "10"):
                make(100, 10)
            # no room for the CRC of 16 bits, of 24 bits, of those of three code blocks
            for payload, coded, room in (
                (100, 112, 116),
                (5000, 5020, 5024),
                (20032, 20124, 20136),
            ):
                with self.assertRaisesRegex(ValueError, f"coded_bits is {coded}, .*no room"):
                    make(payload, coded)
                make(payload, room)
        with self.assertRaisesRegex(ValueError, "-5"):
            vqdeepsc.ldpc_decoder(100, 300, iterations=-5)


if __name__ == "__main__":
    gr_unittest.run(TestLdpcBlocks)
