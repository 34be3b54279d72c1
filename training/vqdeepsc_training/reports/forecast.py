# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about what more training would bring, docs/forecast.md, and its figure.

Quality at the annealed end of each run is fitted against the crops that the network had seen by
then; templates/forecast.md has the sentences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ..base.errors import DataError
from ..base.files import write_whole
from ..gpu.record import read_session_record
from ..trainer.record import RunRecord, read_model_records, runs_before
from .figures import save_figure
from .page import render

FEWEST_RUNS = 3
"""Annealed ends that a fit needs."""
EXPONENTS = np.linspace(0.15, 3.0, 286)
"""Of the law of the limit: with the first, a doubling brings 0.9 of what the one before brought."""
CPU_HOURS = (1.0, 4.0, 12.0)
GPU_MINUTES = (10.0, 25.0, 60.0)
ASSUMED_RATES = (1000.0, 3000.0)
"""Crops a second of a GPU, where no record of one says them."""
MEASURES = {"psnr_db": "PSNR (dB)", "ssim": "SSIM"}


@dataclass(frozen=True)
class Law:
    """q = limit - loss * n^-exponent; with the exponent 0, q = limit + loss * log2(n)."""

    limit: float
    loss: float
    exponent: float
    error: float

    def at(self, crops: float | np.ndarray) -> float | np.ndarray:
        """Quality after so many crops."""
        if not self.exponent:
            return self.limit + self.loss * np.log2(crops)
        return self.limit - self.loss * np.power(np.asarray(crops, float), -self.exponent)


@dataclass(frozen=True)
class End:
    """Quality at the annealed end of a run; crops: seen since a part last started afresh."""

    crops: int
    ssim: float
    psnr_db: float


@dataclass(frozen=True)
class Curve:
    """The ends of a model's runs; rate: crops a second of the last; parameters: of the network."""

    ends: list[End]
    rate: float
    parameters: int


@dataclass(frozen=True)
class GpuRate:
    """Crops a second that a run of a call measured."""

    device: str
    run: str
    rate: float


@dataclass(frozen=True)
class Row:
    """A line of a table: quality after so many more crops, by both laws, the lower first.

    times: all crops then, as a multiple of those now.
    """

    name: str
    crops: int
    times: float
    ssim: list[float]
    psnr_db: list[float]


@dataclass(frozen=True)
class Section(Curve):
    """A model on the page.

    laws, held_out: by measure, as `forecast` and `held_out`; hour_gains: dB of the next hour of
    two cores, by both laws.
    """

    laws: dict[str, tuple[Law, Law]]
    held_out: dict[str, list[float] | None]
    rows: list[Row]
    hour_gains: list[float]


def _least_squares(values: np.ndarray, quality: np.ndarray) -> tuple[float, float, float]:
    """Intercept, slope and root mean square error of a line."""
    table = np.stack([np.ones_like(values), values], 1)
    (intercept, slope), *_ = np.linalg.lstsq(table, quality, rcond=None)
    error = float(np.sqrt(np.mean((table @ (intercept, slope) - quality) ** 2)))
    return float(intercept), float(slope), error


def logarithm(crops: np.ndarray, quality: np.ndarray) -> Law:
    """The same gain with each doubling: what is possible at best."""
    intercept, slope, error = _least_squares(np.log2(crops), quality)
    return Law(intercept, slope, 0.0, error)


def power_law(crops: np.ndarray, quality: np.ndarray) -> Law:
    """A limit that is come near with a power of the crops: each doubling brings less."""
    laws = []
    for exponent in EXPONENTS:
        limit, slope, error = _least_squares(crops**-exponent, quality)
        laws.append(Law(limit, -slope, float(exponent), error))
    return min(laws, key=lambda law: law.error)


def annealed_ends(record: RunRecord) -> list[End]:
    """Quality at the end of each run since a part of the network last started afresh."""
    runs = [(run.images, run.validation, run.fresh) for run in runs_before(record.history)]
    runs.append((record.images, record.validation, ()))
    ends: list[End] = []
    crops = 0
    for images, curve, fresh in runs:
        crops += images
        if curve:
            ends.append(End(crops, curve[-1].ssim, curve[-1].psnr_db))
        if fresh:
            ends, crops = [], 0
    return ends


def read_results(folder: Path) -> dict[str, Curve]:
    """Records of published models by name, those that a fit can be made of.

    Where quality fell from one run to the next, more than the number of crops changed.
    Raises DataError if there is none.
    """
    found = {}
    for name, record in read_model_records(folder).items():
        ends = annealed_ends(record)
        levels = [end.psnr_db for end in ends]
        if len(ends) >= FEWEST_RUNS and levels == sorted(levels):
            rate = record.images / (3600 * record.hours)
            found[name] = Curve(ends, rate, record.parameters)
    if not found:
        raise DataError(f"{folder} has no record of a model that was trained in three runs.")
    return found


def gpu_rates(folder: Path) -> list[GpuRate]:
    """What the calls on GPUs measured, the fastest last."""
    rates = [
        GpuRate(call.device, run.run, run.images_per_second)
        for path in sorted(folder.glob("*.json"))
        for call in read_session_record(path).calls
        if call.device_type == "cuda"
        for run in call.runs
        if run.images_per_second is not None
    ]
    return sorted(rates, key=lambda one: one.rate)


def forecast(ends: Sequence[End], measure: str) -> tuple[Law, Law]:
    """The two laws of a measure: that of the limit, and the logarithm."""
    crops = np.array([end.crops for end in ends], float)
    quality = np.array([getattr(end, measure) for end in ends])
    return power_law(crops, quality), logarithm(crops, quality)


def held_out(ends: Sequence[End], measure: str) -> list[float] | None:
    """Errors of both laws at the last end, fitted to those before; None for too few."""
    if len(ends) <= FEWEST_RUNS:
        return None
    return [
        float(law.at(ends[-1].crops)) - getattr(ends[-1], measure)
        for law in forecast(ends[:-1], measure)
    ]


def row(name: str, crops: float, model: Curve) -> Row:
    """What so many more crops bring."""
    seen = model.ends[-1].crops
    gains = {}
    for measure in MEASURES:
        last = getattr(model.ends[-1], measure)
        laws = forecast(model.ends, measure)
        # From where the model is, and not from where the laws have it.
        gains[measure] = sorted(float(law.at(seen + crops) - law.at(seen)) + last for law in laws)
    return Row(name, round(crops), (seen + crops) / seen, **gains)


def rows(model: Curve, rates: Sequence[float]) -> list[Row]:
    """The table of a model; rates: crops a second of GPUs."""
    found = [
        row(f"{hours:g} h of two cores", 3600 * hours * model.rate, model) for hours in CPU_HOURS
    ]
    for rate in rates:
        found += [
            row(f"{minutes:g} min of a GPU at {rate:,.0f} crops/s", 60 * minutes * rate, model)
            for minutes in GPU_MINUTES
        ]
    return found


def plot(models: dict[str, Curve], rates: Sequence[float], base: Path) -> None:
    """Quality against crops: the ends of the runs, and both laws beyond them."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(len(MEASURES), len(models), squeeze=False, sharex=True)
    for column, (name, model) in enumerate(models.items()):
        crops = np.array([end.crops for end in model.ends], float)
        most = crops[-1] + 3600 * max(rates)
        line = np.geomspace(crops[0], most, 200)
        for axis, (measure, label) in zip(axes[:, column], MEASURES.items(), strict=True):
            low, high = forecast(model.ends, measure)
            axis.plot(line, high.at(line), color="C0", label="as much with each doubling")
            axis.plot(line, low.at(line), color="C1", label="towards a limit")
            axis.plot(
                crops, [getattr(end, measure) for end in model.ends], "ko", label="end of a run"
            )
            following = crops[-1] + 3600 * model.rate
            axis.axvline(following, color="grey", ls=":", label="one more hour of two cores")
            axis.set_ylabel(f"{label}, validation")
            axis.grid(alpha=0.3)
        axes[0][column].set_title(name)
        axes[-1][column].set_xscale("log")
        axes[-1][column].set_xlabel("crops of 128x128 pixels seen")
    axes[0][0].legend(fontsize="small")
    save_figure(figure, base)


def write_page(results: Path, docs: Path) -> None:
    """Write forecast.md and forecast.png into `docs`.

    results: folder of the models' records, with those of GPU calls in its folder gpu/.
    Raises DataError if no record can be fitted.
    """
    models = read_results(results)
    measured = gpu_rates(results / "gpu")
    rates = (measured[-1].rate,) if measured else ASSUMED_RATES
    sections = {}
    for name, model in models.items():
        laws = {measure: forecast(model.ends, measure) for measure in MEASURES}
        seen = model.ends[-1].crops
        sections[name] = Section(
            **vars(model),
            laws=laws,
            held_out={measure: held_out(model.ends, measure) for measure in MEASURES},
            rows=rows(model, rates),
            hour_gains=sorted(
                float(law.at(seen + 3600 * model.rate) - law.at(seen)) for law in laws["psnr_db"]
            ),
        )
    doublings = [
        (after.psnr_db - before.psnr_db) / math.log2(after.crops / before.crops)
        for model in models.values()
        for before, after in zip(model.ends, model.ends[1:], strict=False)
    ]
    docs.mkdir(parents=True, exist_ok=True)
    text = render(
        "forecast.md",
        models=sections,
        measured=measured,
        doublings=[min(doublings), max(doublings)],
        hour_minutes=max(GPU_MINUTES),
    )
    write_whole(docs / "forecast.md", text)
    plot(models, rates, docs / "forecast")
