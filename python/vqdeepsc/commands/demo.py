# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc demo`: an image over a flowgraph, beside a JPEG."""

from __future__ import annotations

import argparse
from pathlib import Path

from vqdeepsc.cli.arguments import SCHEME_HELP, add_json, add_model, seed
from vqdeepsc.cli.output import print_json, print_summary
from vqdeepsc.errors import Error
from vqdeepsc.link import DEFAULT_PROTECTION
from vqdeepsc.messages import say

from .private_state import private_state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image", metavar="IMAGE", help="image file of any kind (default: a photograph)"
    )
    parser.add_argument("--output", default="demo", metavar="DIR", help="folder for the results")
    add_model(parser)
    parser.add_argument(
        "--channel", default="awgn", metavar="KIND", help="awgn, rayleigh, rician or rician:FACTOR"
    )
    parser.add_argument(
        "--snr", default="10,4,3,2,1,0", metavar="DB", help="mean Es/N0 in dB: A,B,C"
    )
    parser.add_argument("--scheme", default=DEFAULT_PROTECTION, metavar="SCHEME", help=SCHEME_HELP)
    parser.add_argument("--seed", type=seed, default=0, help="of all noise and fading")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    with private_state():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.images.sample import sample_image
    from vqdeepsc.link import ChannelModel, Scheme
    from vqdeepsc.simulation.plan import parse_snr
    from vqdeepsc.simulation.results import summarise

    channel = ChannelModel.parse(arguments.channel)
    snr_db = parse_snr(arguments.snr)
    scheme = Scheme.parse(arguments.scheme)
    output = Path(arguments.output)
    try:
        from gnuradio.vqdeepsc.demonstration import run_demonstration
    except ImportError as error:
        raise Error(f"the demonstration needs GNU Radio: {error}") from error
    results = run_demonstration(
        arguments.image or sample_image(),
        output,
        arguments.model,
        channel,
        snr_db,
        arguments.seed,
        scheme,
    )
    groups = summarise(results)
    if arguments.json:
        print_json({"output": str(output), "results": [group.to_json() for group in groups]})
    else:
        print_summary(groups)
        say(f"sent.png, received.png, panel.png and results.csv are in {output}")
    return 0
