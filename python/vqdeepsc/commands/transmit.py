# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc transmit`: images out over a radio."""

from __future__ import annotations

import argparse

from vqdeepsc.cli.arguments import (
    add_budget,
    add_search,
    add_strict,
    budget_settings,
    positive,
    quantity,
    search_settings,
)
from vqdeepsc.errors import Error
from vqdeepsc.messages import say

from .private_state import private_state
from .radio_arguments import (
    add_burst_coding,
    add_burst_profile,
    add_radio,
    add_secret,
    burst_parameters,
    radio_secret,
    radio_settings,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="IMAGE", help="image files, folders or .tar archives"
    )
    parser.add_argument(
        "--camera", metavar="NUMBER", help="camera, or path of a video, in place of images"
    )
    parser.add_argument(
        "--subscribe", metavar="ADDRESS", help="ZeroMQ address that publishes images"
    )
    parser.add_argument(
        "--answer",
        default="",
        metavar="ADDRESS",
        help="ZeroMQ address where receivers ask for what is missing of an image (receive --ask)",
    )
    parser.add_argument(
        "--kept-images",
        type=positive,
        default=16,
        metavar="N",
        help="with --answer: how many of the last images they may ask for",
    )
    parser.add_argument(
        "--answer-seconds",
        type=quantity,
        default=10.0,
        metavar="S",
        help="with --answer: how long after the last burst they may ask",
    )
    add_secret(parser, "--subscribe, --answer and --control")
    parser.add_argument("--loop", action="store_true", help="send the files over and over")
    parser.add_argument(
        "--interval", type=quantity, default=0.0, metavar="S", help="seconds between images"
    )
    parser.add_argument(
        "--side", type=positive, metavar="N", help="cut the centre of images to NxN pixels"
    )
    add_strict(parser)
    parser.add_argument(
        "--first-image",
        type=int,
        default=-1,
        metavar="N",
        help="number of the first image, 0 to 65535, or -1 for a random one",
    )
    parser.add_argument(
        "--session",
        type=int,
        default=-1,
        metavar="N",
        help="number of this run, 0 to 4294967295, or -1 for a random one; receivers put "
        "images together from bursts of one session",
    )
    add_search(parser)
    add_budget(parser).add_argument(
        "--image-seconds",
        type=quantity,
        default=0.0,
        metavar="S",
        help="time on the air that each image takes at most, with all its copies; 0: any",
    )
    parser.add_argument(
        "--frame-bits",
        type=positive,
        default=0,
        metavar="N",
        help="source bits of a burst of a progressive model, 64 to 65535; 0: those of a region",
    )
    add_radio(parser)
    parser.add_argument(
        "--sample-rate", type=quantity, default=1e6, metavar="HZ", help="samples per second"
    )
    add_burst_coding(parser)
    add_burst_profile(parser)
    parser.add_argument(
        "--amplitude",
        type=float,
        default=0.2,
        help="root mean square of the samples; peaks are cut at 1, the converter's full scale",
    )
    parser.add_argument(
        "--gap", type=int, default=1000, metavar="N", help="zeros between bursts (file, zmq)"
    )


def run(arguments: argparse.Namespace) -> int:
    with private_state():
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    settings = radio_settings(arguments, gap=arguments.gap)
    try:
        from gnuradio.vqdeepsc.radio.asking import Answering
        from gnuradio.vqdeepsc.radio.exchange import ImageSubscriber
        from gnuradio.vqdeepsc.radio.sources import camera, image_sources
        from gnuradio.vqdeepsc.radio.transmit import transmit
    except ImportError as error:
        raise Error(f"radios need GNU Radio: {error}") from error
    secret = radio_secret(arguments)
    sources = (bool(arguments.paths), arguments.camera is not None, bool(arguments.subscribe))
    if sum(sources) != 1:
        raise Error("name images, or a camera, or an address to subscribe to")
    if arguments.paths:
        images = image_sources(arguments.paths, arguments.loop, arguments.strict)
    elif arguments.camera is not None:
        images = camera(arguments.camera)
    else:
        images = iter(ImageSubscriber(arguments.subscribe, secret))
    outcome = transmit(
        images,
        settings,
        arguments.model,
        burst_parameters(
            arguments,
            amplitude=arguments.amplitude,
            profile=arguments.profile,
            frame_bits=arguments.frame_bits,
        ),
        interval=arguments.interval,
        copies=arguments.repeat,
        first_image=arguments.first_image,
        session=arguments.session,
        search=search_settings(arguments),
        budget=budget_settings(arguments),
        image_seconds=arguments.image_seconds,
        provider=arguments.provider,
        answering=Answering(arguments.answer, arguments.kept_images, arguments.answer_seconds),
        limit=arguments.images or 0,
        side=arguments.side or 0,
        log=arguments.log,
        control=arguments.control,
        secret=secret,
        seconds=arguments.seconds,
        on_image=say,
    )
    say(f"{outcome.sent} images sent")
    return 2 if outcome.missing else 0
