# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraph tests of qam_soft_demapper, alone and behind the tree's mapper and our channel."""

import math
import time

import numpy as np
import pmt
from gnuradio import blocks, digital, gr, gr_unittest, vqdeepsc


def reference_llrs(symbols, noise, bits, exact):
    """ln P(1)/P(0) from all points in float64: [n * bits]."""
    points = vqdeepsc.qam_points(bits).astype(np.complex128)
    labels = np.arange(len(points))
    metric = -(np.abs(symbols.astype(np.complex128)[:, None] - points) ** 2) / noise[:, None]
    llrs = np.empty((len(symbols), bits))
    for bit in range(bits):
        one = (labels >> (bits - 1 - bit)) & 1 == 1
        if exact:
            llrs[:, bit] = np.logaddexp.reduce(metric[:, one], axis=1) - np.logaddexp.reduce(
                metric[:, ~one], axis=1
            )
        else:
            llrs[:, bit] = metric[:, one].max(axis=1) - metric[:, ~one].max(axis=1)
    return llrs.reshape(-1)


def gaussian_tail(x):
    return 0.5 * math.erfc(x / math.sqrt(2))


def theory_16qam(snr_db, fading):
    """Bit error rate of Gray 16-QAM: the tails at 1, 3 and 5 times half the distance."""
    snr = 10 ** (snr_db / 10)

    def tail(k):
        if not fading:
            return gaussian_tail(k * math.sqrt(snr / 5))
        half = k * k * snr / 10
        return 0.5 * (1 - math.sqrt(half / (1 + half)))

    return (3 * tail(1) + 2 * tail(3) - tail(5)) / 4


class QamSoftDemapperTest(gr_unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(3)

    def random_symbols(self, count):
        symbols = self.rng.normal(size=count) + 1j * self.rng.normal(size=count)
        noise = 10 ** self.rng.uniform(-2, 1, count)
        return symbols.astype(np.complex64), noise.astype(np.float32)

    def run_block(self, symbols, noise, bits, method="maxlog", chunk=None, tags=(), **quantiser):
        """noise: a number, or densities for input 1."""
        top = gr.top_block()
        source = blocks.vector_source_c(symbols.tolist(), False, 1, list(tags))
        sink = blocks.vector_sink_b() if quantiser else blocks.vector_sink_f()
        if np.ndim(noise):
            block = vqdeepsc.qam_soft_demapper(bits, method=method, noise_input=True, **quantiser)
            top.connect(blocks.vector_source_f(noise.tolist(), False, 1, list(tags)), (block, 1))
        else:
            block = vqdeepsc.qam_soft_demapper(bits, noise, method, **quantiser)
        top.connect(source, block, sink)
        top.run(*([chunk] if chunk else []))
        return np.array(sink.data()), sink

    def test_llrs_against_all_points_in_float64(self):
        symbols, noise = self.random_symbols(2003)
        for bits in (2, 4, 6, 8):
            for method in ("maxlog", "exact"):
                for density, chunk in ((noise, None), (noise, 97), (0.2, None)):
                    with self.subTest(bits=bits, method=method, chunk=chunk):
                        got, _ = self.run_block(symbols, density, bits, method, chunk)
                        each = np.broadcast_to(density, len(symbols)).astype(np.float64)
                        expected = reference_llrs(symbols, each, bits, method == "exact")
                        scale = np.repeat((1 + np.abs(symbols) ** 2) / each, bits)
                        self.assertLess(np.max(np.abs(got - expected) / (1 + scale)), 1e-6)

    def test_int8_output_is_the_rounded_and_clipped_float_output(self):
        symbols, noise = self.random_symbols(2003)
        tags = [gr.python_to_tag((1501, pmt.intern("frame"), pmt.PMT_T))]
        for bits, density, steps, saturation, chunk in (
            (2, noise, 4.0, 127, None),
            (4, 0.2, 5.0, 31, 97),
            (6, noise, 0.5, 1, None),
            (8, 0.05, 1e6, 127, 100),
        ):
            with self.subTest(bits=bits, saturation=saturation):
                llrs, _ = self.run_block(symbols, density, bits)
                got, sink = self.run_block(
                    symbols,
                    density,
                    bits,
                    chunk=chunk,
                    tags=tags,
                    quantised=True,
                    steps_per_nat=steps,
                    saturation=saturation,
                )
                steps_of_float = llrs.astype(np.float32) * np.float32(steps)
                expected = np.clip(np.rint(steps_of_float), -saturation, saturation)
                np.testing.assert_array_equal(got.astype(np.uint8).view(np.int8), expected)
                self.assertEqual([tag.offset for tag in sink.tags()], [1501 * bits])

    def test_bits_that_went_in_come_out(self):
        for bits in (2, 4, 6, 8):
            with self.subTest(bits=bits):
                labels = self.rng.integers(0, 2**bits, 3000)
                top = gr.top_block()
                source = blocks.vector_source_b(labels.tolist())
                mapper = digital.chunks_to_symbols_bc(vqdeepsc.qam_points(bits).tolist())
                sink = blocks.vector_sink_f()
                top.connect(source, mapper, vqdeepsc.qam_soft_demapper(bits, 0.01), sink)
                top.run()
                decided = (np.array(sink.data()) > 0).reshape(-1, bits)
                np.testing.assert_array_equal(decided @ (1 << np.arange(bits - 1, -1, -1)), labels)

    def test_bit_error_rate_lies_on_theory(self):
        count = 400_000
        labels = self.rng.integers(0, 16, count)
        sent = (labels[:, None] >> np.arange(3, -1, -1)) & 1
        for kind, snr_db in (("awgn", 4.0), ("awgn", 12.0), ("rayleigh", 5.0), ("rayleigh", 20.0)):
            with self.subTest(kind=kind, snr_db=snr_db):
                top = gr.top_block()
                source = blocks.vector_source_b(labels.tolist())
                mapper = digital.chunks_to_symbols_bc(vqdeepsc.qam_points(4).tolist())
                channel = vqdeepsc.fading_channel(kind, snr_db, seed=8)
                equalizer = vqdeepsc.csi_equalizer(snr_db)
                demapper = vqdeepsc.qam_soft_demapper(4, noise_input=True)
                sink = blocks.vector_sink_f()
                top.connect(source, mapper, channel, equalizer, demapper, sink)
                top.connect((channel, 1), (equalizer, 1))
                top.connect((equalizer, 1), (demapper, 1))
                top.run()
                errors = np.sum((np.array(sink.data()).reshape(-1, 4) > 0) != sent, axis=1)
                # Bits of a symbol share its fading, so the symbol is what is counted.
                deviation = np.std(errors / 4) / math.sqrt(count)
                expected = theory_16qam(snr_db, kind == "rayleigh")
                self.assertLess(abs(np.mean(errors / 4) - expected), 4 * deviation)
                self.assertLess(deviation, 0.03 * expected)

    def test_llrs_are_calibrated(self):
        """Among bits with LLR near l, the share of ones is 1 / (1 + exp(-l))."""
        labels = self.rng.integers(0, 16, 200_000)
        top = gr.top_block()
        source = blocks.vector_source_b(labels.tolist())
        mapper = digital.chunks_to_symbols_bc(vqdeepsc.qam_points(4).tolist())
        channel = vqdeepsc.fading_channel("awgn", 3.0, seed=2)
        sink = blocks.vector_sink_f()
        demapper = vqdeepsc.qam_soft_demapper(4, 10**-0.3, "exact")
        top.connect(source, mapper, channel, demapper, sink)
        top.run()
        llrs = np.array(sink.data())
        sent = ((labels[:, None] >> np.arange(3, -1, -1)) & 1).reshape(-1)
        for low in (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0):
            near = (llrs >= low) & (llrs < low + 0.5)
            expected = np.mean(1 / (1 + np.exp(-llrs[near])))
            bound = 5 * math.sqrt(0.25 / np.count_nonzero(near))
            self.assertLess(abs(np.mean(sent[near]) - expected), bound)

    def test_any_input_gives_finite_llrs(self):
        special = np.array([np.nan, np.inf, -np.inf, 0, 3e38, 1e-40], np.float32)
        real, imaginary, noise = np.meshgrid(special, special, np.append(special, -1))
        symbols = np.empty(real.size, np.complex64)
        symbols.real, symbols.imag = real.ravel(), imaginary.ravel()
        densities = noise.ravel().astype(np.float32)
        for method in ("maxlog", "exact"):
            got, _ = self.run_block(symbols, densities, 4, method)
            self.assertTrue(np.all(np.abs(got) <= 1e6))
            unknown = np.repeat(np.isnan(densities) | (densities >= 1e30), 4)
            np.testing.assert_array_equal(got[unknown], 0)
        certain, _ = self.run_block(np.array([0.3 - 0.3j], np.complex64), 0.0, 2)
        np.testing.assert_array_equal(certain, [-1e6, 1e6])

    def test_tags_move_to_the_first_bit_once(self):
        symbols, noise = self.random_symbols(3000)
        offsets = (0, 1, 1501, 2999)
        tags = [
            gr.python_to_tag((offset, pmt.intern("frame"), pmt.from_long(offset)))
            for offset in offsets
        ]
        for bits in (2, 4, 6, 8):
            for density in (noise, 0.1):
                for chunk in (None, 100):
                    with self.subTest(bits=bits, chunk=chunk):
                        _, sink = self.run_block(symbols, density, bits, "maxlog", chunk, tags)
                        got = [(tag.offset, pmt.to_python(tag.value)) for tag in sink.tags()]
                        self.assertEqual(got, [(bits * offset, offset) for offset in offsets])

    def test_setters_act_while_running(self):
        top = gr.top_block()
        block = vqdeepsc.qam_soft_demapper(2, 1.0)
        probe = blocks.probe_signal_f()
        top.connect(blocks.vector_source_c([-0.5 - 0.5j], True), block, probe)
        top.start()
        try:
            for noise in (1.0, 0.1, 2.5):
                block.set_noise(noise)
                self.assertAlmostEqual(block.noise(), noise, 6)
                end = time.monotonic() + 20
                expected = 4 * 0.5 * math.sqrt(0.5) / noise
                while not math.isclose(probe.level(), expected, rel_tol=1e-5):
                    self.assertLess(time.monotonic(), end, f"LLR with noise density {noise}")
                    time.sleep(0.005)
        finally:
            top.stop()
            top.wait()
        block.set_method("exact")
        self.assertEqual(block.method(), "exact")

    def test_method_changes_while_running(self):
        top = gr.top_block()
        block = vqdeepsc.qam_soft_demapper(4, 1.0)
        probe = blocks.probe_signal_f()
        symbol = np.array([0.2 + 0.2j], np.complex64)
        top.connect(blocks.vector_source_c(symbol.tolist(), True), block, probe)
        top.start()
        try:
            for method in ("exact", "maxlog"):
                block.set_method(method)
                # The probe shows the last bit of a symbol.
                expected = reference_llrs(symbol, np.ones(1), 4, method == "exact")[3]
                end = time.monotonic() + 20
                while not math.isclose(probe.level(), expected, rel_tol=1e-4):
                    self.assertLess(time.monotonic(), end, method)
                    time.sleep(0.005)
        finally:
            top.stop()
            top.wait()

    def test_wrong_parameters_are_named(self):
        for keywords, named in (
            ({"bits_per_symbol": 3}, "bits_per_symbol is 3"),
            ({"bits_per_symbol": 0}, "bits_per_symbol is 0"),
            ({"bits_per_symbol": -4}, "bits_per_symbol is -4"),
            ({"noise": -1.0}, "noise is -1"),
            ({"noise": math.nan}, "noise is nan"),
            ({"method": "soft"}, "method is 'soft'"),
            ({"quantised": True, "steps_per_nat": 0.0}, "steps_per_nat is 0"),
            ({"quantised": True, "steps_per_nat": math.nan}, "steps_per_nat is nan"),
            ({"quantised": True, "saturation": 128}, "saturation is 128"),
        ):
            with self.subTest(keywords), self.assertRaisesRegex(ValueError, named):
                vqdeepsc.qam_soft_demapper(**keywords)
        block = vqdeepsc.qam_soft_demapper()
        with self.assertRaisesRegex(ValueError, "noise is -2"):
            block.set_noise(-2.0)
        with self.assertRaisesRegex(ValueError, "method is ''"):
            block.set_method("")

    def test_noise_input_must_be_connected_if_asked_for(self):
        top = gr.top_block()
        block = vqdeepsc.qam_soft_demapper(4, noise_input=True)
        top.connect(blocks.vector_source_c([1.0]), block, blocks.vector_sink_f())
        with self.assertRaises(Exception):  # noqa: B017 - GNU Radio raises a plain RuntimeError
            top.start()


if __name__ == "__main__":
    gr_unittest.run(QamSoftDemapperTest)
