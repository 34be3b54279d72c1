# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts of progressive models: transport blocks that follow from the length of a frame."""

import numpy as np
import pmt
from burst_flowgraphs import BurstTest, headers, receive, transmit
from flowgraph import photograph
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import image_to_pdu
from gnuradio.vqdeepsc.blocks.loopback import stored_messages
from vqdeepsc.images.metrics import psnr
from vqdeepsc.link import PROFILES

MODEL = "vqdeepsc-progressive"


def transport_blocks(protection, payload_bits, bits_per_symbol=4, code_rate="1/3"):
    return vqdeepsc.burst_transport_blocks(
        MODEL, protection, bits_per_symbol, code_rate, payload_bits
    )


class TestBurstProtection(BurstTest):
    def test_receivers_tell_profiles_of_any_length_apart(self):
        coding = ((4, "1/3"), (2, "2/3"), (6, "3/4"), (4, "1/2"))
        for payload_bits, (bits_per_symbol, code_rate) in zip(
            (2504, 3333, 20_032, 36_416), coding, strict=True
        ):
            numbers = set()
            for profile in PROFILES:
                with self.subTest(payload_bits=payload_bits, profile=profile):
                    lists = transport_blocks(profile, payload_bits, bits_per_symbol, code_rate)
                    frames = self.frames(1, payload_bits)
                    samples, _ = transmit(
                        frames,
                        headers(1),
                        bits_per_symbol=bits_per_symbol,
                        code_rate=code_rate,
                        transport_blocks=lists,
                    )
                    regions, log = receive(samples + self.noise(samples.size, 30))
                    self.assert_received(regions, log, frames, headers(1))
                    self.assertGreaterEqual(log[0]["blocks"], len(lists))
                    numbers.add(log[0]["uep_profile"])
            self.assertEqual(len(numbers), len(PROFILES))
            self.assertNotIn(0, numbers)

    def test_short_frames_are_one_transport_block(self):
        self.assertEqual(list(transport_blocks("balanced", 2503)), [(2503, 7512)])
        frames = self.frames(1, 2503)
        lists = transport_blocks("balanced", 2503)
        samples, _ = transmit(frames, headers(1), transport_blocks=lists)
        regions, log = receive(samples + self.noise(samples.size, 20))
        self.assert_received(regions, log, frames, headers(1))
        self.assertEqual(log[0]["uep_profile"], 0)

    def test_numbers_by_hand_are_known_to_those_who_were_told(self):
        lists = transport_blocks("8/8/5/3", 5000)
        frames = self.frames(2, 5000)
        samples, _ = transmit(frames, headers(2), transport_blocks=lists)
        samples = samples + self.noise(samples.size, 20)
        told = vqdeepsc.burst_receiver(uep_profiles=[((7, 7), False), ((8, 8, 5, 3), False)])
        regions, log = receive(samples, receiver=told)
        self.assert_received(regions, log, frames, headers(2))
        for receiver in (
            vqdeepsc.burst_receiver(),
            # the same numbers, but of a profile, are other ones in other units
            vqdeepsc.burst_receiver(uep_profiles=[((8, 8, 5, 3), True)]),
        ):
            regions, log = receive(samples, receiver=receiver)
            self.assertEqual(regions, [])
            self.assertIn("transport blocks that are not known", log[0]["error"])

    def test_lists_with_one_number_are_told_apart_by_what_decodes(self):
        payload_bits = 4000
        by_number = {}
        for step in range(60, 95):
            lists = transport_blocks(f"{step / 10}/3", payload_bits)
            samples, _ = transmit(self.frames(1, payload_bits), headers(1), transport_blocks=lists)
            _, log = receive(samples + self.noise(samples.size, 25))
            by_number.setdefault(log[0]["uep_profile"], []).append((step / 10, lists))
            if len(by_number[log[0]["uep_profile"]]) > 1:
                break
        alike = by_number[log[0]["uep_profile"]]
        self.assertEqual(len(alike), 2, "no two lists have one number")
        receiver_of_both = [((factor, 3), False) for factor, _ in alike]
        for _, lists in alike:
            frames = self.frames(2, payload_bits)
            samples, _ = transmit(frames, headers(2), transport_blocks=lists)
            receiver = vqdeepsc.burst_receiver(uep_profiles=receiver_of_both)
            regions, log = receive(samples + self.noise(samples.size, 25), receiver=receiver)
            self.assert_received(regions, log, frames, headers(2))

    def test_the_coarse_part_of_an_image_arrives_where_the_fine_one_is_lost(self):
        image = photograph(128, 128)
        payload_bits = 20_032
        lists = transport_blocks("balanced", payload_bits)
        top = gr.top_block()
        source = vqdeepsc.semantic_source(model=MODEL, frame_bits=payload_bits)
        transmitter = vqdeepsc.burst_transmitter(payload_bits, transport_blocks=lists)
        sink = blocks.vector_sink_c()
        top.connect(source, transmitter, sink)
        source.to_basic_block()._post(pmt.intern("images"), image_to_pdu(image, 0))
        source.to_basic_block()._post(pmt.intern("images"), pmt.PMT_EOF)
        top.run()
        samples = np.array(sink.data(), np.complex64)
        qualities = []
        for snr_db, lost in ((20, False), (2.5, True)):
            noisy = samples + self.noise(samples.size, snr_db)
            top = gr.top_block()
            receiver = vqdeepsc.burst_receiver()
            decoder = vqdeepsc.semantic_decoder(MODEL)
            log, images = blocks.message_debug(), blocks.message_debug()
            top.connect(blocks.vector_source_c(noisy.tolist()), receiver)
            top.msg_connect(receiver, "regions", decoder, "frames")
            top.msg_connect(receiver, "log", log, "store")
            top.msg_connect(decoder, "images", images, "store")
            top.run()
            line = pmt.to_python(stored_messages(log)[0])
            self.assertTrue(line["header_ok"])
            self.assertEqual(line["block_errors"] > 0, lost)
            self.assertLess(line["block_errors"], line["blocks"])
            pixels = pmt.to_python(pmt.cdr(stored_messages(images)[0]))
            qualities.append(psnr(image, np.array(pixels, np.uint8).reshape(image.shape)))
        self.assertGreater(qualities[0], 24)
        self.assertGreater(qualities[1], 17)

    def test_profiles_that_are_none_are_refused(self):
        for profiles, sentence in (
            ([((), True)], "0 factors"),
            ([((2,) * 7, True)], "7 factors"),
            ([((0.5,), False)], "1 to below 10000"),
            ([((100,), True)], "1 to below 100"),
        ):
            with self.assertRaisesRegex(ValueError, sentence):
                vqdeepsc.burst_decoder(uep_profiles=profiles)


if __name__ == "__main__":
    gr_unittest.run(TestBurstProtection)
