# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole link as a flowgraph: against the codec alone, and against vqdeepsc.link."""

import contextlib
import io
import signal
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pmt
from flowgraph import MODELS, photograph
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import pdu_to_image
from gnuradio.vqdeepsc.blocks.loopback import (
    connect_link,
    frames_source,
    run_flowgraph,
    stored_messages,
)
from gnuradio.vqdeepsc.demonstration import send_image
from PIL import Image
from vqdeepsc.cli import main
from vqdeepsc.codec import Codec
from vqdeepsc.images.metrics import ssim
from vqdeepsc.link import ChannelModel, Link, Scheme
from vqdeepsc.simulation.results import read_results


class TestLoopback(gr_unittest.TestCase):
    def receive(self, bits, channel, snr_db, seed, soft, **scheme):
        """Frames [frames, bits] over a flowgraph: (soft or hard bits, block errors)."""
        top = gr.top_block()
        sink = blocks.vector_sink_f() if soft else blocks.vector_sink_b()
        frames = blocks.message_debug()
        source = frames_source(bits, [pmt.PMT_NIL] * len(bits))
        decoder = connect_link(
            top, source, sink, bits.shape[1], channel, snr_db, seed, soft, **scheme
        )
        top.msg_connect(decoder, "frames", frames, "store")
        top.run()
        reports = [pmt.to_python(report) for report in stored_messages(frames)]
        errors = [report["block_errors"] for report in reports]
        return np.array(sink.data()).reshape(bits.shape), errors

    def test_an_interrupt_ends_the_flowgraph_and_is_raised(self):
        top = gr.top_block()
        source, sink = blocks.null_source(gr.sizeof_float), blocks.vector_sink_f()
        top.connect(source, blocks.throttle(gr.sizeof_float, 1e5), sink)
        interrupt = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
        interrupt.start()
        with self.assertRaises(KeyboardInterrupt):
            run_flowgraph(top)
        interrupt.join()
        received = len(sink.data())
        time.sleep(0.2)
        self.assertEqual(len(sink.data()), received)

    def test_image_at_20_db_is_that_of_the_codec(self):
        for model in MODELS:
            with self.subTest(model):
                self.check_image_at_20_db(Codec(model))

    def check_image_at_20_db(self, codec):
        image = photograph(300, 200)
        indices = codec.encode(image)
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            Image.fromarray(image).save(file.name)
            top = gr.top_block()
            source = vqdeepsc.semantic_source(file.name, codec.name)
            sink = vqdeepsc.semantic_sink(codec.name)
            images, frames = blocks.message_debug(), blocks.message_debug()
            llrs_sink = blocks.vector_sink_f()
            decoder = connect_link(
                top, source, sink, codec.bits_per_region, ChannelModel("awgn"), 20.0
            )
            top.connect(decoder, llrs_sink)
            top.msg_connect(sink, "images", images, "store")
            top.msg_connect(decoder, "frames", frames, "store")
            top.run()
        llrs = np.array(llrs_sink.data()).reshape(-1, codec.bits_per_region)
        received = codec.from_bits((llrs > 0).astype(np.uint8), 300, 200)
        for scale, expected in indices.maps.items():
            np.testing.assert_array_equal(received.maps[scale], expected)
        decoded, _ = pdu_to_image(stored_messages(images)[0])
        np.testing.assert_array_equal(
            decoded, codec.decode(codec.one_hot(indices), width=300, height=200)
        )

    def test_flowgraph_and_simulator_give_the_same_bits_for_a_seed(self):
        bits = np.random.default_rng(3).integers(0, 2, (4, 7616), np.uint8)
        link = Link(7616)
        cases = (
            (ChannelModel("awgn"), 2.5),
            (ChannelModel("rayleigh"), 4.5),
            (ChannelModel("rician", 5.0), 3.0),
            (ChannelModel("rayleigh", 1.0, 100), 6.0),
        )
        for channel, snr_db in cases:
            with self.subTest(channel=str(channel)):
                expected = link.receive(link.modulate(bits), channel.open(snr_db, 11), snr_db)
                soft, errors = self.receive(bits, channel, snr_db, 11, soft=True)
                np.testing.assert_array_equal(soft, expected.llrs)
                self.assertEqual(errors, expected.block_errors.tolist())
                hard, _ = self.receive(bits, channel, snr_db, 11, soft=False)
                np.testing.assert_array_equal(hard, expected.bits)
        other, _ = self.receive(bits, *cases[0], seed=12, soft=True)
        self.assertGreater(np.abs(other - soft).max(), 0)

    def test_flowgraph_and_simulator_agree_on_protected_scales_and_other_schemes(self):
        part_bits = Codec("vqdeepsc-3s").layout.scale_bits
        payload_bits = sum(part_bits)
        bits = np.random.default_rng(4).integers(0, 2, (3, payload_bits), np.uint8)
        cases = (
            ("16qam/6/4", ChannelModel("rayleigh"), 3.0),
            ("16qam@6000/5/5", ChannelModel("awgn"), 1.5),
            ("64qam/8/3", ChannelModel("rician"), 5.0),
            ("qpsk", ChannelModel("awgn"), 2.5),
        )
        for text, channel, snr_db in cases:
            with self.subTest(text):
                scheme = {"scheme": Scheme.parse(text), "part_bits": part_bits}
                link = Link(payload_bits, **scheme)
                expected = link.receive(link.modulate(bits), channel.open(snr_db, 5), snr_db)
                soft, errors = self.receive(bits, channel, snr_db, 5, soft=True, **scheme)
                np.testing.assert_array_equal(soft, expected.llrs)
                self.assertEqual(errors, expected.block_errors.tolist())
                self.assertGreater(sum(errors), 0)
                if scheme["scheme"].protection:
                    # what is protected arrives where the rest does not
                    np.testing.assert_array_equal(soft[:, :192] > 0, bits[:, :192])
                    self.assertLess(sum(errors), 3 * expected.blocks)
        with self.assertRaisesRegex(ValueError, "2 of the model's 3 scales"):
            self.receive(
                bits,
                *cases[0][1:],
                seed=5,
                soft=True,
                scheme=Scheme.parse("16qam/6"),
                part_bits=part_bits,
            )

    def test_transport_blocks_of_a_model(self):
        self.assertEqual(list(vqdeepsc.transport_blocks("vqdeepsc-3s")), [(7616, 22848)])
        self.assertEqual(
            list(vqdeepsc.transport_blocks("vqdeepsc-4s", "16qam/6/6/4")),
            [(576, 3456), (3072, 12288), (16384, 44352)],
        )
        with self.assertRaisesRegex(ValueError, "nosuchmodel"):
            vqdeepsc.transport_blocks("nosuchmodel")
        with self.assertRaisesRegex(ValueError, "3 of the model's 4 scales"):
            vqdeepsc.transport_blocks("vqdeepsc-4s", "16qam/6")

    def test_a_row_of_results_can_be_repeated_as_a_flowgraph(self):
        with tempfile.TemporaryDirectory() as name:
            path, results = Path(name) / "image.png", Path(name) / "results.csv"
            image = photograph(128, 128)
            Image.fromarray(image).save(path)
            arguments = ["simulate", "--images", path, "--snr", "2", "--channel", "rician:3"]
            arguments += ["--scheme", "16qam", "16qam/8/8/5", "--workers", "1"]
            arguments += ["--output", results]
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(main([str(word) for word in arguments]), 0)
            part_bits = Codec().layout.scale_bits
            qualities = []
            for row in read_results(results):
                decoded, errors = send_image(
                    path,
                    row.system.name,
                    row.source_bits,
                    ChannelModel("rician", 3.0),
                    2.0,
                    row.seed,
                    row.system.scheme,
                    part_bits,
                )
                self.assertGreater(errors, 0)
                self.assertEqual(errors, row.block_errors)
                self.assertAlmostEqual(float(ssim(image, decoded)), row.ssim, places=6)
                qualities.append(row.ssim)
        # at 2 dB protection shows more of the image
        self.assertGreater(qualities[1], qualities[0] + 0.1)

    def test_messages_that_the_end_of_a_flowgraph_overtook_are_read(self):
        debug = blocks.message_debug()
        inbox, port = debug.to_basic_block(), pmt.intern("store")
        for number in range(2):
            inbox._post(port, pmt.from_long(number))
        self.assertEqual(debug.num_messages(), 0)
        self.assertEqual([pmt.to_long(message) for message in stored_messages(debug)], [0, 1])

    def test_no_frame_is_lost_or_reordered(self):
        """300 one-region images, each region with its number in its bits."""
        count = 300
        numbers = np.arange(count)
        bits = np.zeros((count, 7616), np.uint8)
        bits[:, :16] = numbers[:, None] >> np.arange(15, -1, -1) & 1
        hard, errors = self.receive(bits, ChannelModel("awgn"), 6.0, 0, soft=False)
        np.testing.assert_array_equal(hard, bits)
        self.assertEqual(sum(errors), 0)

    def test_memory_stays_flat_over_1000_frames(self):
        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            Image.fromarray(photograph(16, 16)).save(file.name)
            source = vqdeepsc.semantic_source(file.name, repeat=True)
            sink = vqdeepsc.semantic_sink()

            def run(frames):
                top = gr.top_block()
                head = blocks.head(gr.sizeof_float, frames * 20032)
                connect_link(top, source, head, 20032, ChannelModel("awgn"), 5.0)
                top.connect(head, sink)
                top.run()
                top.disconnect_all()

            run(100)
            before = resident()
            run(1000)
            self.assertLess(resident() - before, 16 << 20)


if __name__ == "__main__":
    gr_unittest.run(TestLoopback)
