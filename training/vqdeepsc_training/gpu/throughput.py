# SPDX-License-Identifier: GPL-3.0-or-later
"""How many crops a second a device trains: by batch, and by how the network is run."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..base.errors import DataError
from ..networks.encoded import Encoded
from ..trainer.trainer import Trainer

LEAST_GAIN = 1.1
"""By how much twice the batch must be faster for the search to go on."""
GOOD_ENOUGH = 0.9
"""Share of the best throughput that the smallest such batch is chosen by: it takes more steps."""
MOST_STEPS = 10
"""Of one measurement."""
OUT_OF_MEMORY = (torch.cuda.OutOfMemoryError, MemoryError)

Forward = Callable[[Tensor, bool], tuple[Tensor, Encoded]]


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def utilisation(device: torch.device) -> float | None:
    """Share of the last second in which a GPU computed; None where nothing says it."""
    if device.type != "cuda":
        return None
    try:
        return torch.cuda.utilization(device) / 100
    # It needs a package of NVIDIA's, and a driver that answers.
    except (ImportError, RuntimeError):
        return None


def crops_per_second(trainer: Trainer) -> float:
    """Crops a second over a second or some steps, after two that do not count."""

    def seconds(steps: int) -> float:
        started = time.perf_counter()
        for _ in range(steps):
            trainer.train_step(read=False)
        synchronise(trainer.device)
        return time.perf_counter() - started

    seconds(1)
    once = seconds(1)
    steps = min(MOST_STEPS, round(1 / once))
    return trainer.sampler.batch / (once if steps < 2 else seconds(steps) / steps)


def find_batch(
    measure: Callable[[int], float | None],
    smallest: int,
    first: int,
    seconds: float,
    least_steps: int,
    going_on: Callable[[], bool] = lambda: True,
) -> tuple[int, dict[int, float | None]]:
    """The batch to train with for some seconds, and what was measured of each that was tried.

    From `first` on the batch doubles until it does not fit into the memory, is hardly faster, or
    leaves fewer than `least_steps` steps. If `first` itself does not fit it halves, and if it
    leaves too few steps it halves down to `smallest`. going_on: asked before each doubling.
    measure: crops a second of a batch, None if the memory is too small for it.
    Raises DataError if not even one crop fits.
    """
    batch = first
    rate = measure(batch)
    tried: dict[int, float | None] = {batch: rate}
    while rate is None or (batch > smallest and rate * seconds < batch * least_steps):
        if batch == 1:
            raise DataError("The memory is too small for a batch of one crop.")
        batch = batch // 2 if rate is None else max(smallest, batch // 2)
        rate = tried[batch] = measure(batch)
    if batch == first:
        while rate * seconds >= 2 * batch * least_steps and going_on():
            batch *= 2
            best, rate = rate, measure(batch)
            tried[batch] = rate
            if rate is None or rate < LEAST_GAIN * best:
                break
    rates = {
        batch: rate
        for batch, rate in tried.items()
        if rate is not None and (batch <= smallest or rate * seconds >= batch * least_steps)
    }
    wanted = GOOD_ENOUGH * max(rates.values())
    return min(batch for batch, rate in rates.items() if rate >= wanted), tried


class _Flat(nn.Module):
    """A network that takes and returns nothing but tensors, as CUDA graphs do."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        decoded, encoded = self.network(image, True)
        return (
            decoded,
            encoded.embedding_loss,
            encoded.commitment_loss,
            *encoded.features,
            *encoded.codewords,
            *encoded.indices,
        )


def compiled(trainer: Trainer) -> Forward:
    """The trainer's network by torch.compile."""
    return torch.compile(trainer.network, dynamic=False)


def graphed(trainer: Trainer) -> Forward:
    """The trainer's network, forwards and backwards, as CUDA graphs of one batch."""
    sample = trainer.sampler.crops(trainer.sampler.regions(0))
    device, precision = trainer.device, trainer.arithmetic.precision
    # Graphs keep addresses, and a cache of rounded weights has none that stay.
    with torch.autocast(
        device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False
    ):
        flat = torch.cuda.make_graphed_callables(
            _Flat(trainer.network.train()), (sample,), allow_unused_input=True
        )
    scales = len(trainer.network.scales)

    def forward(image: Tensor, quantised: bool) -> tuple[Tensor, Encoded]:
        decoded, embedding, commitment, *lists = flat(image)
        features, codewords, indices = (
            list(lists[first : first + scales]) for first in range(0, 3 * scales, scales)
        )
        return decoded, Encoded(features, codewords, indices, embedding, commitment)

    return forward


WAYS: dict[str, Callable[[Trainer], Forward]] = {"compiled": compiled, "graphed": graphed}
"""Ways to run a network faster than operation by operation, the fastest first."""


def choose_way(
    trainer: Trainer, rate: float, ways: dict[str, Callable[[Trainer], Forward]]
) -> tuple[str, dict[str, float | str]]:
    """Make a trainer run its network in the fastest way; returns its name and what was tried.

    rate: crops a second without any of them; each of `ways` is tried until one is faster. The
    steps that are measured count as training. What does not work on a machine is not used, and
    why is what was tried of it.
    """
    tried: dict[str, float | str] = {"eager": rate}
    for name, make in ways.items():
        try:
            trainer.faster = make(trainer)
            tried[name] = crops_per_second(trainer)
        # Compilers and drivers fail in ways that no list would hold.
        except Exception as error:
            tried[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        else:
            if tried[name] > rate:
                return name, tried
        trainer.faster = None
    return "eager", tried
