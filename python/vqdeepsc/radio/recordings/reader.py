# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of a recording in order, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .byte_stream import ByteStream
from .layout import Part, Recording


class SampleReader:
    """Reads the parts of a recording one after the other.

    follow: whether a file may still grow. Raises OSError.
    """

    def __init__(self, recording: Recording, follow: bool = False) -> None:
        self._recording = recording
        self._follow = follow
        self._parts: Iterator[Part] = iter(recording.parts)
        self._part: Part | None = None
        self._stream: ByteStream | None = None
        self._left: int | None = 0  # bytes of the part, None for all to the end
        self._rest = b""  # of a sample
        self._open_next()

    def read(self, count: int) -> NDArray[np.complex64] | None:
        """Up to count samples, complex64 [N], none where none are there yet, None at the end."""
        while self._part and self._stream:
            frame_bytes = self._part.channels * self._part.format.size
            wanted = count * frame_bytes - len(self._rest)
            if self._left is not None:
                wanted = min(wanted, self._left)
            content = self._stream.read(wanted) if wanted else None
            if content is None:
                self._open_next()
                continue
            if self._left is not None:
                self._left -= len(content)
            content = self._rest + content
            whole = len(content) // frame_bytes * frame_bytes
            self._rest = content[whole:]
            return self._part.format.decode(
                content[:whole], self._part.channels, self._part.channel
            )
        return None

    def close(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None

    def _open_next(self) -> None:
        self.close()
        self._rest = b""
        self._part = next(self._parts, None)
        if not self._part:
            return
        self._left = self._part.size
        if self._recording.pipe:
            self._stream = self._recording.pipe
            skipped = self._part.begin
            while skipped and (content := self._stream.read(skipped)) is not None:
                skipped -= len(content)
        else:
            self._stream = ByteStream(self._part.file, self._follow)
            self._stream.seek(self._part.begin)
