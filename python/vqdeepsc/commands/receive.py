# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc receive`: images in from a radio."""

from __future__ import annotations

import argparse
import re
from contextlib import ExitStack
from dataclasses import replace

from vqdeepsc.cli.arguments import add_max_pixels, positive, quantity, signed_quantity
from vqdeepsc.errors import Error
from vqdeepsc.link import CONSTELLATIONS
from vqdeepsc.messages import say

from .private_state import private_state
from .radio_arguments import (
    add_burst_coding,
    add_radio,
    add_secret,
    burst_parameters,
    radio_secret,
    radio_settings,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the images")
    add_radio(parser)
    parser.add_argument(
        "--sample-rate",
        type=quantity,
        metavar="HZ",
        help="samples per second at which bursts were sent, to which a recording of another rate "
        "is resampled (default: the recording's, or 1M)",
    )
    parser.add_argument(
        "--recording-rate",
        type=quantity,
        metavar="HZ",
        help="of a recording that does not tell its samples per second, or tells it wrongly",
    )
    parser.add_argument(
        "--offset",
        type=signed_quantity,
        default=0.0,
        metavar="HZ",
        help="of the signal from the middle of the samples",
    )
    parser.add_argument(
        "--channel", type=int, default=0, metavar="N", help="of a recording with several, from 0"
    )
    parser.add_argument(
        "--follow", action="store_true", help="wait for more samples at the end of a recording"
    )
    add_max_pixels(parser)
    parser.add_argument(
        "--timeout",
        type=quantity,
        default=3.0,
        metavar="S",
        help="decode an image whose last regions do not come after that time; 0 waits for the next",
    )
    parser.add_argument(
        "--ask",
        default="",
        metavar="ADDRESS",
        help="ask the transmitter at this ZeroMQ address for what is missing (transmit --answer)",
    )
    parser.add_argument(
        "--most-requests",
        type=positive,
        default=3,
        metavar="N",
        help="with --ask: how often for an image",
    )
    parser.add_argument(
        "--ask-after",
        type=quantity,
        default=1.0,
        metavar="S",
        help="with --ask, in place of --timeout: after a silence of that time",
    )
    parser.add_argument(
        "--publish", default="", metavar="ADDRESS", help="ZeroMQ address for other programs"
    )
    add_secret(parser, "--publish, --ask and --control")
    parser.add_argument(
        "--web",
        default="",
        metavar="[HOST:]PORT",
        help="show images and log on a page at this port; HOST 0.0.0.0 lets other machines see it",
    )
    parser.add_argument(
        "--record",
        default="",
        metavar="DIR",
        help="keep the samples of bursts that fail, for `vqdeepsc replay`",
    )
    parser.add_argument(
        "--session",
        type=session,
        default=-1,
        metavar="N",
        help="receive one sender's run alone: its number, or 'first' for the first that is heard",
    )
    parser.add_argument(
        "--formats",
        type=formats,
        default=(),
        metavar="NAME:RATE,...",
        help="receive bursts with these constellations and code rates alone: 16qam:1/3,qpsk:1/2",
    )
    parser.add_argument(
        "--largest-cfo",
        type=float,
        metavar="CYCLES",
        help="frequency offset that is found, in cycles per sample, 0.01 to 0.25 "
        "(default: that of Burst Receiver)",
    )
    parser.add_argument(
        "--no-whitening",
        action="store_true",
        help="leave carriers and other narrow signals in the samples",
    )
    parser.add_argument("--view", action="store_true", help="show the newest image")
    add_burst_coding(parser, " of protected bursts; others name it in their header")


def session(text: str) -> int:
    """The number of a session, as burst_receiver takes it."""
    if text == "first":
        return -2
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not 'first' or a number to 4294967295")
    return int(text)


def formats(text: str) -> tuple[tuple[int, str], ...]:
    """Constellations and code rates, as burst_receiver takes them."""
    pairs = []
    for part in text.split(","):
        name, _, rate = part.partition(":")
        if name not in CONSTELLATIONS or not rate:
            raise argparse.ArgumentTypeError(f"{part!r} is not a format such as 16qam:1/3")
        pairs.append((CONSTELLATIONS[name], rate))
    return tuple(pairs)


def run(arguments: argparse.Namespace) -> int:
    with private_state():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    settings = radio_settings(
        arguments,
        offset=arguments.offset,
        resample=arguments.sample_rate is not None,
        recording_rate=arguments.recording_rate,
        channel=arguments.channel,
        follow=arguments.follow,
    )
    try:
        from gnuradio.vqdeepsc.blocks.requests import Asking
        from gnuradio.vqdeepsc.radio.bursts import Reception
        from gnuradio.vqdeepsc.radio.receive import receive
    except ImportError as error:
        raise Error(f"radios need GNU Radio: {error}") from error
    secret = radio_secret(arguments)
    reception = Reception(arguments.session, arguments.formats, whiten=not arguments.no_whitening)
    if arguments.largest_cfo is not None:
        reception = replace(reception, largest_cfo=arguments.largest_cfo)
    with ExitStack() as stack:
        listener = {}
        if arguments.web:
            from gnuradio.vqdeepsc.radio.web import WebPage

            page = stack.enter_context(WebPage(arguments.web))
            say(f"the page is at {page.url}")
            listener["on_event"] = page.add
        received = receive(
            arguments.output,
            settings,
            arguments.model,
            burst_parameters(arguments),
            copies=arguments.repeat,
            timeout=arguments.timeout,
            max_pixels=arguments.max_pixels,
            provider=arguments.provider,
            limit=arguments.images or 0,
            log=arguments.log,
            publish=arguments.publish,
            control=arguments.control,
            secret=secret,
            seconds=arguments.seconds,
            view=arguments.view,
            record=arguments.record,
            reception=reception,
            ask=arguments.ask,
            asking=Asking(arguments.most_requests, arguments.ask_after),
            on_image=say,
            **listener,
        )
    say(f"{received} images received")
    return 0
