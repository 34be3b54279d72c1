# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments that `transmit` and `receive` share."""

from __future__ import annotations

import argparse
from typing import Any

from vqdeepsc.cli.arguments import add_model, add_provider, positive, quantity
from vqdeepsc.link import DEFAULT_PROTECTION, PLAIN, PROFILES


def add_radio(parser: argparse.ArgumentParser) -> None:
    from gnuradio.vqdeepsc.radio.settings import DEFAULT_ADDRESS, RADIOS

    parser.add_argument(
        "--radio",
        required=True,
        choices=RADIOS,
        help="USRP, SoapySDR device, IIO device (Pluto), file of samples, or another process",
    )
    parser.add_argument(
        "--device",
        default="",
        metavar="NAME",
        help="uhd: arguments (type=b200); soapy: arguments (driver=hackrf); iio: URI "
        "(ip:192.168.2.1); file: path (.cf32, .wav, .sigmf-meta ...) or -; zmq: address, "
        f"{DEFAULT_ADDRESS} if none is given",
    )
    parser.add_argument("--frequency", type=quantity, default=0.0, metavar="HZ", help="carrier")
    parser.add_argument(
        "--format",
        default="",
        metavar="NAME",
        help="of the samples of a file, as SigMF calls it: cf32, ci16, cu8, ci16_be ...",
    )
    parser.add_argument(
        "--gain",
        type=float,
        metavar="DB",
        help="as the driver counts it; of an iio transmitter 0 is full power, -89.75 the least "
        "(default: the least when transmitting, 30 when receiving)",
    )
    parser.add_argument("--antenna", default="", metavar="PORT", help="port of the device")
    parser.add_argument(
        "--bandwidth",
        type=quantity,
        default=0.0,
        metavar="HZ",
        help="of the analogue filter, 0: the driver's",
    )
    parser.add_argument(
        "--fft-size", type=positive, default=256, metavar="N", help="carriers of an OFDM symbol"
    )
    parser.add_argument(
        "--cyclic-prefix", type=positive, default=32, metavar="N", help="samples of its guard"
    )
    parser.add_argument(
        "--repeat", type=positive, default=1, metavar="N", help="copies sent of each image"
    )
    parser.add_argument("--images", type=positive, metavar="N", help="end after that many images")
    parser.add_argument(
        "--seconds", type=quantity, default=0.0, help="end after that time, 0: never"
    )
    parser.add_argument("--log", default="", metavar="FILE", help="JSON lines are added to it")
    parser.add_argument(
        "--control",
        default="",
        metavar="ADDRESS",
        help='ZeroMQ address that takes {"gain": 20} and {"frequency": 2.45e9}',
    )
    add_model(parser)
    add_provider(parser)


def add_burst_coding(parser: argparse.ArgumentParser, whose: str = "") -> None:
    parser.add_argument(
        "--bits-per-symbol", type=int, default=4, choices=(2, 4, 6), help=f"QPSK to 64-QAM{whose}"
    )
    parser.add_argument(
        "--code-rate", default="1/3", metavar="RATE", help=f"of the LDPC code{whose}"
    )
    parser.add_argument(
        "--protection",
        default=DEFAULT_PROTECTION,
        metavar="PROFILE",
        help=f"of the coarse scales: {', '.join((PLAIN, *PROFILES))}, or coded bits for each bit "
        "of every scale but the finest, coarse first, such as 6/6/4 (of a progressive model, of "
        "the first of seven parts of a burst), which a receiver has to be told as well "
        "(default: %(default)s)",
    )


def add_burst_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        default="static",
        metavar="NAME",
        help="static, pedestrian or vehicular: how quickly the channel may fade within a burst",
    )


def add_secret(parser: argparse.ArgumentParser, addresses: str) -> None:
    parser.add_argument(
        "--secret",
        default="",
        metavar="FILE",
        help=f"file of 16 bytes or more that both ends have; {addresses} need it beyond this "
        "machine",
    )


def radio_secret(arguments: argparse.Namespace) -> bytes:
    from gnuradio.vqdeepsc.radio.exchange import read_secret

    return read_secret(arguments.secret) if arguments.secret else b""


def radio_settings(arguments: argparse.Namespace, **more: Any) -> Any:
    from gnuradio.vqdeepsc.radio.settings import DEFAULT_SAMPLE_RATE, RadioSettings

    return RadioSettings(
        radio=arguments.radio,
        device=arguments.device,
        frequency=arguments.frequency,
        sample_rate=arguments.sample_rate or DEFAULT_SAMPLE_RATE,
        format=arguments.format,
        gain=arguments.gain,
        antenna=arguments.antenna,
        bandwidth=arguments.bandwidth,
        **more,
    )


def burst_parameters(arguments: argparse.Namespace, **more: Any) -> Any:
    from gnuradio.vqdeepsc.radio.bursts import BurstParameters

    return BurstParameters(
        fft_size=arguments.fft_size,
        cyclic_prefix=arguments.cyclic_prefix,
        bits_per_symbol=arguments.bits_per_symbol,
        code_rate=arguments.code_rate,
        protection=arguments.protection,
        **more,
    )
