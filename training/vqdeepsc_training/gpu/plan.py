# SPDX-License-Identifier: GPL-3.0-or-later
"""What to train first, for how long there is a GPU."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import ConfigurationError
from ..base.schema import Table, entry
from ..trainer.configuration import Configuration


@dataclass(frozen=True)
class PlannedShare(Table):
    """A run, and its share of the time."""

    run: str
    share: float = entry(above=0)


@dataclass(frozen=True)
class Schedule(Table):
    """The runs, in this order, of a call that has `minutes` or more."""

    minutes: float = entry(low=0)
    runs: tuple[PlannedShare, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.runs:
            raise ConfigurationError("a schedule has no runs")


@dataclass(frozen=True)
class PlannedRun:
    """A run that is ready to be trained.

    name: of the model and of its files; configuration: whole; weights: a bundle or checkpoint to
    begin at, None to begin afresh.
    """

    name: str
    configuration: Configuration
    weights: str | None


@dataclass(frozen=True)
class Plan:
    """Runs by name, and the schedules from the shortest to the longest."""

    runs: dict[str, PlannedRun]
    schedules: tuple[Schedule, ...]

    def schedule(self, seconds: float) -> Schedule:
        """The longest schedule that fits into the time, or the shortest."""
        fitting = [one for one in self.schedules if 60 * one.minutes <= seconds]
        return fitting[-1] if fitting else self.schedules[0]

    def to_json(self) -> dict[str, Any]:
        """What `plan_of` reads again, with whole configurations."""
        return {
            "runs": [
                {
                    "name": run.name,
                    "configuration": run.configuration.to_json(),
                    "weights": run.weights,
                }
                for run in self.runs.values()
            ],
            "schedules": [schedule.to_json() for schedule in self.schedules],
        }


def merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """JSON objects with some entries replaced, those of tables within tables too; null removes."""
    found = dict(values)
    for key, value in changes.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = merged(found[key], value)
        else:
            found[key] = value
    return found


def plan_of(values: dict[str, Any], configurations: Path | None = None) -> Plan:
    """The plan of a JSON object.

    configurations: folder of the files that a run's `configuration` names, to which its `changes`
    are made; None where the configurations are whole.
    Raises ConfigurationError in one sentence.
    """
    try:
        runs = {}
        for given in values["runs"]:
            configuration = given["configuration"]
            if configurations is not None:
                path = configurations / f"{configuration}.json"
                configuration = merged(
                    json.loads(path.read_text(encoding="utf-8")), given.get("changes", {})
                )
            runs[given["name"]] = PlannedRun(
                given["name"],
                Configuration.read(configuration | {"name": given["name"].replace("-", "_")}),
                given.get("weights"),
            )
        schedules = sorted(
            (Schedule.read(one, "schedule") for one in values["schedules"]),
            key=lambda one: one.minutes,
        )
    except (KeyError, TypeError, AttributeError, OSError, ValueError) as error:
        detail = f"{error} is missing" if type(error) is KeyError else str(error)
        raise ConfigurationError(f"The plan cannot be used: {detail}.") from error
    for name in (share.run for schedule in schedules for share in schedule.runs):
        if name not in runs:
            raise ConfigurationError(f"The plan has no run {name}; there are {', '.join(runs)}.")
    if not schedules:
        raise ConfigurationError("The plan has no schedule.")
    return Plan(runs, tuple(schedules))


def read_plan(path: Path, configurations: Path) -> Plan:
    """The plan of a JSON file, as `plan_of`; raises ConfigurationError in one sentence."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no plan: {error}.") from error
    return plan_of(values, configurations)
