# SPDX-License-Identifier: GPL-3.0-or-later
"""A few rows of burst_impairments.py: bursts through channels and front ends that change."""

import numpy as np
from burst_impairments import measure_fading, measure_front_end
from burst_strangers import measure, streams
from gnuradio import gr_unittest


class TestBurstImpairments(gr_unittest.TestCase):
    def test_channels_that_change_within_a_burst(self):
        """Where a channel that is followed no further than the header costs 20 to 99 %."""
        for name, doppler, snr_db in (
            ("six taps", 10, 15),
            ("six taps", 50, 25),
            ("three taps", 100, 20),
            ("one tap", 30, 25),
            ("one tap, Rician 10 dB", 20, 15),
        ):
            with self.subTest(name, doppler=doppler):
                row = measure_fading(name, doppler, snr_db, 10, 7)
                self.assertLessEqual(row["received"], row["known"] + 1 / 30 + 1e-9)

    def test_slowest_and_fastest_channels(self):
        """Where a change that is seen late, or a frequency taken from a fade, costs 5 %."""
        for name, doppler, snr_db in (
            ("six taps", 3, 8),
            ("one tap", 100, 25),
            ("one tap", 200, 25),
        ):
            with self.subTest(name, doppler=doppler):
                row = measure_fading(name, doppler, snr_db, 50, 1)
                self.assertLessEqual(row["received"], row["known"] + 2 / 150 + 1e-9)

    def test_vehicular_profile(self):
        """Where the static profile loses a quarter of the blocks of a receiver before it, and with
        one tap a fade that passes through preamble, training or header costs 2 %."""
        for name, count in (("six taps", 20), ("three taps", 20), ("one tap", 400)):
            with self.subTest(name):
                row = measure_fading(name, 400, 15, count, 7, profile=2)
                self.assertLessEqual(row["received"], row["known"] + 1 / max(60, count) + 1e-9)

    def test_fades_through_preamble_and_training(self):
        """Where a channel that stands still in them, or a frequency taken from it, costs 1 %."""
        row = measure_fading("one tap", 200, 25, 400, 2)
        self.assertLessEqual(row["received"], row["known"] + 1 / 400 + 1e-9)

    def test_noise_in_few_samples(self):
        """Where preambles that are hit, or one impulse in each FFT, cost 7 to 100 %."""
        for name in (
            "pulses of 100 samples in 5,000, +10 dB",
            "pulses of 300 samples in 5,000, +10 dB",
            "impulses in 1 % of the samples, +20 dB",
        ):
            with self.subTest(name):
                self.assertLessEqual(measure_front_end(name, 15, 40, 3)["received"], 0.01)

    def test_lost_samples(self):
        """Where all that follows them used to fail: half of the blocks."""
        for name in ("100 samples lost", "1,000 samples lost"):
            with self.subTest(name):
                self.assertLessEqual(measure_front_end(name, 12, 30, 3)["received"], 3 / 90 + 1e-9)

    def test_headers_without_payload(self):
        """Each is seen, and no decoder runs."""
        rng = np.random.default_rng(1)
        stream = streams(100_000, rng)["headers of 20,032 bits as QPSK, no payload"]
        row = measure(stream, rng)
        self.assertGreater(row["detections"], 10)
        self.assertEqual(row["headers"], 0)

    def test_front_ends_that_change_within_a_burst(self):
        """Where one noise and one gain for the whole burst cost 20 to 60 %."""
        for name in (
            "noise of -10 dB begins in the payload",
            "gain step of 6 dB",
            "gain step of 6 dB, of noise too",
            "AGC settles from +6 dB in 5 ms",
            "carrier at 0 Hz, 30 dB",
        ):
            with self.subTest(name):
                self.assertLessEqual(measure_front_end(name, 15, 10, 7)["received"], 1 / 30 + 1e-9)


if __name__ == "__main__":
    gr_unittest.run(TestBurstImpairments)
