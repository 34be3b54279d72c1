# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc receive`: images in from a radio."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from vqdeepsc.cli.arguments import add_max_pixels, quantity, signed_quantity
from vqdeepsc.errors import Error
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
        "--publish", default="", metavar="ADDRESS", help="ZeroMQ address for other programs"
    )
    add_secret(parser, "--publish and --control")
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
    parser.add_argument("--view", action="store_true", help="show the newest image")
    add_burst_coding(parser, " of protected bursts; others name it in their header")


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
        from gnuradio.vqdeepsc.radio.receive import receive
    except ImportError as error:
        raise Error(f"radios need GNU Radio: {error}") from error
    secret = radio_secret(arguments)
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
            on_image=say,
            **listener,
        )
    say(f"{received} images received")
    return 0
