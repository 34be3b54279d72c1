# SPDX-License-Identifier: GPL-3.0-or-later
"""The NumPy side of the kernels: shapes, types, errors and the same bits everywhere."""

import subprocess
import sys
import threading
import unittest

import numpy as np
from vqdeepsc import kernels


class KernelsTest(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(4)
        random = self.rng.normal(size=5003) + 1j * self.rng.normal(size=5003)
        self.symbols = random.astype(np.complex64)
        self.noise = self.rng.uniform(0.01, 2, 5003).astype(np.float32)

    def test_numpy_2_is_refused_where_its_arrays_would_be_misread(self):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "import numpy; numpy.__version__ = '2.3.1'\nfrom vqdeepsc import kernels",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        refused = "cannot use NumPy 2.3.1: install a NumPy below 2" in done.stderr
        self.assertEqual(refused, kernels.PYBIND11_VERSION < (2, 12), done.stderr)
        self.assertEqual(done.returncode, int(refused))

    def test_qam_points(self):
        for bits in (2, 4, 6, 8):
            points = kernels.qam_points(bits)
            self.assertEqual((points.shape, points.dtype), ((2**bits,), np.complex64))
            self.assertAlmostEqual(float(np.mean(np.abs(points) ** 2)), 1, 5)
            # Gray: the labels of nearest neighbours differ in one bit.
            distance = np.abs(points[:, None] - points)
            near = (distance > 0) & (distance < 1.01 * distance[distance > 1e-6].min())
            for one, other in np.argwhere(near):
                self.assertEqual(int(one ^ other).bit_count(), 1)
        with self.assertRaisesRegex(ValueError, "bits_per_symbol is 5"):
            kernels.qam_points(5)

    def test_demapper_shapes_and_types(self):
        demapper = kernels.QamDemapper(6)
        llrs = demapper.demap(self.symbols, self.noise)
        self.assertEqual((llrs.shape, llrs.dtype), ((6 * 5003,), np.float32))
        quantised = demapper.demap_quantised(self.symbols, self.noise, 2.0, 15)
        self.assertEqual((quantised.shape, quantised.dtype), ((6 * 5003,), np.int8))
        np.testing.assert_array_equal(quantised, np.clip(np.rint(2 * llrs), -15, 15))
        one = demapper.demap(self.symbols, 0.5)
        np.testing.assert_array_equal(one, demapper.demap(self.symbols, np.float64(0.5)))
        np.testing.assert_array_equal(one, demapper.demap(self.symbols, np.full(5003, 0.5)))
        # strided and double-precision arrays
        np.testing.assert_array_equal(
            demapper.demap(self.symbols.astype(np.complex128)[::2], self.noise[::2]),
            llrs.reshape(-1, 6)[::2].reshape(-1),
        )
        self.assertEqual(demapper.demap(self.symbols[:0], 0.1).shape, (0,))

    def test_demapper_errors(self):
        demapper = kernels.QamDemapper()
        for call, named in (
            (lambda: kernels.QamDemapper(7), "bits_per_symbol is 7"),
            (lambda: kernels.QamDemapper(4, "hard"), "method is 'hard'"),
            (lambda: kernels.QamDemapper(4, instruction_set="mmx"), "'mmx'"),
            (lambda: demapper.demap(self.symbols, self.noise[1:]), "noise has 5002 values"),
            (lambda: demapper.demap(self.symbols.reshape(1, -1), 0.1), r"shape \(1, 5003\)"),
            (lambda: demapper.demap_quantised(self.symbols, 0.1, -1.0), "steps_per_nat is -1"),
            (lambda: demapper.demap_quantised(self.symbols, 0.1, 4.0, 200), "saturation is 200"),
        ):
            with self.assertRaisesRegex(ValueError, named):
                call()

    def test_every_instruction_set_gives_the_same_bits(self):
        names = kernels.instruction_sets()
        self.assertEqual(names[-1], "portable")
        channels, llrs = [], []
        for name in names:
            channel = kernels.FadingChannel("rician", 3.0, 2.0, 3, 6, name)
            channels.append(np.concatenate(channel.apply(self.symbols)))
            demapper = kernels.QamDemapper(4, "exact", name)
            llrs.append(demapper.demap(self.symbols, self.noise))
        for got in channels[1:]:
            np.testing.assert_array_equal(got, channels[0])
        for got in llrs[1:]:
            np.testing.assert_array_equal(got, llrs[0])

    def test_channel_does_not_depend_on_how_the_stream_is_cut(self):
        whole_y, whole_h = kernels.FadingChannel("rayleigh", 5.0, seed=1).apply(self.symbols)
        channel = kernels.FadingChannel("rayleigh", 5.0, seed=1)
        pieces = [channel.apply(piece) for piece in np.split(self.symbols, [1, 2, 1025, 4000])]
        np.testing.assert_array_equal(np.concatenate([y for y, _ in pieces]), whole_y)
        np.testing.assert_array_equal(np.concatenate([h for _, h in pieces]), whole_h)
        self.assertEqual(channel.position, 5003)
        channel.position = 1000
        y, _ = channel.apply(self.symbols[1000:1100])
        np.testing.assert_array_equal(y, whole_y[1000:1100])

    def test_channel_properties(self):
        channel = kernels.FadingChannel()
        self.assertEqual((channel.kind, channel.snr_db, channel.seed), ("awgn", 10.0, 0))
        channel.kind = "rician"
        channel.snr_db = float("inf")
        channel.rician_factor = 0.25
        channel.block_length = 12
        self.assertEqual(channel.kind, "rician")
        self.assertEqual(channel.snr_db, float("inf"))
        self.assertEqual((channel.rician_factor, channel.block_length), (0.25, 12))
        y, h = channel.apply(self.symbols)
        np.testing.assert_allclose(y, h * self.symbols, rtol=1e-5, atol=1e-6)
        with self.assertRaisesRegex(ValueError, "block_length is 0"):
            channel.block_length = 0
        with self.assertRaisesRegex(ValueError, "kind is 'x'"):
            kernels.FadingChannel("x")
        with self.assertRaisesRegex(ValueError, "symbols has shape"):
            channel.apply(self.symbols.reshape(-1, 1))

    def test_equalizer(self):
        h = kernels.FadingChannel("rayleigh", 0.0).apply(self.symbols)[1]
        estimate, noise = kernels.csi_equalize(self.symbols, h, kernels.noise_density(10.0))
        self.assertEqual((estimate.dtype, noise.dtype), (np.complex64, np.float32))
        np.testing.assert_allclose(estimate, self.symbols.astype(complex) / h, rtol=1e-6)
        np.testing.assert_allclose(noise, 0.1 / np.abs(h.astype(complex)) ** 2, rtol=1e-6)
        for arguments, named in (
            ((self.symbols, h[1:], 0.1), "h has 5002 values, must have 5003"),
            ((self.symbols, h, -0.1), "n0 is -0.1"),
            ((self.symbols, h, float("nan")), "n0 is nan"),
        ):
            with self.assertRaisesRegex(ValueError, named):
                kernels.csi_equalize(*arguments)
        with self.assertRaisesRegex(ValueError, "snr_db is nan"):
            kernels.noise_density(float("nan"))

    def test_threads_with_objects_of_their_own(self):
        expected = kernels.FadingChannel("rician", 1.0).apply(self.symbols)[0]
        results = []

        def work():
            demapper = kernels.QamDemapper(8, "exact")
            for _ in range(5):
                y, _ = kernels.FadingChannel("rician", 1.0).apply(self.symbols)
                demapper.demap(y, 0.1)
                results.append(np.array_equal(y, expected))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [True] * 20)

    def test_ldpc_over_the_whole_link(self):
        payload = 4000
        encoder = kernels.LdpcEncoder(payload, 3 * payload)
        decoder = kernels.LdpcDecoder(payload, 3 * payload, iterations=25)
        self.assertEqual(decoder.iterations, 25)
        bits = self.rng.integers(0, 2, payload, np.uint8)
        coded = encoder.encode(bits)
        self.assertEqual((coded.shape, coded.dtype), ((3 * payload,), np.uint8))
        symbols = kernels.qam_points(4)[coded.reshape(-1, 4) @ (8, 4, 2, 1)]
        for kind, snr_db in (("awgn", 5.0), ("rician", 7.0), ("rayleigh", 7.5)):
            with self.subTest(kind=kind):
                y, h = kernels.FadingChannel(kind, snr_db, seed=1).apply(symbols)
                estimate, noise = kernels.csi_equalize(y, h, kernels.noise_density(snr_db))
                llrs = kernels.QamDemapper(4).demap(estimate, noise)
                got, posterior, crc_ok, errors, blocks, iterations = decoder.decode(llrs)
                self.assertTrue(crc_ok)
                self.assertEqual(errors, 0)
                self.assertGreaterEqual(blocks, 1)
                self.assertLess(iterations, 25)
                self.assertEqual((got.dtype, posterior.dtype), (np.uint8, np.float32))
                np.testing.assert_array_equal(got, bits)
                np.testing.assert_array_equal(posterior > 0, bits)
        lost = decoder.decode(np.zeros(3 * payload, np.float32))
        self.assertIsInstance(lost, kernels.Decoded)
        self.assertFalse(lost.crc_ok)
        self.assertEqual(lost.block_errors, lost.blocks)
        self.assertFalse(decoder.block_results[0].crc_ok)

    def test_ldpc_combines_transmissions(self):
        payload = 1000
        bits = self.rng.integers(0, 2, payload, np.uint8)
        decoder = kernels.LdpcDecoder(payload, 2000)
        llrs = {}
        for version in (0, 2):
            coded = kernels.LdpcEncoder(payload, 2000, redundancy_version=version).encode(bits)
            symbols = kernels.qam_points(2)[coded.reshape(-1, 2) @ (2, 1)]
            y, _ = kernels.FadingChannel("awgn", 0.0, seed=version).apply(symbols)
            llrs[version] = kernels.QamDemapper(2).demap(y, 1.0)
        self.assertFalse(decoder.decode(llrs[0]).crc_ok)
        decoder.reset()
        for version, values in llrs.items():
            decoder.add_llrs(version, values)
        got, _, crc_ok, *_ = decoder.decode_combined()
        self.assertTrue(crc_ok)
        np.testing.assert_array_equal(got, bits)

    def test_ldpc_errors(self):
        encoder = kernels.LdpcEncoder(100, 300)
        decoder = kernels.LdpcDecoder(100, 300)
        for call, named in (
            (lambda: kernels.LdpcEncoder(0, 300), "payload_bits is 0"),
            (lambda: kernels.LdpcEncoder(100, -3), "coded_bits is -3"),
            (lambda: kernels.LdpcDecoder(-1, 300), "payload_bits is -1"),
            (lambda: kernels.LdpcDecoder(100, 300, precision="int4"), "precision is 'int4'"),
            (lambda: kernels.LdpcDecoder(100, 300, early_stop="soon"), "early_stop is 'soon'"),
            (lambda: encoder.encode(np.zeros(99, np.uint8)), "payload has 99 values"),
            (lambda: decoder.decode(np.zeros(301, np.float32)), "llrs has 301 values"),
        ):
            with self.assertRaisesRegex(ValueError, named):
                call()


if __name__ == "__main__":
    unittest.main()
