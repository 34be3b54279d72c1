# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and commands to and from other programs over ZeroMQ.

An image is a message of three parts: the topic ``image``, a JSON object with ``image``,
``width`` and ``height`` and whatever else is known, and RGB bytes in raster order. Addresses are
those of ZeroMQ. One that can be reached from other machines, such as ``tcp://*:5556``, needs a
secret that both ends have: its SHA-256 is the secret key of CURVE at the end that listens, whose
public key is never sent, so that only those who have the secret can begin to talk.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray
from zmq.utils import z85

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.errors import Error
from vqdeepsc.limits import MAXIMUM_COMMAND_BYTES, MAXIMUM_MESSAGE_BYTES, pixels_error
from vqdeepsc.messages import complain, from_json, to_json

from .sources import Item, SourceImage

TOPIC = b"image"
_POLL_MILLISECONDS = 100
_LARGEST = 1e12  # hertz or decibels that a command may name
# Images that wait for a slow program; later ones are dropped for it.
_QUEUE = 16
_UNLIMITED = -1
_SECRET_BYTES = (16, 4096)
_LOCAL = re.compile(r"(ipc|inproc)://.*|tcp://(127\.[0-9.]+|localhost|lo|\[::1\]):[^:]+")


class ExchangeError(Error):
    """An address that cannot be used or a message that is no image, in one sentence."""


def read_secret(path: str) -> bytes:
    """The secret in a file of 16 to 4,096 bytes; raises ExchangeError."""
    least, most = _SECRET_BYTES
    try:
        secret = read_bounded(path, most)
    except FileError as error:
        raise ExchangeError(str(error)) from error
    if len(secret) < least:
        raise ExchangeError(f"{path} has {len(secret)} bytes, but a secret needs {least}")
    return secret


def open_socket(
    kind: int,
    address: str,
    *,
    listens: bool,
    queue: int = _QUEUE,
    largest: int = _UNLIMITED,
    secret: bytes = b"",
) -> zmq.Socket[bytes]:
    """A ZeroMQ socket of a kind such as zmq.SUB that listens at the address or connects to it.

    queue: messages that may wait; largest: bytes of a part, beyond which the sender's connection
    is closed; secret: that the other end has too, if any. Raises ExchangeError for a bad address,
    and for one that others may reach where there is no secret."""
    if listens and not secret and "://" in address and not _LOCAL.fullmatch(address):
        raise ExchangeError(
            f"{address} can be reached from other machines: give --secret FILE, or an address "
            "such as tcp://127.0.0.1:5556"
        )
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    if secret:
        key: bytes = z85.encode(hashlib.sha256(secret).digest())  # type: ignore[no-untyped-call]
        if listens:
            socket.curve_server = True
            socket.curve_secretkey = key
        else:
            socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
            socket.curve_serverkey = zmq.curve_public(key)
    socket.linger = 0
    socket.set_hwm(queue)
    socket.maxmsgsize = largest
    try:
        (socket.bind if listens else socket.connect)(address)
    except zmq.ZMQError as error:
        socket.close()
        raise ExchangeError(f"{address}: {error.strerror}") from error
    except UnicodeEncodeError as error:
        socket.close()
        raise ExchangeError(f"{address} is not an address") from error
    return socket


class ImagePublisher:
    """Publishes images to all who subscribe; raises ExchangeError as open_socket does."""

    def __init__(self, address: str, secret: bytes = b"") -> None:
        self._socket = open_socket(zmq.PUB, address, listens=True, secret=secret)

    def publish(self, image: NDArray[np.uint8], information: Mapping[str, Any]) -> None:
        """Send image, uint8 [H, W, 3], and what is known of it."""
        height, width = image.shape[:2]
        header = to_json({**information, "width": width, "height": height})
        pixels = np.ascontiguousarray(image).tobytes()
        self._socket.send_multipart([TOPIC, header.encode(), pixels])

    def close(self) -> None:
        # what was published just now still has to leave
        self._socket.close(linger=1000)


class ImageSubscriber:
    """Iterates over the images that another program publishes, without end.

    An item is a SourceImage, with an ExchangeError for the first message that is no image, or None
    when a moment passed without any. Raises ExchangeError for a bad address."""

    def __init__(self, address: str, secret: bytes = b"") -> None:
        self._address = address
        self._socket = open_socket(zmq.SUB, address, listens=False, secret=secret)
        self._socket.subscribe(TOPIC)

    def __iter__(self) -> Iterator[Item]:
        reported = False
        try:
            while True:
                if not self._socket.poll(_POLL_MILLISECONDS):
                    yield None
                    continue
                parts = self._socket.recv_multipart()
                try:
                    yield SourceImage(self._address, parse_image(parts)[0])
                except ExchangeError as error:
                    yield None if reported else SourceImage(self._address, error)
                    reported = True
        finally:
            self._socket.close()


def parse_image(parts: list[bytes]) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """(uint8 [H, W, 3], what is known of it) of a message's parts; raises ExchangeError."""
    try:
        _, header, pixels = parts
        if len(header) > MAXIMUM_MESSAGE_BYTES:
            raise ValueError
        information = from_json(header)
        width, height = int(information["width"]), int(information["height"])
        if width < 1 or height < 1 or pixels_error(width, height):
            raise ValueError
        image = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ExchangeError(
            "a message that is no image (topic, JSON with width and height, RGB bytes)"
        ) from error
    return image, information


class ControlSocket:
    """Answers JSON objects such as {"gain": 20} by calling what is named; a context.

    actions: by name, what to do with the number. The answer is {"ok": true} or {"error": TEXT};
    an action refuses by raising Error. Raises ExchangeError as open_socket does."""

    def __init__(
        self,
        address: str,
        actions: Mapping[str, Callable[[float], None]],
        secret: bytes = b"",
    ) -> None:
        # Not REP: after a message without a delimiter whose sender has gone, that of libzmq 4.3
        # loses the next answer.
        self._socket = open_socket(
            zmq.ROUTER, address, listens=True, largest=MAXIMUM_COMMAND_BYTES, secret=secret
        )
        self._actions = actions
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> ControlSocket:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close(linger=1000)

    def _serve(self) -> None:
        reported = False
        while not self._ended.is_set():
            try:
                if self._socket.poll(_POLL_MILLISECONDS):
                    envelope, command = _split_request(self._socket.recv_multipart())
                    if envelope:
                        answer = to_json(self._answer(command)).encode()
                        self._socket.send_multipart([*envelope, answer])
            except Exception as error:
                # The next client wants an answer too.
                if not reported:
                    reported = True
                    complain(f"a command was not answered: {error}")
                self._ended.wait(_POLL_MILLISECONDS / 1000)

    def _answer(self, parts: list[bytes]) -> dict[str, Any]:
        try:
            if len(parts) != 1:
                raise ExchangeError(f"a command is a message of one part, not of {len(parts)}")
            commands = from_json(parts[0])
            if not isinstance(commands, dict):
                raise ExchangeError("a command is a JSON object")
            unknown = set(commands) - set(self._actions)
            if unknown:
                known = ", ".join(self._actions)
                raise ExchangeError(
                    f"there is no {', '.join(sorted(unknown))} to set, only {known}"
                )
            for name, value in commands.items():
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise ExchangeError(f"{name} must be a number")
                if not -_LARGEST <= value <= _LARGEST:
                    raise ExchangeError(
                        f"{name} must be a number from {-_LARGEST:g} to {_LARGEST:g}"
                    )
                self._actions[name](float(value))
        except Exception as error:
            # A client waits for an answer, and the next one for this thread.
            return {"error": str(error)}
        return {"ok": True}


def _split_request(parts: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """(the way back, the command) of a request, both empty for what no REQ socket sends.

    The way back ends with the empty delimiter (ZeroMQ RFC 28)."""
    if b"" not in parts[1:]:
        return [], []
    delimiter = parts.index(b"", 1)
    return parts[: delimiter + 1], parts[delimiter + 1 :]
