# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraph tests of zero_fill."""

import time

import numpy as np
import pmt
from flowgraph import make_tag
from gnuradio import blocks, gr, gr_unittest, vqdeepsc


class slow_bursts(gr.sync_block):
    """Bursts of ones that arrive in pieces, with pauses within and between them.

    The last burst waits until something but bursts is in sink.
    """

    def __init__(self, bursts: int, length: int, sink: blocks.vector_sink_c) -> None:
        gr.sync_block.__init__(self, "slow_bursts", None, [np.complex64])
        self._total = bursts * length
        self._length = length
        self._sink = sink

    def work(self, input_items, output_items):
        first = self.nitems_written(0)
        if first >= self._total:
            return -1
        time.sleep(0.002)
        if first == self._total - self._length and len(self._sink.data()) <= first:
            return 0
        count = min(len(output_items[0]), self._length // 3, self._total - first)
        output_items[0][:count] = 1
        for offset in range(first, first + count):
            if offset % self._length == 0:
                self.add_item_tag(0, offset, pmt.intern("tx_sob"), pmt.PMT_T)
            if offset % self._length == self._length - 1:
                self.add_item_tag(0, offset, pmt.intern("tx_eob"), pmt.PMT_T)
        return count


class TestZeroFill(gr_unittest.TestCase):
    def fill(self, source, sink=None, **parameters):
        top = gr.top_block()
        sink = sink or blocks.vector_sink_c()
        self.block = vqdeepsc.zero_fill(**parameters)
        top.connect(source, self.block, sink)
        top.run()
        return np.array(sink.data()), sink.tags()

    def bursts(self, lengths):
        samples = np.arange(1, sum(lengths) + 1).astype(np.complex64)
        tags = []
        first = 0
        for index, length in enumerate(lengths):
            tags.append(make_tag(first, "tx_sob", pmt.PMT_T))
            tags.append(make_tag(first + length // 2, "note", pmt.from_long(index)))
            tags.append(make_tag(first + length - 1, "tx_eob", pmt.PMT_T))
            first += length
        return samples, blocks.vector_source_c(samples.tolist(), False, 1, tags)

    def test_gaps_and_tail(self):
        lengths = [5000, 1, 70_000, 300]
        for gap, tail in ((0, 0), (7, 0), (3000, 12_345)):
            with self.subTest(gap=gap, tail=tail):
                samples, source = self.bursts(lengths)
                out, tags = self.fill(source, continuous=False, gap=gap, tail=tail)
                expected = []
                first = 0
                for length in lengths:
                    expected += [samples[first : first + length], np.zeros(gap)]
                    first += length
                np.testing.assert_array_equal(out, np.concatenate([*expected, np.zeros(tail)]))
                marked = {
                    key: [tag.offset for tag in tags if pmt.symbol_to_string(tag.key) == key]
                    for key in ("tx_sob", "note", "tx_eob")
                }
                starts = np.cumsum([0, *lengths[:-1]]) + gap * np.arange(len(lengths))
                np.testing.assert_array_equal(marked["tx_sob"], starts)
                np.testing.assert_array_equal(marked["note"], starts + np.array(lengths) // 2)
                np.testing.assert_array_equal(marked["tx_eob"], starts + np.array(lengths) - 1)

    def test_samples_without_tags_pass(self):
        samples = np.arange(100_000).astype(np.complex64)
        source = blocks.vector_source_c(samples.tolist())
        out, _ = self.fill(source, continuous=False, tail=10)
        np.testing.assert_array_equal(out[:100_000], samples)
        self.assertEqual(len(out), 100_010)

    def test_continuous_zeros_never_break_a_burst(self):
        length, bursts = 900, 8
        sink = blocks.vector_sink_c()
        out, _ = self.fill(slow_bursts(bursts, length, sink), sink, continuous=True)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], np.abs(out), [0]])))
        runs = edges[1::2] - edges[::2]
        self.assertEqual(np.sum(np.abs(out)), bursts * length)
        # bursts may touch, but none is cut
        np.testing.assert_array_equal(runs % length, 0)
        self.assertGreater(len(out), bursts * length)

    def test_refuses_negative_lengths(self):
        for name in ("gap", "tail"):
            with self.assertRaisesRegex(ValueError, f"{name} is -1 samples"):
                vqdeepsc.zero_fill(**{name: -1})


if __name__ == "__main__":
    gr_unittest.run(TestZeroFill)
