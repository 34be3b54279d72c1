# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `vqdeepsc`: one subcommand for each entry of SUBCOMMANDS."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from .codec import (
    DEFAULT_MODEL,
    BundleError,
    Codec,
    list_models,
    read_manifest,
)

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE

_SCHEME_HELP = (
    "CONSTELLATION[@SYMBOLS][/PROTECTION...]: qpsk, 16qam, 64qam or 256qam, symbols of each "
    "128x128 region (as many as 16-QAM at rate 1/3), coded bits for each bit of every scale but "
    "the finest, coarse first"
)


@dataclass(frozen=True)
class Subcommand:
    """A subcommand: one line of help, its arguments, and what it does (returns the exit status)."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line `argv` (None: that of the process) and returns the exit status.

    0; 2 for bad input, with one sentence on stderr; 130 after Ctrl-C."""
    try:
        arguments = build_parser().parse_args(_join_negative(argv))
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # nobody reads any more; the interpreter would complain when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenProcessPool:
        return _fail("a worker process ended unexpectedly; finished rows are kept")
    except MemoryError:
        return _fail("there is not enough memory")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}")
    except ValueError as error:
        return _fail(str(error))


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands; `run` of its result takes the result."""
    parser = _Parser(
        prog="vqdeepsc", description="Pictures over bad radio channels, and how good they arrive."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, subcommand in SUBCOMMANDS.items():
        child = commands.add_parser(
            name,
            help=subcommand.help,
            description=subcommand.help,
            formatter_class=_HelpFormatter,
        )
        child.pending_arguments = subcommand.add_arguments
        child.set_defaults(run=subcommand.run)
    return parser


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong.

    A subcommand's arguments are added when it is used, so that none loads what another one needs.
    """

    pending_arguments: Callable[[argparse.ArgumentParser], None] | None = None

    def parse_known_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if self.pending_arguments:
            self.pending_arguments(self)
            self.pending_arguments = None
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {message} (try {self.prog} --help)\n")


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not that something is required or off."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        default = action.default
        if action.required or default is None or default is False or default in ([], ""):
            return action.help
        if isinstance(default, list):
            return f"{action.help} (default: {' '.join(default)})"
        return super()._get_help_string(action)


def _join_negative(argv: Sequence[str] | None) -> list[str]:
    """argparse takes the -2:10:2 of `--snr -2:10:2` for an option, but not in `--snr=-2:10:2`."""
    joined: list[str] = []
    for argument in sys.argv[1:] if argv is None else argv:
        if joined and joined[-1] == "--snr" and re.match(r"-[\d.]", argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _fail(sentence: str) -> int:
    print(f"vqdeepsc: {sentence}", file=sys.stderr)
    return EXIT_BAD_INPUT


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name or directory of the model")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10**6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 2^64 - 1")
    return int(text)


def _add_encode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("picture", metavar="PICTURE", help="picture file of any kind")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="file to write")
    _add_model(parser)
    _add_json(parser)


def _encode(arguments: argparse.Namespace) -> int:
    from .picture_code import PictureCode, write_code
    from .pictures import load_picture

    pixels = load_picture(arguments.picture)
    codec = Codec(arguments.model)
    height, width = pixels.shape[:2]
    code = PictureCode(codec.model_id, width, height, codec.encode_bits(pixels))
    size = write_code(arguments.output, code)
    report = {
        "model": codec.name,
        "model_id": f"{codec.model_id:04x}",
        "width": width,
        "height": height,
        "regions": len(code.bits),
        "source_bits": code.bits.size,
        "bytes": size,
    }
    if arguments.json:
        _print_json(report)
    else:
        print(
            "{output}: {width}x{height} pixels, {regions} regions, {source_bits:,} bits, model "
            "{model}".format(output=arguments.output, **report)
        )
    return 0


def _add_decode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="file that `vqdeepsc encode` wrote")
    parser.add_argument(
        "-o", "--output", metavar="PICTURE", required=True, help="picture to write (.png, .jpg ...)"
    )
    parser.add_argument(
        "--model", help="name or directory of the model (default: the one that wrote the file)"
    )
    _add_json(parser)


def _decode(arguments: argparse.Namespace) -> int:
    from .picture_code import CodeFileError, read_code
    from .pictures import check_suffix, save_picture

    check_suffix(arguments.output)
    code = read_code(arguments.file)
    codec = Codec(arguments.model or _model_with_id(code.model_id, arguments.file))
    if codec.model_id != code.model_id:
        raise CodeFileError(
            f"{arguments.file} needs the codebooks {code.model_id:04x}, "
            f"model {codec.name} has {codec.model_id:04x}"
        )
    if code.bits.shape[1] != codec.bits_per_region:
        raise CodeFileError(
            f"{arguments.file} has {code.bits.shape[1]} bits in a region, "
            f"model {codec.name} {codec.bits_per_region}"
        )
    save_picture(arguments.output, codec.decode_bits(code.bits, code.width, code.height))
    report = {"model": codec.name, "width": code.width, "height": code.height}
    if arguments.json:
        _print_json(report)
    else:
        print(f"{arguments.output}: {code.width}x{code.height} pixels, model {codec.name}")
    return 0


def _model_with_id(model_id: int, file: str) -> Path:
    for path in list_models():
        try:
            if read_manifest(path).model_id == model_id:
                return path
        except BundleError:
            continue  # a damaged model elsewhere does not concern this file
    raise BundleError(f"{file} needs a model with the codebooks {model_id:04x}, which is not here")


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    from .baselines import BASELINES
    from .simulation import DECISIONS

    parser.add_argument(
        "--images",
        nargs="+",
        required=True,
        metavar="PATH",
        help="picture files, folders or .tar archives",
    )
    parser.add_argument(
        "--model", nargs="+", default=[DEFAULT_MODEL], metavar="NAME", help="models"
    )
    parser.add_argument(
        "--channel",
        nargs="+",
        default=["awgn"],
        metavar="KIND",
        help="awgn, rayleigh, rician (factor 1) or rician:FACTOR; fading is i.i.d. per symbol",
    )
    parser.add_argument(
        "--snr",
        default="0:20:2",
        metavar="DB",
        help="mean Es/N0 in dB: START:STOP:STEP, or A,B,C",
    )
    parser.add_argument(
        "--baseline", nargs="+", default=[], choices=BASELINES, help="photo codecs to compare with"
    )
    parser.add_argument(
        "--decisions",
        nargs="+",
        default=["soft"],
        choices=DECISIONS,
        help="what the model's decoder gets: posteriors, bits, or one after the other",
    )
    parser.add_argument(
        "--scheme",
        nargs="+",
        default=["16qam"],
        metavar="SCHEME",
        help=_SCHEME_HELP,
    )
    parser.add_argument(
        "--upper-bound",
        nargs="+",
        default=[],
        metavar="NETWORK",
        help="networks without quantisation (.onnx), measured without noise",
    )
    parser.add_argument("--seed", type=_seed, default=0, help="of all noise and fading")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=_positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes; the results do not depend on it",
    )
    where.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="use the workers of the Dask scheduler at tcp://HOST:PORT instead",
    )
    parser.add_argument(
        "--limit", type=_positive, metavar="N", help="take the first N pictures only"
    )
    parser.add_argument(
        "--native",
        action="store_true",
        help="keep the pictures' size instead of cutting the centre to 128x128",
    )
    parser.add_argument(
        "--output", required=True, metavar="FILE", help="results.csv; an unfinished one goes on"
    )
    parser.add_argument("--overwrite", action="store_true", help="begin again instead of going on")
    parser.add_argument(
        "--plot",
        nargs="+",
        default=[],
        metavar="FIGURE",
        help="draw the results (.png, .svg, .pdf)",
    )
    parser.add_argument(
        "--profile", action="store_true", help="print what each stage costs in processor time"
    )
    _add_json(parser)


def _simulate(arguments: argparse.Namespace) -> int:
    from .link import ChannelModel, Scheme
    from .plot import check_suffix, plot_results
    from .results import summarise
    from .simulate import simulate
    from .simulation import Simulation, parse_snr
    from .stage_profile import Profile

    for figure in arguments.plot:
        check_suffix(figure)
    simulation = Simulation(
        images=arguments.images,
        models=arguments.model,
        channels=[ChannelModel.parse(name) for name in arguments.channel],
        snr_db=parse_snr(arguments.snr),
        baselines=list(dict.fromkeys(arguments.baseline)),
        decisions=list(dict.fromkeys(arguments.decisions)),
        schemes=list(dict.fromkeys(map(Scheme.parse, arguments.scheme))),
        upper_bounds=arguments.upper_bound,
        seed=arguments.seed,
        native=arguments.native,
        limit=arguments.limit or 0,
    )
    profile = Profile()
    results = simulate(
        simulation,
        arguments.output,
        workers=arguments.workers,
        dask=arguments.dask or "",
        overwrite=arguments.overwrite,
        progress=sys.stderr.isatty(),
        profile=profile,
    )
    if arguments.plot:
        plot_results(results, arguments.plot)
    groups = summarise(results)
    if arguments.json:
        report = {"output": arguments.output, "results": groups}
        _print_json(report | ({"profile": profile.table()} if arguments.profile else {}))
        return 0
    print_summary(groups)
    if arguments.profile:
        print_profile(profile.table())
    return 0


def print_profile(stages: Sequence[dict[str, Any]]) -> None:
    """Prints what `stage_profile.Profile.table` returns."""
    print("processor time of the stages; rows that were there already cost nothing")
    print(f"{'stage':<10} {'calls':>8} {'seconds':>9} {'ms each':>9} {'share':>6}")
    for stage in stages:
        print(
            f"{stage['stage']:<10} {stage['calls']:>8} {stage['seconds']:>9.2f} "
            f"{stage['ms_per_call']:>9.2f} {stage['share']:>6.1%}"
        )


def print_summary(groups: Sequence[dict[str, Any]]) -> None:
    """Prints what `simulate.summarise` returns as a table."""
    from .link import channel_title

    print("SNR is the mean Es/N0 per 16-QAM symbol; means over pictures")
    print(
        f"{'system':<20} {'bits':>7}  {'channel':<14} {'SNR dB':>6}  {'SSIM':>6} {'PSNR dB':>7} "
        f"{'pictures':>8} {'undecoded':>9}"
    )
    for group in groups:
        channel = channel_title(group["channel"])
        print(
            f"{group['system']:<20} {group['source_bits']:>7}  {channel:<14} "
            f"{group['snr_db']:>6g}  {group['ssim']:>6.4f} {group['psnr_db']:>7.2f} "
            f"{group['pictures']:>8} {group['undecoded']:>9}"
        )


def _add_models(parser: argparse.ArgumentParser) -> None:
    _add_json(parser)


def _models(arguments: argparse.Namespace) -> int:
    from .codec.bundle import verify_files

    listed = []
    paths = list_models()
    if not paths:
        print("vqdeepsc: there are no models", file=sys.stderr)
    for path in paths:
        try:
            manifest = read_manifest(path)
            verify_files(manifest)
        except BundleError as error:
            print(f"vqdeepsc: {error}", file=sys.stderr)
            continue
        listed.append(
            {
                "name": manifest.name,
                "version": manifest.version,
                "model_id": f"{manifest.model_id:04x}",
                "bits_per_region": sum(scale.bits_per_region for scale in manifest.scales),
                "scales": [scale.scale for scale in manifest.scales],
                "measured": manifest.content["measured"],
                "path": str(path),
            }
        )
    if arguments.json:
        _print_json(listed)
        return 0
    for model in listed:
        print(
            "{name} {version}, id {model_id}, {bits_per_region:,} bits per 128x128 region, "
            "{path}".format(**model)
        )
        for data, measured in model["measured"].items():
            print(f"    {data}: SSIM {measured['ssim']:.4f}, PSNR {measured['psnr_db']:.2f} dB")
    return 0


def _add_plot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", metavar="RESULTS", help="results.csv of `vqdeepsc simulate`")
    parser.add_argument(
        "-o",
        "--output",
        nargs="+",
        required=True,
        metavar="FIGURE",
        help="figures to write (.png, .svg, .pdf)",
    )


def _plot(arguments: argparse.Namespace) -> int:
    from .plot import plot_results
    from .results import read_results

    plot_results(read_results(arguments.results), arguments.output)
    return 0


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image", metavar="PICTURE", help="picture file of any kind (default: a photograph)"
    )
    parser.add_argument("--output", default="demo", metavar="DIR", help="folder for the results")
    _add_model(parser)
    parser.add_argument(
        "--channel", default="awgn", metavar="KIND", help="awgn, rayleigh, rician or rician:FACTOR"
    )
    parser.add_argument(
        "--snr", default="10,4,3,2,1,0", metavar="DB", help="mean Es/N0 in dB: A,B,C"
    )
    parser.add_argument("--scheme", default="16qam", metavar="SCHEME", help=_SCHEME_HELP)
    parser.add_argument("--seed", type=_seed, default=0, help="of all noise and fading")
    _add_json(parser)


def _demo(arguments: argparse.Namespace) -> int:
    from .link import ChannelModel, Scheme
    from .results import summarise
    from .sample import sample_picture
    from .simulation import parse_snr

    channel = ChannelModel.parse(arguments.channel)
    snr_db = parse_snr(arguments.snr)
    scheme = Scheme.parse(arguments.scheme)
    output = Path(arguments.output)
    try:
        from .demonstration import run_demonstration
    except ImportError as error:
        raise ValueError(f"the demonstration needs GNU Radio: {error}") from error
    results = run_demonstration(
        arguments.image or sample_picture(),
        output,
        arguments.model,
        channel,
        snr_db,
        arguments.seed,
        scheme,
    )
    groups = summarise(results)
    if arguments.json:
        _print_json({"output": str(output), "results": groups})
    else:
        print_summary(groups)
        print(f"sent.png, received.png, panel.png and results.csv are in {output}")
    return 0


def _quantity(text: str) -> float:
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


def _add_radio(parser: argparse.ArgumentParser) -> None:
    from .radio_settings import DEFAULT_ADDRESS, RADIOS

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
        "(ip:192.168.2.1); file: path (.cf32, .ci16, .sigmf-meta ...); zmq: address, "
        f"{DEFAULT_ADDRESS} if none is given",
    )
    parser.add_argument("--frequency", type=_quantity, default=0.0, metavar="HZ", help="carrier")
    parser.add_argument(
        "--sample-rate", type=_quantity, default=1e6, metavar="HZ", help="samples per second"
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
        type=_quantity,
        default=0.0,
        metavar="HZ",
        help="of the analogue filter, 0: the driver's",
    )
    parser.add_argument(
        "--fft-size", type=_positive, default=256, metavar="N", help="carriers of an OFDM symbol"
    )
    parser.add_argument(
        "--cyclic-prefix", type=_positive, default=32, metavar="N", help="samples of its guard"
    )
    parser.add_argument(
        "--repeat", type=_positive, default=1, metavar="N", help="copies sent of each picture"
    )
    parser.add_argument(
        "--pictures", type=_positive, metavar="N", help="end after that many pictures"
    )
    parser.add_argument(
        "--seconds", type=_quantity, default=0.0, help="end after that time, 0: never"
    )
    parser.add_argument("--log", default="", metavar="FILE", help="JSON lines are added to it")
    parser.add_argument(
        "--control",
        default="",
        metavar="ADDRESS",
        help='ZeroMQ address that takes {"gain": 20} and {"frequency": 2.45e9}',
    )
    _add_model(parser)


def _add_burst_coding(parser: argparse.ArgumentParser, whose: str = "") -> None:
    parser.add_argument(
        "--bits-per-symbol", type=int, default=4, choices=(2, 4, 6), help=f"QPSK to 64-QAM{whose}"
    )
    parser.add_argument(
        "--code-rate", default="1/3", metavar="RATE", help=f"of the LDPC code{whose}"
    )
    parser.add_argument(
        "--protection",
        default="",
        metavar="N/N/N",
        help="coded bits for each bit of every scale but the finest, coarse first, such as 6/6/4; "
        "both ends need the same",
    )


def _radio_settings(arguments: argparse.Namespace, **more: Any) -> Any:
    from .radio_settings import RadioSettings

    return RadioSettings(
        radio=arguments.radio,
        device=arguments.device,
        frequency=arguments.frequency,
        sample_rate=arguments.sample_rate,
        gain=arguments.gain,
        antenna=arguments.antenna,
        bandwidth=arguments.bandwidth,
        **more,
    )


def _transport_blocks(arguments: argparse.Namespace) -> list[tuple[int, int]]:
    from .radio_session import burst_transport_blocks

    return burst_transport_blocks(
        arguments.model, arguments.bits_per_symbol, arguments.code_rate, arguments.protection
    )


def _add_transmit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "picture", nargs="*", metavar="PICTURE", help="picture files, folders or .tar archives"
    )
    parser.add_argument(
        "--camera", metavar="NUMBER", help="camera, or path of a video, in place of pictures"
    )
    parser.add_argument(
        "--subscribe", metavar="ADDRESS", help="ZeroMQ address that publishes pictures"
    )
    parser.add_argument("--loop", action="store_true", help="send the files over and over")
    parser.add_argument(
        "--interval", type=_quantity, default=0.0, metavar="S", help="seconds between pictures"
    )
    parser.add_argument(
        "--side", type=_positive, metavar="N", help="cut the centre of pictures to NxN pixels"
    )
    _add_radio(parser)
    _add_burst_coding(parser)
    parser.add_argument(
        "--amplitude",
        type=float,
        default=0.2,
        help="root mean square of the samples; peaks are cut at 1, the converter's full scale",
    )
    parser.add_argument(
        "--gap", type=int, default=1000, metavar="N", help="zeros between bursts (file, zmq)"
    )


def _transmit(arguments: argparse.Namespace) -> int:
    from functools import partial

    settings = _radio_settings(arguments, gap=arguments.gap)
    try:
        from .picture_exchange import PictureSubscriber
        from .picture_input import camera, picture_files
        from .radio_session import EventLog
        from .transmit import Transmitter, transmit
    except ImportError as error:
        raise ValueError(f"radios need GNU Radio: {error}") from error
    sources = (bool(arguments.picture), arguments.camera is not None, bool(arguments.subscribe))
    if sum(sources) != 1:
        raise ValueError("name pictures, or a camera, or an address to subscribe to")
    if arguments.picture:
        pictures = picture_files(arguments.picture, arguments.loop)
    elif arguments.camera is not None:
        pictures = camera(arguments.camera)
    else:
        pictures = iter(PictureSubscriber(arguments.subscribe))
    burst = {
        "fft_size": arguments.fft_size,
        "cyclic_prefix": arguments.cyclic_prefix,
        "bits_per_symbol": arguments.bits_per_symbol,
        "code_rate": arguments.code_rate,
        "amplitude": arguments.amplitude,
        "transport_blocks": _transport_blocks(arguments),
    }
    make = partial(
        Transmitter, settings, arguments.model, burst, arguments.interval, arguments.repeat
    )
    with EventLog(arguments.log) as log:
        sent = transmit(
            pictures,
            make,
            log,
            limit=arguments.pictures or 0,
            side=arguments.side or 0,
            control=arguments.control,
            seconds=arguments.seconds,
        )
    print(f"{sent} pictures sent")
    return 0


def _add_receive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the pictures")
    _add_radio(parser)
    parser.add_argument(
        "--timeout",
        type=_quantity,
        default=3.0,
        metavar="S",
        help="draw a picture whose last regions do not come after that time; 0 waits for the next",
    )
    parser.add_argument(
        "--publish", default="", metavar="ADDRESS", help="ZeroMQ address for other programs"
    )
    parser.add_argument("--view", action="store_true", help="show the newest picture")
    _add_burst_coding(parser, " of protected bursts; others tell it themselves")


def _receive(arguments: argparse.Namespace) -> int:
    settings = _radio_settings(arguments)
    try:
        from .blocks.picture_files import PictureFolder
        from .picture_exchange import PicturePublisher
        from .radio_session import EventLog
        from .receive import Receiver, picture_receiver, receive
    except ImportError as error:
        raise ValueError(f"radios need GNU Radio: {error}") from error
    folder = PictureFolder(arguments.output)
    burst = {
        "fft_size": arguments.fft_size,
        "cyclic_prefix": arguments.cyclic_prefix,
        "transport_blocks": _transport_blocks(arguments),
    }
    with EventLog(arguments.log) as log:
        publisher = PicturePublisher(arguments.publish) if arguments.publish else None
        try:
            decoder = picture_receiver(
                folder,
                log,
                publisher,
                on_picture=lambda sentence: print(sentence, flush=True),
                model=arguments.model,
                copies=arguments.repeat,
                timeout=arguments.timeout,
            )
            received = receive(
                Receiver(settings, decoder, burst),
                log,
                limit=arguments.pictures or 0,
                control=arguments.control,
                seconds=arguments.seconds,
                view=arguments.view,
            )
        finally:
            if publisher:
                publisher.close()
    print(f"{received} pictures received")
    return 0


SUBCOMMANDS = {
    "demo": Subcommand("Send a picture over a flowgraph, beside a JPEG.", _add_demo, _demo),
    "encode": Subcommand("Encode a picture into a file of source bits.", _add_encode, _encode),
    "decode": Subcommand("Draw the picture of such a file.", _add_decode, _decode),
    "simulate": Subcommand(
        "Measure quality against SNR over a simulated link.", _add_simulate, _simulate
    ),
    "transmit": Subcommand(
        "Send pictures over a radio, into a file or to another process.", _add_transmit, _transmit
    ),
    "receive": Subcommand(
        "Receive pictures from a radio, a file or another process.", _add_receive, _receive
    ),
    "models": Subcommand("List the models that are installed.", _add_models, _models),
    "plot": Subcommand("Draw the curves of a results.csv.", _add_plot, _plot),
}
