# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the overflows and underflows that radio drivers report.

gr-soapy writes "sO" and "sU", UHD "O", "D", "U", "L" and "S" to the standard error of the
process, and nowhere else that all of them share.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections import Counter

_REPORT = re.compile(rb"s?([ODULS])")
# Letters inside a sentence mean nothing; what is written at once is reports and nothing else.
_REPORTS = re.compile(rb"(s[OU]|[ODULS])+")
_KINDS = {"O": "overflows", "D": "overflows", "U": "underflows", "L": "underflows"}
_SEQUENCE_ERROR = "lost_packets"
_STDERR = 2


class DriverMessages:
    """Reads along with standard error while in use as a context; everything still goes there."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __enter__(self) -> DriverMessages:
        self._terminal = os.dup(_STDERR)
        reading, writing = os.pipe()
        os.dup2(writing, _STDERR)
        os.close(writing)
        self._thread = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._terminal, _STDERR)
        self._thread.join(timeout=1.0)
        # A program that was started meanwhile may still write into the pipe.
        if not self._thread.is_alive():
            os.close(self._terminal)

    def take(self) -> dict[str, int]:
        """What has been counted since the last call: overflows, underflows, lost_packets."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return dict(counts)

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while message := pipe.read(4096):
                # A terminal that is gone must not stop who writes into the pipe.
                with contextlib.suppress(OSError):
                    os.write(self._terminal, message)
                if _REPORTS.fullmatch(message):
                    with self._lock:
                        for letter in _REPORT.findall(message):
                            self._counts[_KINDS.get(letter.decode(), _SEQUENCE_ERROR)] += 1
