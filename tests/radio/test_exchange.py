# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and commands over ZeroMQ."""

import json
import threading
import time

import numpy as np
import pytest
import zmq
from conftest import run_command
from gnuradio.vqdeepsc.radio.exchange import (
    ControlSocket,
    ExchangeError,
    ImagePublisher,
    ImageSubscriber,
    open_socket,
    parse_image,
    read_secret,
)

SECONDS = 30


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (5, 7, 3), np.uint8)


def test_images_reach_a_subscriber(tmp_path, image):
    address = f"ipc://{tmp_path}/images"
    publisher = ImagePublisher(address)
    received = None
    deadline = time.monotonic() + SECONDS
    for item in ImageSubscriber(address):
        # a subscription takes a moment to arrive, and what was published before is lost
        publisher.publish(image, {"image": 4, "snr_db": 9.5})
        if item is not None:
            received = item
        if received or time.monotonic() > deadline:
            break
    publisher.close()
    name, pixels = received
    assert name == address
    np.testing.assert_array_equal(pixels, image)


def test_what_is_known_of_an_image_comes_along(tmp_path, image):
    address = f"ipc://{tmp_path}/images"
    publisher = ImagePublisher(address)
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.connect(address)
    socket.subscribe(b"image")
    deadline = time.monotonic() + SECONDS
    while not socket.poll(100) and time.monotonic() < deadline:
        publisher.publish(image, {"image": 4, "snr_db": 9.5})
    topic, header, pixels = socket.recv_multipart()
    publisher.close()
    socket.close()
    assert topic == b"image"
    assert json.loads(header) == {"image": 4, "snr_db": 9.5, "width": 7, "height": 5}
    assert pixels == image.tobytes()


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"image", b"{}", b""],
        [b"image", b'{"width": 2, "height": 2}', b"123"],
        [b"image", b'{"width": 0, "height": 0}', b""],
        [b"image", b"\xff", b"123"],
        [b"image", b"[1]", b"123"],
        [b"image", b'{"width": 1e999, "height": 1}', b"123"],
        [b"image", b"[" * 100_000, b"123"],
        [b"image", b"[" * 60_000, b"123"],
        [b"image", b'{"width": 1, "height": 1}' + b" " * 100_000, b"123"],
        [b"image", b'{"width": 65536, "height": 0}', b""],
    ],
)
def test_other_messages_are_refused(parts):
    with pytest.raises(ExchangeError, match="no image"):
        parse_image(parts)


def test_commands_are_answered(tmp_path):
    values = {}

    def set_gain(gain):
        if gain > 60:
            raise ValueError("the gain is too high")
        values["gain"] = gain

    address = f"ipc://{tmp_path}/control"
    actions = {"gain": set_gain, "frequency": lambda value: values.update(frequency=value)}
    actions["antenna"] = lambda value: {}[value]
    with ControlSocket(address, actions):
        socket = zmq.Context.instance().socket(zmq.REQ)
        socket.rcvtimeo = 1000 * SECONDS
        socket.connect(address)
        answers = []
        for request in (
            b'{"gain": 20, "frequency": 2.45e9}',
            b'{"gain": 61}',
            b'{"power": 1}',
            b'{"gain": "much"}',
            b"[1]",
            b"{",
            b"[" * 100_000,
            b'{"gain": 1e999}',
            b'{"gain": NaN}',
            b'{"gain": 1' + 400 * b"0" + b"}",
            b'{"antenna": 5}',
            b'{"gain": 30}',
        ):
            socket.send(request)
            answers.append(socket.recv_json())
        socket.close()
    assert answers[0] == {"ok": True}
    assert values == {"gain": 30, "frequency": 2.45e9}
    assert answers[1] == {"error": "the gain is too high"}
    assert answers[2] == {"error": "there is no power to set, only gain, frequency, antenna"}
    assert answers[3] == {"error": "gain must be a number"}
    assert all("error" in answer for answer in answers[4:-1])
    assert answers[-1] == {"ok": True}


def ask_control(address: str, *parts: bytes) -> dict:
    """The answer to a message of these parts."""
    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.rcvtimeo = 1000 * SECONDS
    socket.connect(address)
    socket.send_multipart(parts)
    try:
        return json.loads(socket.recv())
    finally:
        socket.close()


def test_a_control_socket_survives_any_message(tmp_path):
    address = f"ipc://{tmp_path}/control"
    with ControlSocket(address, {"gain": lambda value: None}):
        for parts in (
            (b'{"gain": 1}', b""),
            (b"",) * 100,
            (b"\xff",),
            (b'{"\\udcff": 1}',),
            (b"[" * 60_000,),
        ):
            assert "error" in ask_control(address, *parts)
        # without a delimiter, not read, and too large to be taken in
        for parts in ((b'{"gain": 1}',), (b"", b'{"gain": 1}'), (b"", b" " * 2_000_000)):
            dealer = zmq.Context.instance().socket(zmq.DEALER)
            dealer.connect(address)
            dealer.send_multipart(parts)
            dealer.close(linger=1000)
        assert ask_control(address, b'{"gain": 1}') == {"ok": True}


def test_a_message_without_a_delimiter_costs_no_other_client_its_answer(tmp_path):
    address = f"ipc://{tmp_path}/control"
    held, released = threading.Event(), threading.Event()

    def hold(_: float) -> None:
        held.set()
        released.wait(SECONDS)

    with ControlSocket(address, {"gain": lambda _: None, "hold": hold}):
        context = zmq.Context.instance()
        holding = context.socket(zmq.REQ)
        holding.connect(address)
        holding.send(b'{"hold": 1}')
        assert held.wait(SECONDS)
        # the sender has gone when its message is read
        stranger = context.socket(zmq.DEALER)
        stranger.connect(address)
        stranger.send(b'{"gain": 1}')
        stranger.close(linger=1000)
        time.sleep(0.5)
        released.set()
        assert json.loads(holding.recv()) == {"ok": True}
        holding.close()
        for _ in range(3):
            assert ask_control(address, b'{"gain": 1}') == {"ok": True}


def test_messages_that_are_no_image_are_told_once(tmp_path, image):
    address = f"ipc://{tmp_path}/images"
    publisher = zmq.Context.instance().socket(zmq.PUB)
    publisher.bind(address)
    items = []
    deadline = time.monotonic() + SECONDS
    for item in ImageSubscriber(address):
        if item is None:
            for _ in range(5):
                publisher.send_multipart([b"image", b"nonsense"])
            header = json.dumps({"width": 7, "height": 5}).encode()
            publisher.send_multipart([b"image", header, image.tobytes()])
        else:
            items.append(item[1])
        if sum(isinstance(one, np.ndarray) for one in items) == 2 or time.monotonic() > deadline:
            break
    publisher.close(linger=0)
    assert [type(one) for one in items] == [ExchangeError, np.ndarray, np.ndarray]


def test_addresses_that_cannot_be_used(tmp_path):
    for make in (ImagePublisher, ImageSubscriber, lambda address: ControlSocket(address, {})):
        with pytest.raises(ExchangeError, match="nowhere"):
            make("nowhere")
    with pytest.raises(ExchangeError, match="is not an address"):
        ImagePublisher("ipc://\udcff")
    with pytest.raises(ExchangeError, match="No such file"):
        ImagePublisher(f"ipc://{tmp_path}/missing/images")


@pytest.mark.parametrize(
    "address", ["tcp://*:5999", "tcp://0.0.0.0:5999", "tcp://[::]:5999", "tcp://127.0.0.1.x:5999"]
)
def test_others_are_let_in_with_a_secret_alone(address):
    for listen in (ImagePublisher, lambda address: ControlSocket(address, {})):
        with pytest.raises(ExchangeError, match="can be reached from other machines"):
            listen(address)


def test_who_has_no_secret_gets_nothing(tmp_path):
    with pytest.raises(ExchangeError, match="No such file"):
        read_secret(str(tmp_path / "secret"))
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(ExchangeError, match="has 5 bytes, but a secret needs 16"):
        read_secret(str(tmp_path / "secret"))
    (tmp_path / "secret").write_bytes(bytes(range(32)))
    secret = read_secret(str(tmp_path / "secret"))
    values = []
    with ControlSocket("tcp://*:5998", {"gain": values.append}, secret):
        for other, answered in ((b"", False), (b"another secret of us", False), (secret, True)):
            socket = open_socket(zmq.REQ, "tcp://127.0.0.1:5998", listens=False, secret=other)
            socket.send(b'{"gain": 1}')
            assert bool(socket.poll(1000 * SECONDS if answered else 500)) == answered
            socket.close()
    assert values == [1.0]


def test_images_reach_those_who_have_the_secret(tmp_path, image):
    address, secret = f"ipc://{tmp_path}/images", b"16 bytes or more"
    publisher = ImagePublisher(address, secret)
    outsider = open_socket(zmq.SUB, address, listens=False)
    outsider.subscribe(b"")
    deadline = time.monotonic() + SECONDS
    for item in ImageSubscriber(address, secret):
        publisher.publish(image, {})
        if item is not None or time.monotonic() > deadline:
            break
    np.testing.assert_array_equal(item[1], image)
    assert not outsider.poll(500)
    outsider.close()
    publisher.close()


def test_a_sender_of_another_kind_is_told_apart_from_silence(tmp_path):
    address = f"ipc://{tmp_path}/air"
    publisher = zmq.Context.instance().socket(zmq.PUB)
    publisher.bind(address)
    done = run_command(
        *["receive", "--radio", "zmq", "--device", address, "--seconds", "7"],
        *["--output", tmp_path / "out"],
    )
    publisher.close()
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"vqdeepsc: {address}: no samples came for 5 s; is there a sender, and is its socket PUSH "
        "(as of GNU Radio's ZMQ PUSH Sink), not PUB?",
        "vqdeepsc: no samples came",
    ]


def test_a_subscriber_lets_its_socket_go(tmp_path):
    subscriber = ImageSubscriber(f"ipc://{tmp_path}/images")
    images = iter(subscriber)
    assert next(images) is None
    images.close()
    assert subscriber._socket.closed
