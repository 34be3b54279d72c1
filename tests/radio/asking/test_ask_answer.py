# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc receive --ask` and `vqdeepsc transmit --answer`, over ZeroMQ."""

import json
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import zmq
from conftest import assert_one_sentence, run_here
from gnuradio.vqdeepsc.blocks.requests import Missing, Request
from gnuradio.vqdeepsc.radio.asking import RequestSocket
from gnuradio.vqdeepsc.radio.bursts import BurstParameters
from gnuradio.vqdeepsc.radio.exchange import open_socket
from PIL import Image
from radio_programs import SECONDS, assert_same, end, events, received, start, wait_for
from vqdeepsc.images.files import load_image

GAP = 1000
REQUEST = Request(5, 7, (Missing(0, 64, (0,)),))


@contextmanager
def lossy(taken: str, given: str, period: int, lost: set[int]):
    """Hands samples from one address to another; those of the bursts with these numbers are 0.

    period: samples of a burst and the gap behind it. Yields the list of all samples."""
    context = zmq.Context.instance()
    source, sink = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    source.connect(taken)
    sink.bind(given)
    sink.linger = 0
    samples, ended = [], threading.Event()

    def hand_on() -> None:
        count = 0
        while not ended.is_set():
            if source.poll(50):
                values = np.frombuffer(source.recv(), np.complex64)
                bursts = (np.arange(values.size) + count) // period
                samples.append(values)
                count += values.size
                sink.send(np.where(np.isin(bursts, list(lost)), 0, values).tobytes())

    thread = threading.Thread(target=hand_on)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()
        source.close()
        sink.close()


def test_a_receiver_asks_a_transmitter_for_what_was_lost(tmp_path, photograph, codec):
    Image.fromarray(photograph[:300, :400]).save(tmp_path / "a.png")
    log, sent_log = tmp_path / "log.jsonl", tmp_path / "sent.jsonl"
    (tmp_path / "secret").write_bytes(bytes(range(32)))
    asked = f"ipc://{tmp_path}/asked"
    period = BurstParameters().samples(codec.bits_per_region, {"burst_profile": 0}) + GAP
    air, device = (f"ipc://{tmp_path}/{name}" for name in ("air", "device"))
    secret = ("--secret", tmp_path / "secret")
    # two of the first eight bursts, and the first answer
    with lossy(air, device, period, {1, 4, 8}) as samples:
        options = ("--output", tmp_path / "out", "--log", log, "--images", 1)
        ask = ("--ask", asked, "--ask-after", 60, *secret)
        receiving = start("receive", "--radio", "zmq", "--device", device, *options, *ask)
        answer = ("--answer", asked, "--answer-seconds", 600, "--log", sent_log, *secret)
        radio = ("--radio", "zmq", "--device", air, "--first-image", 5)
        sending = start("transmit", tmp_path / "a.png", *radio, *answer)
        output, errors = receiving.communicate(timeout=SECONDS)
        assert receiving.returncode == 0, errors
        assert output.endswith("1 images received\n")
        output = end(sending)
    assert output.endswith("3 bursts sent again\n1 images sent\n")
    (image,) = events(log, "image")
    assert (image["image"], image["regions"], image["received"]) == (5, 8, 8)
    assert [line["first_block"] // 64 for line in events(log, "burst")] == [0, 2, 3, 5, 6, 7, 4, 1]
    assert events(sent_log, "end")[0]["answers"] == 3
    # eleven bursts and no more went out, before the zeros at the end
    whole = np.concatenate(samples)
    assert np.flatnonzero(whole)[-1] // period == 10
    expected = codec.decode_bits(codec.encode_bits(load_image(tmp_path / "a.png")), 400, 300)
    assert_same(received(tmp_path / "out"), [expected])


def test_a_transmitter_waits_for_requests_and_ends(tmp_path, two_images, capfd):
    address = f"ipc://{tmp_path}/asked"
    radio = ("--radio", "file", "--device", tmp_path / "bursts.cf32", "--session", 5)
    answer = ("--answer", address, "--answer-seconds", 600, "--kept-images", 1)
    log = tmp_path / "log.jsonl"
    sending = start("transmit", two_images, *radio, *answer, "--first-image", 6, "--log", log)
    wait_for(lambda: log.exists() and len(events(log, "sent")) == 2, sending)
    size = (tmp_path / "bursts.cf32").stat
    wait_for(lambda: size().st_size > 8 * 3 * 25_000, sending)
    before = size().st_size
    receiver = open_socket(zmq.PUSH, address, listens=False)
    # garbage, an image that is no longer kept, and one that is
    for message in (b"{", b"[1]", Request(5, 6, REQUEST.missing), REQUEST):
        receiver.send(message if isinstance(message, bytes) else message.to_json().encode())
    wait_for(lambda: size().st_size > before + 8 * 25_000, sending)
    receiver.close()
    sending.send_signal(2)
    output, errors = sending.communicate(timeout=SECONDS)
    assert sending.returncode == 0
    assert output.endswith("1 bursts sent again\n2 images sent\n")
    assert errors.count("\n") == 1 and "a message was skipped" in errors
    # and by itself
    done = run_here(
        capfd, "transmit", two_images, *radio, "--answer", address, "--answer-seconds", 0
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("0 bursts sent again\n2 images sent\n")


def test_requests_reach_a_transmitter_whatever_else_comes(tmp_path):
    address = f"ipc://{tmp_path}/asked"
    requests = []
    with RequestSocket(address, requests.append) as socket:
        for parts in (
            (b"", b""),
            (b"\xff",),
            (b"[" * 60_000,),
            (b"{" + b" " * 100_000,),  # too large to be taken in
            (b'{"session": 5, "image": 7, "missing": [[0, 0, []]]}',),
        ):
            hostile = open_socket(zmq.PUSH, address, listens=False)
            hostile.send_multipart(parts)
            hostile.close(linger=1000)
        receiver = open_socket(zmq.PUSH, address, listens=False)
        receiver.send(REQUEST.to_json().encode())
        deadline = time.monotonic() + SECONDS
        while not (requests and socket.refused == 4) and time.monotonic() < deadline:
            time.sleep(0.01)
        receiver.close()
    assert requests == [REQUEST]
    assert socket.refused == 4


def test_who_has_no_secret_asks_in_vain():
    requests = []
    secret = bytes(range(32))
    with RequestSocket("tcp://*:5997", requests.append, secret):
        for other in (b"", b"another secret of us"):
            outsider = open_socket(zmq.PUSH, "tcp://127.0.0.1:5997", listens=False, secret=other)
            outsider.send(json.dumps({}).encode())
            outsider.send(REQUEST.to_json().encode())
            time.sleep(0.3)
            outsider.close()
        assert not requests
        receiver = open_socket(zmq.PUSH, "tcp://127.0.0.1:5997", listens=False, secret=secret)
        receiver.send(REQUEST.to_json().encode())
        deadline = time.monotonic() + SECONDS
        while not requests and time.monotonic() < deadline:
            time.sleep(0.01)
        receiver.close()
    assert requests == [REQUEST]


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("transmit", ("--answer", "nowhere"), "nowhere"),
        ("transmit", ("--answer", "tcp://*:5996"), "can be reached from other machines"),
        ("transmit", ("--answer", "ipc://{}/a", "--kept-images", 5000), "0 to 4,096"),
        ("transmit", ("--answer", "ipc://{}/a", "--answer-seconds", -1), "--answer-seconds"),
        ("receive", ("--ask", "nowhere"), "nowhere"),
        ("receive", ("--ask", "ipc://{}/a", "--most-requests", 101), "0 to 100"),
        ("receive", ("--ask", "ipc://{}/a", "--ask-after", 0), "0.01 to 3600"),
    ],
)
def test_what_cannot_be_gets_one_sentence(command, options, words, two_images, tmp_path, capfd):
    options = [str(option).format(tmp_path) for option in options]
    path = tmp_path / "bursts.cf32"
    path.write_bytes(bytes(8000))
    radio = ("--radio", "file", "--device", path)
    more = (two_images,) if command == "transmit" else ("--output", tmp_path / "out")
    assert_one_sentence(run_here(capfd, command, *more, *radio, *options), words)
