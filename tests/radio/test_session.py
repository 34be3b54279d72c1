# SPDX-License-Identifier: GPL-3.0-or-later
"""A flowgraph that is run for a command ends, whatever is raised meanwhile."""

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from gnuradio import blocks, gr
from gnuradio.vqdeepsc.blocks.semantic_sink import semantic_sink
from gnuradio.vqdeepsc.radio.devices import RadioEnd
from gnuradio.vqdeepsc.radio.receive import Receiver, collect, image_receiver
from gnuradio.vqdeepsc.radio.session import EventLog, run_flowgraph
from gnuradio.vqdeepsc.radio.settings import RadioError, RadioSettings
from gnuradio.vqdeepsc.radio.transmit import Transmitter, send
from vqdeepsc.codec import DEFAULT_MODEL, Codec
from vqdeepsc.codec.codec import read_bundle


class watched_sink(gr.sync_block):
    """Tells whether it runs."""

    def __init__(self) -> None:
        gr.sync_block.__init__(self, "watched_sink", [np.uint8], None)
        self.runs = False

    def start(self) -> bool:
        self.runs = True
        return True

    def stop(self) -> bool:
        self.runs = False
        return True

    def work(self, input_items: list, output_items: list) -> int:
        return len(input_items[0])


def endless() -> tuple[gr.top_block, watched_sink, RadioEnd]:
    top, source, sink = gr.top_block(), blocks.null_source(1), watched_sink()
    top.connect(source, blocks.throttle(1, 1e5), sink)
    return top, sink, RadioEnd(source, 1.0)


def fall_down(*_: object) -> bool:
    raise RuntimeError("it fell down")


def test_what_is_raised_while_it_is_polled_ends_it():
    top, sink, end = endless()
    called = []
    with pytest.raises(RuntimeError, match="it fell down"):
        run_flowgraph(
            top, end, EventLog(), has_finished=fall_down, on_end=lambda: called.append(sink.runs)
        )
    assert not sink.runs
    assert called == [True]


def test_what_is_raised_at_the_end_is_not_lost():
    top, sink, end = endless()
    with pytest.raises(RuntimeError, match="it fell down"):
        run_flowgraph(top, end, EventLog(), has_finished=lambda: True, finish=fall_down)
    assert not sink.runs


def test_a_window_passes_on_what_is_raised(monkeypatch):
    pytest.importorskip("PyQt5", reason="PyQt5 is not installed")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    # a process of its own, which Qt would abort
    program = (
        "from PyQt5 import Qt; from test_session import *; top, sink, end = endless()\n"
        "try:\n"
        "    run_flowgraph(top, end, EventLog(), has_finished=fall_down,"
        " application=Qt.QApplication([]))\n"
        "except RuntimeError as error: print(error, sink.runs)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parent,
    )
    assert (done.returncode, done.stdout) == (0, "it fell down False\n"), done.stderr


def test_whether_it_was_ended():
    top, _, end = endless()
    assert run_flowgraph(top, end, EventLog(), seconds=0.1)
    top = gr.top_block()
    source = blocks.null_source(1)
    top.connect(source, blocks.head(1, 10), blocks.null_sink(1))
    assert not run_flowgraph(top, RadioEnd(source, 1.0), EventLog())


def test_what_still_works_a_second_after_a_signal_is_broken_off():
    top, sink, end = endless()
    sent, broken_off = threading.Event(), threading.Event()

    def send_signal() -> bool:
        # the second one would end this process
        if not sent.is_set():
            sent.set()
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    assert run_flowgraph(
        top,
        end,
        EventLog(),
        has_finished=send_signal,
        finish=broken_off.wait,
        abandon=broken_off.set,
    )
    assert broken_off.is_set() and not sink.runs


def test_an_error_in_the_source_is_an_error_of_the_transmitter(tmp_path, monkeypatch):
    settings = RadioSettings("file", str(tmp_path / "bursts.cf32"))
    make = partial(Transmitter, settings, DEFAULT_MODEL)
    images = [("a", np.zeros((16, 16, 3), np.uint8))] * 3
    monkeypatch.setattr(Codec, "encode", fall_down)
    with pytest.raises(RuntimeError, match="it fell down"):
        send(iter(images), make, EventLog())


@pytest.mark.parametrize("limit", [1, 0])
def test_what_gives_the_images_is_let_go_when_the_run_ends(limit, tmp_path):
    """A camera stayed open where the run ended before its images did."""
    released = []

    def frames():
        try:
            for number in range(10_000):
                yield (str(number), np.zeros((16, 16, 3), np.uint8))
        finally:
            released.append(True)

    settings = RadioSettings("file", str(tmp_path / "bursts.cf32"))
    make = partial(Transmitter, settings, DEFAULT_MODEL)
    images = frames()
    outcome = send(images, make, EventLog(), limit=limit, seconds=0 if limit else 0.01)
    assert outcome.sent < 10_000
    assert released == [True]


def test_each_end_opens_its_own_network_once(tmp_path, monkeypatch):
    """A transmitter opened its model a second time for one number, and both networks of it."""
    opened = []

    def note(manifest, threads, provider, networks):
        opened.append(networks)
        return read_bundle(manifest, threads, provider, networks)

    monkeypatch.setattr("vqdeepsc.codec.codec.read_bundle", note)
    settings = RadioSettings("file", str(tmp_path / "bursts.cf32"))
    send(iter(()), partial(Transmitter, settings, DEFAULT_MODEL), EventLog())
    assert opened == [("encoder",)]
    Receiver(settings, image_receiver(None, EventLog(), model=DEFAULT_MODEL))
    assert opened == [("encoder",), ("decoder",)]


def test_a_radio_that_takes_no_more_is_an_error(tmp_path):
    class Short(Transmitter):
        def connect(self, *row: gr.basic_block) -> None:
            if len(row) == 3:
                source, bursts, radio = row
                super().connect(source, bursts, blocks.head(gr.sizeof_gr_complex, 5000), radio)
            else:
                super().connect(*row)

    settings = RadioSettings("file", str(tmp_path / "bursts.cf32"))
    images = [("a", np.zeros((16, 16, 3), np.uint8))] * 50
    with pytest.raises(RadioError, match="the radio took no more samples after"):
        send(iter(images), partial(Short, settings, DEFAULT_MODEL), EventLog())


def test_a_radio_that_gives_no_more_is_an_error(tmp_path):
    samples = tmp_path / "bursts.cf32"
    np.zeros(10_000, np.complex64).tofile(samples)
    decoder = image_receiver(None, EventLog(), model=DEFAULT_MODEL)
    top = Receiver(RadioSettings("file", str(samples)), decoder)
    # as a device whose cable was pulled
    top.settings = RadioSettings("zmq")
    with pytest.raises(RadioError, match="the radio zmq gives no more samples"):
        collect(top, EventLog())


def test_a_sink_that_cannot_decode_ends_all_the_same(monkeypatch):
    sink = semantic_sink()
    monkeypatch.setattr(sink._assembler, "flush", fall_down)
    assert sink.stop()
