# SPDX-License-Identifier: GPL-3.0-or-later
"""A channel that loses the frames that a test names."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pmt
from gnuradio import gr
from gnuradio.vqdeepsc.blocks.frames import header_from_pmt, redundancy_version

HEADER_SAMPLES = 2400  # of a burst with the default FFT: all before the payload is in them
GAP = 1000


class lossy_bursts(gr.sync_block):
    """Passes the samples of bursts, or zeros in their place, or their payload with noise.

    lost: by number of the image and first block, how many transmissions of the frame are lost from
    the first on; noisy: likewise, how many get noise of Es/N0 snr_db; amplitude: of the bursts.
    sent: image, first block and redundancy version of all bursts that came."""

    def __init__(
        self,
        lost: Mapping[tuple[int, int], int],
        noisy: Mapping[tuple[int, int], int],
        snr_db: float,
        amplitude: float = 0.3,
    ) -> None:
        gr.sync_block.__init__(self, "lossy_bursts", [np.complex64], [np.complex64])
        self.sent: list[tuple[int, int, int]] = []
        self._lost, self._noisy = lost, noisy
        self._deviation = np.sqrt(amplitude**2 * 16 / 13 / 10 ** (snr_db / 10) / 2)
        self._rng = np.random.default_rng(1)
        self._transmissions: Counter[tuple[int, int]] = Counter()
        self._is_lost = self._is_noisy = False
        self._begun = 0

    def work(self, input_items, output_items) -> int:
        samples, out = input_items[0], output_items[0]
        first = self.nitems_read(0)
        tags = self.get_tags_in_window(0, 0, samples.size, pmt.intern("frame"))
        tags = sorted(tags, key=lambda tag: tag.offset)
        ends = [*(tag.offset - first for tag in tags), samples.size]
        self._pass(samples[: ends[0]], out, first)
        for tag, (start, end) in zip(tags, pairwise(ends), strict=True):
            self._begin(tag)
            self._pass(samples[start:end], out[start:end], tag.offset)
        return samples.size

    def _begin(self, tag: gr.tag_t) -> None:
        header = header_from_pmt(tag.value)
        frame = header.image, header.first_block
        self.sent.append((*frame, redundancy_version(tag.value)))
        self._is_lost = self._transmissions[frame] < self._lost.get(frame, 0)
        self._is_noisy = self._transmissions[frame] < self._noisy.get(frame, 0)
        self._transmissions[frame] += 1
        self._begun = tag.offset

    def _pass(self, samples: np.ndarray, out: np.ndarray, offset: int) -> None:
        out[: samples.size] = 0 if self._is_lost else samples
        if self._is_noisy:
            payload = np.arange(samples.size) + offset - self._begun >= HEADER_SAMPLES
            # sample after sample, so that it is the same however the scheduler cuts the stream
            noise = self._rng.normal(0, self._deviation, (samples.size, 2)) @ (1, 1j)
            out[: samples.size] += payload * noise
