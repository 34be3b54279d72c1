# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that a user sets in place of the defaults of vqdeepsc.limits."""

from __future__ import annotations

import os
import re

from vqdeepsc.errors import Error

VARIABLE = "VQDEEPSC_LIMITS"
"""Of the environment: limits that are not the defaults, as NAME=N,NAME=N."""

_HIGHEST = 10**15
_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


class LimitError(Error):
    """A limit that is not known or out of range, in one sentence."""


def parse_limits(text: str) -> dict[str, int]:
    """The numbers of NAME=N,NAME=N, where N is an integer that k, M or G may follow.

    Raises LimitError for another text, and for numbers beyond 1 to 10^15."""
    limits = {}
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"([a-z-]+)=([0-9]{1,16})([kMG]?)", part)
        if not found:
            raise LimitError(f"the limit {part!r} is not NAME=N, such as members=2M")
        name, digits, factor = found.groups()
        limits[name] = int(digits) * _FACTORS[factor]
        if not 1 <= limits[name] <= _HIGHEST:
            raise LimitError(f"the limit {part!r} must be 1 to {_HIGHEST:,}")
    return limits


class Limit(int):
    """The number of a limit: as the environment says, or the default."""

    name: str
    default: int

    def __new__(cls, name: str, default: int) -> Limit:
        changed = parse_limits(os.environ.get(VARIABLE, ""))
        limit = super().__new__(cls, changed.get(name, default))
        limit.name, limit.default = name, default
        return limit


def check_names(known: set[str]) -> None:
    """Raises LimitError where the environment names a limit that is not known."""
    unknown = set(parse_limits(os.environ.get(VARIABLE, ""))) - known
    if unknown:
        raise LimitError(
            f"there is no limit {', '.join(sorted(unknown))}, only {', '.join(sorted(known))}"
        )


def allowed(maximum: int, unit: str = "") -> str:
    """The part of a sentence about what is more than a maximum, and how to allow more."""
    number = f"{int(maximum):,} {unit}".rstrip()
    return f"more than the {number} allowed{option(maximum)}"


def option(maximum: int) -> str:
    """How to change a maximum, if it has a name."""
    return f" (--limit {maximum.name})" if isinstance(maximum, Limit) else ""
