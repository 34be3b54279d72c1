# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc receive`: images in from a radio."""

from __future__ import annotations

import argparse

from vqdeepsc.cli.arguments import add_max_pixels, quantity, signed_quantity
from vqdeepsc.errors import Error
from vqdeepsc.messages import say

from .private_state import private_state
from .radio_arguments import (
    add_burst_coding,
    add_radio,
    add_secret,
    radio_secret,
    radio_settings,
    radio_transport_blocks,
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
        from gnuradio.vqdeepsc.blocks.image_folder import ImageFolder
        from gnuradio.vqdeepsc.radio.exchange import ImagePublisher
        from gnuradio.vqdeepsc.radio.receive import Receiver, image_receiver, receive
        from gnuradio.vqdeepsc.radio.session import EventLog
    except ImportError as error:
        raise Error(f"radios need GNU Radio: {error}") from error
    secret = radio_secret(arguments)
    folder = ImageFolder(arguments.output)
    burst = {
        "fft_size": arguments.fft_size,
        "cyclic_prefix": arguments.cyclic_prefix,
        "transport_blocks": radio_transport_blocks(arguments),
    }
    with EventLog(arguments.log) as log:
        publisher = ImagePublisher(arguments.publish, secret) if arguments.publish else None
        try:
            decoder = image_receiver(
                folder,
                log,
                publisher,
                on_image=say,
                limit=arguments.images or 0,
                model=arguments.model,
                copies=arguments.repeat,
                timeout=arguments.timeout,
                max_pixels=arguments.max_pixels,
            )
            received = receive(
                Receiver(settings, decoder, burst),
                log,
                control=arguments.control,
                secret=secret,
                seconds=arguments.seconds,
                view=arguments.view,
            )
        finally:
            if publisher:
                publisher.close()
    say(f"{received} images received")
    if decoder.unwritten:
        raise Error(
            f"{decoder.unwritten} of {received} images could not be written to "
            f"{arguments.output}: {decoder.write_error}"
        )
    return 0
