# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments that several subcommands have."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING

from vqdeepsc.codec import DEFAULT_MODEL
from vqdeepsc.codec.providers import DEFAULT_PROVIDER, PROVIDERS
from vqdeepsc.limits import MAXIMUM_PIXELS, MAXIMUM_SEARCH_SECONDS, MAXIMUM_SIDE
from vqdeepsc.link.protection import PLAIN, PROFILES

if TYPE_CHECKING:
    from vqdeepsc.allocation import Budget
    from vqdeepsc.images.search import Search

_MAXIMUM_COUNT = 10**6

SCHEME_HELP = (
    "CONSTELLATION[@SYMBOLS][/PROTECTION...]: qpsk, 16qam, 64qam or 256qam, symbols of each "
    "128x128 region (as many as 16-QAM at rate 1/3), coded bits for each bit of every scale but "
    "the finest, coarse first (of a progressive model, of the first of seven parts of a frame), or "
    f"a profile by name ({', '.join((PLAIN, *PROFILES))}); a profile "
    "alone is one of 16qam"
)


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name or directory of the model")


def add_provider(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--provider",
        default=DEFAULT_PROVIDER,
        metavar="NAME[:PRECISION]",
        help=f"what the networks run on: {', '.join(PROVIDERS)}, if the onnxruntime that is "
        "installed has it; openvino also in bfloat16 and float16",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_search(parser: argparse.ArgumentParser) -> None:
    """Options that `search_settings` reads."""
    parser.add_argument(
        "--search",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="search for better indices: processor time for each region; 0 for none",
    )
    parser.add_argument(
        "--search-steps",
        type=positive,
        default=0,
        metavar="N",
        help="search for N steps instead, which gives the same bits on every run",
    )
    parser.add_argument(
        "--search-for",
        choices=("psnr", "ssim", "both"),
        default="both",
        help="what the search makes better",
    )


def search_settings(arguments: argparse.Namespace) -> Search:
    from vqdeepsc.images.search import Search

    return Search(arguments.search, arguments.search_for, arguments.search_steps)


def add_budget(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Options that `budget_settings` reads; returns the group, for others in place of them."""
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--bits-per-pixel",
        type=quantity,
        default=0.0,
        metavar="BITS",
        help="source bits for each pixel, given to the parts of the image that gain most by them; "
        "of progressive models; 0: all bits that the model has",
    )
    budget.add_argument(
        "--quality",
        type=quantity,
        default=0.0,
        metavar="DB",
        help="as few bits as give this PSNR, or all where none do; 0: all bits",
    )
    return budget


def budget_settings(arguments: argparse.Namespace, bits: int = 0) -> Budget:
    """bits: of the image, where another option says them."""
    from vqdeepsc.allocation import Budget

    return Budget(arguments.bits_per_pixel, bits, arguments.quality)


def above_zero(text: str) -> float:
    """A number above 0."""
    value = quantity(text)
    if not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return value


def add_strict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--strict", action="store_true", help="refuse images that were cut short")


def add_max_pixels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-pixels",
        type=pixels,
        default=_shortest(MAXIMUM_PIXELS),
        metavar="N",
        help="refuse images of more pixels",
    )


def _shortest(number: int) -> str:
    return str(number) if number % 10**6 else f"{number // 10**6}M"


def pixels(text: str) -> int:
    number = quantity(text)
    if not (1 <= number <= MAXIMUM_SIDE**2 and number.is_integer()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of pixels from 1 to {MAXIMUM_SIDE**2:,}, such as 12M"
        )
    return int(number)


def positive(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= _MAXIMUM_COUNT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAXIMUM_COUNT:,}")
    return int(text)


def seconds(text: str) -> float:
    value = quantity(text)
    if value > MAXIMUM_SEARCH_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds up to {MAXIMUM_SEARCH_SECONDS}"
        )
    return value


def seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 2^64 - 1")
    return int(text)


def signed_quantity(text: str) -> float:
    """A quantity that may be below 0."""
    return -quantity(text[1:]) if text.startswith("-") else quantity(text)


def quantity(text: str) -> float:
    """A number with k, M or G behind it: 2.45G, 433.92M, 1e6."""
    factors = {"k": 1e3, "M": 1e6, "G": 1e9}
    number, factor = (text[:-1], factors[text[-1]]) if text[-1:] in factors else (text, 1.0)
    try:
        value = float(number) * factor
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e12:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 2.45G, 433.92M or 1e6")
    return value
