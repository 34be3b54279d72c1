# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples into a file, until the disk takes no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gnuradio import gr
from numpy.typing import DTypeLike


class recording_sink(gr.sync_block):
    """Writes a stream into a file and ends the flowgraph where that fails.

    GNU Radio's file_sink raises in work(), after which the blocks before it wait for ever.

    path: a file that is there; dtype: of the items
    error: why writing ended early, if it did; the file then holds whole items
    Raises OSError where the file cannot be opened.
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        gr.sync_block.__init__(self, "recording_sink", [dtype], None)
        self.error: OSError | None = None
        self._item_bytes = np.dtype(dtype).itemsize
        self._file = path.open("wb", buffering=0)

    def work(self, input_items: list[np.ndarray], output_items: list[np.ndarray]) -> int:
        content = memoryview(np.ascontiguousarray(input_items[0])).cast("B")
        try:
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            self.error = error
            size = self._file.tell()
            self._file.truncate(size - size % self._item_bytes)
            return -1  # WORK_DONE
        return len(input_items[0])

    def stop(self) -> bool:
        self._file.close()
        return True
