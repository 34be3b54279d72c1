# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts that begin within others, and receivers that take some bursts alone."""

import numpy as np
from burst_flowgraphs import BurstTest, headers, receive, transmit
from gnuradio import gr_unittest, vqdeepsc
from vqdeepsc.kernels import FrameHeader

PAYLOAD = 20032


def session_headers(*sessions: int) -> list[FrameHeader]:
    return [
        FrameHeader(model=0x1234, session=session, image=i, width=128, height=128)
        for i, session in enumerate(sessions)
    ]


class TestBurstOverlaps(BurstTest):
    def bursts(self, count: int) -> np.ndarray:
        samples, _ = transmit(self.frames(count, PAYLOAD), headers(count))
        return samples.reshape(count, -1)

    def received(self, *parts: np.ndarray, snr_db: float = 12.0, **parameters):
        stream = np.concatenate(parts)
        stream = stream + self.noise(stream.size, snr_db)
        return receive(stream, receiver=vqdeepsc.burst_receiver(**parameters))

    def test_a_new_burst_ends_one_that_stopped(self):
        """Where the stream ends before the first one would have, the second used to be lost."""
        first, second = self.bursts(2)
        for share, block_errors in ((0.1, []), (0.4, [2])):
            with self.subTest(share=share):
                stop = int(share * first.size)
                regions, log = self.received(first[:stop], second)
                self.assertEqual(regions[-1][0]["first_block"], 64)
                self.assertEqual(regions[-1][0]["block_errors"], 0)
                errors = [line.get("error", "") for line in log]
                if block_errors:
                    # the code blocks that came are decoded
                    self.assertEqual([line["interrupted"] for line in log], [True, False])
                    self.assertEqual([line["block_errors"] for line in log], [*block_errors, 0])
                else:
                    self.assertEqual(errors, ["another burst begins in it", ""])

    def test_a_weaker_burst_ends_none(self):
        strong, weak = self.bursts(2)
        stream = np.concatenate([strong, np.zeros(6000, np.complex64)])
        weak = weak[:20000]
        stream[8000 : 8000 + weak.size] += 10 ** (-8 / 20) * weak
        _, log = self.received(stream, snr_db=25)
        of_strong = [line for line in log if line.get("first_block") == 0]
        self.assertEqual([line["interrupted"] for line in of_strong], [False])
        self.assertEqual([line["block_errors"] for line in of_strong], [0])

    def test_a_stronger_burst_is_taken(self):
        weak, strong = self.bursts(2)
        stream = np.concatenate([10 ** (-9 / 20) * weak, np.zeros(20000, np.complex64)])
        stream[12000 : 12000 + strong.size] += strong
        regions, log = self.received(stream, snr_db=25)
        self.assertEqual(
            [region["first_block"] for region, _ in regions if region["block_errors"] == 0], [64]
        )
        self.assertEqual([line["header_ok"] for line in log][-1], True)

    def test_one_session(self):
        frames = self.frames(4, 2000)
        samples, _ = transmit(frames, session_headers(7, 7, 9, 7))
        samples = samples + self.noise(samples.size, 15)
        for session, images in ((-1, [0, 1, 2, 3]), (-2, [0, 1, 3]), (9, [2]), (8, [])):
            with self.subTest(session=session):
                regions, log = receive(samples, receiver=vqdeepsc.burst_receiver(session=session))
                self.assertEqual([region["image"] for region, _ in regions], images)
                self.assertEqual(len(log), 4)
                if session == 9:
                    self.assertIn("session 00000007", log[0]["error"])

    def test_formats_that_are_allowed(self):
        frames = self.frames(2, 2000)
        samples = [
            transmit(frames, headers(2), bits_per_symbol=bits, code_rate=rate)[0]
            for bits, rate in ((4, "1/3"), (2, "1/2"))
        ]
        stream = np.concatenate(samples)
        stream = stream + self.noise(stream.size, 15)
        receiver = vqdeepsc.burst_receiver(formats=[(2, "1/2"), (6, "1/3")])
        regions, log = receive(stream, receiver=receiver)
        self.assertEqual(len(regions), 2)
        self.assertEqual([line["header_ok"] for line in log], [False, False, True, True])
        self.assertIn("4 bits per symbol at rate 1/3, which is not received", log[0]["error"])

    def test_wrong_parameters_are_named(self):
        for arguments, part in (
            ({"session": -3}, "session is -3"),
            ({"session": 2**32}, "session is 4294967296"),
            ({"formats": [(3, "1/3")]}, "bits_per_symbol is 3"),
            ({"formats": [(4, "5/6")]}, "5/6"),
            ({"largest_cfo": 0.3}, "largest_cfo is 0.3"),
            ({"largest_cfo": float("nan")}, "largest_cfo is nan"),
        ):
            with self.subTest(part), self.assertRaisesRegex(ValueError, part):
                vqdeepsc.burst_receiver(**arguments)
        with self.assertRaisesRegex(ValueError, "whitening order is 40"):
            vqdeepsc.burst_detector(whitening=40)


if __name__ == "__main__":
    gr_unittest.run(TestBurstOverlaps)
