# SPDX-License-Identifier: GPL-3.0-or-later
"""Which protections of a frame's parts promise most, from simulated frames and from images."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vqdeepsc.errors import ParameterError
from vqdeepsc.link import ChannelModel, Link, Scheme
from vqdeepsc.simulation.identity import derive_seed
from vqdeepsc.whole_files import write_whole

FACTOR_STEP = 0.1
SHORTFALL_WEIGHT = 10.0
"""Of SSIM below what is asked at an SNR, against that of the mean."""
FULL = 0.0005
"""SSIM below that of all parts which counts as full."""
RATIOS = (1.25, 1.06, 1 / 1.06, 1 / 1.25)

_CERTAIN_LLR = 30.0

Group = tuple[int, int]
"""The first part of a transport block, and the part after its last one."""

Factors = tuple[float, ...]
"""Coded bits for each bit of the first parts."""


@dataclass(frozen=True)
class Quality:
    """How good images are of which the first parts arrived.

    prefixes: mean SSIM of the first n parts, n from 0 to all; partial: mean SSIM where the parts
    of a group, too, have arrived with this much information for each bit, both in ascending order
    from none to all."""

    prefixes: Sequence[float]
    partial: Mapping[Group, tuple[Sequence[float], Sequence[float]]]

    def gained(self, group: Group, information: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share, 0 to 1, of what the group adds, that its bits give with such information."""
        known, qualities = self.partial[group]
        start, end = (self.prefixes[part] for part in group)
        shares = (np.interp(information, known, qualities) - start) / max(end - start, 1e-9)
        result: NDArray[np.float64] = np.clip(shares, 0.0, 1.0)
        return result

    def promised(
        self, groups: Sequence[Group], information: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Mean SSIM at each SNR; what lies on errors is worth less.

        information: of a bit of each group, 0 to 1 [SNR, group]."""
        value = np.full(len(information), self.prefixes[0])
        weight = np.ones(len(information))
        for group, known in zip(groups, information.T, strict=True):
            weight = weight * self.gained(group, known)
            value = value + weight * (self.prefixes[group[1]] - self.prefixes[group[0]])
        return value

    def save(self) -> dict:
        """For JSON."""
        partial = {f"{start}-{end}": curve for (start, end), curve in self.partial.items()}
        return {"prefixes": list(self.prefixes), "partial": partial}

    @classmethod
    def load(cls, saved: dict) -> Quality:
        """What save() gave."""
        groups = {tuple(map(int, key.split("-"))): key for key in saved["partial"]}
        partial = {(group[0], group[1]): saved["partial"][key] for group, key in groups.items()}
        return cls(saved["prefixes"], partial)


@dataclass(frozen=True)
class Aim:
    """What a protection is for: the highest mean SSIM over all SNRs with what is asked at some.

    asked: SSIM by SNR in dB."""

    snr_db: Sequence[float]
    asked: Mapping[float, float]

    def value(self, ssim: Iterable[float]) -> float:
        """Of the mean SSIM at each SNR: their mean, less a large weight times all shortfalls."""
        found = dict(zip(self.snr_db, ssim, strict=True))
        short = sum(max(0.0, least - found[snr]) for snr, least in self.asked.items())
        return float(np.mean(list(found.values()))) - SHORTFALL_WEIGHT * short


def asked_ssim(text: str) -> dict[float, float]:
    """SSIM by SNR in dB, of SNR:SSIM,..."""
    pairs = [pair.split(":") for pair in text.split(",")]
    return {float(snr): float(ssim) for snr, ssim in pairs}


class Measurements:
    """What simulations gave, by what was simulated, in one file from run to run."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values: dict[str, object] = {}
        if path is not None and path.exists():
            self._values = json.loads(path.read_text())

    def get(self, key: str) -> object | None:
        return self._values.get(key)

    def put(self, key: str, value: object) -> None:
        self._values[key] = value

    def save(self) -> None:
        if self._path is not None:
            write_whole(self._path, json.dumps(self._values))


@dataclass(frozen=True)
class Frames:
    """Random frames to be simulated.

    part_bits: of the parts; plain: scheme without protection; frames: at each SNR."""

    part_bits: tuple[int, ...]
    plain: Scheme
    channel: ChannelModel
    snr_db: tuple[float, ...]
    frames: int
    seed: int

    def groups(self, factors: Factors) -> list[Group]:
        """Which parts share transport blocks; raises ParameterError if factors do not fit."""
        blocks = replace(self.plain, protection=factors).transport_blocks(self.part_bits)
        ends = [0, *itertools.accumulate(self.part_bits)]
        cuts = [0, *itertools.accumulate(block.payload_bits for block in blocks)]
        return [(ends.index(start), ends.index(end)) for start, end in itertools.pairwise(cuts)]

    def information(self, factors: Factors) -> NDArray[np.float64]:
        """Information, 0 to 1, in the LLR of a bit of each transport block [SNR, block]."""
        payload = sum(self.part_bits)
        scheme = replace(self.plain, protection=factors)
        link = Link(payload, scheme=scheme, part_bits=self.part_bits)
        blocks = scheme.transport_blocks(self.part_bits)
        cuts = list(itertools.accumulate(block.payload_bits for block in blocks))[:-1]
        bits = np.random.default_rng(self.seed).integers(0, 2, (self.frames, payload), np.uint8)
        symbols = link.modulate(bits)
        found = []
        for snr in self.snr_db:
            seed = derive_seed(self.seed, "random bits", "", str(self.channel), snr, payload)
            llrs = link.receive(symbols, self.channel.open(snr, seed), snr).llrs
            parts = zip(np.split(llrs, cuts, axis=1), np.split(bits, cuts, axis=1), strict=True)
            found.append([information(*part) for part in parts])
        return np.array(found)


class Search:
    """Rates protections by simulated frames and by how good images are, and finds better ones."""

    def __init__(
        self,
        frames: Frames,
        quality: Quality,
        aim: Aim,
        measured: Measurements,
        full: float | None = None,
    ) -> None:
        """full: SNR in dB at which all parts are asked to arrive, one of the aim's."""
        if full in aim.snr_db:
            aim = replace(aim, asked={full: quality.prefixes[-1] - FULL, **aim.asked})
        self._frames = frames
        self._quality = quality
        self._aim = aim
        self._measured = measured
        self._values: dict[Factors, float] = {}

    def promised(self, factors: Factors) -> NDArray[np.float64]:
        """Mean SSIM at each SNR; raises ParameterError if factors do not fit."""
        groups = self._frames.groups(factors)
        settings = [str(getattr(self._frames, field.name)) for field in fields(Frames)]
        key = json.dumps([*settings, factors])
        found = self._measured.get(key)
        if found is None:
            found = np.round(self._frames.information(factors), 5).tolist()
            self._measured.put(key, found)
        return self._quality.promised(groups, np.array(found, np.float64))

    def value(self, factors: Factors) -> float:
        """How good a protection promises to be; minus infinity if it does not fit."""
        if factors not in self._values:
            try:
                self._values[factors] = self._aim.value(self.promised(factors))
            except ParameterError:
                self._values[factors] = -math.inf
        return self._values[factors]

    def climb(self, start: Factors) -> Factors:
        """The best near a protection: from neighbour to neighbour while that is better."""
        best = start
        while True:
            better = max(neighbours(best, len(self._frames.part_bits) - 1), key=self.value)
            if self.value(better) <= self.value(best):
                return best
            best = better

    def best(self) -> list[Factors]:
        """All that were rated, best first."""
        fitting = [factors for factors, value in self._values.items() if value > -math.inf]
        return sorted(fitting, key=self.value, reverse=True)


def neighbours(factors: Factors, most: int) -> Iterator[Factors]:
    """Protections with one group's factor changed, or with one part in another group.

    most: parts with a factor."""
    groups = [list(group) for _, group in itertools.groupby(factors)]
    for number, group in enumerate(groups):
        for ratio in RATIOS:
            step = max(FACTOR_STEP, abs(group[0] * (ratio - 1)))
            changed = round(group[0] + math.copysign(step, ratio - 1), 1)
            if changed >= 1:
                parts = [*groups[:number], [changed] * len(group), *groups[number + 1 :]]
                yield tuple(itertools.chain.from_iterable(parts))
    for number, (one, other) in enumerate(itertools.pairwise(factors)):
        if one != other:
            yield (*factors[:number], other, *factors[number + 1 :])
            yield (*factors[: number + 1], one, *factors[number + 2 :])
        else:  # a group in two
            split = round((one + max(1.0, one / 1.1)) / 2, 1)
            yield (*factors[: number + 1], *(split for _ in factors[number + 1 :]))
    if len(factors) > 1:
        yield factors[:-1]
    if len(factors) < most:
        yield (*factors, factors[-1])
        yield (*factors, round(max(1.0, factors[-1] / 1.2), 1))


def starts(count: int) -> Iterator[Factors]:
    """Protections of so many parts with a factor to begin a search at."""
    for first, ratio in itertools.product((4.0, 5.0, 7.0), (1.0, 0.8, 0.65)):
        yield tuple(round(first * ratio**part, 1) for part in range(min(count, 3)))
        # parts in two groups and the rest
        coarse = min(count, 3)
        finer = [round(max(1.0, first * ratio**1.5), 1)] * max(0, min(count - coarse, 2))
        if finer:
            yield (*([first] * coarse), *finer)


def information(llrs: NDArray[np.float32], bits: NDArray[np.uint8]) -> float:
    """Mean information about the bits in their LLRs, 0 to 1: 1 - E[log2(1 + exp(-LLR))] if 1."""
    right = np.clip(np.where(bits, llrs, -llrs), -_CERTAIN_LLR, _CERTAIN_LLR)
    return float(1 - np.log2(1 + np.exp(-right)).mean())
