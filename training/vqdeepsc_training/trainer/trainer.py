# SPDX-License-Identifier: GPL-3.0-or-later
"""Training steps, schedule, checkpoints and validation."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..base import distributed
from ..base.errors import DataError
from ..base.files import write_whole
from ..base.precision import used_precision
from ..base.repository import ROOT
from ..data.recording import Recording
from ..data.sampler import BatchSampler
from ..networks.build import TunedNetwork, build_network
from ..networks.discriminator import PatchDiscriminator
from ..networks.encoded import Encoded
from ..objectives.adversarial import discriminator_loss, generator_loss
from ..objectives.assignment import assign, one_bit_costs
from ..objectives.channel import check_recording, received_codewords
from ..objectives.losses import psnr, reconstruction_loss, ssim
from ..objectives.optimiser import configure_optimisers
from .checkpoint import averaged_network, read_checkpoint, run_record, write_checkpoint

ASSIGNMENT_STEPS = 200
CHECKPOINT, SELECTED, RECORD = "checkpoint.pt", "best.pt", "record.json"
"""Files of a run's folder."""
CPU = torch.device("cpu")
# What the checkpoint of a tuned decoder keeps of the run that trained encoder and codebooks.
RUN = ("configuration", "computed_in", "step", "pictures", "seconds", "curve", "history")


def running_statistics(network: nn.Module) -> list[Tensor]:
    """Running means and variances of all batch normalisations, which each process has its own."""
    return [values for module in network.modules() if isinstance(module, nn.BatchNorm2d)
            for values in (module.running_mean, module.running_var)]


class Trainer:
    """One training run; everything random depends on the seed and the step alone.

    configuration: see configs/; sampler: batches by step; folder: of checkpoint and record;
    hours: length of the run instead of the configuration's number of steps; clock: what measures
    it, in seconds; recording: of the link, for a configuration with `noise`; device: of networks
    and optimisers. What is random comes from the CPU, so a seed means the same on every device.
    Raises ValueError for an unknown precision, or a recording that does not fit the configuration;
    DataError if the network to distil from cannot be read.
    """

    def __init__(self, configuration: dict, sampler: BatchSampler, folder: Path,
                 hours: float | None = None, clock: Callable[[], float] = time.monotonic,
                 recording: Recording | None = None, device: torch.device = CPU) -> None:
        self.configuration = configuration
        self.sampler = sampler
        self.folder = folder
        self.hours = hours
        self.clock = clock
        self.recording = recording
        self.device = device
        self.steps = configuration["steps"]
        torch.manual_seed(configuration["seed"])
        self.network = build_network(configuration["network"]).to(
            device, memory_format=torch.channels_last)
        if configuration.get("noise"):
            check_recording(recording, self.network, configuration["crop"])
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimisers = configure_optimisers(self.network, configuration["optimiser"])
        self.encoder: nn.Module | None = None
        self.trained: dict = {}
        self.teacher: nn.Module | None = None
        if distillation := configuration.get("distillation"):
            weights = read_checkpoint(ROOT / "training" / distillation["weights"])
            self.teacher = averaged_network(weights).to(device, memory_format=torch.channels_last)
        self.discriminator: PatchDiscriminator | None = None
        if adversarial := configuration.get("adversarial"):
            self.discriminator = PatchDiscriminator(adversarial["channels"]).to(
                device, memory_format=torch.channels_last)
            (self.discriminator_optimiser,) = configure_optimisers(
                self.discriminator, adversarial["optimiser"])
        self.started = False
        self.step = 0
        self.seconds = 0.0
        self.pictures = 0
        self.curve: list[dict] = []
        self.history: list[dict] = []
        self.quantised_network = configuration.get("quantised", True)
        self.precision = used_precision(configuration.get("precision", "float32"), device)

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        if self.hours is not None:
            return min(1.0, self.seconds / (3600 * self.hours))
        return min(1.0, self.step / self.steps)

    @property
    def unquantised_steps(self) -> int:
        """Steps before the k-means start of the codebooks; -1 if the run started with codebooks."""
        return -1 if self.started else self.configuration.get("unquantised_steps", 0)

    @property
    def quantised(self) -> bool:
        """Whether the averaged weights send labels yet, for a network that quantises at all."""
        return self.quantised_network and self.step > self.unquantised_steps

    def with_encoder(self, network: nn.Module) -> nn.Module:
        """The network itself, or its decoder behind the encoder that stays as it is."""
        return network if self.encoder is None else TunedNetwork(self.encoder, network)

    def learning_rate(self) -> float:
        """Factor of the learning rate: linear warm-up, then half a cosine to `final_rate`."""
        settings = self.configuration["optimiser"]
        warm_up = min(1.0, (self.step + 1) / settings.get("warmup_steps", 1))
        if settings.get("schedule") == "constant":
            return warm_up
        final = settings.get("final_rate", 0.01)
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress))
        return warm_up * (final + (1 - final) * cosine)

    def generator(self) -> torch.Generator:
        """Source of randomness of the current step."""
        return torch.Generator().manual_seed(self.configuration["seed"] * 1_000_003 + self.step)

    def autocast(self) -> torch.autocast:
        """Mixed precision, if the configuration asks for it and the device has it."""
        return torch.autocast(self.device.type, torch.bfloat16,
                              enabled=self.precision == "bfloat16")

    def train_step(self) -> dict[str, float]:
        """One step of all optimisers; returns the terms of the loss."""
        started = self.clock()
        settings = self.configuration
        image = self.sampler(self.step).to(self.device, memory_format=torch.channels_last)
        generator = self.generator()
        quantised = self.quantised_network and self.step >= self.unquantised_steps
        for space in self.network.spaces:
            space.disturb(self.feature_noise, generator)
        self.network.train()
        factor = self.learning_rate()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = settings["optimiser"]["learning_rate"] * factor
        with self.autocast():
            if quantised and self.step == self.unquantised_steps:
                self.start_codebooks(image, generator)
            decoded, encoded = self.with_encoder(self.network)(image, quantised)
        loss, terms = reconstruction_loss(decoded.float(), image, settings["loss"])
        if self.teacher is not None:
            distance = self.distance_to_teacher(decoded, image)
            loss = loss + settings["distillation"]["weight"] * distance
            terms["distillation"] = float(distance.detach())
        if self.discriminator is not None:
            adversarial_loss, adversarial_terms = self.adversarial_loss(decoded, image)
            loss = loss + adversarial_loss
            terms |= adversarial_terms
        if quantised:
            terms["embedding"] = float(encoded.embedding_loss.detach())
            vq = settings["commitment"] * encoded.commitment_loss
            if settings.get("embedding_gradient"):
                vq = vq + encoded.embedding_loss
            loss = loss + settings.get("quantiser_weight", 1.0) * vq
            if self.noisy_pictures:
                noisy_loss, terms["noisy"] = self.noisy_loss(image, encoded, generator)
                loss = loss + noisy_loss
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        distributed.average([p.grad for p in self.network.parameters() if p.grad is not None])
        if settings["optimiser"].get("clip"):
            nn.utils.clip_grad_norm_(self.network.parameters(), settings["optimiser"]["clip"])
        for optimiser in self.optimisers:
            optimiser.step()
        distributed.average(running_statistics(self.network))
        if quantised and self.encoder is None:
            restarted = 0
            for space, features, labels in zip(
                self.network.spaces, encoded.features, encoded.labels, strict=True
            ):
                restarted += space.update(features, labels, generator)
            terms["restarted"] = restarted
        self.average_weights()
        self.step += 1
        self.pictures += self.sampler.batch * distributed.processes()
        seconds = torch.tensor([self.seconds + self.clock() - started], dtype=torch.float64,
                               device=self.device)
        # All processes go by one clock, or they would stop at different steps.
        self.seconds = float(distributed.from_first(seconds))
        terms["loss"] = float(loss.detach())
        return terms

    @property
    def feature_noise(self) -> float:
        """Noise with which codewords are chosen now: it falls to 0 in a straight line."""
        annealing = self.configuration.get("annealing")
        if not annealing:
            return 0.0
        return annealing["noise"] * max(0.0, 1 - self.progress / annealing["until"])

    def distance_to_teacher(self, decoded: Tensor, image: Tensor) -> Tensor:
        """Mean absolute distance of the pictures to what the teacher draws of the same image."""
        with torch.no_grad(), self.autocast():
            drawn, _ = self.teacher(image)
        return (decoded.float() - drawn.float()).abs().mean()

    def adversarial_loss(self, decoded: Tensor, image: Tensor) -> tuple[Tensor, dict[str, float]]:
        """One step of the discriminator, then the networks' part of eq. 9 against it.

        Returns that part and the values of both sides' losses.
        """
        judge = self.discriminator
        with self.autocast():
            judged = discriminator_loss(judge(image), judge(decoded.detach()))
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        judged.backward()
        distributed.average([p.grad for p in judge.parameters()])
        self.discriminator_optimiser.step()
        judge.requires_grad_(False)
        with self.autocast():
            fooled = generator_loss(judge(decoded))
        judge.requires_grad_(True)
        distributed.average(running_statistics(judge))
        return fooled, {"generator": float(fooled.detach()),
                        "discriminator": float(judged.detach())}

    @property
    def noisy_pictures(self) -> int:
        """Pictures of each batch that are decoded a second time, after a bad channel."""
        noise = self.configuration.get("noise")
        return noise["pictures"] if noise and self.progress >= noise["from"] else 0

    def noisy_loss(self, image: Tensor, encoded: Encoded,
                   generator: torch.Generator) -> tuple[Tensor, float]:
        """Loss of the pictures that crossed a bad channel, weighted, and its value.

        Only the decoder learns from it.
        """
        count = self.noisy_pictures
        if self.encoder is None and self.step % ASSIGNMENT_STEPS == 0:
            orders = self.assign_labels()
            encoded.labels = [order.argsort()[labels]
                              for order, labels in zip(orders, encoded.labels, strict=True)]
        labels = [found[:count] for found in encoded.labels]
        codewords = received_codewords(self.network.spaces, labels, self.recording, generator)
        with self.autocast():
            decoded = self.network.decode(*codewords)
        loss, _ = reconstruction_loss(decoded.float(), image[:count], self.configuration["loss"])
        weight = self.configuration["noise"].get("weight", 1.0) * count / len(image)
        return weight * loss, float(loss.detach())

    @torch.no_grad()
    def assign_labels(self) -> list[Tensor]:
        """Order the codewords so that labels one bit apart are near.

        Returns the order [N] of each scale: label n now stands for what label order[n] stood for.
        """
        orders = []
        for position, space in enumerate(self.network.spaces):
            prior = (space.counts / space.counts.sum()).cpu().numpy()
            costs = one_bit_costs(space.embedding.cpu().numpy(), prior)
            order = torch.from_numpy(assign(costs)).to(self.device)
            space.reorder(order)
            self.average.spaces[position].reorder(order)
            orders.append(order)
        return orders

    @torch.no_grad()
    def start_codebooks(self, image: Tensor, generator: torch.Generator) -> None:
        """k-means start of every embedding space, coarse to fine, on one batch."""
        for scale in reversed(range(len(self.network.spaces))):
            # Finer features depend on the coarser codewords, so each scale is encoded anew.
            _, encoded = self.network(image, quantised=False)
            self.network.spaces[scale].start_from(encoded.features[scale], generator)
        self.average.load_state_dict(self.network.state_dict())

    @torch.no_grad()
    def average_weights(self) -> None:
        """Moving average of weights and codebooks, which validation and export use."""
        # A short memory at first, so that the start is forgotten.
        decay = min(self.configuration.get("average", 0.999), (1 + self.step) / (10 + self.step))
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
        """Batches of pictures uint8 [P, H, W, 3] and of what the averaged weights make of them.

        Both [B, 3, H, W] in [0, 1], on the CPU.
        """
        self.average.eval()
        for start in range(0, len(images), batch):
            image = torch.from_numpy(images[start : start + batch]).permute(0, 3, 1, 2)
            image = image.float().div(255).contiguous(memory_format=torch.channels_last)
            with self.autocast():
                decoded, _ = self.with_encoder(self.average)(image.to(self.device),
                                                             self.quantised)
            yield image, decoded.float().clamp(0, 1).cpu()

    def validate(self, images: np.ndarray) -> dict[str, float]:
        """Mean SSIM and PSNR of the averaged weights on pictures uint8 [P, H, W, 3].

        A point of the curve, unless the codebooks of a quantising network have not started: what
        needs no codebooks yet is better than what follows, and says so as `unquantised`.
        """
        similarity, ratio = [], []
        for image, decoded in self.decoded(images):
            similarity.append(ssim(decoded, image))
            ratio.append(psnr(decoded, image))
        point = {
            "step": self.step,
            "pictures": self.pictures,
            "seconds": round(self.seconds),
            "ssim": round(float(torch.cat(similarity).mean()), 4),
            "psnr_db": round(float(torch.cat(ratio).mean()), 3),
        }
        if self.quantised_network and not self.quantised:
            return point | {"unquantised": True}
        self.curve.append(point)
        return point

    def save(self) -> None:
        """Write checkpoint and record; a reader never sees half a file."""
        if distributed.rank():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state = self.summary() | {
            "network": self.network.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        if self.discriminator is not None:
            state["discriminator"] = self.discriminator.state_dict()
            state["discriminator_optimiser"] = self.discriminator_optimiser.state_dict()
        write_checkpoint(state, self.folder / CHECKPOINT)
        write_whole(self.folder / RECORD, json.dumps(self.record(), indent=1) + "\n")

    def save_if_best(self) -> None:
        """Keep the averaged weights as best.pt if no point of the curve before had more SSIM.

        Only where the configuration asks for this `selection`.
        """
        if not self.configuration.get("selection") or not self.curve or distributed.rank():
            return
        if self.curve[-1]["ssim"] > max((p["ssim"] for p in self.curve[:-1]), default=-1.0):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_checkpoint(self.summary(), self.folder / SELECTED)

    def summary(self) -> dict:
        """What export needs of a run."""
        encoder = {} if self.encoder is None else {
            "encoder": self.encoder.state_dict(), "trained": self.trained}
        return encoder | {
            "configuration": self.configuration,
            "computed_in": self.precision,
            "average": self.average.state_dict(),
            "started": self.started,
            "step": self.step,
            "pictures": self.pictures,
            "seconds": self.seconds,
            "hours": self.hours,
            "curve": self.curve,
            "history": self.history,
        }

    def record(self) -> dict:
        """As `run_record`."""
        return run_record(self.summary(), sum(p.numel() for p in self.network.parameters()))

    def start_from(self, state: dict) -> list[str]:
        """Begin a new run at the averaged weights and codebooks of another run's checkpoint.

        The networks may differ in parts; returns the names of the weights that start afresh.
        Codebooks start by k-means unless all of them fit.
        Raises ValueError if less than half of the weights fit.
        """
        own = self.network.state_dict()
        fitting = {name: value.to(own[name].dtype) for name, value in state["average"].items()
                   if name in own and value.shape == own[name].shape}
        if 2 * sum(v.numel() for v in fitting.values()) < sum(v.numel() for v in own.values()):
            raise ValueError("The weights to start from belong to another network.")
        fresh = sorted(set(own) - set(fitting))
        self.network.load_state_dict(fitting, strict=False)
        self.average.load_state_dict(self.network.state_dict())
        self.started = not any(name.startswith("spaces.") for name in fresh)
        if self.configuration.get("decoder_only"):
            self.assign_labels()
            self.encoder = copy.deepcopy(self.average).eval()
            self.trained = {key: state[key] for key in RUN if key in state}
        self.history = [*state.get("history", []), {
            "until_step": state["step"], "pictures": state["pictures"],
            "run": state["configuration"]["name"], "fresh": fresh,
            "validation": state["curve"]}]
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
            raise DataError(f"{path} belongs to another network, optimiser or discriminator than "
                            "the configuration asks for.") from error
        self.started = state.get("started", False)
        self.step = state["step"]
        self.pictures = state.get("pictures", self.step * self.configuration["batch"])
        self.seconds = state["seconds"]
        self.curve = state["curve"]
        self.history = state.get("history", [])
        was = state["configuration"]
        before = {key: was.get(key) for key in was | self.configuration
                  if was.get(key) != self.configuration.get(key)}
        # Checkpoints from before the precision was noted computed in that of their configuration.
        precision = state.get("computed_in", was.get("precision", "float32"))
        if precision != self.precision:
            before["computed_in"] = precision
        if before:
            self.history.append({"until_step": self.step, "configuration": before})

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
        if self.discriminator is not None:
            self.discriminator.load_state_dict(state["discriminator"])
            self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])
