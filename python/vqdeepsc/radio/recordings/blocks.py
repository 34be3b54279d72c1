# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings as ends of a flowgraph.

GNU Radio's file_source knows no pipes and two formats, and its file_sink raises in work(), after
which the blocks before it wait for ever.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gnuradio import gr
from numpy.typing import NDArray

from .formats import RecordingError
from .reader import SampleReader
from .writer import SampleWriter

_WORK_DONE = -1
_READ_SAMPLES = 1 << 15  # at once, as a call of work() takes as long as many samples


class recording_source(gr.sync_block):
    """Gives the samples of a reader; error: why that ended early, if it did."""

    def __init__(self, reader: SampleReader) -> None:
        gr.sync_block.__init__(self, "recording_source", None, [np.complex64])
        self.error: OSError | None = None
        self._reader = reader
        self.set_output_multiple(_READ_SAMPLES)

    def work(self, input_items: list[Any], output_items: list[NDArray[np.complex64]]) -> int:
        out = output_items[0]
        try:
            samples = self._reader.read(out.size)
        except OSError as error:
            self.error, samples = error, None
        if samples is None:
            return _WORK_DONE
        out[: samples.size] = samples
        return samples.size

    def stop(self) -> bool:
        self._reader.close()
        return True


class recording_sink(gr.sync_block):
    """Writes a stream and ends the flowgraph where that fails, and then error says why."""

    def __init__(self, writer: SampleWriter) -> None:
        gr.sync_block.__init__(self, "recording_sink", [np.complex64], None)
        self.error: RecordingError | None = None
        self._writer = writer

    def work(self, input_items: list[NDArray[np.complex64]], output_items: list[Any]) -> int:
        try:
            return self._writer.write(input_items[0])
        except RecordingError as error:
            self.error = error
            return _WORK_DONE
