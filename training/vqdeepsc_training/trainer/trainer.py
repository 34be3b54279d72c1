# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: steps, averaged weights, validation, checkpoints."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..base import distributed
from ..base.errors import DataError, TrainingError
from ..base.files import write_whole
from ..base.precision import Arithmetic, used_precision
from ..data.recording import Recording
from ..data.resident import ResidentSampler
from ..data.sampler import BatchSampler
from ..networks.build import TunedNetwork, build_network, running_statistics
from ..networks.encoded import Encoded
from ..objectives.losses import psnr, ssim
from ..objectives.optimiser import configure_optimisers
from .checkpoint import read_checkpoint, read_curve, read_history, run_record, write_checkpoint
from .configuration import Configuration
from .loss import make_parts
from .noise import assign_indices
from .parts import Step
from .record import Change, EarlierRun, Point, RunRecord

CHECKPOINT, SELECTED, RECORD = "checkpoint.pt", "best.pt", "record.json"
"""Files of a run's folder."""
CPU = torch.device("cpu")
# What the checkpoint of a tuned decoder keeps of the run that trained encoder and codebooks.
RUN_KEYS = ("configuration", "computed_in", "step", "images", "seconds", "curve", "history")


class Trainer:
    """One training run; everything random depends on the seed and the step alone.

    sampler: batches by step; folder: of checkpoint and record; hours: length of the run instead of
    the configuration's number of steps; clock: what measures it, in seconds; recording: of the
    link, for a configuration with `noise`; device: of networks and optimisers. What is random comes
    from the CPU, so a seed means the same on every device. workers: processes that make batches.
    `faster`, where it is set, computes what the network does of quantised images.
    Raises DataError for a recording that does not fit the configuration or numbers that make no
    network, DataError if the network to distil from cannot be read.
    """

    def __init__(
        self,
        configuration: Configuration,
        sampler: BatchSampler | ResidentSampler,
        folder: Path,
        hours: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        recording: Recording | None = None,
        device: torch.device = CPU,
        workers: int = 0,
    ) -> None:
        self.configuration = configuration
        self.sampler = sampler
        self.folder = folder
        self.hours = hours
        self.clock = clock
        self.device = device
        self.workers = workers
        self._batches: Iterator[Tensor] = iter(())
        self._next_step = -1
        self.arithmetic = Arithmetic(device, used_precision(configuration.precision, device))
        torch.manual_seed(configuration.seed)
        network = build_network(configuration.network)
        self.network = network.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimisers = configure_optimisers(self.network, configuration.optimiser)
        self.parts = make_parts(
            configuration, self.network, self.average, self.arithmetic, recording
        )
        self.faster: Callable[[Tensor, bool], tuple[Tensor, Encoded]] | None = None
        self.encoder: nn.Module | None = None
        self.trained: dict = {}
        self.started = False
        self.finite = torch.ones((), dtype=torch.bool, device=device)
        self.fresh = [True] * len(self.network.spaces)
        self.step = 0
        self.seconds = 0.0
        self.images = 0
        self.curve: list[Point] = []
        self.history: list[Change | EarlierRun] = []

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        if self.hours is not None:
            return min(1.0, self.seconds / (3600 * self.hours))
        return min(1.0, self.step / self.configuration.steps)

    @property
    def unquantised_steps(self) -> int:
        """Steps before the k-means start of the codebooks; -1 once all have started."""
        if self.started:
            return -1
        return self.configuration.unquantised_steps if all(self.fresh) else 0

    @property
    def quantised(self) -> bool:
        """Whether the averaged weights send indices yet, for a network that quantises at all."""
        return self.configuration.quantised and self.step > self.unquantised_steps

    def with_encoder(self, network: nn.Module) -> nn.Module:
        """The network itself, or its decoder behind the encoder that stays as it is."""
        return network if self.encoder is None else TunedNetwork(self.encoder, network)

    def learning_rate(self) -> float:
        """Factor of the learning rate."""
        return self.configuration.optimiser.factor(self.step, self.progress)

    @property
    def feature_noise(self) -> float:
        """Noise with which codewords are chosen now: it falls to 0 in a straight line."""
        annealing = self.configuration.annealing
        return annealing.noise * max(0.0, 1 - self.progress / annealing.until) if annealing else 0.0

    def train_step(self, read: bool = True) -> dict[str, float]:
        """One step of all optimisers; returns the terms of the loss.

        read: whether to wait for them; else none is returned, and a GPU is never idle.
        """
        started, step, loss, terms = self.clock(), self._forward(), None, {}
        for part in self.parts:
            found = part.loss(step)
            if found is not None:
                loss = found[0] if loss is None else loss + found[0]
                terms |= found[1]
        self._backward(loss)
        if step.quantised and self.encoder is None:
            terms["restarted"] = self._move_codewords(step)
        self.average_weights()
        self.step += 1
        self.images += self.sampler.batch * distributed.processes()
        terms["loss"] = loss.detach()
        numbers = {name: float(term) for name, term in terms.items()} if read else {}
        self.seconds += self.clock() - started
        if distributed.processes() > 1:
            # All processes go by one clock, or they would stop at different steps.
            seconds = torch.tensor([self.seconds], dtype=torch.float64, device=self.device)
            self.seconds = float(distributed.from_first(seconds))
        return numbers

    def _batch(self) -> Tensor:
        """The batch of this step."""
        if self._next_step != self.step:
            self._batches = self.sampler.batches(self.step, self.workers)
        self._next_step = self.step + 1
        return next(self._batches)

    def _forward(self) -> Step:
        """The step up to the decoded images; it starts the codebooks when they are due."""
        image = self._batch().to(self.device, memory_format=torch.channels_last)
        generator = torch.Generator().manual_seed(self.configuration.seed * 1_000_003 + self.step)
        quantised = self.configuration.quantised and self.step >= self.unquantised_steps
        for space in self.network.spaces:
            space.disturb(self.feature_noise, generator)
        self.network.train()
        with self.arithmetic.autocast():
            if quantised and self.step == self.unquantised_steps:
                self.start_codebooks(image, generator)
            network = self.with_encoder(self.network)
            if self.faster is not None and quantised:
                network = self.faster
            decoded, encoded = network(image, quantised)
        return Step(self.step, self.progress, image, decoded, encoded, quantised, generator)

    def _backward(self, loss: Tensor) -> None:
        """Gradients, over all processes, and one step of the optimisers."""
        settings = self.configuration.optimiser
        rate = settings.learning_rate * self.learning_rate()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        # DistributedDataParallel wants one forward pass a step; noise tuning decodes a second time.
        distributed.average([p.grad for p in self.network.parameters() if p.grad is not None])
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip or math.inf)
        self.finite &= torch.isfinite(norm)
        for optimiser in self.optimisers:
            optimiser.step()
        distributed.average(running_statistics(self.network))

    def _move_codewords(self, step: Step) -> Tensor:
        """Moving averages of the codewords; returns how many were restarted."""
        encoded: Encoded = step.encoded
        return sum(
            space.update(features, indices, step.generator)
            for space, features, indices in zip(
                self.network.spaces, encoded.features, encoded.indices, strict=True
            )
        )

    @torch.no_grad()
    def start_codebooks(self, image: Tensor, generator: torch.Generator) -> None:
        """k-means start of the fresh embedding spaces, coarse to fine, on one batch."""
        for scale in reversed(range(len(self.network.spaces))):
            if not self.fresh[scale]:
                continue
            # Finer features depend on the coarser codewords, so each scale is encoded anew.
            _, encoded = self.network(image, quantised=False)
            self.network.spaces[scale].start_from(encoded.features[scale], generator)
        self.started = True
        self.average.load_state_dict(self.network.state_dict())

    @torch.no_grad()
    def average_weights(self) -> None:
        """Moving average of weights and codebooks, which validation and export use.

        AveragedModel would average the codebooks as well, or no buffer at all.
        """
        # A short memory at first, so that the start is forgotten.
        decay = min(self.configuration.average, (1 + self.step) / (10 + self.step))
        current = self.network.state_dict()
        means, values = [], []
        for name, mean in self.average.state_dict().items():
            # Codebooks are moving averages already, and restarts make them jump.
            if name.startswith("spaces.") or not mean.is_floating_point():
                mean.copy_(current[name])
            else:
                means.append(mean)
                values.append(current[name])
        torch._foreach_lerp_(means, values, 1 - decay)

    @torch.no_grad()
    def decoded(self, images: np.ndarray, batch: int = 20) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of images uint8 [P, H, W, 3] and of what the averaged weights make of them.

        Both [B, 3, H, W] in [0, 1], on the CPU.
        """
        self.average.eval()
        for start in range(0, len(images), batch):
            image = torch.from_numpy(images[start : start + batch]).permute(0, 3, 1, 2)
            image = image.float().div(255).contiguous(memory_format=torch.channels_last)
            with self.arithmetic.autocast():
                decoded, _ = self.with_encoder(self.average)(image.to(self.device), self.quantised)
            yield image, decoded.float().clamp(0, 1).cpu()

    def validate(self, images: np.ndarray) -> Point:
        """Mean SSIM and PSNR of the averaged weights on images uint8 [P, H, W, 3].

        A point of the curve, unless the codebooks of a quantising network have not started:
        without them it is better than what follows, and says so as `unquantised`.
        """
        similarity, ratio = [], []
        for image, decoded in self.decoded(images):
            similarity.append(ssim(decoded, image))
            ratio.append(psnr(decoded, image))
        point = Point(
            step=self.step,
            images=self.images,
            seconds=round(self.seconds),
            ssim=round(float(torch.cat(similarity).mean()), 4),
            psnr_db=round(float(torch.cat(ratio).mean()), 3),
        )
        if self.configuration.quantised and not self.quantised:
            return replace(point, unquantised=True)
        self.curve.append(point)
        return point

    def save(self) -> None:
        """Write checkpoint and record, each whole; raises TrainingError if the run diverged."""
        if distributed.rank():
            return
        if not self.finite:
            raise TrainingError(f"The run diverged before step {self.step}; try a lower rate.")
        self.folder.mkdir(parents=True, exist_ok=True)
        state = self.summary() | {
            "network": self.network.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        for part in self.parts:
            state |= part.state()
        write_checkpoint(state, self.folder / CHECKPOINT)
        write_whole(self.folder / RECORD, json.dumps(self.record().to_json(), indent=1) + "\n")

    def save_if_best(self) -> None:
        """Keep the averaged weights as best.pt if no point of the curve before had more SSIM.

        Only where the configuration asks for this `selection`.
        """
        if not self.configuration.selection or not self.curve or distributed.rank():
            return
        if self.curve[-1].ssim > max((p.ssim for p in self.curve[:-1]), default=-1.0):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_checkpoint(self.summary(), self.folder / SELECTED)

    def summary(self) -> dict:
        """What export needs of a run."""
        tuned = {}
        if self.encoder is not None:
            tuned = {"encoder": self.encoder.state_dict(), "trained": self.trained}
        return tuned | {
            "configuration": self.configuration.to_json(),
            "computed_in": self.arithmetic.precision,
            "average": self.average.state_dict(),
            "started": self.started,
            "step": self.step,
            "images": self.images,
            "seconds": self.seconds,
            "hours": self.hours,
            "curve": [point.to_json() for point in self.curve],
            "history": [entry.to_json() for entry in self.history],
        }

    def record(self) -> RunRecord:
        """As `run_record`."""
        return run_record(self.summary(), sum(p.numel() for p in self.network.parameters()))

    def start_from(self, state: dict) -> list[str]:
        """Begin a new run at the averaged weights and codebooks of another run's checkpoint.

        The networks may differ in parts; returns the names of the weights that start afresh.
        Codebooks that do not fit start by k-means.
        Raises DataError if less than half of the weights fit.
        """
        own = self.network.state_dict()
        fitting = {
            name: value.to(own[name].dtype)
            for name, value in state["average"].items()
            if name in own and value.shape == own[name].shape
        }
        if 2 * sum(v.numel() for v in fitting.values()) < sum(v.numel() for v in own.values()):
            raise DataError("The weights to start from belong to another network.")
        for part in self.parts:
            part.start(state)
        fresh = sorted(set(own) - set(fitting))
        self.network.load_state_dict(fitting, strict=False)
        self.average.load_state_dict(self.network.state_dict())
        self.fresh = [
            any(name.startswith(f"spaces.{scale}.") for name in fresh)
            for scale in self.network.scales
        ]
        self.started = not any(self.fresh)
        if self.configuration.decoder_only:
            assign_indices(self.network, self.average)
            self.encoder = copy.deepcopy(self.average).eval()
            self.trained = {key: state[key] for key in RUN_KEYS if key in state}
        before = EarlierRun(
            until_step=state["step"],
            images=state["images"],
            run=state["configuration"]["name"],
            fresh=tuple(fresh),
            validation=read_curve(state),
        )
        self.history = [*read_history(state), before]
        return fresh

    def resume(self) -> None:
        """Go on from the checkpoint in the folder.

        Raises DataError if it belongs to another network or other optimisers.
        """
        path = self.folder / CHECKPOINT
        state = read_checkpoint(path)
        try:
            self._restore(state)
        except (RuntimeError, ValueError, LookupError) as error:
            raise DataError(
                f"{path} belongs to another network, optimiser or discriminator than "
                "the configuration asks for."
            ) from error
        self.started = state["started"]
        self.step = state["step"]
        self.images = state["images"]
        self.seconds = state["seconds"]
        self.curve = list(read_curve(state))
        self.history = list(read_history(state))
        before = self.configuration.changes(Configuration.read(state["configuration"]))
        if state["computed_in"] != self.arithmetic.precision:
            before["computed_in"] = state["computed_in"]
        if before:
            self.history.append(Change(self.step, before))

    def _restore(self, state: dict) -> None:
        """Weights and the state of the optimisers, from a checkpoint."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        if "encoder" in state:
            self.encoder = copy.deepcopy(self.average).eval()
            self.encoder.load_state_dict(state["encoder"])
            self.trained = state["trained"]
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        for part in self.parts:
            part.restore(state)
