# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc replay`: bursts that failed, received again."""

from __future__ import annotations

import argparse

from vqdeepsc.cli.arguments import add_json
from vqdeepsc.cli.output import print_json
from vqdeepsc.errors import Error
from vqdeepsc.messages import say

from .private_state import private_state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", metavar="DIR", help="folders of receive --record, or .sigmf-meta files"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    with private_state():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    try:
        from gnuradio.vqdeepsc.radio.replay import replay
    except ImportError as error:
        raise Error(f"bursts need GNU Radio: {error}") from error
    bursts = []
    for burst in replay(arguments.paths):
        bursts.append(burst)
        if not arguments.json:
            say(burst.sentence())
    received = sum(burst.is_received for burst in bursts)
    if arguments.json:
        rows = [
            {"file": str(burst.path), "before": burst.before, "now": burst.now} for burst in bursts
        ]
        print_json({"bursts": rows, "received": received})
    else:
        say(f"{received} of {len(bursts)} bursts are received now")
    return 0
