# SPDX-License-Identifier: GPL-3.0-or-later
"""What `vqdeepsc transmit` and `vqdeepsc receive` share: event log, signals, a clean end."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from gnuradio import gr

from vqdeepsc.errors import Error
from vqdeepsc.messages import complain, to_json

from .devices import RadioEnd
from .driver_messages import DriverMessages
from .exchange import ControlSocket
from .settings import RadioError

if TYPE_CHECKING:
    from PyQt5 import Qt

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 1.0
_EXIT_INTERRUPTED = 128 + signal.SIGINT


class LogError(Error):
    """An event log that cannot be written, in one sentence."""


class EventLog:
    """JSON lines, one for each event; a context. Without a path nothing is written.

    listener: called with each event too, a dictionary.
    Raises LogError for a file that cannot be written, and again in each write() from then on
    where the disk is full."""

    def __init__(
        self,
        path: str | os.PathLike[str] = "",
        listener: Callable[[dict[str, Any]], None] = lambda event: None,
    ) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._path = path
        self._error: LogError | None = None
        self._file: TextIO | None = None
        if path:
            try:
                self._file = Path(path).expanduser().open("a", encoding="utf-8", buffering=1)
            except OSError as error:
                raise LogError(f"{path}: {error.strerror}") from error

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._close()

    def write(self, event: str, **fields: Any) -> None:
        """Add a line with the time (UTC), the event's name and the fields."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        content = {"time": now, "event": event, **fields}
        self._listener(content)
        line = to_json(content)
        with self._lock:
            try:
                if self._file:
                    self._file.write(line + "\n")
            except OSError as error:
                self._close()
                self._error = LogError(f"{self._path}: {error.strerror}")
            if self._error:
                raise self._error

    def _close(self) -> None:
        file, self._file = self._file, None
        if file:
            # What could not be written has been reported, and closing would try it again.
            with suppress(OSError):
                file.close()


@contextmanager
def _signals(end: Callable[[], None]) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP call end; the second one does what it always does.

    A SIGHUP that is ignored, as under nohup, stays so.
    end runs in the main thread wherever that is, so it must not take a lock."""

    def once(number: int, _: FrameType | None) -> None:
        signal.signal(number, previous[number])
        end()

    previous: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            previous[number] = signal.signal(number, once)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def run_flowgraph(
    top: gr.top_block,
    end: RadioEnd,
    log: EventLog,
    control: str = "",
    secret: bytes = b"",
    seconds: float = 0.0,
    has_finished: Callable[[], bool] = lambda: False,
    application: Qt.QApplication | None = None,
    on_end: Callable[[], None] = lambda: None,
    finish: Callable[[], None] = lambda: None,
    abandon: Callable[[], None] = lambda: None,
) -> bool:
    """Run top until it ends by itself, has_finished, the seconds are over, or a signal comes.

    end: the radio in it, which the control socket at the address control (if any) changes, for
    those who have the secret if there is one.
    application: the Qt application of a window, or None. on_end: called when it is to end
    though the samples have not; finish: called when top has ended, to work on what is left, and
    on_end may come meanwhile; abandon: called a second after a signal, in a thread of its own, to
    break off what still works. Overflows and underflows that drivers
    report are logged. A second Ctrl-C ends the process at once. Returns whether top was ended
    before it ended by itself. Raises Error for an address or recording that cannot be used,
    and what the callables raise; top has ended then too.
    """
    ended = threading.Event()
    signalled: list[bool] = []
    asked: list[bool] = []
    deadline = time.monotonic() + (seconds or math.inf)
    totals: Counter[str] = Counter()
    actions = {"frequency": end.set_frequency, "gain": end.set_gain}
    with ExitStack() as stack:
        messages = stack.enter_context(DriverMessages())
        stack.enter_context(_signals(lambda: signalled.append(True)))
        if control:
            stack.enter_context(ControlSocket(control, actions, secret))
        grace = threading.Timer(_GRACE_SECONDS, abandon)
        grace.daemon = True
        stack.callback(grace.cancel)

        def is_over() -> bool:
            counted = messages.take()
            if counted:
                totals.update(counted)
                log.write("driver", **counted)
            if signalled or has_finished() or time.monotonic() > deadline:
                if not ended.is_set():
                    asked.append(True)
                if signalled and not grace.ident:
                    grace.start()
                on_end()
                return True
            return ended.is_set()

        def wait_for_end() -> None:
            top.wait()
            ended.set()

        try:
            top.start()
        except RuntimeError as error:
            raise RadioError(f"the radio does not start: {error}") from error
        waiting = threading.Thread(target=wait_for_end, daemon=True)
        waiting.start()
        try:
            with _ended_by_interrupts():
                try:
                    _poll(is_over, ended, application)
                except BaseException:
                    on_end()
                    raise
                finally:
                    with _ended_by_interrupts():
                        top.stop()
                        waiting.join()
                _finish(finish, is_over, on_end)
            is_over()
        except BaseException:
            with suppress(Error):
                end.finish()
            raise
    if totals:
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in totals.items())
        complain(f"the radio reported {counts}")
    end.finish()
    return bool(asked)


@contextmanager
def _ended_by_interrupts() -> Iterator[None]:
    """A second Ctrl-C ends the process at once, since an interpreter under live blocks crashes."""
    try:
        yield
    except KeyboardInterrupt:
        os._exit(_EXIT_INTERRUPTED)


def _poll(
    is_over: Callable[[], bool], ended: threading.Event, application: Qt.QApplication | None
) -> None:
    with _ended_by_interrupts():
        if application:
            _run_window(application, is_over)
            return
        while not is_over():
            ended.wait(_POLL_SECONDS)


def _finish(
    finish: Callable[[], None], is_over: Callable[[], bool], on_end: Callable[[], None]
) -> None:
    """Call finish in a thread, while is_over is asked; raises what either raises."""
    errors: list[Exception] = []

    def work() -> None:
        try:
            finish()
        except Exception as error:
            errors.append(error)

    left = threading.Thread(target=work, daemon=True)
    left.start()
    try:
        while left.is_alive():
            is_over()
            left.join(_POLL_SECONDS)
    except Exception:
        on_end()
        left.join()
        raise
    if errors:
        raise errors[0]


def _run_window(application: Qt.QApplication, is_over: Callable[[], bool]) -> None:
    from PyQt5 import Qt

    errors: list[BaseException] = []

    def poll() -> None:
        # PyQt aborts a process whose slots raise.
        try:
            over = is_over()
        except BaseException as error:
            errors.append(error)
            over = True
        if over:
            application.quit()

    timer = Qt.QTimer()
    timer.timeout.connect(poll)
    timer.start(int(_POLL_SECONDS * 1000))
    application.exec_()
    timer.stop()
    if errors:
        raise errors[0]
