# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make paper` simulates: its experiments, each with the points of its curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from paper_means import BASELINES
from vqdeepsc.allocation import frames_of_bits
from vqdeepsc.codec import BitLayout, read_manifest
from vqdeepsc.images.files import EXPERIMENT_SIDE as SIDE
from vqdeepsc.link import ChannelModel, Scheme
from vqdeepsc.simulation.plan import Simulation, parse_snr

PIXELS = SIDE * SIDE
CHANNELS = ("awgn", "rayleigh", "rician")
CURVE = "-2,0,1,2,3,4,5,6,8,10,12,16,20"
THRESHOLD_SNR = "-2,-1,0,0.5,1,1.5,2,2.5,3,3.5,4,4.5,5,6"
# symbols of a 128x128 image from 0.06 to 0.61 of its values; those with a rate above this are
# left out
SYMBOLS = (2856, 3808, 5712, 8568, 11424, 15024, 22536, 30048)
HIGHEST_RATE = 0.9
FEW = 60
"""Images of the experiments beyond the paper's."""
TRANSMISSION_SNR = "-2,-1,0,1,2,3,4,5,6"
TRANSMISSION_BITS = 20_032
"""Source bits of one transmission of a progressive model, at rate 1/3 over 16-QAM."""
TRANSMISSION_BASELINES = ("jpeg", "avif")
FORMATS = {"qpsk": (3648, 7744, 11_840), "16qam": (11_840, 28_224, 36_416), "64qam": (36_416,)}
"""Source bits by constellation from which a sender that knew the SNR would choose, in the symbols
of one transmission."""


@dataclass(frozen=True)
class Experiment:
    """Rows of one results.csv: simulations that share it, one after another."""

    name: str
    simulations: Sequence[Simulation]


def plan(
    cars: str, bsds: str, models: Sequence[str], upper_bounds: Sequence[str], limit: int
) -> list[Experiment]:
    """The experiments; limit: at most so many in each (0: 400 cars, all of BSDS, or FEW)."""
    progressive = [model for model in models if is_progressive(model)]
    fixed = [model for model in models if model not in progressive]
    models = [model for model in fixed if not is_of_the_paper(model)]
    channels = [ChannelModel.parse(kind) for kind in CHANNELS]
    few = min(limit or FEW, FEW)
    curve = Simulation(
        images=[cars],
        models=fixed,
        channels=channels,
        snr_db=parse_snr(CURVE),
        baselines=BASELINES,
        upper_bounds=upper_bounds,
        limit=limit,
    )
    part = replace(curve, models=models, baselines=(), upper_bounds=(), limit=few)
    bits = {model: source_bits(model) for model in models}
    most_bits = max(bits.values(), default=0)
    bandwidth, schemes, protection = [], [], []
    for model in models:
        one = replace(part, models=[model], channels=channels[:2])
        fitting = [n for n in SYMBOLS if bits[model] / (4 * n) <= HIGHEST_RATE]
        bandwidth.append(
            replace(
                one,
                snr_db=(0.0, 4.0, 10.0),
                baselines=("jpeg", "webp"),
                schemes=[Scheme("16qam", symbols) for symbols in fitting],
            )
        )
        constellations = [Scheme(), Scheme("qpsk"), Scheme("64qam")]
        if bits[model] < most_bits:  # fewer bits over as many symbols as the others take
            constellations.append(Scheme("16qam", most_bits * 3 // 4))
        schemes.append(
            replace(one, snr_db=parse_snr(CURVE), baselines=("jpeg",), schemes=constellations)
        )
        protected = {
            4: ("balanced", "broadcast", "16qam/6/6/4", "16qam/8/8/5"),
            3: ("balanced", "broadcast", "16qam/6/4", "16qam/9/5"),
        }
        scales = len(read_manifest(model).scales)
        protection.append(
            replace(
                one,
                snr_db=parse_snr(THRESHOLD_SNR),
                schemes=[Scheme(), *map(Scheme.parse, protected.get(scales, ()))],
            )
        )
    transmission = [
        simulation
        for model in progressive
        for simulation in one_transmission(replace(part, models=[model]))
    ]
    if transmission:
        beside = replace(
            part,
            channels=channels[:2],
            snr_db=parse_snr(TRANSMISSION_SNR),
            baselines=TRANSMISSION_BASELINES,
        )
        transmission += [
            replace(beside, models=[model]) for model in models if bits[model] == TRANSMISSION_BITS
        ]
    natural = replace(curve, images=[bsds], models=models, upper_bounds=())
    of_others = [
        Experiment("decisions", [replace(part, decisions=("soft", "hard"))]),
        Experiment("bandwidth", bandwidth),
        Experiment("schemes", schemes),
        Experiment("protection", protection),
        *([Experiment("natural", [natural])] if bsds else []),
    ]
    return [
        *([Experiment("cars", [curve])] if fixed else []),
        *(of_others if models else []),
        *([Experiment("transmission", transmission)] if transmission else []),
    ]


def is_progressive(model: str) -> bool:
    """Whether a model's bits are an embedded code, of which the paper knows nothing."""
    return BitLayout(read_manifest(model).scales).embedded


def is_of_the_paper(model: str) -> bool:
    """Whether a model is the paper's own network, which takes part in its figure alone."""
    network = read_manifest(model).training.get("configuration", {}).get("network", {})
    return network.get("type") == "paper"


def one_transmission(part: Simulation) -> list[Simulation]:
    """A progressive model in the symbols of one transmission: protected, and in other formats."""
    symbols = Scheme().symbols_per_frame(TRANSMISSION_BITS)
    part = replace(part, snr_db=parse_snr(TRANSMISSION_SNR))
    protected = replace(
        part,
        channels=list(map(ChannelModel.parse, CHANNELS[:2])),
        schemes=[Scheme(), Scheme.parse("balanced"), Scheme.parse("broadcast")],
        bits_per_pixel=[TRANSMISSION_BITS / PIXELS],
    )
    formats = [
        replace(
            part,
            channels=[ChannelModel("awgn")],
            schemes=[Scheme(constellation, symbols // frames_of_bits(bits, SIDE, SIDE)[0])],
            bits_per_pixel=[bits / PIXELS],
        )
        for constellation, sizes in FORMATS.items()
        for bits in sizes
    ]
    return [protected, *formats]


def sent_bits(simulation: Simulation, model: str) -> list[int]:
    """Source bits of an image of 128x128 pixels that a simulation sends with a model."""
    budgets = simulation.bits_per_pixel
    if not budgets or not is_progressive(model):
        return [source_bits(model)]
    return [math.prod(frames_of_bits(round(each * PIXELS), SIDE, SIDE)) for each in budgets]


def source_bits(model: str) -> int:
    """Bits of a model for each 128x128 region."""
    return read_manifest(model).bits_per_region
