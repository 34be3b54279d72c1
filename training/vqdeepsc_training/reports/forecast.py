# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about what more training would bring, docs/forecast.md, and its figure.

Quality at the annealed end of each run is fitted against the crops that the network had seen by
then; templates/forecast.md has the sentences.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..base.errors import DataError
from ..base.files import write_whole
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


def annealed_ends(record: RunRecord) -> list[dict[str, float]]:
    """Quality at the end of each run since a part of the network last started afresh.

    Each has `crops`, seen since then, `ssim` and `psnr_db`.
    """
    runs = [(run.images, run.validation, run.fresh) for run in runs_before(record.history)]
    runs.append((record.images, record.validation, ()))
    ends: list[dict[str, float]] = []
    crops = 0
    for images, curve, fresh in runs:
        crops += images
        if curve:
            ends.append({"crops": crops} | {name: getattr(curve[-1], name) for name in MEASURES})
        if fresh:
            ends, crops = [], 0
    return ends


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Records of published models by name, those that a fit can be made of.

    Raises DataError if there is none.
    """
    found = {}
    for name, record in read_model_records(folder).items():
        ends = annealed_ends(record)
        if len(ends) >= FEWEST_RUNS:
            rate = record.images / (3600 * record.hours)
            found[name] = {"ends": ends, "rate": rate, "parameters": record.parameters}
    if not found:
        raise DataError(f"{folder} has no record of a model that was trained in three runs.")
    return found


def gpu_rates(folder: Path) -> list[dict[str, Any]]:
    """What the calls on GPUs measured: device, run and crops a second, the fastest last."""
    rates = []
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        for call in record.get("calls", []):
            if call.get("device_type") == "cuda":
                rates += [
                    {
                        "device": call["device"],
                        "run": run["run"],
                        "rate": run["images_per_second"],
                    }
                    for run in call["runs"]
                ]
    return sorted(rates, key=lambda one: one["rate"])


def forecast(ends: Sequence[dict[str, float]], measure: str) -> tuple[Law, Law]:
    """The two laws of a measure: that of the limit, and the logarithm."""
    crops = np.array([end["crops"] for end in ends], float)
    quality = np.array([end[measure] for end in ends])
    return power_law(crops, quality), logarithm(crops, quality)


def held_out(ends: Sequence[dict[str, float]], measure: str) -> list[float] | None:
    """Errors of both laws at the last end, fitted to those before; None for too few."""
    if len(ends) <= FEWEST_RUNS:
        return None
    return [
        float(law.at(ends[-1]["crops"])) - ends[-1][measure] for law in forecast(ends[:-1], measure)
    ]


def row(name: str, crops: float, model: dict[str, Any]) -> dict[str, Any]:
    """A line of the table: what so many more crops bring, from and to."""
    seen = model["ends"][-1]["crops"]
    gains = {}
    for measure in MEASURES:
        last = model["ends"][-1][measure]
        laws = forecast(model["ends"], measure)
        # From where the model is, and not from where the laws have it.
        gains[measure] = sorted(float(law.at(seen + crops) - law.at(seen)) + last for law in laws)
    return {"name": name, "crops": round(crops), "times": (seen + crops) / seen} | gains


def rows(model: dict[str, Any], rates: Sequence[float]) -> list[dict[str, Any]]:
    """The table of a model; rates: crops a second of GPUs."""
    found = [
        row(f"{hours:g} h of two cores", 3600 * hours * model["rate"], model) for hours in CPU_HOURS
    ]
    for rate in rates:
        found += [
            row(f"{minutes:g} min of a GPU at {rate:,.0f} crops/s", 60 * minutes * rate, model)
            for minutes in GPU_MINUTES
        ]
    return found


def plot(models: dict[str, dict[str, Any]], rates: Sequence[float], base: Path) -> None:
    """Quality against crops: the ends of the runs, and both laws beyond them."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(len(MEASURES), len(models), squeeze=False, sharex=True)
    for column, (name, model) in enumerate(models.items()):
        crops = np.array([end["crops"] for end in model["ends"]], float)
        most = crops[-1] + 3600 * max(rates)
        line = np.geomspace(crops[0], most, 200)
        for axis, (measure, label) in zip(axes[:, column], MEASURES.items(), strict=True):
            low, high = forecast(model["ends"], measure)
            axis.plot(line, high.at(line), color="C0", label="as much with each doubling")
            axis.plot(line, low.at(line), color="C1", label="towards a limit")
            axis.plot(crops, [end[measure] for end in model["ends"]], "ko", label="end of a run")
            following = crops[-1] + 3600 * model["rate"]
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
    rates = (measured[-1]["rate"],) if measured else ASSUMED_RATES
    sections = {}
    for name, model in models.items():
        laws = {measure: forecast(model["ends"], measure) for measure in MEASURES}
        sections[name] = model | {
            "laws": laws,
            "held_out": {measure: held_out(model["ends"], measure) for measure in MEASURES},
            "rows": rows(model, rates),
            "hour_gains": sorted(
                float(
                    law.at(model["ends"][-1]["crops"] + 3600 * model["rate"])
                    - law.at(model["ends"][-1]["crops"])
                )
                for law in laws["psnr_db"]
            ),
        }
    doublings = [
        (after["psnr_db"] - before["psnr_db"]) / math.log2(after["crops"] / before["crops"])
        for model in models.values()
        for before, after in zip(model["ends"], model["ends"][1:], strict=False)
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
