# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraph tests of fading_channel."""

import math
import time

import numpy as np
import pmt
from gnuradio import blocks, gr, gr_unittest, vqdeepsc
from vqdeepsc.kernels import FadingChannel


def random_symbols(count):
    rng = np.random.default_rng(1)
    noise = rng.normal(size=count) + 1j * rng.normal(size=count)
    return (noise / math.sqrt(2)).astype(np.complex64)


class FadingChannelTest(gr_unittest.TestCase):
    def run_block(self, symbols, *arguments, chunk=None, outputs=2, tags=()):
        top = gr.top_block()
        source = blocks.vector_source_c(symbols.tolist(), False, 1, list(tags))
        block = vqdeepsc.fading_channel(*arguments)
        sinks = [blocks.vector_sink_c() for _ in range(outputs)]
        top.connect(source, block)
        for port, sink in enumerate(sinks):
            top.connect((block, port), sink)
        top.run(*([chunk] if chunk else []))
        return [np.array(sink.data(), np.complex64) for sink in sinks], sinks

    def test_equals_the_kernel_bit_for_bit_however_the_stream_is_cut(self):
        symbols = random_symbols(30011)
        for kind in ("awgn", "rayleigh", "rician"):
            for block_length in (1, 5, 4096):
                arguments = (kind, 6.5, 2.0, block_length, 77)
                y, h = FadingChannel(*arguments).apply(symbols)
                for chunk in (None, 1000, 37):
                    with self.subTest(arguments=arguments, chunk=chunk):
                        (got_y, got_h), _ = self.run_block(symbols, *arguments, chunk=chunk)
                        np.testing.assert_array_equal(got_y, y)
                        np.testing.assert_array_equal(got_h, h)

    def test_second_output_is_optional(self):
        symbols = random_symbols(5000)
        y, _ = FadingChannel("rician", 3.0, 1.0, 1, 5).apply(symbols)
        (got,), _ = self.run_block(symbols, "rician", 3.0, 1.0, 1, 5, outputs=1)
        np.testing.assert_array_equal(got, y)

    def test_moments_of_noise_and_coefficients(self):
        count = 200_000
        symbols = random_symbols(count)
        snr_db = 5.0
        density = 10 ** (-snr_db / 10)
        for kind, factor in (("awgn", 1.0), ("rayleigh", 1.0), ("rician", 1.0), ("rician", 10.0)):
            with self.subTest(kind=kind, factor=factor):
                (y, h), _ = self.run_block(symbols, kind, snr_db, factor, 1, 3)
                noise = y.astype(np.complex128) - h.astype(np.complex128) * symbols
                # Five standard deviations each.
                bound = 5 * density / math.sqrt(count)
                self.assertLess(abs(np.mean(np.abs(noise) ** 2) - density), bound)
                self.assertLess(abs(np.mean(noise)), 5 * math.sqrt(density / count))
                parts = noise.real @ noise.imag / count
                self.assertLess(abs(parts), bound)
                if kind == "awgn":
                    np.testing.assert_array_equal(h, 1)
                    continue
                constant = factor / (factor + 1) if kind == "rician" else 0.0
                scattered = 1 - constant
                deviation = math.sqrt((scattered**2 + 2 * constant * scattered) / count)
                self.assertLess(abs(np.mean(np.abs(h) ** 2) - 1), 5 * deviation)
                self.assertLess(
                    abs(np.mean(h) - math.sqrt(constant)), 5 * math.sqrt(scattered / count)
                )

    def test_no_noise_and_no_fading_pass_symbols_through(self):
        symbols = random_symbols(3000)
        (y, h), _ = self.run_block(symbols, "awgn", math.inf)
        np.testing.assert_array_equal(y, symbols)
        np.testing.assert_array_equal(h, 1)

    def test_seeds_differ(self):
        symbols = random_symbols(1000)
        (first, _), _ = self.run_block(symbols, "rayleigh", 10.0, 1.0, 1, 0)
        (last, _), _ = self.run_block(symbols, "rayleigh", 10.0, 1.0, 1, 2**64 - 1)
        self.assertFalse(np.any(first == last))

    def test_tags_pass_to_both_outputs(self):
        tags = [
            gr.python_to_tag((offset, pmt.intern("frame"), pmt.from_long(offset)))
            for offset in (0, 1, 1999)
        ]
        _, sinks = self.run_block(random_symbols(2000), "rician", chunk=100, tags=tags)
        for sink in sinks:
            got = [(tag.offset, pmt.to_python(tag.value)) for tag in sink.tags()]
            self.assertEqual(got, [(0, 0), (1, 1), (1999, 1999)])

    def test_setters_act_while_running(self):
        top = gr.top_block()
        source = blocks.vector_source_c([1.0], True)
        block = vqdeepsc.fading_channel("awgn", math.inf, 1e12, 2**62, 9)
        probes = [blocks.probe_signal_c(), blocks.probe_signal_c()]
        top.connect(source, block)
        for port, probe in enumerate(probes):
            top.connect((block, port), probe)

        def until(condition, what):
            end = time.monotonic() + 20
            while not condition():
                self.assertLess(time.monotonic(), end, what)
                time.sleep(0.005)

        def coefficient():
            return probes[1].level()

        top.start()
        try:
            until(lambda: probes[0].level() == 1, "symbols pass")
            block.set_snr_db(0.0)
            until(lambda: abs(probes[0].level() - 1) > 0.1, "set_snr_db")
            block.set_snr_db(math.inf)
            block.set_kind("rayleigh")
            until(lambda: abs(coefficient() - 1) > 0.01, "set_kind")
            block.set_kind("rician")
            until(lambda: abs(coefficient() - 1) < 1e-4, "set_kind back")
            block.set_rician_factor(0.5)
            until(lambda: abs(coefficient() - 1) > 0.01, "set_rician_factor")
            held = coefficient()
            until(lambda: probes[0].level() == held, "one coefficient for all symbols")
            block.set_block_length(1)
            until(lambda: coefficient() != held, "set_block_length")
        finally:
            top.stop()
            top.wait()
        self.assertEqual(
            (block.kind(), block.snr_db(), block.rician_factor(), block.block_length()),
            ("rician", math.inf, 0.5, 1),
        )
        self.assertEqual(block.seed(), 9)

    def test_wrong_parameters_are_named(self):
        for keywords, named in (
            ({"kind": "ricean"}, "kind is 'ricean'"),
            ({"snr_db": math.nan}, "snr_db is nan"),
            ({"snr_db": -1e9}, "snr_db is -1000000000"),
            ({"rician_factor": -1.0}, "rician_factor is -1"),
            ({"rician_factor": math.inf}, "rician_factor is inf"),
            ({"block_length": 0}, "block_length is 0"),
            ({"block_length": -7}, "block_length is -7"),
        ):
            with self.subTest(keywords), self.assertRaisesRegex(ValueError, named):
                vqdeepsc.fading_channel(**keywords)
        block = vqdeepsc.fading_channel()
        for setter, value in (
            (block.set_kind, ""),
            (block.set_snr_db, math.nan),
            (block.set_rician_factor, -0.1),
            (block.set_block_length, 0),
        ):
            with self.subTest(setter=setter), self.assertRaises(ValueError):
                setter(value)
        self.assertEqual((block.kind(), block.snr_db()), ("awgn", 10.0))


if __name__ == "__main__":
    gr_unittest.run(FadingChannelTest)
