# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraph tests of csi_equalizer."""

import math
import time

import numpy as np
import pmt
from gnuradio import blocks, gr, gr_unittest, vqdeepsc


class CsiEqualizerTest(gr_unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(2)
        random = rng.normal(size=(2, 10_007)) + 1j * rng.normal(size=(2, 10_007))
        self.y, self.h = random.astype(np.complex64)

    def run_block(self, y, h, snr_db, chunk=None, tags=(), outputs=2):
        top = gr.top_block()
        received = blocks.vector_source_c(y.tolist(), False, 1, list(tags))
        coefficients = blocks.vector_source_c(h.tolist(), False, 1, list(tags))
        block = vqdeepsc.csi_equalizer(snr_db)
        sinks = [blocks.vector_sink_c(), blocks.vector_sink_f()][:outputs]
        top.connect(received, block)
        top.connect(coefficients, (block, 1))
        for port, sink in enumerate(sinks):
            top.connect((block, port), sink)
        top.run(*([chunk] if chunk else []))
        return [np.array(sink.data()) for sink in sinks], sinks

    def test_divides_the_channel_out(self):
        y = self.y.astype(np.complex128)
        h = self.h.astype(np.complex128)
        for snr_db in (-10.0, 3.0, 40.0):
            for chunk in (None, 19):
                with self.subTest(snr_db=snr_db, chunk=chunk):
                    (estimate, noise), _ = self.run_block(self.y, self.h, snr_db, chunk)
                    np.testing.assert_allclose(estimate, y / h, rtol=1e-6)
                    density = 10 ** (-snr_db / 10) / np.abs(h) ** 2
                    np.testing.assert_allclose(noise, density, rtol=1e-6)

    def test_noise_output_is_optional(self):
        (estimate,), _ = self.run_block(self.y, self.h, 10.0, outputs=1)
        np.testing.assert_allclose(estimate, self.y.astype(complex) / self.h, rtol=1e-6)

    def test_undoes_the_fading_channel(self):
        top = gr.top_block()
        source = blocks.vector_source_c(self.y.tolist())
        channel = vqdeepsc.fading_channel("rayleigh", math.inf, seed=4)
        block = vqdeepsc.csi_equalizer(math.inf)
        sink = blocks.vector_sink_c()
        noise = blocks.vector_sink_f()
        top.connect(source, channel, block, sink)
        top.connect((channel, 1), (block, 1))
        top.connect((block, 1), noise)
        top.run()
        np.testing.assert_allclose(np.array(sink.data()), self.y, rtol=2e-6)
        np.testing.assert_array_equal(np.array(noise.data()), 0)

    def test_missing_coefficients_are_erasures(self):
        h = np.array([0, np.nan, np.inf, 1], np.complex64)
        y = np.array([1, 1, 1, np.nan], np.complex64)
        (estimate, noise), _ = self.run_block(y, h, 10.0)
        np.testing.assert_array_equal(estimate[:3], 0)
        np.testing.assert_allclose(noise, [1e30, 1e30, 1e30, 0.1], rtol=1e-6)
        self.assertTrue(np.isnan(estimate[3]))

    def test_tags_of_the_symbols_go_to_both_outputs_once(self):
        tags = [
            gr.python_to_tag((offset, pmt.intern("frame"), pmt.from_long(offset)))
            for offset in (0, 777, 10_006)
        ]
        _, sinks = self.run_block(self.y, self.h, 10.0, 64, tags)
        for sink in sinks:
            got = [(tag.offset, pmt.to_python(tag.value)) for tag in sink.tags()]
            self.assertEqual(got, [(0, 0), (777, 777), (10_006, 10_006)])

    def test_setter_acts_while_running(self):
        top = gr.top_block()
        block = vqdeepsc.csi_equalizer(0.0)
        probe = blocks.probe_signal_f()
        for port in range(2):
            top.connect(blocks.vector_source_c([2.0], True), (block, port))
        top.connect((block, 0), blocks.null_sink(gr.sizeof_gr_complex))
        top.connect((block, 1), probe)
        top.start()
        try:
            for snr_db, expected in ((0.0, 0.25), (20.0, 0.0025)):
                block.set_snr_db(snr_db)
                self.assertEqual(block.snr_db(), snr_db)
                end = time.monotonic() + 20
                while not math.isclose(probe.level(), expected, rel_tol=1e-6):
                    self.assertLess(time.monotonic(), end, f"noise density at {snr_db} dB")
                    time.sleep(0.005)
        finally:
            top.stop()
            top.wait()

    def test_wrong_parameters_are_named(self):
        for value in (math.nan, -math.inf, -201.0):
            with self.subTest(value=value), self.assertRaisesRegex(ValueError, "snr_db is "):
                vqdeepsc.csi_equalizer(value)
        block = vqdeepsc.csi_equalizer()
        with self.assertRaisesRegex(ValueError, "snr_db is nan"):
            block.set_snr_db(math.nan)
        self.assertEqual(block.snr_db(), 10.0)


if __name__ == "__main__":
    gr_unittest.run(CsiEqualizerTest)
