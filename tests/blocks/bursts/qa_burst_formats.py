# SPDX-License-Identifier: GPL-3.0-or-later
"""What a burst says of itself: formats, protection, headers and parameters that are refused."""

import numpy as np
import pmt
from burst_flowgraphs import PAYLOAD, BurstTest, headers, receive, transmit
from flowgraph import make_tag
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import header_from_pmt, header_to_pmt
from vqdeepsc.kernels import FrameHeader, LdpcEncoder


class TestBurstFormats(BurstTest):
    def test_headers_of_others_give_one_line_and_the_next_burst_is_received(self):
        frames = self.frames(3)
        mixed = headers(3)
        mixed[1] = FrameHeader(model=0x4321, image=7, width=1280, height=960, first_block=64)
        samples, _ = transmit(frames, mixed)
        samples = samples + self.noise(samples.size, 15)
        regions, log = receive(samples, receiver=vqdeepsc.burst_receiver(model=0x1234))
        self.assertEqual([region["first_block"] for region, _ in regions], [0, 128])
        self.assertEqual(sorted(line["header_ok"] for line in log), [False, True, True])
        refused = next(line for line in log if not line["header_ok"])
        self.assertIn("4321", refused["error"])
        self.assertEqual(refused["first_block"], 64)

        regions, log = receive(samples, receiver=vqdeepsc.burst_receiver(payload_bits=100))
        self.assertEqual(regions, [])
        self.assertEqual(len(log), 3)
        self.assertIn("2000", log[0]["error"])

    def test_formats_follow_the_header(self):
        for bits_per_symbol, code_rate, fft_size, prefix in (
            (2, "1/3", 64, 16),
            (6, "3/4", 1024, 64),
            (4, "1/2", 128, 8),
        ):
            with self.subTest(bits_per_symbol=bits_per_symbol):
                frames = self.frames(2)
                samples, _ = transmit(
                    frames,
                    headers(2),
                    bits_per_symbol=bits_per_symbol,
                    code_rate=code_rate,
                    fft_size=fft_size,
                    cyclic_prefix=prefix,
                )
                samples = samples + self.noise(samples.size, 30)
                receiver = vqdeepsc.burst_receiver(fft_size, prefix)
                regions, log = receive(samples, receiver=receiver)
                self.assert_received(regions, log, frames, headers(2))
                self.assertEqual(log[0]["bits_per_symbol"], bits_per_symbol)
                self.assertEqual(log[0]["code_rate"], code_rate)

    def test_protected_bursts(self):
        transport_blocks = [(400, 2400), (1600, 3600)]
        frames = self.frames(3)
        samples, _ = transmit(frames, headers(3), transport_blocks=transport_blocks)
        plain, _ = transmit(frames, headers(3), transport_blocks=[(2000, 6000)])
        np.testing.assert_array_equal(plain, transmit(frames, headers(3))[0])
        self.assertEqual(plain.size, samples.size)
        self.assertGreater(np.abs(plain - samples).max(), 0.1)

        knowing = {"transport_blocks": [[(1000, 3000), (1000, 3000)], transport_blocks]}
        for sent in (samples, plain):
            noisy = sent + self.noise(sent.size, 12)
            regions, log = receive(noisy, receiver=vqdeepsc.burst_receiver(**knowing))
            self.assert_received(regions, log, frames, headers(3))
        both = np.concatenate([samples, plain])
        both = both + self.noise(both.size, 12)
        regions, log = receive(both, receiver=vqdeepsc.burst_receiver(**knowing))
        self.assertEqual([line["blocks"] for line in log], [2, 2, 2, 1, 1, 1])
        self.assertEqual([line["block_errors"] for line in log], [0] * 6)

        # who was given nothing, or something else, says so and takes the other bursts
        for given in (None, [], [[(400, 2404), (1600, 3596)]]):
            receiver = vqdeepsc.burst_receiver(transport_blocks=given)
            regions, log = receive(both, receiver=receiver)
            self.assert_received(regions, log[3:], frames, headers(3))
            for line in log[:3]:
                self.assertFalse(line["header_ok"])
                self.assertIn("transport blocks that are not known", line["error"])

        # where the second transport block is lost, the first is not
        faint = samples + self.noise(samples.size, 2.5)
        regions, log = receive(faint, receiver=vqdeepsc.burst_receiver(**knowing))
        self.assertEqual([(line["block_errors"], line["blocks"]) for line in log], [(1, 2)] * 3)
        for (_, llrs), bits in zip(regions, frames, strict=True):
            np.testing.assert_array_equal(llrs[:400] > 0, bits[:400])

    def test_every_receiver_knows_the_profiles(self):
        for model, profile, coding in (
            ("vqdeepsc-4s", "balanced", (4, "1/3")),
            ("vqdeepsc-4s", "broadcast", (2, "2/3")),
            ("vqdeepsc-3s", "balanced", (6, "1/2")),
            ("vqdeepsc-3s", "broadcast", (4, "2/3")),
        ):
            with self.subTest(model=model, profile=profile, coding=coding):
                transport_blocks = vqdeepsc.burst_transport_blocks(model, profile, *coding)
                bits = sum(payload for payload, _ in transport_blocks)
                frames = self.frames(1, bits)
                samples, _ = transmit(
                    frames,
                    headers(1),
                    bits_per_symbol=coding[0],
                    code_rate=coding[1],
                    transport_blocks=transport_blocks,
                )
                regions, log = receive(samples + self.noise(samples.size, 30))
                self.assert_received(regions, log, frames, headers(1))
                self.assertGreater(log[0]["blocks"], len(transport_blocks) - 1)
                self.assertNotEqual(log[0]["uep_profile"], 0)

    def test_copies_of_protected_bursts_are_combined(self):
        transport_blocks = [(400, 2400), (1600, 3600)]
        frames = np.tile(self.frames(1), (2, 1))
        header = headers(1) * 2
        samples, _ = transmit(frames, header, transport_blocks=transport_blocks)
        samples = samples + self.noise(samples.size, 3.5)
        receiver = vqdeepsc.burst_receiver(transport_blocks=[transport_blocks])
        regions, log = receive(samples, receiver=receiver)
        self.assertEqual([line["copies"] for line in log], [1, 2])
        self.assertEqual([line["block_errors"] for line in log], [1, 0])
        np.testing.assert_array_equal(regions[1][1] > 0, frames[0])

    def test_new_redundancy_versions_arrive_where_copies_do_not(self):
        frames = np.tile(self.frames(1), (2, 1))
        header = headers(1) * 2
        for versions, errors in (((0, 0), [1, 1]), ((0, 2), [1, 0])):
            with self.subTest(versions=versions):
                samples, _ = transmit(frames, header, versions, code_rate="3/4")
                samples = samples + self.noise(samples.size, 5.5)
                regions, log = receive(samples)
                self.assertEqual([line["redundancy_version"] for line in log], list(versions))
                said = [region["redundancy_version"] for region, _ in regions]
                self.assertEqual(said, list(versions))
                self.assertEqual([line["copies"] for line in log], [1, 2])
                self.assertEqual([line["block_errors"] for line in log], errors)
                if not errors[1]:
                    np.testing.assert_array_equal(regions[1][1] > 0, frames[0])

    def test_versions_of_other_bits_do_not_harm(self):
        """A burst under the same header with another payload, in a version that is not kept."""
        frames = self.frames(2)
        header = headers(1) * 2
        samples, _ = transmit(frames, header, (0, 2), code_rate="1/3")
        size = samples.size // 2
        faint = samples[:size] + self.noise(size, -1)
        clear = samples[size:] + self.noise(size, 6)
        regions, log = receive(np.concatenate([faint, clear]))
        self.assertEqual([line["block_errors"] for line in log], [1, 0])
        self.assertEqual([line["copies"] for line in log], [1, 1])
        np.testing.assert_array_equal(regions[1][1] > 0, frames[1])

    def test_frames_without_a_header_are_not_sent(self):
        frames = self.frames(3)
        top = gr.top_block()
        tags = [
            make_tag(0, "frame", header_to_pmt(headers(1)[0])),
            make_tag(PAYLOAD, "frame", pmt.from_long(3)),
            make_tag(
                2 * PAYLOAD,
                "frame",
                pmt.dict_add(
                    header_to_pmt(headers(1)[0]), pmt.intern("first_block"), pmt.from_long(4800)
                ),
            ),
        ]
        transmitter = vqdeepsc.burst_transmitter(PAYLOAD)
        sink = blocks.vector_sink_c()
        source = blocks.vector_source_b(frames.reshape(-1).tolist(), False, 1, tags)
        top.connect(source, transmitter, sink)
        top.run()
        self.assertEqual(len(sink.data()), transmitter.burst_samples())

    def test_numbers_that_no_int_holds_are_refused(self):
        """2^32 + 1000 was taken for 1000."""
        coding = {"bits_per_symbol": 4, "payload_bits": PAYLOAD, "uep_profile": 0}
        for entry in (*coding, "redundancy_version", ""):
            top = gr.top_block()
            frame = pmt.dict_add(
                header_to_pmt(headers(1)[0]), pmt.intern("code_rate"), pmt.intern("1/3")
            )
            for key, value in {**coding, "redundancy_version": 0}.items():
                number = value + (2**32 if key == entry else 0)
                frame = pmt.dict_add(frame, pmt.intern(key), pmt.from_long(number))
            source = blocks.vector_source_f(
                [1.0] * (3 * PAYLOAD), False, 1, [make_tag(0, "frame", frame)]
            )
            decoder, regions = vqdeepsc.burst_decoder(), blocks.message_debug()
            top.connect(source, decoder)
            top.msg_connect(decoder, "regions", regions, "store")
            top.run()
            self.assertEqual(regions.num_messages(), 0 if entry else 1, entry)

    def test_modulator_and_demodulator_join_other_blocks(self):
        """The LLRs of the demodulator go into ldpc_decoder, coded bits into the modulator."""
        bits = self.frames(1)[0]
        modulator = vqdeepsc.burst_modulator(PAYLOAD, 2)
        self.assertEqual(modulator.coded_bits(), 3 * PAYLOAD)
        coded = LdpcEncoder(PAYLOAD, 3 * PAYLOAD, 2).encode(bits)
        top = gr.top_block()
        tags = [make_tag(0, "frame", header_to_pmt(headers(1)[0]))]
        source = blocks.vector_source_b(coded.tolist(), False, 1, tags)
        demodulator = vqdeepsc.burst_demodulator()
        decoder = vqdeepsc.ldpc_decoder(PAYLOAD, 3 * PAYLOAD, 2, soft_output=False)
        sink = blocks.vector_sink_b()
        top.connect(source, modulator, vqdeepsc.burst_detector(), demodulator, decoder, sink)
        top.run()
        np.testing.assert_array_equal(sink.data(), bits)
        [tag] = sink.tags()
        frame = pmt.to_python(tag.value)
        self.assertEqual(header_from_pmt(tag.value), headers(1)[0])
        self.assertEqual((frame["coded_bits"], frame["crc_ok"]), (3 * PAYLOAD, True))

    def test_wrong_parameters_are_named(self):
        for arguments, part in (
            ({"payload_bits": 0}, "payload_bits is 0"),
            ({"payload_bits": 65536}, "65536"),
            ({"payload_bits": 10, "bits_per_symbol": 3}, "bits_per_symbol is 3"),
            ({"payload_bits": 10, "code_rate": "5/6"}, "5/6"),
            ({"payload_bits": 10, "fft_size": 100}, "fft_size is 100"),
            ({"payload_bits": 10, "burst_profile": 3}, "burst_profile is 3, must be 0 to 2"),
            ({"payload_bits": 10, "cyclic_prefix": 4}, "cyclic_prefix is 4"),
            ({"payload_bits": 10, "amplitude": 0.0}, "amplitude"),
            ({"payload_bits": 10, "peak": float("nan")}, "peak"),
            ({"payload_bits": 1000, "transport_blocks": [(400, 1200), (600, 1600)]}, "2800 coded"),
        ):
            with self.subTest(part), self.assertRaisesRegex(ValueError, part):
                vqdeepsc.burst_transmitter(**arguments)
        for arguments, part in (
            ({"fft_size": 32}, "fft_size is 32"),
            ({"model": 65536}, "model is 65536"),
            ({"payload_bits": -1}, "payload_bits is -1"),
            ({"iterations": 0}, "iterations is 0"),
            ({"iterations": 1001}, "iterations is 1001 and must be between 1 and 1000"),
            ({"sample_rate": 0}, "sample_rate is 0"),
            ({"transport_blocks": [[(400, 1200), (0, 1600)]]}, "payload_bits is 0"),
            ({"backlog": 0}, "backlog is 0"),
        ):
            with self.subTest(part), self.assertRaisesRegex(ValueError, part):
                vqdeepsc.burst_receiver(**arguments)
        with self.assertRaisesRegex(ValueError, "threshold is 0.0"):
            vqdeepsc.burst_detector(0.0)


if __name__ == "__main__":
    gr_unittest.run(TestBurstFormats)
