# SPDX-License-Identifier: GPL-3.0-or-later
"""A page for receivers without a screen: images, SNR, EVM, block errors and log, as they come."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from collections import deque
from pathlib import Path
from typing import Any

import tornado.httpserver
import tornado.netutil
import tornado.web
from tornado.iostream import StreamClosedError

from vqdeepsc.errors import ParameterError
from vqdeepsc.messages import to_json

DEFAULT_HOST = "127.0.0.1"
KEPT_EVENTS = 2000
PAGE = Path(__file__).with_name("web.html")
_POLICY = (
    "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'"
)
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of PORT or HOST:PORT; loopback unless the host says otherwise.

    Raises ParameterError."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ParameterError(f"{text!r} is no address such as 8080 or 0.0.0.0:8080")
    return host.strip("[]") or DEFAULT_HOST, int(port)


class WebPage:
    """Serves the page in a thread of its own; a context.

    address: as parse_address reads it; port 0 takes a free one. add() is the listener of an
    EventLog. Raises ParameterError for an address that cannot be had.
    """

    def __init__(self, address: str) -> None:
        self._host, port = parse_address(address)
        try:
            self._sockets = tornado.netutil.bind_sockets(port, self._host)
        except OSError as error:
            raise ParameterError(f"{address}: {error.strerror}") from error
        self.port: int = self._sockets[0].getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._feed = _Feed(local=_is_loopback(self._host))
        self._thread = threading.Thread(target=self._serve, name="web page", daemon=True)

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}/"

    def __enter__(self) -> WebPage:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add(self, event: dict[str, Any]) -> None:
        """Show an event of the log; from any thread."""
        self._loop.call_soon_threadsafe(self._feed.add, event)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = tornado.httpserver.HTTPServer(
            tornado.web.Application(
                [
                    (r"/", _Page, {"feed": self._feed}),
                    (r"/events", _Events, {"feed": self._feed}),
                    (r"/log", _Log, {"feed": self._feed}),
                    (r"/images/([0-9]+)", _Image, {"feed": self._feed}),
                ],
                log_function=lambda handler: None,
            )
        )
        server.add_sockets(self._sockets)
        self._loop.run_forever()
        server.stop()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


class _Feed:
    """What is shown: the newest events, the files of the images, and who waits for more."""

    def __init__(self, local: bool) -> None:
        self.local = local
        self.events: deque[tuple[int, str]] = deque(maxlen=KEPT_EVENTS)
        self.files: dict[int, Path] = {}
        self.changed = asyncio.Condition()
        self._count = 0

    def add(self, event: dict[str, Any]) -> None:
        if "file" in event:
            self.files[self._count] = Path(event["file"])
            self.files.pop(next(iter(self.files)) if len(self.files) > KEPT_EVENTS else -1, None)
            event = {**event, "link": self._count}
        self.events.append((self._count, to_json(event)))
        self._count += 1
        self.wake()

    def wake(self) -> None:
        """Let those who wait look again."""
        self._waking = asyncio.ensure_future(self._notify())

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def since(self, first: int) -> list[tuple[int, str]]:
        """Events from a number on that are still kept."""
        return [item for item in self.events if item[0] >= first]


class _Handler(tornado.web.RequestHandler):
    def initialize(self, feed: _Feed) -> None:
        self.feed = feed

    def prepare(self) -> None:
        # A page elsewhere may have a name that leads here.
        if self.feed.local and self.request.host_name.strip("[]") not in _LOOPBACK_NAMES:
            raise tornado.web.HTTPError(403)

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")


class _Page(_Handler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(PAGE.read_bytes())


class _Log(_Handler):
    def get(self) -> None:
        self.set_header("Content-Type", "application/x-ndjson")
        self.set_header("Content-Disposition", "attachment; filename=receive.jsonl")
        self.finish("".join(line + "\n" for _, line in self.feed.events))


class _Image(_Handler):
    def get(self, number: str) -> None:
        path = self.feed.files.get(int(number))
        try:
            content = path.read_bytes() if path else b""
        except OSError:
            content = b""
        if path is None or not content:
            raise tornado.web.HTTPError(404)
        self.set_header("Content-Type", "image/png")
        self.set_header("Cache-Control", "private, max-age=86400")
        self.finish(content)


class _Events(_Handler):
    """Server-sent events: those that are kept, then each new one."""

    gone = False

    def on_connection_close(self) -> None:
        self.gone = True
        self.feed.wake()

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        last = self.request.headers.get("Last-Event-ID", "")
        following = int(last) + 1 if last.isdecimal() and len(last) < 16 else 0
        try:
            await self.flush()
            while not self.gone:
                async with self.feed.changed:
                    while not (lines := self.feed.since(following)) and not self.gone:
                        await self.feed.changed.wait()
                for number, line in lines:
                    self.write(f"id: {number}\ndata: {line}\n\n")
                    following = number + 1
                await self.flush()
        except StreamClosedError:
            pass


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
