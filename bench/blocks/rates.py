# SPDX-License-Identifier: GPL-3.0-or-later
"""What benchmarks of speed share: rates in processor time, and their arguments."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from gnuradio import gr
from vqdeepsc.kernels import instruction_sets

_WARM_UP_SECONDS = 0.2


def call_rate(call: Callable[[], Any], items: int, seconds: float, repeats: int) -> float:
    """Median million items per second of a call that handles so many, in time of its thread."""
    call()
    rates = []
    for _ in range(repeats):
        calls = 0
        start = time.thread_time()
        while (elapsed := time.thread_time() - start) < seconds:
            call()
            calls += 1
        rates.append(calls * items / elapsed / 1e6)
    return statistics.median(rates)


def flowgraph_rate(
    build: Callable[[gr.top_block], Callable[[], int]], seconds: float, repeats: int
) -> float:
    """Median million items per second of a flowgraph, in processor time of all its threads.

    build: fills it and returns what counts the items."""
    rates = []
    for _ in range(repeats):
        top = gr.top_block()
        count = build(top)
        top.start()
        time.sleep(_WARM_UP_SECONDS)
        first, start = count(), time.process_time()
        time.sleep(seconds)
        last, end = count(), time.process_time()
        top.stop()
        top.wait()
        rates.append((last - first) / (end - start) / 1e6)
    return statistics.median(rates)


def rate_parser(description: str, seconds: float, repeats: int) -> argparse.ArgumentParser:
    """A parser with --seconds, --repeats and --json."""
    parser = argparse.ArgumentParser(
        description=description.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=seconds, help="length of one measurement")
    parser.add_argument("--repeats", type=int, default=repeats, help="measurements for each median")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    return parser


def add_choices(parser: argparse.ArgumentParser, option: str, choices: list[str]) -> None:
    """An option of which of the choices to measure, all unless it is given."""
    name = option.removeprefix("--").replace("-", " ")
    parser.add_argument(option, nargs="+", choices=choices, default=choices, help=name)


def add_instruction_sets(parser: argparse.ArgumentParser) -> None:
    add_choices(parser, "--instruction-sets", instruction_sets())
