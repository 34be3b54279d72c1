# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back from receivers to a transmitter: requests for what is missing, over ZeroMQ.

A message is one part, JSON as :mod:`..blocks.requests` says. The transmitter listens, and any
number of receivers connect and push; nothing is answered but by bursts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pmt
import zmq

from vqdeepsc.limits import MAXIMUM_MESSAGE_BYTES
from vqdeepsc.messages import complain

from ..blocks.message_sink import message_sink
from ..blocks.requests import Request, RequestError
from .exchange import open_socket

_POLL_MILLISECONDS = 100
_PAUSE_SECONDS = 0.005  # between two messages, however many come


@dataclass(frozen=True)
class Answering:
    """Whether and how a transmitter answers requests.

    address: of ZeroMQ where they come, "" for none; kept_images, answer_seconds: as at
    semantic_source."""

    address: str = ""
    kept_images: int = 16
    answer_seconds: float = 10.0


NO_ANSWERS = Answering()


class RequestSocket:
    """Takes requests of receivers and hands them on; a context.

    refused: messages that were none

    take: called with each request. Raises ExchangeError as open_socket does."""

    def __init__(self, address: str, take: Callable[[Request], None], secret: bytes = b"") -> None:
        self.refused = 0
        self._take = take
        self._socket = open_socket(
            zmq.PULL, address, listens=True, largest=MAXIMUM_MESSAGE_BYTES, secret=secret
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> RequestSocket:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                if self._socket.poll(_POLL_MILLISECONDS):
                    self._take(parse_request(self._socket.recv_multipart()))
            except Exception as error:
                # The next receiver wants an answer too.
                self.refused += 1
                if self.refused == 1:
                    complain(f"a message was skipped, as will be others that are none: {error}")
            self._ended.wait(_PAUSE_SECONDS)


def parse_request(parts: list[bytes]) -> Request:
    """The request of a message's parts; raises RequestError."""
    if len(parts) != 1:
        raise RequestError(f"a request is a message of one part, not of {len(parts)}")
    return Request.from_json(parts[0])


class request_sender(message_sink):
    """Sends the requests at the message port ``requests`` to a transmitter; close() ends it.

    address: of a RequestSocket, with the secret that it has, if any. Raises ExchangeError for a bad
    address."""

    def __init__(self, address: str, secret: bytes = b"") -> None:
        message_sink.__init__(self, "request_sender", "requests")
        self._socket = open_socket(zmq.PUSH, address, listens=False, secret=secret)

    def _take(self, message: pmt.pmt_base) -> None:
        # a transmitter that is gone leaves no room for more, and is not waited for
        with suppress(zmq.Again):
            self._socket.send(Request.from_pmt(message).to_json().encode(), zmq.NOBLOCK)

    def close(self) -> None:
        """Close the connection; call it when the flowgraph has ended."""
        self._socket.close()
