# SPDX-License-Identifier: GPL-3.0-or-later
"""A few rows of burst_interference.py: bursts beside carriers and narrow signals."""

from burst_interference import measure, measure_wide
from gnuradio import gr_unittest


class TestBurstInterference(gr_unittest.TestCase):
    def test_carriers_and_narrow_signals(self):
        """Where without a filter 8 to 100 % of the headers are lost."""
        for name in ("carrier, 0 dB", "carrier, +20 dB", "a tenth of the band, +10 dB"):
            with self.subTest(name):
                row = measure(name, 10, 40, 7)
                self.assertEqual(row["headers"], 1)
                self.assertLessEqual(row["block_errors"], 0.05)

    def test_the_filter_can_be_left_out(self):
        self.assertEqual(measure("carrier, +20 dB", 10, 4, 7, whiten=False)["headers"], 0)

    def test_without_interference(self):
        """The filter costs nothing: 3.9 dB is 0.1 dB above the decoding threshold."""
        self.assertEqual(measure("nothing", 3.9, 20, 7)["block_errors"], 0)

    def test_large_frequency_offsets(self):
        self.assertEqual(measure_wide(6, 20, 7)["block_errors"], 0)
        self.assertEqual(measure("nothing", 10, 4, 7, (0.15, 0.25))["headers"], 0)


if __name__ == "__main__":
    gr_unittest.run(TestBurstInterference)
