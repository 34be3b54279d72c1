# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations."""

from __future__ import annotations

import json
from pathlib import Path

from ..base.errors import DataError

NEEDED = ("name", "seed", "crop", "batch", "loss", "optimiser")
"""What every configuration has."""


def read_configuration(path: Path) -> dict:
    """Configuration of a JSON file; raises DataError if there is none or it cannot be trained."""
    if not path.is_file():
        raise DataError(f"The configuration {path} does not exist.")
    try:
        configuration = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path} is no configuration: {error}.") from error
    if not isinstance(configuration, dict):
        raise DataError(f"{path} is no configuration: it holds no JSON object.")
    missing = [key for key in NEEDED if key not in configuration]
    if missing:
        raise DataError(f"The configuration {path} has no {', '.join(missing)}.")
    if not configuration.keys() & {"steps", "epochs"}:
        raise DataError(f"The configuration {path} has neither steps nor epochs.")
    for key in ("crop", "batch", "steps", "epochs"):
        value = configuration.get(key, 1)
        if type(value) is not int or value < 1:
            raise DataError(f"{key} of {path} is {value!r}, but must be a whole number above 0.")
    if not 1 <= configuration.get("zoom", 1.0) <= 100:
        raise DataError(f"zoom of {path} is {configuration['zoom']}, but must be 1 to 100.")
    if not 0 <= configuration.get("colour", 0.0) <= 1:
        raise DataError(f"colour of {path} is {configuration['colour']}, but must be 0 to 1.")
    for table, keys in (("annealing", {"noise", "until"}), ("distillation", {"weights", "weight"})):
        if missing := keys - (configuration.get(table) or dict.fromkeys(keys)).keys():
            raise DataError(f"{table} of {path} has no {', '.join(sorted(missing))}.")
    if configuration.get("annealing") and configuration["annealing"]["until"] <= 0:
        raise DataError(f"until of annealing of {path} must be above 0.")
    if configuration["crop"] % 16:
        raise DataError(f"crop of {path} is {configuration['crop']}, no multiple of 16.")
    if not any(configuration["loss"].get(term) for term in ("mae", "mse", "log_mse", "ssim")):
        raise DataError(f"loss of {path} has no weight for mae, mse, log_mse or ssim.")
    if not {"name", "learning_rate"} <= configuration["optimiser"].keys():
        raise DataError(f"optimiser of {path} has no name and learning_rate.")
    return configuration
