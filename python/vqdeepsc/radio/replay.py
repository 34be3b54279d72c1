# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc replay`: bursts that failed, received again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pmt
from gnuradio import blocks, gr

from ..blocks.burst_receiver import burst_receiver
from ..blocks.loopback import run_flowgraph, stored_messages
from .recordings.failed_bursts import FailedBurst, read_failed_burst
from .recordings.formats import RecordingError
from .recordings.sigmf_metadata import META

_NEAR = 512  # samples within which a burst is the same one
_LONGEST_OUTCOME = 200  # characters: what a recording says may have any length
_AFTER = 16_384  # zeros behind the samples, so that the receiver looks at all of them


@dataclass(frozen=True)
class Replayed:
    """A burst's recording, what its receiver logged, and what today's does: None if nothing."""

    path: Path
    before: dict[str, Any]
    now: dict[str, Any] | None

    @property
    def is_received(self) -> bool:
        """Whether the burst arrives without an error now."""
        return bool(self.now and self.now["header_ok"] and not self.now["block_errors"])

    def sentence(self) -> str:
        """What became of the burst."""
        return f"{self.path.stem}: was {outcome(self.before)}; is {outcome(self.now)}"


def outcome(logged: Mapping[str, Any] | None) -> str:
    """A line of the log in a few words."""
    if logged is None:
        return "not found"
    snr = logged.get("snr_db")
    level = f" at {snr:.1f} dB" if isinstance(snr, float) else ""
    if not logged.get("header_ok"):
        found = f"not received{level} ({logged.get('error', 'no reason is known')})"
        return found[:_LONGEST_OUTCOME]
    errors, number = logged.get("block_errors"), logged.get("blocks")
    found = f"{errors} of {number} blocks in error{level}" if errors else f"received{level}"
    return found[:_LONGEST_OUTCOME]


def find_recordings(paths: list[str | os.PathLike[str]]) -> list[Path]:
    """The recordings in folders, and those that are named; raises RecordingError for none."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(path.glob(f"*{META}"))
        else:
            found.append(path)
    if not found:
        raise RecordingError(f"there are no recordings in {', '.join(map(str, paths))}")
    return found


def replay(paths: list[str | os.PathLike[str]]) -> Iterator[Replayed]:
    """Receive bursts again, one after the other; raises RecordingError."""
    for path in find_recordings(paths):
        burst = read_failed_burst(path)
        lines = [line for line in _receive(burst) if abs(line["offset"] - burst.start) <= _NEAR]
        yield Replayed(burst.path, burst.logged, lines[0] if lines else None)


def receiver_of(burst: FailedBurst) -> burst_receiver:
    """A receiver like the one that recorded a burst; raises RecordingError if there is none."""
    try:
        return burst_receiver(sample_rate=burst.sample_rate, **burst.receiver)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RecordingError(f"{burst.path} has parameters of no receiver: {reason}") from error


def _receive(burst: FailedBurst) -> list[dict[str, Any]]:
    """The log of the receiver."""
    receiver = receiver_of(burst)
    top = gr.top_block()
    log = blocks.message_debug()
    samples = np.append(burst.samples, np.zeros(_AFTER, np.complex64))
    top.connect(blocks.vector_source_c(samples.tolist()), receiver)
    top.msg_connect((receiver, "log"), (log, "store"))
    run_flowgraph(top)
    return [pmt.to_python(line) for line in stored_messages(log)]
