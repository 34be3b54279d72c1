# SPDX-License-Identifier: GPL-3.0-or-later
"""`vqdeepsc simulate`: quality against SNR over a simulated link."""

from __future__ import annotations

import argparse
import sys

from vqdeepsc.codec import DEFAULT_MODEL
from vqdeepsc.processors import available_processors

from .arguments import (
    SCHEME_HELP,
    above_zero,
    add_json,
    add_search,
    add_strict,
    positive,
    search_settings,
    seed,
)
from .output import print_json, print_profile, print_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from vqdeepsc.images.baselines import BASELINES
    from vqdeepsc.simulation.identity import DECISIONS

    parser.add_argument(
        "--images",
        nargs="+",
        required=True,
        metavar="PATH",
        help="image files, folders or .tar archives",
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
        help=SCHEME_HELP,
    )
    parser.add_argument(
        "--upper-bound",
        nargs="+",
        default=[],
        metavar="NETWORK",
        help="networks without quantisation (.onnx), measured without noise",
    )
    add_search(parser)
    parser.add_argument(
        "--bits-per-pixel",
        nargs="+",
        type=above_zero,
        default=[],
        metavar="BITS",
        help="source bits of progressive models for each pixel, given to the parts of an image "
        "that gain most by them, in place of all that they have; other models keep theirs",
    )
    parser.add_argument("--seed", type=seed, default=0, help="of all noise and fading")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=positive,
        default=available_processors(),
        metavar="N",
        help="processes; the results do not depend on it",
    )
    where.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="use the workers of the Dask scheduler at tcp://HOST:PORT instead",
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="take the first N images only")
    parser.add_argument(
        "--native",
        action="store_true",
        help="keep the images' size instead of cutting the centre to 128x128",
    )
    parser.add_argument(
        "--output", required=True, metavar="FILE", help="results.csv; an unfinished one goes on"
    )
    add_strict(parser)
    parser.add_argument("--overwrite", action="store_true", help="begin again instead of going on")
    parser.add_argument(
        "--plot",
        nargs="+",
        default=[],
        metavar="FIGURE",
        help="plot the results (.png, .svg, .pdf)",
    )
    parser.add_argument(
        "--profile", action="store_true", help="print what each stage costs in processor time"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from vqdeepsc.images.baselines import check_baseline
    from vqdeepsc.link import ChannelModel, Scheme
    from vqdeepsc.simulation.plan import Simulation, parse_snr
    from vqdeepsc.simulation.plot import check_suffix, plot_results
    from vqdeepsc.simulation.profile import Profile
    from vqdeepsc.simulation.results import summarise
    from vqdeepsc.simulation.run import simulate

    for figure in arguments.plot:
        check_suffix(figure)
    for codec in arguments.baseline:
        check_baseline(codec)
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
        strict=arguments.strict,
        search=search_settings(arguments),
        bits_per_pixel=arguments.bits_per_pixel,
    )
    profile = Profile()
    results = simulate(
        simulation,
        arguments.output,
        workers=arguments.workers,
        dask=arguments.dask,
        overwrite=arguments.overwrite,
        progress=sys.stderr.isatty(),
        profile=profile,
    )
    if arguments.plot:
        plot_results(results, arguments.plot)
    groups = summarise(results)
    if arguments.json:
        report: dict[str, object] = {
            "output": arguments.output,
            "results": [group.to_json() for group in groups],
        }
        if arguments.profile:
            report["profile"] = [vars(stage) for stage in profile.table()]
        print_json(report)
        return 0
    print_summary(groups)
    if arguments.profile:
        print_profile(profile.table())
    return 0
