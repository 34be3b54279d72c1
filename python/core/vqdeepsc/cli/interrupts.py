# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C while a command runs: it is noted, and raised between the loads of modules."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN_SECONDS = 0.05


@contextmanager
def noted_interrupts() -> Iterator[list[int]]:
    """The signals of Ctrl-C that came so far; each is raised as KeyboardInterrupt.

    Compiled modules drop what is raised while they load, or make other errors of it, so one that
    comes then is raised again when they have loaded. Nothing is changed where Ctrl-C does not raise
    KeyboardInterrupt, and the list stays empty."""
    interrupts: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    main_thread = threading.current_thread() is threading.main_thread()
    if before is not signal.default_int_handler or not main_thread:
        yield interrupts
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        if _loads_a_module(frame):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        else:
            signal.default_int_handler(number, frame)

    alarm = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupts
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGINT, before)


def _loads_a_module(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
