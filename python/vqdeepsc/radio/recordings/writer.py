# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings to write: bare, WAV or with SigMF metadata, to files and pipes."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.whole_files import write_whole

from .formats import (
    DEFAULT_FORMAT,
    SUFFIXES,
    VAGUE_SUFFIXES,
    RecordingError,
    SampleFormat,
    find_format,
)
from .names import portapack_path, portapack_text
from .sigmf_metadata import DATA, META, pair
from .wav import LARGEST_WAV, WRITTEN_FORMATS, wav_head

_WAV = ".wav"
WRITTEN_SUFFIXES = (*SUFFIXES, *VAGUE_SUFFIXES, _WAV, META, DATA)
_STANDARD_OUTPUT = "-"
_WAIT_SECONDS = 0.05


class SampleWriter:
    """A recording that is being written, valid from the first sample on.

    device: path of a file or named pipe, or - for standard output, after which print() goes to
    standard error. format_name: of the samples, "" for what the name tells. sample_rate in
    samples/s; frequency in Hz, 0 if unknown. Raises RecordingError.
    """

    def __init__(
        self, device: str, sample_rate: float, frequency: float, format_name: str = ""
    ) -> None:
        self._path = Path(device).expanduser()
        self._sample_rate, self._frequency = sample_rate, frequency
        self._metadata: Path | None = None
        suffix = self._path.suffix.lower()
        to_pipe = device == _STANDARD_OUTPUT
        if suffix in (META, DATA):
            self._metadata, self._path = pair(self._path)
        elif suffix not in WRITTEN_SUFFIXES and not to_pipe and not self._path.is_fifo():
            known = ", ".join(WRITTEN_SUFFIXES)
            raise RecordingError(f"{device}: a file of samples must end in {known}")
        self._is_wav = suffix == _WAV
        if self._is_wav and self._path.is_fifo():
            raise RecordingError(f"{device}: a WAV file needs a length, which a pipe cannot have")
        usual = WRITTEN_FORMATS[0] if self._is_wav else DEFAULT_FORMAT
        self.format: SampleFormat = find_format(format_name or SUFFIXES.get(suffix, usual))
        if self._is_wav and self.format.name not in WRITTEN_FORMATS:
            names = ", ".join(WRITTEN_FORMATS)
            raise RecordingError(f"{device}: a WAV file has no {self.format.name}, but {names}")
        self._pending = b""  # of a pipe that was full
        self._written = 0
        try:
            self._open(to_pipe)
            if self._is_wav:
                os.write(self._descriptor, self._wav_head())
            if (beside := portapack_path(self._path)) and self._is_file:
                write_whole(beside, portapack_text(sample_rate, frequency))
        except OSError as error:
            raise RecordingError(f"{error.filename or device}: {error.strerror}") from error
        self._describe(None)

    def write(self, samples: NDArray[np.complex64]) -> int:
        """Writes samples, complex64 [N], and returns how many: none while a pipe is full.

        Raises RecordingError; a file then holds whole samples."""
        try:
            if self._pending and not self._flush():
                return 0
            content = self.format.encode(samples)
            if self._is_wav and self._written + len(content) > LARGEST_WAV - 200:
                raise OSError(errno.EFBIG, "a WAV file holds no more than 4 GiB")
            self._written += len(content)
            self._pending = content
            self._flush()
        except OSError as error:
            if self._is_file:
                size = os.lseek(self._descriptor, 0, os.SEEK_CUR)
                begin = len(self._wav_head()) if self._is_wav else 0
                self._written = (size - begin) // self.format.size * self.format.size
                os.ftruncate(self._descriptor, begin + self._written)
            raise RecordingError(f"{self._path}: {error.strerror}") from error
        return len(samples)

    def finish(self) -> None:
        """Write what is left, and lengths and checksums; raises RecordingError."""
        try:
            while self._pending:
                self._flush()
            if self._is_wav:
                os.pwrite(self._descriptor, self._wav_head(), 0)
        except OSError as error:
            raise RecordingError(f"{self._path}: {error.strerror}") from error
        finally:
            with suppress(OSError):
                os.close(self._descriptor)
        if self._metadata and not self._written:
            raise RecordingError(f"nothing was written to {self._path}")
        self._describe(self._path)

    def _open(self, to_pipe: bool) -> None:
        if to_pipe:
            if os.isatty(1):
                raise RecordingError("samples are not written to a terminal: send them elsewhere")
            sys.stdout.flush()
            self._descriptor = os.dup(1)
            os.dup2(2, 1)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            # a named pipe waits here until somebody reads
            self._descriptor = os.open(self._path, flags, 0o666)
        self._is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)

    def _flush(self) -> bool:
        """Write what a pipe takes at the moment; returns whether all of it was written."""
        while self._pending:
            if not self._is_file:
                _, ready, _ = select.select([], [self._descriptor], [], _WAIT_SECONDS)
                if not ready:
                    return False
            # a pipe that is ready takes so much without waiting
            part = self._pending if self._is_file else self._pending[: select.PIPE_BUF]
            self._pending = self._pending[os.write(self._descriptor, part) :]
        return True

    def _wav_head(self) -> bytes:
        return wav_head(self.format, self._sample_rate, self._frequency, self._written)

    def _describe(self, samples: Path | None) -> None:
        """Write the SigMF metadata, with the checksum of the samples unless they are None."""
        if self._metadata is None:
            return
        from sigmf import SigMFFile
        from sigmf.error import SigMFError

        information = {
            "core:datatype": self.format.name,
            "core:sample_rate": self._sample_rate,
            "core:description": "Bursts of images",
            "core:recorder": "gr-vqdeepsc",
        }
        try:
            description = SigMFFile(data_file=samples, global_info=information)
            frequency = self._frequency
            description.add_capture(0, metadata={"core:frequency": frequency} if frequency else {})
            write_whole(self._metadata, description.dumps(pretty=True) + "\n")
        except (OSError, SigMFError) as error:
            reason = " ".join(str(error).split())[:200]
            raise RecordingError(f"{self._metadata}: {reason}") from error
