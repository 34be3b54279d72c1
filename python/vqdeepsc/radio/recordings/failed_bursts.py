# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of bursts that failed, with what the receiver thought of each.

Each is a SigMF recording of its own (cf32), whose annotation spans the burst. Fields of the
namespace ``vqdeepsc`` hold the line of the log and the parameters of the receiver.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pmt
from gnuradio import gr
from numpy.typing import NDArray

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.changed_limits import option
from vqdeepsc.limits import (
    MAXIMUM_METADATA_BYTES,
    MAXIMUM_RECORDED_BURSTS,
    MAXIMUM_RECORDED_BYTES,
)
from vqdeepsc.messages import complain, from_json, printable, to_json
from vqdeepsc.whole_files import write_whole

from ...blocks.message_sink import waiting_messages
from .formats import RecordingError
from .sigmf_metadata import DATA, META

_STEM = "burst-"
_FORMAT = "cf32_le"
_SAMPLE_BYTES = 8
_LEAD = 2048  # samples before a burst: a detector wants to see where it begins
_TAIL = 4096  # and behind it
# Samples that are remembered: what a receiver may lag behind, and far more than any burst has.
_RING_SAMPLES = 1 << 21


@dataclass(frozen=True)
class FailedBurst:
    """A recording of a burst: its file, samples complex64 [N], sample rate, the number of its first
    sample, the line of the log and the parameters of the receiver that wrote it."""

    path: Path
    samples: NDArray[np.complex64]
    sample_rate: float
    start: int
    logged: dict[str, Any]
    receiver: dict[str, Any]


class BurstFolder:
    """Keeps recordings in a folder, as many as are allowed; those that are there count.

    sample_rate, frequency: in Hz; receiver: parameters of burst_receiver, which a replay needs.
    Raises RecordingError where the folder cannot be made."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        sample_rate: float,
        frequency: float,
        receiver: Mapping[str, Any],
    ) -> None:
        self._folder = Path(folder).expanduser()
        self._sample_rate, self._frequency = sample_rate, frequency
        self._receiver = dict(receiver)
        self.model = self._receiver["model"]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            found = list(self._folder.glob(f"{_STEM}*{DATA}"))
            self._bytes = sum(path.stat().st_size for path in found)
        except OSError as error:
            raise RecordingError(f"{folder}: {error.strerror}") from error
        self._count = len(found)
        self._next = 1
        self._full = False

    def keep(self, samples: NDArray[np.complex64], start: int, logged: Mapping[str, Any]) -> None:
        """Write a burst unless that is more than is allowed; raises OSError.

        start: number of the burst's first sample among samples, complex64 [N]; logged: of it."""
        size = samples.size * _SAMPLE_BYTES
        if self._is_full(size):
            return
        while True:
            data = self._folder / f"{_STEM}{self._next:05d}{DATA}"
            self._next += 1
            if not data.exists():
                break
        write_whole(data, samples.astype("<c8").tobytes())
        write_whole(data.with_suffix(META), to_json(self._describe(samples, start, logged), 2))
        self._count += 1
        self._bytes += size

    def _is_full(self, size: int) -> bool:
        many, large = MAXIMUM_RECORDED_BURSTS, MAXIMUM_RECORDED_BYTES
        if self._count < many and self._bytes + size <= large:
            return False
        if not self._full:
            self._full = True
            met, unit = (many, "bursts") if self._count >= many else (large, "bytes")
            complain(
                f"{self._folder} holds the {int(met):,} {unit} allowed{option(met)}; more bursts "
                "that fail are not kept"
            )
        return True

    def _describe(
        self, samples: NDArray[np.complex64], start: int, logged: Mapping[str, Any]
    ) -> dict[str, Any]:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        reason = logged.get("error") or f"{logged.get('block_errors')} code blocks in error"
        return {
            "global": {
                "core:version": "1.2.0",
                "core:datatype": _FORMAT,
                "core:sample_rate": self._sample_rate,
                "core:description": "A burst that failed",
                "core:recorder": "gr-vqdeepsc",
                "core:extensions": [{"name": "vqdeepsc", "version": "1.0.0", "optional": True}],
                "vqdeepsc:receiver": self._receiver,
            },
            "captures": [
                {
                    "core:sample_start": 0,
                    "core:datetime": now.replace("+00:00", "Z"),
                    **({"core:frequency": self._frequency} if self._frequency else {}),
                }
            ],
            "annotations": [
                {
                    "core:sample_start": start,
                    "core:sample_count": max(1, samples.size - start - _TAIL),
                    "core:label": printable(str(reason))[:200],
                    "vqdeepsc:burst": dict(logged),
                }
            ],
        }


def read_failed_burst(path: Path) -> FailedBurst:
    """One of the recordings, by its metadata or its samples; raises RecordingError."""
    data, meta = path.with_suffix(DATA), path.with_suffix(META)
    try:
        description = from_json(read_bounded(meta, MAXIMUM_METADATA_BYTES))
        content = read_bounded(data, _RING_SAMPLES * _SAMPLE_BYTES)
    except FileError as error:
        raise RecordingError(str(error)) from error
    except ValueError as error:
        raise RecordingError(f"{meta} is no JSON") from error
    try:
        general, annotation = description["global"], description["annotations"][0]
        rate, start = general["core:sample_rate"], annotation["core:sample_start"]
        logged, receiver = annotation["vqdeepsc:burst"], general["vqdeepsc:receiver"]
        samples = np.frombuffer(content, "<c8").astype(np.complex64)
        if general["core:datatype"] != _FORMAT or not isinstance(start, int):
            raise ValueError
        if not (isinstance(logged, dict) and isinstance(receiver, dict)):
            raise TypeError
        if not 0 <= start < samples.size or not 0 < float(rate) < float("inf"):
            raise ValueError
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise RecordingError(f"{meta} is no recording of receive --record") from error
    return FailedBurst(meta, samples, float(rate), start, logged, receiver)


class burst_recorder(gr.sync_block):
    """Remembers the latest samples, and keeps those of bursts of its model that failed.

    Input: the samples that the burst receiver takes. Message ``log``: its log.

    :param folder: where they go
    :param burst_samples: how long a burst is whose log line is given, in samples
    """

    def __init__(
        self, folder: BurstFolder, burst_samples: Callable[[Mapping[str, Any]], int]
    ) -> None:
        gr.sync_block.__init__(self, "burst_recorder", [np.complex64], None)
        self.error: Exception | None = None
        self._folder = folder
        self._burst_samples = burst_samples
        self._ring = np.zeros(_RING_SAMPLES, np.complex64)
        self._end = 0  # samples that have come
        self._failed: deque[dict[str, Any]] = deque()
        port = pmt.intern("log")
        self.message_port_register_in(port)
        self.set_msg_handler(port, self._take)

    def _take(self, message: pmt.pmt_base) -> None:
        burst = pmt.to_python(message)
        failed = not burst.get("header_ok") or burst.get("block_errors")
        if failed and burst.get("model", self._folder.model) == self._folder.model:
            self._failed.append(burst)
            self._write()

    def work(self, input_items: list[NDArray[np.complex64]], output_items: list[Any]) -> int:
        samples = input_items[0]
        latest = samples[-_RING_SAMPLES:]
        first = (self._end + samples.size - latest.size) % _RING_SAMPLES
        head = latest[: _RING_SAMPLES - first]
        self._ring[first : first + head.size] = head
        self._ring[: latest.size - head.size] = latest[head.size :]
        self._end += samples.size
        self._write()
        return samples.size

    def finish(self) -> None:
        """Keep what is left; call it when the flowgraph has ended."""
        for message in waiting_messages(self, "log"):
            self._take(message)
        self._write(ended=True)

    def _write(self, ended: bool = False) -> None:
        """Keep the bursts that failed and have come to their end, or all that has come of them."""
        while self._failed and not self.error:
            burst = self._failed[0]
            begin = int(burst["offset"])
            end = begin + self._burst_samples(burst) + _TAIL
            if end > self._end and not ended:
                return
            self._failed.popleft()
            first = max(0, begin - _LEAD, self._end - _RING_SAMPLES)
            if begin < first:
                continue  # it was forgotten already
            positions = np.arange(first, min(end, self._end)) % _RING_SAMPLES
            try:
                self._folder.keep(self._ring[positions], begin - first, burst)
            except Exception as error:
                # The scheduler swallows what a handler raises.
                self.error = error
