# SPDX-License-Identifier: GPL-3.0-or-later
"""What drivers of radios print on standard error is counted."""

import os
import sys
import time
from collections import Counter

from gnuradio import gr_unittest
from gnuradio.vqdeepsc.radio.driver_messages import DriverMessages


class TestDriverMessages(gr_unittest.TestCase):
    def count(self, *messages):
        with DriverMessages() as watching:
            for message in messages:
                os.write(2, message)
                time.sleep(0.05)
        return watching.take()

    def test_letters_of_drivers(self):
        self.assertEqual(
            self.count(b"O", b"sO", b"U", b"sUsU", b"D", b"S"),
            {"overflows": 3, "underflows": 3, "lost_packets": 1},
        )

    def test_none_is_lost_however_often_they_are_asked_for(self):
        interval = sys.getswitchinterval()
        self.addCleanup(sys.setswitchinterval, interval)
        sys.setswitchinterval(1e-6)
        counted = Counter()
        with DriverMessages() as watching:
            for _ in range(2000):
                os.write(2, b"OOOOOOOO")
                counted.update(watching.take())
        counted.update(watching.take())
        self.assertEqual(counted, {"overflows": 16_000})

    def test_sentences_mean_nothing(self):
        self.assertEqual(self.count(b"DNS-SD USED\n", b"O how odd\n"), {})

    def test_a_terminal_that_is_gone_stops_nobody(self):
        terminal = os.dup(2)
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 2)
        os.close(writing)
        try:
            # more than a pipe holds
            counted = self.count(b"x" * 10_000, *[b"y" * 65_536] * 3, b"O")
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
        self.assertEqual(counted, {"overflows": 1})
