# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples from another process over ZeroMQ, whatever else that process sends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import zmq
from gnuradio import gr
from numpy.typing import NDArray

from .exchange import ExchangeError, open_socket

_SAMPLE_BYTES = np.dtype(np.complex64).itemsize
_WAIT_SECONDS = 0.1
_POLL_MILLISECONDS = 10
_SILENCE_SECONDS = 5.0

# What GNU Radio's ZeroMQ sinks put before the samples with Pass Tags on: 0x5FF0, version 1, offset
# and number of the tags in 64 bits each, then the tags (gr-zeromq, tag_headers.cc).
_TAGS_BEGIN = bytes.fromhex("f05f01")
_TAGS_HEADER = 19


class sample_socket(gr.sync_block):
    """A ZeroMQ PULL socket that gives complex samples.

    A message is one part of whole samples, complex64 in this machine's byte order. Others are
    skipped, which GNU Radio's pull_source does not survive.

    address: of the PUSH socket; queue: how many messages may wait
    on_error: called with a sentence for the first message that cannot be used, or if none comes
    Raises ExchangeError for a bad address.
    """

    def __init__(self, address: str, queue: int, on_error: Callable[[str], None]) -> None:
        gr.sync_block.__init__(self, "sample_socket", None, [np.complex64])
        self._address = address
        self._on_error = on_error
        self._reported = False
        self._silent_until = math.inf
        self._heard = False
        self._samples: NDArray[np.complex64] = np.empty(0, np.complex64)
        # No limit of bytes: a ZeroMQ socket that connects gives up for good where one is met.
        self._socket = open_socket(zmq.PULL, address, listens=False, queue=queue)

    def work(
        self, input_items: list[NDArray[Any]], output_items: list[NDArray[np.complex64]]
    ) -> int:
        out = output_items[0]
        if self._silent_until == math.inf:
            self._silent_until = time.monotonic() + _SILENCE_SECONDS
        # The scheduler rests after a call that gives nothing, so bad messages are skipped here.
        until = time.monotonic() + _WAIT_SECONDS
        while not self._samples.size and time.monotonic() < until:
            try:
                if self._socket.poll(_POLL_MILLISECONDS):
                    parts = self._socket.recv_multipart()
                    self._heard = True
                    self._samples = parse_samples(parts)
            except Exception as error:
                # An exception that leaves work() leaves the receiver deaf.
                if not self._reported:
                    self._reported = True
                    self._on_error(f"{self._address}: {error}")
        if not self._heard and not self._reported and time.monotonic() > self._silent_until:
            self._reported = True
            self._on_error(
                f"{self._address}: no samples came for {_SILENCE_SECONDS:.0f} s; is there a "
                "sender, and is its socket PUSH (as of GNU Radio's ZMQ PUSH Sink), not PUB?"
            )
        count = min(out.size, self._samples.size)
        out[:count] = self._samples[:count]
        self._samples = self._samples[count:]
        return count

    def stop(self) -> bool:
        self._socket.close()
        return True


def parse_samples(parts: list[bytes]) -> NDArray[np.complex64]:
    """The samples of a message's parts, complex64 [N]; raises ExchangeError."""
    if len(parts) != 1:
        raise ExchangeError(f"messages of {len(parts)} parts, not of one, are skipped")
    (message,) = parts
    if _has_tags(message):
        raise ExchangeError("messages with tags are skipped: switch Pass Tags off at the sender")
    if len(message) % _SAMPLE_BYTES:
        raise ExchangeError(
            f"messages of {len(message):,} bytes, not whole samples of {_SAMPLE_BYTES}, are skipped"
        )
    return np.frombuffer(message, np.complex64)


def _has_tags(message: bytes) -> bool:
    """Whether tags come first; samples may begin with the same 24 bits, but no numbers follow."""
    if not message.startswith(_TAGS_BEGIN) or len(message) < _TAGS_HEADER:
        return False
    offset, tags = (int.from_bytes(message[at : at + 8], "little") for at in (3, 11))
    return offset < 2**56 and tags * 8 <= len(message)
