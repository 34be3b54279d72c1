# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver asks a sender for: the blocks of an image that did not arrive, and no others.

A request names the session and the number of an image, and runs of its blocks of 16x16 pixels in
the order in which frames carry them; for each run it says which redundancy versions came and could
not be decoded. As a message of GNU Radio it is a dictionary with the integers ``session`` and
``image`` and a u32vector ``missing`` with three values for each run: its first block, its blocks,
and the versions, 2 to the power of each one summed. As JSON it is an object with the same names,
where ``missing`` is an array of [first block, blocks, [versions]].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pmt

from vqdeepsc.errors import Error, ParameterError
from vqdeepsc.limits import MAXIMUM_MESSAGE_BYTES, MAXIMUM_REQUEST_RUNS
from vqdeepsc.messages import from_json, to_json

from .frames import IMAGE_IDS, REDUNDANCY_VERSIONS, SESSIONS

_BLOCKS = 1 << 24  # what the first block of a burst's header can say
_MASKS = 1 << len(REDUNDANCY_VERSIONS)
_FIELDS = {"session", "image", "missing"}


class RequestError(Error):
    """A message that is no request, in one sentence."""


class Missing(NamedTuple):
    """Blocks that did not arrive, and in which redundancy versions they came with errors."""

    first_block: int
    blocks: int
    versions: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """The block behind them."""
        return self.first_block + self.blocks


@dataclass(frozen=True)
class Request:
    """What is missing of an image, in ascending order; raises RequestError for what cannot be.

    session: 0 to 2^32 - 1; image: 0 to 65,535; missing: 1 to MAXIMUM_REQUEST_RUNS runs."""

    session: int
    image: int
    missing: tuple[Missing, ...]

    def __post_init__(self) -> None:
        _check(self.session, "session", 0, SESSIONS - 1)
        _check(self.image, "image", 0, IMAGE_IDS - 1)
        _check_count(len(self.missing))
        end = 0
        for run in self.missing:
            _check(run.first_block, "first block", end, _BLOCKS - 1)
            _check(run.blocks, "number of blocks", 1, _BLOCKS - run.first_block)
            if list(run.versions) != sorted(set(run.versions) & set(REDUNDANCY_VERSIONS)):
                raise RequestError("a request names redundancy versions in ascending order")
            end = run.end

    def to_pmt(self) -> pmt.pmt_base:
        """The request as a dictionary of GNU Radio."""
        dictionary = pmt.make_dict()
        for key in ("session", "image"):
            value = pmt.from_long(getattr(self, key))
            dictionary = pmt.dict_add(dictionary, pmt.intern(key), value)
        values = [
            value
            for run in self.missing
            for value in (run.first_block, run.blocks, sum(1 << v for v in run.versions))
        ]
        missing = pmt.init_u32vector(len(values), values)
        return pmt.dict_add(dictionary, pmt.intern("missing"), missing)

    @classmethod
    def from_pmt(cls, message: pmt.pmt_base) -> Request:
        """The inverse of to_pmt(); raises RequestError for any other message."""
        if not pmt.is_dict(message):
            raise RequestError("a request is a dictionary")
        missing = pmt.dict_ref(message, pmt.intern("missing"), pmt.PMT_NIL)
        if not pmt.is_u32vector(missing) or pmt.length(missing) % 3:
            raise RequestError("a request has a u32vector 'missing' with three values for each run")
        _check_count(pmt.length(missing) // 3)
        values = pmt.u32vector_elements(missing)
        runs = tuple(map(_from_mask, *(values[i::3] for i in range(3))))
        return cls(_integer(message, "session"), _integer(message, "image"), runs)

    def to_json(self) -> str:
        """The request as JSON (RFC 8259), in one line."""
        missing = [[run.first_block, run.blocks, list(run.versions)] for run in self.missing]
        return to_json({"session": self.session, "image": self.image, "missing": missing})

    @classmethod
    def from_json(cls, text: bytes) -> Request:
        """The inverse of to_json(); raises RequestError for any other text."""
        if len(text) > MAXIMUM_MESSAGE_BYTES:
            raise RequestError(f"a request has at most {int(MAXIMUM_MESSAGE_BYTES):,} bytes")
        try:
            content = from_json(text)
        except ValueError as error:
            raise RequestError("a request is JSON") from error
        if not isinstance(content, dict) or set(content) != _FIELDS:
            raise RequestError("a request is an object with session, image and missing")
        missing = content["missing"]
        if not isinstance(missing, list):
            raise RequestError("a request has an array 'missing'")
        _check_count(len(missing))
        return cls(content["session"], content["image"], tuple(map(_from_array, missing)))


def _check(value: Any, name: str, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RequestError(f"the {name} of a request must be {low} to {high}")


def _check_count(runs: int) -> None:
    if not 1 <= runs <= MAXIMUM_REQUEST_RUNS:
        raise RequestError(f"a request names 1 to {int(MAXIMUM_REQUEST_RUNS)} runs, not {runs}")


def _integer(dictionary: pmt.pmt_base, key: str) -> int:
    value = pmt.dict_ref(dictionary, pmt.intern(key), pmt.PMT_NIL)
    if not pmt.is_integer(value):
        raise RequestError(f"a request has an integer '{key}'")
    number: int = pmt.to_long(value)
    return number


def _from_mask(first_block: int, blocks: int, mask: int) -> Missing:
    if mask >= _MASKS:
        raise RequestError(f"a request has {mask} in place of redundancy versions")
    return Missing(
        first_block, blocks, tuple(v for v in sorted(REDUNDANCY_VERSIONS) if mask >> v & 1)
    )


def _from_array(run: Any) -> Missing:
    lists = isinstance(run, list) and len(run) == 3 and isinstance(run[2], list)
    if not lists or len(run[2]) > len(REDUNDANCY_VERSIONS):
        raise RequestError("a run of a request is [first block, blocks, [versions]]")
    for version in run[2]:
        _check(version, "redundancy version", 0, len(REDUNDANCY_VERSIONS) - 1)
    return Missing(run[0], run[1], tuple(run[2]))


def next_version(arrived: Sequence[int]) -> int:
    """The redundancy version that brings most to who has received these; 0 for who has none."""
    return next((v for v in REDUNDANCY_VERSIONS if v not in arrived), REDUNDANCY_VERSIONS[0])


@dataclass(frozen=True)
class Asking:
    """When a receiver asks: most_requests for an image, 0 for never.

    ask_after: seconds of silence of the sender after which it asks, and after the last request the
    image is decoded as it is. Raises ParameterError for values out of range."""

    most_requests: int = 0
    ask_after: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.most_requests <= 100:
            raise ParameterError(f"most_requests is {self.most_requests}, but must be 0 to 100")
        if not 0.01 <= self.ask_after <= 3600:
            raise ParameterError(f"ask_after is {self.ask_after} s, but must be 0.01 to 3600")


NO_ASKING = Asking()
