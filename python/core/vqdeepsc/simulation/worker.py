# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulates one image over all links: what a worker of `vqdeepsc simulate` does."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.allocation import Allocation, Budget, FrameEncoder, frames_of_bits
from vqdeepsc.codec import BitLayout, Codec, region_count
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.images import baselines, metrics
from vqdeepsc.images.files import EXPERIMENT_SIDE, ImageError, crop_square
from vqdeepsc.images.finding import FoundImage
from vqdeepsc.images.metrics import Quality
from vqdeepsc.images.search import SearchingCodec
from vqdeepsc.kernels import BLOCK_SIDE, REGION_BLOCKS
from vqdeepsc.link import Link, Received, Scheme, frame_part_bits, pad_to_frames

from .identity import Decision, RowKey, System
from .plan import Simulation
from .profile import Profile
from .results import Result
from .upper_bound import UpperBound

_REGIONS_AT_ONCE = 256  # soft bits held at a time: about 20 MB
_LINKS_KEPT = 16
_CERTAIN_LLR = 20.0  # beyond it a wrong codeword weighs less than the resolution of float32


@dataclass(frozen=True)
class ImageJob:
    """What a worker does for one image.

    models: paths of the bundles; digests: of their files, so that a worker that lives on notices
    another model; finished: rows that are there already."""

    simulation: Simulation
    models: Sequence[Path]
    digests: Sequence[str]
    image: FoundImage
    finished: set[RowKey]


@dataclass
class ImageReport:
    """Keys of all rows of an image in order, the rows that were not finished, and the cost."""

    keys: list[RowKey] = field(default_factory=list)
    rows: list[Result] = field(default_factory=list)
    profile: Profile = field(default_factory=Profile)


class Worker:
    """Simulates images one by one; models and links are made once."""

    def __init__(self, simulation: Simulation, models: Sequence[Path]) -> None:
        """Raises BundleError, and ParameterError for a scheme that does not fit a model."""
        self.simulation = simulation
        self.codecs = [SearchingCodec(model, 1, simulation.search) for model in models]
        self.upper_bounds = [UpperBound(path) for path in simulation.upper_bounds]
        self._links: dict[tuple[int, Scheme, tuple[int, ...]], Link] = {}
        for codec in self.codecs:
            if simulation.native:
                continue  # each image says what does not fit
            for rate in _rates(codec, simulation, EXPERIMENT_SIDE, EXPERIMENT_SIDE):
                for scheme in simulation.schemes:
                    self.link(rate.frame_bits, scheme, codec.layout)
        self.points = [
            (channel, snr_db) for channel in simulation.channels for snr_db in simulation.snr_db
        ]

    def link(self, payload_bits: int, scheme: Scheme, layout: BitLayout | None = None) -> Link:
        """A link for frames of payload_bits, of a model's parts where the scheme protects them."""
        part_bits = frame_part_bits(layout, payload_bits) if layout and scheme.protection else []
        key = payload_bits, scheme, tuple(part_bits)
        if key not in self._links:
            if len(self._links) >= _LINKS_KEPT:
                self._links.pop(next(iter(self._links)))
            self._links[key] = Link(payload_bits, scheme=scheme, part_bits=part_bits)
        return self._links[key]

    def run(self, job: ImageJob) -> ImageReport:
        """Simulates one image; raises ImageError."""
        return _Image(self, job).report


class _Rate(NamedTuple):
    """How many source bits an image has: frames of frame_bits; bits: its budget, 0 for none."""

    frames: int
    frame_bits: int
    bits: int

    @property
    def source_bits(self) -> int:
        return self.frames * self.frame_bits


def _rates(codec: Codec, simulation: Simulation, width: int, height: int) -> list[_Rate]:
    """How many bits of a model a simulation sends for an image of a size, each in turn."""
    if not codec.layout.embedded or not simulation.bits_per_pixel:
        return [_Rate(region_count(width, height), codec.bits_per_region, 0)]
    most = -(-width // BLOCK_SIDE) * -(-height // BLOCK_SIDE)
    most *= codec.bits_per_region // REGION_BLOCKS
    rates: dict[tuple[int, int], _Rate] = {}
    for bits_per_pixel in simulation.bits_per_pixel:
        bits = min(Budget(bits_per_pixel).bits_of(width, height), most)
        shape = frames_of_bits(bits, width, height)
        rates.setdefault(shape, _Rate(*shape, bits))
    return list(rates.values())


class _Image:
    """One image on its way through all systems."""

    def __init__(self, worker: Worker, job: ImageJob) -> None:
        self.worker = worker
        self.simulation = worker.simulation
        self.job = job
        self.report = ImageReport()
        self.profile = self.report.profile
        with self.profile.stage("load"):
            self.pixels = job.image.load(strict=self.simulation.strict)
            if not self.simulation.native:
                self.pixels = crop_square(self.pixels)
        self.height, self.width = self.pixels.shape[:2]
        if min(self.height, self.width) < metrics.WINDOW_SIZE:
            raise ImageError(
                f"{job.image.name} has fewer than {metrics.WINDOW_SIZE} pixels on one side"
            )
        self.regions = region_count(self.width, self.height)
        # a file has no parts that could be protected
        self.baseline_rates: dict[tuple[int, int, Scheme], None] = {}
        for codec in worker.codecs:
            self._add_model(codec)
        for baseline in self.simulation.baselines:
            self._add_baseline(baseline)
        for upper_bound in worker.upper_bounds:
            self._add_upper_bound(upper_bound)

    def _add_model(self, codec: Codec) -> None:
        encoder: FrameEncoder | None = None
        for rate in _rates(codec, self.simulation, self.width, self.height):
            sent: Allocation | None = None
            clean: dict[bool, Quality] = {}  # scores of what arrives without an error
            for scheme in self.simulation.schemes:
                if not scheme.protection:
                    self.baseline_rates[rate.frames, rate.frame_bits, scheme] = None
                system = codec.name + self.simulation.search.suffix
                wanted = {
                    decision: self._keys(System(system, scheme, decision), rate.source_bits)
                    for decision in self.simulation.decisions
                }
                self.report.keys += [key for each in wanted.values() for key in each]
                missing = [
                    point
                    for point in range(len(self.worker.points))
                    if any(each[point] not in self.job.finished for each in wanted.values())
                ]
                if not missing:
                    continue
                if sent is None:
                    with self.profile.stage("encode"):
                        encoder = encoder or FrameEncoder(codec, self.pixels)
                        sent = encoder.frames(Budget(bits=rate.bits))
                link = self.worker.link(rate.frame_bits, scheme, codec.layout)
                self._send(codec, link, sent, wanted, missing, clean)

    def _send(
        self,
        codec: Codec,
        link: Link,
        sent: Allocation,
        wanted: dict[Decision, list[RowKey]],
        missing: list[int],
        clean: dict[bool, Quality],
    ) -> None:
        with self.profile.stage("link", 0):
            symbols = link.modulate(sent.bits)
        new: dict[Decision, list[Result]] = {decision: [] for decision in wanted}
        size = max(1, _REGIONS_AT_ONCE // self.regions)
        for start in range(0, len(missing), size):
            points = missing[start : start + size]
            first = next(iter(wanted.values()))
            received = [self._receive(link, symbols, first[point]) for point in points]
            for decision, each in wanted.items():
                scores = self._decode(codec, received, sent, decision == "soft", clean)
                for point, frames, score in zip(points, received, scores, strict=True):
                    if each[point] not in self.job.finished:
                        errors = int(frames.block_errors.sum())
                        new[decision].append(
                            self._result(each[point], symbols.size, errors, True, score)
                        )
        self.report.rows += [row for each in new.values() for row in each]

    def _decode(
        self,
        codec: Codec,
        received: Sequence[Received],
        sent: Allocation,
        soft: bool,
        clean: dict[bool, Quality],
    ) -> list[Quality]:
        """Quality of each; those that arrived for certain are decoded once."""
        unsure = [
            i for i, frames in enumerate(received) if not _is_certain(frames, sent.bits, soft)
        ]
        asked = list(unsure)
        if len(unsure) < len(received) and soft not in clean:
            asked.append(next(i for i in range(len(received)) if i not in unsure))
        scores: dict[int, Quality] = {}
        if asked:
            values = np.stack([received[i].llrs if soft else received[i].bits for i in asked])
            with self.profile.stage("decode", len(asked)):
                images = self._decode_images(codec, sent, values, soft)
            scores = dict(zip(asked, self._score(images), strict=True))
            if len(asked) > len(unsure):
                clean[soft] = scores[asked[-1]]
        return [scores[i] if i in scores else clean[soft] for i in range(len(received))]

    def _decode_images(
        self, codec: Codec, sent: Allocation, values: NDArray[Any], soft: bool
    ) -> NDArray[np.uint8]:
        """Images uint8 [images, H, W, 3] of what arrived of their frames [images, frames, bits]."""
        size = self.width, self.height
        whole = REGION_BLOCKS, codec.bits_per_region // REGION_BLOCKS
        if all(run[1:] == whole for run in sent.runs):
            return codec.decode_many(values, *size, soft=soft)
        llrs = values if soft else certain_llrs(values)
        images = [
            codec.decode_received(
                {run: row[: run.bits] for run, row in zip(sent.runs, rows, strict=True)}, *size
            )
            for rows in llrs
        ]
        return np.stack(images)

    def _add_baseline(self, baseline: str) -> None:
        compressor: baselines.Compressor | None = None
        for frames, payload_bits, scheme in self.baseline_rates:
            source_bits = frames * payload_bits
            wanted = self._keys(System(baseline, scheme), source_bits)
            self.report.keys += wanted
            missing = [key for key in wanted if key not in self.job.finished]
            if not missing:
                continue
            if compressor is None:
                compressor = baselines.Compressor(self.pixels, baseline)
            with self.profile.stage("baseline"):
                file = compressor.fit(source_bits)
            self._send_file(file, self.worker.link(payload_bits, scheme), frames, missing)

    def _send_file(
        self,
        file: baselines.CompressedImage | None,
        link: Link,
        frames: int,
        missing: list[RowKey],
    ) -> None:
        if file is None:
            count = frames * link.symbols_per_frame
            self.report.rows += [
                self._result(key, count, 0, False, self._undecoded) for key in missing
            ]
            return
        bits = np.unpackbits(np.frombuffer(file.content, np.uint8))
        with self.profile.stage("link", 0):
            symbols = link.modulate(pad_to_frames(bits, link.payload_bits, frames))
        scores: dict[bytes, tuple[bool, Quality]] = {}
        for key in missing:
            received = self._receive(link, symbols, key)
            # the receiver knows the length of the file
            content = np.packbits(received.bits.reshape(-1)[: bits.size]).tobytes()
            if content not in scores:
                with self.profile.stage("baseline"):
                    image = baselines.decompress(content, self.width, self.height)
                scores[content] = (False, self._undecoded)
                if image is not None:
                    score = self._score(image[None])[0]
                    if baselines.counts_as_decoded(score, self._undecoded):
                        scores[content] = (True, score)
            errors = int(received.block_errors.sum())
            decoded, score = scores[content]
            self.report.rows.append(self._result(key, symbols.size, errors, decoded, score))

    def _add_upper_bound(self, upper_bound: UpperBound) -> None:
        key = RowKey(self.job.image.name, upper_bound.system, None, math.inf, 0)
        self.report.keys.append(key)
        if key not in self.job.finished:
            with self.profile.stage("decode"):
                image = upper_bound.reconstruct(self.pixels)
            score = self._score(image[None])[0]
            self.report.rows.append(self._result(key, 0, 0, True, score))

    @cached_property
    def _undecoded(self) -> Quality:
        return self._score(baselines.mid_grey(self.width, self.height)[None])[0]

    def _keys(self, system: System, source_bits: int) -> list[RowKey]:
        return [
            RowKey(self.job.image.name, system, channel, snr_db, source_bits)
            for channel, snr_db in self.worker.points
        ]

    def _receive(self, link: Link, symbols: NDArray[np.complex64], key: RowKey) -> Received:
        assert key.channel is not None
        with self.profile.stage("link"):
            channel = key.channel.open(key.snr_db, key.seed(self.simulation.seed))
            return link.receive(symbols, channel, key.snr_db)

    def _score(self, images: NDArray[np.uint8]) -> list[Quality]:
        with self.profile.stage("metric", len(images)):
            return metrics.qualities(self.pixels, images)

    def _result(
        self, key: RowKey, symbols: int, block_errors: int, decoded: bool, score: Quality
    ) -> Result:
        seed = key.seed(self.simulation.seed)
        return Result(*key, symbols, block_errors, decoded, *score, seed)


def _is_certain(received: Received, bits: NDArray[np.uint8], soft: bool) -> bool:
    """Whether these frames give exactly the image that the sent bits give."""
    if not np.array_equal(received.bits, bits):
        return False
    return not soft or bool(np.abs(received.llrs).min() >= _CERTAIN_LLR)


_local = threading.local()  # a Dask worker may run several threads, and links serve one at a time


def simulate_image(job: ImageJob) -> ImageReport:
    """Simulates one image in this thread's worker, which is kept for the next one."""
    made_for = repr((job.simulation, job.models, job.digests))
    if getattr(_local, "made_for", None) != made_for:
        _local.worker = Worker(job.simulation, job.models)
        _local.made_for = made_for
    worker: Worker = _local.worker
    return worker.run(job)
