# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C while a command runs: it is noted, and raised between the loads of modules."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_AGAIN_SECONDS = 0.05


@dataclass
class Interrupts:
    """What came of Ctrl-C: how often, and whether the command is over, which then ignores it."""

    count: int = 0
    over: bool = False


@contextmanager
def noted_interrupts(ends_process: bool) -> Iterator[Interrupts]:
    """Counts the signals of Ctrl-C; each is raised as KeyboardInterrupt until the command is over.

    Compiled modules drop what is raised while they load, or make other errors of it, so one that
    comes then is raised again when they have loaded. Nothing is changed where Ctrl-C does not raise
    KeyboardInterrupt, and none is counted.

    ends_process: whether the process ends after the command: what comes in between is ignored."""
    interrupts = Interrupts()
    before = signal.getsignal(signal.SIGINT)
    main_thread = threading.current_thread() is threading.main_thread()
    if before is not signal.default_int_handler or not main_thread:
        yield interrupts
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if interrupts.over:
            return
        interrupts.count += 1
        if _loads_a_module(frame):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        else:
            signal.default_int_handler(number, frame)

    alarm = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupts
    finally:
        interrupts.over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not ends_process:
            signal.signal(signal.SIGALRM, alarm)
            signal.signal(signal.SIGINT, before)


def _loads_a_module(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
