# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality against SNR: models and photo codecs over the same simulated link."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import baselines, metrics
from .codec import Codec, find_model, read_manifest, region_count
from .link import ChannelModel, Link, Received, pad_to_frames
from .pictures import PictureError, crop_square, find_pictures, load_found
from .results import Result, ResultsError, append_results, read_results, write_results

DECISIONS = ("soft", "hard")
MAXIMUM_SNR_DB = 100.0
_MAXIMUM_POINTS = 1000
_REGIONS_AT_ONCE = 256  # soft bits held at a time: about 20 MB
_Key = tuple[str, str, str, float, int]

# one thread for each worker; more would only fight for the same cores
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Simulation:
    """What to simulate.

    images: files, folders or tar archives; models: names or bundles; channels; snr_db: mean Es/N0;
    baselines: of `baselines.BASELINES`; decisions: of DECISIONS; seed: of everything; native:
    keep the pictures' size; limit: first pictures only (0: all)."""

    images: Sequence[str | os.PathLike[str]]
    models: Sequence[str]
    channels: Sequence[ChannelModel]
    snr_db: Sequence[float]
    baselines: Sequence[str] = ()
    decisions: Sequence[str] = ("soft",)
    seed: int = 0
    native: bool = False
    limit: int = 0


def parse_snr(text: str) -> tuple[float, ...]:
    """SNRs in dB as START:STOP:STEP (both ends included), as a list A,B,C or as one number.

    Raises ValueError."""
    try:
        numbers = [float(part) for part in text.replace(":", ",").split(",")]
    except ValueError:
        raise ValueError(
            f"the SNR {text!r} is neither START:STOP:STEP nor a list of numbers"
        ) from None
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"the SNR {text!r} is not finite")
    if ":" in text:
        if len(numbers) != 3 or "," in text:
            raise ValueError(f"the SNR range {text!r} must be START:STOP:STEP")
        start, stop, step = numbers
        if step <= 0:
            raise ValueError(f"the step of the SNR range {text!r} must be above 0")
        if stop < start:
            raise ValueError(f"the SNR range {text!r} runs backwards")
        if (stop - start) / step > _MAXIMUM_POINTS:
            raise ValueError(f"the SNR range {text!r} has more than {_MAXIMUM_POINTS} points")
        count = math.floor((stop - start) / step + 1e-9) + 1
        numbers = [round(start + i * step, 6) for i in range(count)]
    for number in numbers:
        if abs(number) > MAXIMUM_SNR_DB:
            raise ValueError(f"an SNR must be within ±{MAXIMUM_SNR_DB:g} dB, got {number:g}")
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"the SNR {text!r} names a value twice")
    return tuple(number + 0.0 for number in numbers)  # -0.0 would be printed as such


def derive_seed(
    seed: int, image: str, system: str, channel: str, snr_db: float, source_bits: int
) -> int:
    """Seed of one row's channel, whatever else is simulated and by how many workers.

    The first 32 bits, big-endian, of SHA-256 of the six values as text with line feeds between
    them, the SNR as C's %g writes it. Soft and hard decisions of a model share the model's seed."""
    text = f"{seed}\n{image}\n{system}\n{channel}\n{snr_db:g}\n{source_bits}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def simulate(
    simulation: Simulation,
    output: str | os.PathLike[str],
    *,
    workers: int = 1,
    overwrite: bool = False,
    progress: bool = False,
) -> list[Result]:
    """Simulates what is missing in `output` (results.csv) and returns all rows asked for.

    Rows are appended picture by picture, so an interrupted run goes on where it stopped; at the
    end they are put in order. workers: processes with one thread each; the rows do not depend on
    their number. overwrite: forget what the file holds. progress: to stderr.
    Raises PictureError, BundleError, ResultsError or ValueError; finished rows are kept."""
    output = Path(output)
    pictures = list(find_pictures(list(simulation.images)).items())
    if simulation.limit:
        pictures = pictures[: simulation.limit]
    models = [find_model(model) for model in simulation.models]
    names = [read_manifest(model).name for model in models]
    if len(set(names)) != len(names):
        raise ValueError("a model is named twice")
    results: dict[_Key, Result] = {}
    if output.exists() and not overwrite:
        results = {result.key: result for result in read_results(output, interrupted=True)}
        for result in results.values():
            if result.seed != _row_seed(simulation.seed, result.key):
                raise ResultsError(
                    f"{output} was made with another seed: overwrite it or name another file"
                )
    write_results(output, results.values())

    finished = {name: set() for name, _ in pictures}
    for key in results:
        finished.setdefault(key[0], set()).add(key)
    jobs = [(name, place, finished[name]) for name, place in pictures]
    order: list[_Key] = []
    started = time.monotonic()
    for number, (keys, rows) in enumerate(_run(simulation, models, jobs, workers), start=1):
        append_results(output, rows)
        results.update((row.key, row) for row in rows)
        order += keys
        if progress:
            _show_progress(number, len(jobs), time.monotonic() - started)
    asked = set(order)
    others = [key for key in results if key not in asked]
    if list(results) != order + others:
        write_results(output, [results[key] for key in order + others])
    return [results[key] for key in order]


def summarise(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Means over pictures for each system, source bits, channel and SNR, in order of appearance."""
    groups: dict[tuple, list[Result]] = {}
    for result in results:
        key = (result.system, result.source_bits, result.channel, result.snr_db)
        groups.setdefault(key, []).append(result)
    return [
        {
            "system": system,
            "source_bits": source_bits,
            "channel": channel,
            "snr_db": snr_db,
            "pictures": len(rows),
            "ssim": float(np.mean([row.ssim for row in rows])),
            "psnr_db": float(np.mean([row.psnr_db for row in rows])),
            "undecoded": sum(not row.decoded for row in rows),
            "with_block_errors": sum(row.block_errors > 0 for row in rows),
        }
        for (system, source_bits, channel, snr_db), rows in groups.items()
    ]


def _row_seed(seed: int, key: _Key) -> int:
    image, system, channel, snr_db, source_bits = key
    return derive_seed(seed, image, system.removesuffix(":hard"), channel, snr_db, source_bits)


class _Worker:
    """Simulates pictures one by one; models and links are made once."""

    def __init__(self, simulation: Simulation, models: Sequence[Path]) -> None:
        self.simulation = simulation
        self.codecs = [Codec(model, threads=1) for model in models]
        self.links = {codec.bits_per_region: Link(codec.bits_per_region) for codec in self.codecs}
        self.points = [
            (channel, snr_db) for channel in simulation.channels for snr_db in simulation.snr_db
        ]

    def run(
        self, name: str, place: tuple[Path, str | None], finished: set[_Key]
    ) -> tuple[list[_Key], list[Result]]:
        """Keys of all rows of a picture in order, and the rows that were not finished."""
        pixels = load_found(name, place)
        if not self.simulation.native:
            pixels = crop_square(pixels)
        if min(pixels.shape[:2]) < metrics.WINDOW_SIZE:
            raise PictureError(f"{name} has fewer than {metrics.WINDOW_SIZE} pixels on one side")
        keys: list[_Key] = []
        rows: list[Result] = []
        for codec in self.codecs:
            self._add_model(name, pixels, codec, finished, keys, rows)
        for baseline in self.simulation.baselines:
            for link in self.links.values():
                self._add_baseline(name, pixels, baseline, link, finished, keys, rows)
        return keys, rows

    def _add_model(
        self,
        name: str,
        pixels: NDArray[np.uint8],
        codec: Codec,
        finished: set[_Key],
        keys: list[_Key],
        rows: list[Result],
    ) -> None:
        height, width = pixels.shape[:2]
        regions = region_count(width, height)
        systems = {"soft": codec.name, "hard": f"{codec.name}:hard"}
        wanted = {
            decision: self._keys(name, systems[decision], regions * codec.bits_per_region)
            for decision in self.simulation.decisions
        }
        keys += [key for each in wanted.values() for key in each]
        missing = [
            point
            for point in range(len(self.points))
            if any(each[point] not in finished for each in wanted.values())
        ]
        if not missing:
            return
        link = self.links[codec.bits_per_region]
        symbols = link.modulate(codec.encode_bits(pixels))
        new: dict[str, list[Result]] = {decision: [] for decision in wanted}
        size = max(1, _REGIONS_AT_ONCE // regions)
        for start in range(0, len(missing), size):
            points = missing[start : start + size]
            first = next(iter(wanted.values()))
            received = [self._receive(link, symbols, first[point]) for point in points]
            for decision, each in wanted.items():
                soft = decision == "soft"
                values = np.stack([frames.llrs if soft else frames.bits for frames in received])
                pictures = codec.decode_many(values, width, height, soft=soft)
                scores = metrics.ssim(pixels, pictures), metrics.psnr(pixels, pictures)
                for point, frames, ssim, psnr_db in zip(points, received, *scores, strict=True):
                    if each[point] not in finished:
                        errors = int(frames.block_errors.sum())
                        new[decision].append(
                            self._result(each[point], symbols.size, errors, True, ssim, psnr_db)
                        )
        rows += [row for each in new.values() for row in each]

    def _add_baseline(
        self,
        name: str,
        pixels: NDArray[np.uint8],
        baseline: str,
        link: Link,
        finished: set[_Key],
        keys: list[_Key],
        rows: list[Result],
    ) -> None:
        height, width = pixels.shape[:2]
        regions = region_count(width, height)
        wanted = self._keys(name, baseline, regions * link.payload_bits)
        keys += wanted
        missing = [key for key in wanted if key not in finished]
        if not missing:
            return
        grey = baselines.mid_grey(width, height)
        undecoded = float(metrics.ssim(pixels, grey)), float(metrics.psnr(pixels, grey))
        file = baselines.compress(pixels, baseline, regions * link.payload_bits)
        if file is None:
            count = regions * link.symbols_per_frame
            rows += [self._result(key, count, 0, False, *undecoded) for key in missing]
            return
        bits = np.unpackbits(np.frombuffer(file.content, np.uint8))
        sent = pad_to_frames(bits, link.payload_bits, regions)
        symbols = link.modulate(sent)
        scores: dict[bytes, tuple[bool, float, float]] = {}
        for key in missing:
            received = self._receive(link, symbols, key)
            # the receiver is told the length of the file
            content = np.packbits(received.bits.reshape(-1)[: bits.size]).tobytes()
            if content not in scores:
                drawn = baselines.decompress(content, width, height)
                scores[content] = (drawn is not None, *undecoded)
                if drawn is not None:
                    quality = float(metrics.ssim(pixels, drawn)), float(metrics.psnr(pixels, drawn))
                    scores[content] = (True, *quality)
            errors = int(received.block_errors.sum())
            rows.append(self._result(key, symbols.size, errors, *scores[content]))

    def _keys(self, name: str, system: str, source_bits: int) -> list[_Key]:
        return [
            (name, system, str(channel), snr_db, source_bits) for channel, snr_db in self.points
        ]

    def _receive(self, link: Link, symbols: NDArray[np.complex64], key: _Key) -> Received:
        _, _, channel, snr_db, _ = key
        seed = _row_seed(self.simulation.seed, key)
        return link.receive(symbols, ChannelModel.parse(channel).open(snr_db, seed), snr_db)

    def _result(
        self,
        key: _Key,
        symbols: int,
        block_errors: int,
        decoded: bool,
        ssim: float,
        psnr_db: float,
    ) -> Result:
        seed = _row_seed(self.simulation.seed, key)
        return Result(*key, symbols, block_errors, int(decoded), float(ssim), float(psnr_db), seed)


_worker: _Worker | None = None  # one in each worker process
_worker_arguments: tuple[Simulation, Sequence[Path]]


def _start_worker(simulation: Simulation, models: Sequence[Path]) -> None:
    global _worker_arguments
    _worker_arguments = simulation, models
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A process that was killed cannot end its workers, which would finish their picture."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(
    name: str, place: tuple[Path, str | None], finished: set[_Key]
) -> tuple[list[_Key], list[Result]]:
    global _worker
    if _worker is None:  # not in _start_worker, whose exceptions do not reach the caller
        _worker = _Worker(*_worker_arguments)
    return _worker.run(name, place, finished)


@contextlib.contextmanager
def _surroundings_for_workers() -> Iterator[None]:
    """What new processes take over: one thread each, and not the script that was started.

    They need nothing of that script, and would run it again."""
    environment = {name: os.environ.get(name) for name in _ONE_THREAD}
    script = sys.modules["__main__"].__dict__
    file = script.pop("__file__", None)
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        if file is not None:
            script["__file__"] = file
        for name, value in environment.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C on a terminal reaches every process; those started here leave it to this one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(
    simulation: Simulation, models: Sequence[Path], jobs: Sequence[tuple], workers: int
) -> Iterator[tuple[list[_Key], list[Result]]]:
    """Results of the jobs in their order."""
    before = set(multiprocessing.active_children())
    pool = concurrent.futures.ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(simulation, models),
    )
    waiting: deque[concurrent.futures.Future] = deque()
    try:
        with _surroundings_for_workers():
            for job in jobs:
                with _interrupts_blocked():
                    waiting.append(pool.submit(_work, *job))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        pool.shutdown()
    except BaseException:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        pool.shutdown(cancel_futures=True)
        raise


def _show_progress(finished: int, total: int, elapsed: float) -> None:
    left = elapsed / finished * (total - finished)
    minutes, seconds = divmod(round(left), 60)
    end = "\n" if finished == total else ""
    sys.stderr.write(
        f"\r{finished} of {total} pictures, about {minutes} min {seconds:02} s left {end}"
    )
    sys.stderr.flush()
