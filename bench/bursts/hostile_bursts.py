#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Minutes of hostile bursts beside good ones at 10 dB, into `vqdeepsc receive`.

One sender is good: its images of 256x256 pixels have numbers of their own and one session. The
bursts of the others claim images of false sizes, repeat themselves, bear the numbers of the good
images, another model or fresh sessions, of which thousands are in flight at a time, or end after
their header. Once thousands come between two bursts of one good image. When all have been received
and the good images decoded, SIGTERM ends the receiver, and the images that are still in flight are
left. Exit status 1 if a good image is missing, an image has regions of two senders, or memory
reaches the limit.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from burst_link import AMPLITUDE, CARRIER_POWER, SAMPLE_RATE
from gnuradio import blocks, gr, vqdeepsc
from gnuradio.vqdeepsc.blocks.frames import header_to_pmt
from gnuradio.vqdeepsc.blocks.loopback import frames_source
from numpy.typing import NDArray
from vqdeepsc.codec import Codec
from vqdeepsc.images.files import load_image
from vqdeepsc.kernels import BLOCK_SIDE, REGION_BLOCKS, FrameHeader

PROGRAM = "import sys; from vqdeepsc.cli import main; sys.exit(main())"
REGION_SIDE = 128
SIDE = 256
REGIONS = (SIDE // REGION_SIDE) ** 2
GAP = 1000
HEADER_END = 576 + 32 + 2 * 256 + 4 * (256 + 32)  # samples: docs/air-interface.md
LARGEST_CFO = 0.02  # cycles per sample
CHUNK = 64  # bursts that are made at once
COLOURS = 27
GOOD_IMAGES = 12
GOOD_SESSION = 1
QUIET_SECONDS = 60.0
MEGABYTE = 1e6

KINDS = (
    "huge",  # 65,535x65,535 pixels
    "large",  # 40 megapixels, of which one region comes
    "sizes",  # one sender, another size in each burst
    "repeated",  # one burst over and over
    "foreign number",  # number and size of the good image on its way
    "foreign model",
    "in flight",  # one region of four, from a fresh session
    "in flight",
    "no payload",
    "wrong payload",
)


@dataclass(frozen=True)
class Burst:
    """A header, the bits behind it, and which samples come of it."""

    kind: str
    header: FrameHeader
    bits: NDArray[np.uint8]


class Senders:
    """Makes the headers and bits of all senders."""

    def __init__(self, codec: Codec, seed: int) -> None:
        self._codec = codec
        self._rng = np.random.default_rng(seed)
        levels = np.array([40, 128, 215], np.uint8)
        self.colours = np.array(np.meshgrid(levels, levels, levels)).reshape(3, -1).T
        flat = [np.full((REGION_SIDE, REGION_SIDE, 3), one, np.uint8) for one in self.colours]
        self._flat = [codec.encode_bits(image)[0] for image in flat]
        smooth = self._rng.integers(0, 256, (GOOD_IMAGES, 9, 9, 3)).astype(float)
        self._good = [codec.encode_bits(_enlarged(image)) for image in smooth]
        self.expected = [codec.decode_bits(bits, SIDE, SIDE) for bits in self._good]
        self._session = GOOD_SESSION
        self._sent = 0

    def good(self, image: int) -> list[Burst]:
        """The bursts of a good image."""
        bits = self._good[image % GOOD_IMAGES]
        return [
            Burst("good", self._header(GOOD_SESSION, image, SIDE, SIDE, region), frame)
            for region, frame in enumerate(bits)
        ]

    def hostile(self, kind: str, image: int) -> Burst:
        """A burst of this kind, while an image of the good sender is on its way."""
        self._session += 1
        self._sent += 1
        session, number, width, height, region, model = self._session, self._sent, SIDE, SIDE, 0, 0
        if kind == "huge":
            width = height = 65_535
            region = int(self._rng.integers(1000))
        elif kind == "large":
            width, height = 6400, 6200
            region = int(self._rng.integers(2000))
        elif kind == "sizes":
            session, number, width, height = 2**31, 0, 129 + self._sent % 500, 129
        elif kind == "repeated":
            session, number = 2**31 + 1, 0
        elif kind == "foreign number":
            number, region = image, int(self._rng.integers(4))
        elif kind == "foreign model":
            model = 1 + self._sent % 1000
        header = self._header(session, number, width, height, region, model)
        return Burst(kind, header, self._flat[session % COLOURS])

    def _header(
        self, session: int, image: int, width: int, height: int, region: int, model: int = 0
    ) -> FrameHeader:
        return FrameHeader(
            model=(self._codec.model_id + model) % 2**16,
            session=session,
            image=image % 2**16,
            width=width,
            height=height,
            first_block=region * REGION_BLOCKS,
        )


def _enlarged(small: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A smooth image, uint8 [SIDE, SIDE, 3], of a few values."""
    for axis in (0, 1):
        at = np.linspace(0, small.shape[axis] - 1.001, SIDE)
        low = at.astype(int)
        part = (at - low).reshape([-1 if one == axis else 1 for one in range(3)])
        small = small.take(low, axis) * (1 - part) + small.take(low + 1, axis) * part
    return np.rint(small).astype(np.uint8)


def sequence(senders: Senders, samples: int, burst_samples: int, seed: int) -> Iterator[Burst]:
    """The bursts in their order: four hostile ones for each good one, and the salvo."""
    rng = np.random.default_rng(seed)
    each = burst_samples + GAP
    left = samples // each
    image = salvo = 0
    while left > 0:
        for burst in senders.good(image):
            kinds = list(rng.choice(KINDS, 4))
            if not salvo and left < samples // each // 2:
                salvo = min(2000, left // 2)
                kinds += ["in flight"] * salvo
            yield burst
            for kind in kinds:
                yield senders.hostile(kind, image)
            left -= 1 + len(kinds)
        image += 1


class Air:
    """Bursts to samples with noise, each burst with its own phase and frequency offset."""

    def __init__(self, payload_bits: int, snr_db: float, seed: int) -> None:
        self._payload_bits = payload_bits
        self._rng = np.random.default_rng(seed)
        self._deviation = np.sqrt(CARRIER_POWER * 10 ** (-snr_db / 10) / 2)
        transmitter = vqdeepsc.burst_transmitter(payload_bits, amplitude=AMPLITUDE)
        self.burst_samples = transmitter.burst_samples()

    def samples(self, bursts: list[Burst]) -> NDArray[np.complex64]:
        top = gr.top_block()
        frames = np.stack([burst.bits for burst in bursts])
        source = frames_source(frames, [header_to_pmt(burst.header) for burst in bursts])
        transmitter = vqdeepsc.burst_transmitter(self._payload_bits, amplitude=AMPLITUDE)
        sink = blocks.vector_sink_c()
        top.connect(source, transmitter, sink)
        top.run()
        made = np.array(sink.data(), np.complex64).reshape(len(bursts), -1)
        rows = np.zeros((len(bursts), self.burst_samples + GAP), np.complex64)
        rows[:, : self.burst_samples] = made
        time_axis = np.arange(rows.shape[1], dtype=np.float32)
        for burst, row in zip(bursts, rows, strict=True):
            if burst.kind == "no payload":
                row[HEADER_END:] = 0
            elif burst.kind == "wrong payload":
                row[HEADER_END : self.burst_samples] = self._rng.permutation(
                    row[HEADER_END : self.burst_samples]
                )
            cfo = self._rng.uniform(-LARGEST_CFO, LARGEST_CFO)
            row *= np.exp(2j * np.pi * (cfo * time_axis + self._rng.random())).astype(np.complex64)
        parts = self._rng.standard_normal((2, rows.size), np.float32) * np.float32(self._deviation)
        noisy: NDArray[np.complex64] = rows.reshape(-1) + parts[0] + 1j * parts[1]
        return noisy.astype(np.complex64)


def senders_of(image: NDArray[np.uint8], colours: NDArray, nothing: NDArray) -> set[int]:
    """Which colours the regions of an image have, but for those that did not arrive."""
    found = set()
    known = np.vstack([colours, nothing])
    for top in range(0, image.shape[0], REGION_SIDE):
        for left in range(0, image.shape[1], REGION_SIDE):
            region = image[top : top + REGION_SIDE, left : left + REGION_SIDE].astype(float)
            inner = region[BLOCK_SIDE:-BLOCK_SIDE, BLOCK_SIDE:-BLOCK_SIDE].reshape(-1, 3)
            if len(inner):  # else it is a strip that its neighbours colour too
                distances = np.abs(known - inner.mean(axis=0)).sum(axis=1)
                found.add(int(distances.argmin()))
    return found - {len(colours)}


def evaluate(folder: Path, senders: Senders, nothing: NDArray, good: int) -> dict[str, int]:
    """What the receiver's log and its images say."""
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    images = [event for event in events if event["event"] == "image"]
    bursts = [event for event in events if event["event"] == "burst"]
    arrived = set()
    mixed = 0
    for event in images:
        image = load_image(event["file"], strict=True)
        expected = senders.expected[event["image"] % GOOD_IMAGES]
        if image.shape == expected.shape and np.array_equal(image, expected):
            arrived.add(event["image"])
        elif len(senders_of(image, senders.colours, nothing)) > 1:
            mixed += 1
    return {
        "bursts_received": len(bursts),
        "images_received": len(images),
        "good_images_received": len(arrived & set(range(good))),
        "good_images_missing": good - len(arrived & set(range(good))),
        "mixed_images": mixed,
    }


def feed(
    receiver: subprocess.Popen[bytes], senders: Senders, air: Air, arguments: argparse.Namespace
) -> tuple[Counter[str], int]:
    """Send everything; returns bursts by kind, and how many good images are whole."""
    assert receiver.stdin
    samples = int(arguments.minutes * 60 * SAMPLE_RATE)
    sent: Counter[str] = Counter()
    waiting: list[Burst] = []
    for burst in sequence(senders, samples, air.burst_samples, arguments.seed):
        waiting.append(burst)
        sent[burst.kind] += 1
        if len(waiting) == CHUNK:
            receiver.stdin.write(air.samples(waiting).tobytes())
            waiting.clear()
    if waiting:
        receiver.stdin.write(air.samples(waiting).tobytes())
    receiver.stdin.write(np.zeros(200_000, np.complex64).tobytes())
    receiver.stdin.close()
    return sent, sent["good"] // REGIONS


def is_burst(line: str) -> bool:
    """Whether a line of the log is a burst."""
    return '"event": "burst"' in line


def is_whole_image(line: str) -> bool:
    """Whether a line of the log is an image of which all regions came, as all good ones do."""
    if '"event": "image"' not in line:
        return False
    event = json.loads(line)
    return bool(event["received"] == event["regions"] == REGIONS)


def wait_for(log: Path, wanted: Callable[[str], bool], count: int) -> None:
    """Until the log has so many such lines, or no more come: images in flight would take hours."""
    seen, changed = 0, time.monotonic()
    while seen < count and time.monotonic() < changed + QUIET_SECONDS:
        time.sleep(1)
        now = sum(map(wanted, log.read_text().splitlines()))
        if now != seen:
            seen, changed = now, time.monotonic()


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    codec = Codec()
    senders = Senders(codec, arguments.seed)
    air = Air(codec.bits_per_region, arguments.snr, arguments.seed)
    nothing = codec.decode_received({}, REGION_SIDE, REGION_SIDE, 2).reshape(-1, 3).mean(axis=0)
    command = [sys.executable, "-c", PROGRAM, "receive", "--radio", "file", "--device", "-"]
    command += ["--format", "cf32", "--output", str(folder / "images")]
    command += ["--log", str(folder / "log.jsonl"), "--timeout", str(arguments.timeout)]
    begin = time.monotonic()
    with (
        (folder / "errors").open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=errors, stderr=subprocess.STDOUT
        ) as receiver,
    ):
        sent, good = feed(receiver, senders, air, arguments)
        wait_for(folder / "log.jsonl", is_burst, sum(sent.values()))
        wait_for(folder / "log.jsonl", is_whole_image, good)  # the decoder is behind the bursts
        receiver.terminate()
        status = receiver.wait()
    lines = (folder / "errors").read_text().splitlines()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / MEGABYTE
    return {
        "minutes_on_the_air": arguments.minutes,
        "minutes_of_the_clock": (time.monotonic() - begin) / 60,
        "status": status,
        **{f"bursts_{kind.replace(' ', '_')}": count for kind, count in sorted(sent.items())},
        **evaluate(folder, senders, nothing, good),
        "images_dropped": sum("dropped" in line for line in lines),
        "memory_mb": peak,
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="at 1 Msample/s")
    parser.add_argument("--snr", type=float, default=10.0, help="Es/N0 of a carrier in dB")
    parser.add_argument("--timeout", type=float, default=0.0, help="of the receiver in seconds")
    parser.add_argument("--memory", type=float, default=1000.0, help="limit in MB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="vqdeepsc-hostile-") as name:
        report = run(arguments, Path(name))
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        for key, value in report.items():
            shown = f"{value:.1f}" if isinstance(value, float) else value
            print(f"{key.replace('_', ' '):<32} {shown:>10}")
    failed = (
        report["status"] != 0
        or report["good_images_missing"]
        or report["mixed_images"]
        or float(str(report["memory_mb"])) >= arguments.memory
    )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
