# SPDX-License-Identifier: GPL-3.0-or-later
"""Which protections of a frame's parts promise most, from measurements of blocks and of images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from block_errors import DELIVERED, BlockErrors
from numpy.typing import NDArray
from vqdeepsc.link import TransportBlock

FACTOR_STEP = 0.1

Group = tuple[int, int]
"""The first part of a transport block, and the part after its last one."""


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


@dataclass(frozen=True)
class Candidate:
    """Coded bits for each bit of the first parts, and the mean SSIM that measurements promise."""

    factors: tuple[float, ...]
    promised: float


def groupings(count: int) -> Iterator[list[Group]]:
    """All ways to join neighbours among so many parts."""
    for size in range(count):
        for cuts in itertools.combinations(range(1, count), size):
            yield list(itertools.pairwise((0, *cuts, count)))


class Search:
    """Rates protections of frames of such parts and coded bits."""

    def __init__(
        self,
        part_bits: Sequence[int],
        coded_bits: int,
        quality: Quality,
        errors: BlockErrors,
        snr_db: Sequence[float],
        full: float,
        step_db: float = 0.5,
    ) -> None:
        """snr_db: over which the mean is; full: SNR in dB at which all parts arrive; step_db:
        between the SNRs from which blocks may arrive."""
        self._part_bits = part_bits
        self._coded_bits = coded_bits
        self._quality = quality
        self._errors = errors
        self._snr_db = snr_db
        self._full = full
        self._levels = np.arange(full, min(snr_db) - 0.01, -step_db)
        self._tables: dict[tuple[Group, int], tuple[list[int], NDArray[np.float64]]] = {}

    def payload(self, group: Group) -> int:
        """Payload bits of a group."""
        return sum(self._part_bits[slice(*group)])

    def delivers(self, blocks: Sequence[TransportBlock]) -> bool:
        """Whether all transport blocks arrive at the SNR `full`."""
        last_of = [0] * (len(blocks) - 1) + [self._coded_bits]
        return all(
            self._errors.measured(block, self._full, last).failed <= DELIVERED
            for block, last in zip(blocks, last_of, strict=True)
        )

    def candidates(self) -> list[Candidate]:
        """All protections with a block arriving from one of the levels on, best first."""
        best: dict[tuple[float, ...], float] = {}
        for groups in groupings(len(self._part_bits)):
            tables = [self._table(group) for group in groups[:-1]]
            for chosen in itertools.combinations(range(len(self._levels)), len(tables)):
                levels = chosen[::-1]  # the finer, the later
                factors = [
                    rounded_up(table[0][level] / self.payload(group))
                    for group, table, level in zip(groups[:-1], tables, levels, strict=True)
                ]
                used = sum(
                    factor * self.payload(group)
                    for group, factor in zip(groups[:-1], factors, strict=True)
                )
                if not self._errors.has_room(used, self._coded_bits):
                    continue
                last = self._last(groups[-1], self._coded_bits - used)
                if last is None:
                    continue
                information = [table[1][level] for table, level in zip(tables, levels, strict=True)]
                key = tuple(
                    factor
                    for factor, (start, end) in zip(factors, groups[:-1], strict=True)
                    for _ in range(start, end)
                )
                value = self._promised(groups, [*information, last])
                best[key] = max(value, best.get(key, 0.0))
        return sorted((Candidate(*item) for item in best.items()), key=lambda one: -one.promised)

    def _table(self, group: Group, last_of: int = 0) -> tuple[list[int], NDArray[np.float64]]:
        """Coded bits with which a group arrives at each level, and information [level, SNR].

        last_of: coded bits of the frame whose last group it is, else 0."""
        if (group, last_of) not in self._tables:
            payload = self.payload(group)
            coded = [
                self._errors.least_coded_bits(payload, float(level), self._coded_bits, last_of)
                for level in self._levels
            ]
            information = [
                [
                    self._errors.measured(TransportBlock(payload, bits), snr, last_of).information
                    for snr in self._snr_db
                ]
                for bits in coded
            ]
            self._tables[group, last_of] = coded, np.array(information)
        return self._tables[group, last_of]

    def _last(self, group: Group, left: float) -> NDArray[np.float64] | None:
        """Information of the last group in so many coded bits; None: too few."""
        coded, information = self._table(group, self._coded_bits)
        if left < coded[0]:
            return None
        return np.array(
            [np.interp(math.log(left), np.log(coded), column) for column in information.T]
        )

    def _promised(
        self, groups: Sequence[Group], information: Sequence[NDArray[np.float64]]
    ) -> float:
        """Mean SSIM; what lies on errors is worth less."""
        prefixes = self._quality.prefixes
        value = np.full(len(self._snr_db), prefixes[0])
        weight = np.ones(len(self._snr_db))
        for group, known in zip(groups, information, strict=True):
            weight = weight * self._quality.gained(group, known)
            value = value + weight * (prefixes[group[1]] - prefixes[group[0]])
        return float(value.mean())


def rounded_up(factor: float) -> float:
    """A factor to one digit behind the point, not smaller."""
    return round(math.ceil(factor / FACTOR_STEP - 1e-9) * FACTOR_STEP, 1)


def neighbours(factors: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
    """Protections with one group's factor up or down by about a twentieth."""
    groups = [list(group) for _, group in itertools.groupby(factors)]
    for number, group in enumerate(groups):
        for ratio in (1.06, 1 / 1.06):
            step = max(FACTOR_STEP, abs(group[0] * (ratio - 1)))
            changed = round(group[0] + math.copysign(step, ratio - 1), 1)
            if changed >= 1:
                parts = [*groups[:number], [changed] * len(group), *groups[number + 1 :]]
                yield tuple(itertools.chain.from_iterable(parts))
