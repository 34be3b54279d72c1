# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of runs, with their defaults; training/README.md says what each entry means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..base.errors import ConfigurationError
from ..base.schema import Table, entry
from ..data.sampler import BatchSampler
from ..networks.settings import NetworkSettings
from ..objectives.losses import LossWeights
from ..objectives.optimiser import OptimiserSettings

if TYPE_CHECKING:
    from ..data.cache import ImageCache


@dataclass(frozen=True)
class Annealing(Table):
    """Noise on the features, a part of the codewords' deviation, falling to 0 at `until`."""

    noise: float = entry(low=0)
    until: float = entry(above=0)


@dataclass(frozen=True)
class Distillation(Table):
    """Weight of the distance to the images of a wider network, a bundle or checkpoint."""

    weights: str
    weight: float = entry(low=0)


@dataclass(frozen=True)
class Noise(Table):
    """Images of each batch that are decoded after a bad channel, from which share of the run."""

    start: float = entry(low=0, high=1, key="from")
    images: int = entry(low=1)
    weight: float = entry(1.0, low=0)


@dataclass(frozen=True)
class Prefixes(Table):
    """Images of each batch that are decoded again from their first layers, a random number.

    shares: how often each number of layers is drawn, from 1 to all but one; None for equally often.
    """

    images: int = entry(low=1)
    weight: float = entry(1.0, low=0)
    shares: tuple[float, ...] | None = entry(None, low=0)


@dataclass(frozen=True)
class Adversarial(Table):
    """The discriminator: channels of its first convolution, and its optimiser."""

    channels: int = entry(low=1)
    optimiser: OptimiserSettings


@dataclass(frozen=True)
class RecordingSource(Table):
    """The recording of the link that a run was given."""

    file: str
    seed: int
    transmissions: int


@dataclass(frozen=True)
class Configuration(Table):
    """A run. `data`, `shares` and `recording` say what it was given; the rest is chosen."""

    name: str
    seed: int = entry(low=0)
    crop: int = entry(low=16, multiple=16)
    batch: int = entry(low=1)
    loss: LossWeights
    optimiser: OptimiserSettings
    network: NetworkSettings | None = None
    zoom: float = entry(1.0, low=1, high=100)
    flips: bool = True
    colour: float = entry(0.0, low=0, high=1)
    steps: int | None = entry(None, low=0)
    epochs: int | None = entry(None, low=1)
    unquantised_steps: int = entry(0, low=0)
    precision: Literal["float32", "bfloat16"] = "float32"
    quantised: bool = True
    commitment: float = entry(0.25, low=0)
    quantiser_weight: float = entry(1.0, low=0)
    embedding_gradient: bool = False
    average: float = entry(0.999, low=0, high=1)
    selection: Literal["ssim"] | None = None
    decoder_only: bool = False
    annealing: Annealing | None = None
    distillation: Distillation | None = None
    noise: Noise | None = None
    prefixes: Prefixes | None = None
    adversarial: Adversarial | None = None
    data: tuple[str, ...] | None = None
    shares: tuple[float, ...] | None = entry(None, low=0)
    recording: RecordingSource | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.noise and self.noise.images > self.batch:
            raise ConfigurationError(
                f"noise.images is {self.noise.images}, but a batch has {self.batch}"
            )
        if self.prefixes and self.prefixes.images > self.batch:
            raise ConfigurationError(
                f"prefixes.images is {self.prefixes.images}, but a batch has {self.batch}"
            )

    def having(self, **changes: Any) -> Configuration:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def changes(self, before: Configuration) -> dict[str, Any]:
        """What `before` had where this one differs, by key, in JSON's types."""
        was, now = before.to_json(), self.to_json()
        return {key: was.get(key) for key in was | now if was.get(key) != now.get(key)}


def read_configuration(path: Path) -> Configuration:
    """Configuration of a JSON file.

    Raises ConfigurationError if there is none or it cannot be trained.
    """
    if not path.is_file():
        raise ConfigurationError(f"The configuration {path} does not exist.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no configuration: {error}.") from error
    try:
        return Configuration.read(values)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path} is no configuration: {error}.") from error


def make_sampler(
    configuration: Configuration, caches: list[ImageCache], shares: Sequence[float]
) -> BatchSampler:
    """Sampler of the crops that a configuration asks for."""
    return BatchSampler(
        caches,
        shares,
        configuration.crop,
        configuration.batch,
        configuration.seed,
        configuration.zoom,
        configuration.epochs is not None,
        configuration.flips,
        configuration.colour,
    )
