# SPDX-License-Identifier: GPL-3.0-or-later
"""Images a second through a whole link in one process, their latency, and where the time goes.

128x128 images are encoded, sent as bursts over a channel with noise, multipath, frequency and
clock offset, received and decoded. With --minutes it goes on for that long, and exits with 1 where
an image was lost. "Latency" is from the image given to the source to the image decoded.
"""

import os

# GNU Radio reads these when it is loaded; they count the processor time of each block's thread.
os.environ["GR_CONF_PERFCOUNTERS_ON"] = "True"
os.environ["GR_CONF_PERFCOUNTERS_CLOCK"] = "thread"

import argparse
import json
import math
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pmt
from gnuradio import channels, gr, vqdeepsc
from gnuradio.vqdeepsc.blocks.assembler import ReceivedImage
from gnuradio.vqdeepsc.blocks.frames import ImageNumbers, image_to_pdu
from vqdeepsc.codec import Codec
from vqdeepsc.images.files import crop_square
from vqdeepsc.images.finding import find_images

AMPLITUDE = 0.2
USED_CARRIERS = 208 / 256
GAP = 1000
TAPS = [1.0, 0.0, 0.0, 0.2 + 0.1j]
FREQUENCY_OFFSET = 0.01
CLOCK_RATIO = 1 + 10e-6
WARM_UP_IMAGES = 5
LOST_SECONDS = 20.0
MEMORY_SECONDS = 10.0
MEGABYTE = 1e6


class timed_decoder(vqdeepsc.semantic_decoder):
    """Calls back with each image that is decoded."""

    def __init__(self, model: str, on_image: Callable[[ReceivedImage], None]) -> None:
        vqdeepsc.semantic_decoder.__init__(self, model)
        self._on_image = on_image

    def _publish(self, images: list[ReceivedImage]) -> None:
        super()._publish(images)
        for image in images:
            self._on_image(image)


class burst_counter(gr.basic_block):
    """Counts what the log of burst_receiver says."""

    def __init__(self) -> None:
        gr.basic_block.__init__(self, "burst_counter", None, None)
        self.bursts = self.bad_headers = self.block_errors = 0
        port = pmt.intern("log")
        self.message_port_register_in(port)
        self.set_msg_handler(port, self._count)

    def _count(self, message: pmt.pmt_base) -> None:
        burst = pmt.to_python(message)
        self.bursts += 1
        self.bad_headers += not burst["header_ok"]
        self.block_errors += burst.get("block_errors", 0)


class Loopback:
    """The flowgraph, and the images that are under way in it."""

    def __init__(self, images: list[np.ndarray], model: str, snr_db: float, seed: int) -> None:
        self._images = images
        self._change = threading.Condition()
        self._sent: dict[int, float] = {}
        self._numbers = ImageNumbers()
        self._posted = 0
        self.latencies: list[float] = []
        self.lost = 0
        noise = AMPLITUDE * math.sqrt(10 ** (-snr_db / 10) / USED_CARRIERS)
        self.top = gr.top_block()
        self.source = vqdeepsc.semantic_source(model=model)
        payload_bits = Codec(model).bits_per_region
        self.transmitter = vqdeepsc.burst_transmitter(payload_bits, amplitude=AMPLITUDE)
        self.fill = vqdeepsc.zero_fill(continuous=False, gap=GAP)
        self.channel = channels.channel_model(noise, FREQUENCY_OFFSET, CLOCK_RATIO, TAPS, seed)
        self.receiver = vqdeepsc.burst_receiver()
        self.decoder = timed_decoder(model, self._take)
        self.counter = burst_counter()
        self.top.connect(self.source, self.transmitter, self.fill, self.channel, self.receiver)
        self.top.msg_connect((self.receiver, "regions"), (self.decoder, "frames"))
        self.top.msg_connect((self.receiver, "log"), (self.counter, "log"))

    def _take(self, image: ReceivedImage) -> None:
        now = time.monotonic()
        with self._change:
            sent = self._sent.pop(image.number, None)
            if sent is not None:
                self.latencies.append(now - sent)
                # images arrive in order, so older ones are lost
                older = [number for number, moment in self._sent.items() if moment < sent]
                self._drop(older)
            self._change.notify_all()

    def _drop(self, numbers: list[int]) -> None:
        for number in numbers:
            del self._sent[number]
        self.lost += len(numbers)

    def _wait(self, at_most: int) -> None:
        """Until no more than that many images are under way."""
        with self._change:
            arrived = self._change.wait_for(lambda: len(self._sent) <= at_most, LOST_SECONDS)
            if not arrived:
                self._drop(list(self._sent))

    def send(self, seconds: float, count: int, under_way: int) -> tuple[int, float]:
        """Send until both are reached; returns (images that arrived, seconds)."""
        first = len(self.latencies)
        begin = time.monotonic()
        posted = 0
        inbox = self.source.to_basic_block()
        while posted < count or time.monotonic() < begin + seconds:
            self._wait(under_way - 1)
            number = self._numbers.take()
            pdu = image_to_pdu(self._images[self._posted % len(self._images)], number)
            with self._change:
                self._sent[number] = time.monotonic()
            inbox._post(pmt.intern("images"), pdu)
            self._posted += 1
            posted += 1
        self._wait(0)
        return len(self.latencies) - first, time.monotonic() - begin


def memory() -> float:
    """Megabytes that the process occupies."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def processor_milliseconds(work: Callable[[], object], repeats: int) -> float:
    begin = time.process_time()
    for _ in range(repeats):
        work()
    return 1000 * (time.process_time() - begin) / repeats


def block_times(loop: Loopback) -> dict[str, float]:
    """Milliseconds of processor time that each C++ stage has spent so far."""
    stages = {
        "LDPC encoder": loop.transmitter._encoder,
        "burst modulator": loop.transmitter._modulator,
        "zeros between bursts": loop.fill,
        "burst detector": loop.receiver._detector,
        "burst demodulator": loop.receiver._demodulator,
        "LDPC decoder": loop.receiver._decoder,
    }
    return {name: block.pc_work_time_total() / 1e6 for name, block in stages.items()}


def measure(loop: Loopback, arguments: argparse.Namespace, images: list[np.ndarray]) -> dict:
    codec = Codec(arguments.model)
    loop.top.start()
    loop.send(0, WARM_UP_IMAGES, 1)
    alone = len(loop.latencies)
    loop.send(0, arguments.count // 4, 1)
    latency_alone = loop.latencies[alone:]
    before, processor = block_times(loop), time.process_time()
    first = len(loop.latencies)
    arrived, seconds = loop.send(0, arguments.count, arguments.under_way)
    processor = time.process_time() - processor
    after = block_times(loop)
    loop.top.stop()
    loop.top.wait()
    bits = codec.encode_bits(images[0])
    side = images[0].shape[0]
    llrs = np.where(bits, 8.0, -8.0).astype(np.float32)
    stages = {
        "image encoder": processor_milliseconds(lambda: codec.encode_bits(images[0]), 20),
        **{name: (after[name] - before[name]) / arrived for name in after},
        "image decoder": processor_milliseconds(lambda: codec.decode_llrs(llrs, side, side), 20),
    }
    total = 1000 * processor / arrived
    stages["channel, messages, scheduler"] = total - sum(stages.values())
    return {
        "images": arrived,
        "lost": loop.lost,
        "block_errors": loop.counter.block_errors,
        "images_per_second": arrived / seconds,
        "latency_ms_one_under_way": 1000 * float(np.median(latency_alone)),
        "latency_ms": 1000 * float(np.median(loop.latencies[first:])),
        "processor_ms_per_image": total,
        "stages_ms": stages,
    }


def soak(loop: Loopback, arguments: argparse.Namespace) -> dict[str, Any]:
    loop.top.start()
    loop.send(MEMORY_SECONDS, WARM_UP_IMAGES, arguments.under_way)
    end = time.monotonic() + 60 * arguments.minutes
    begin, first = time.monotonic(), len(loop.latencies)
    occupied = [memory()]
    while time.monotonic() < end:
        loop.send(MEMORY_SECONDS, 1, arguments.under_way)
        occupied.append(memory())
    seconds = time.monotonic() - begin
    loop.top.stop()
    loop.top.wait()
    arrived = len(loop.latencies) - first
    third = max(1, len(occupied) // 3)
    return {
        "minutes": seconds / 60,
        "images": arrived,
        "lost": loop.lost,
        "bursts": loop.counter.bursts,
        "bad_headers": loop.counter.bad_headers,
        "block_errors": loop.counter.block_errors,
        "images_per_second": arrived / seconds,
        "memory_mb_first_third": float(np.mean(occupied[:third])),
        "memory_mb_last_third": float(np.mean(occupied[-third:])),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--model", default="vqdeepsc-4s", help="name or path of a model")
    parser.add_argument("--images", nargs="+", default=[], help="images (default: a photograph)")
    parser.add_argument("--count", type=int, default=200, help="how many are sent")
    parser.add_argument("--under-way", type=int, default=3, help="most images between the ends")
    parser.add_argument("--snr", type=float, default=12.0, help="of a carrier in dB, in a burst")
    parser.add_argument("--seed", type=int, default=1, help="of the noise")
    parser.add_argument("--minutes", type=float, default=0.0, help="watch for so long instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    found = find_images(arguments.images or [vqdeepsc.sample_image()])
    images = [crop_square(image.load()) for image in found]
    loop = Loopback(images, arguments.model, arguments.snr, arguments.seed)
    report = soak(loop, arguments) if arguments.minutes else measure(loop, arguments, images)
    report = {"snr_db": arguments.snr, "seed": arguments.seed, **report}
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        stages = report.pop("stages_ms", {})
        for name, value in report.items():
            shown = f"{value:.1f}" if isinstance(value, float) else value
            print(f"{name.replace('_', ' '):<32} {shown:>10}")
        if stages:
            print("processor time of an image (ms)")
        for name, value in stages.items():
            print(f"  {name:<30} {value:>10.2f}")
    return 1 if report["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
