# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run is watched: a progress bar on a terminal, a line for each report, TensorBoard."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ..objectives.quality import entropy_share
from .trainer import Trainer

SCALAR_STEPS = 20
GRID_IMAGES = 8


def image_grid(trainer: Trainer, images: NDArray[np.uint8]) -> Tensor:
    """The first GRID_IMAGES of images uint8 [P, H, W, 3] above what the network makes of them.

    Returns [3, 2 H, P W] in [0, 1].
    """
    ((image, decoded),) = trainer.decoded(images[:GRID_IMAGES], GRID_IMAGES)
    return torch.cat([torch.cat(list(row), 2) for row in (image, decoded)], 1)


def codebook_usage(trainer: Trainer) -> dict[str, float]:
    """By scale, the share of its bits that the indices use, and the rarest index's part of 1/N."""
    usage = {}
    for scale, space in zip(trainer.network.scales, trainer.network.spaces, strict=True):
        counts = space.counts.cpu().numpy().astype(np.float64)
        usage[f"s{scale}/entropy_share"] = entropy_share(counts)
        usage[f"s{scale}/rarest"] = float(counts.min() / counts.mean())
    return usage


class Monitor:
    """Watches one run; a context manager. For process 0 alone.

    images: validation images uint8 [P, H, W, 3], or None; events: folder for TensorBoard, or
    None for none.
    """

    def __init__(
        self, trainer: Trainer, images: NDArray[np.uint8] | None, events: Path | None
    ) -> None:
        self.trainer = trainer
        self.images = images
        self.writer = None
        if events is not None:
            from torch.utils.tensorboard import SummaryWriter

            # What an interrupted run wrote after its last checkpoint is written again.
            self.writer = SummaryWriter(events, purge_step=trainer.step)
        self.bar = tqdm(
            total=100,
            unit="%",
            disable=not sys.stderr.isatty(),
            leave=False,
            bar_format="{l_bar}{bar}| {elapsed}{postfix}",
        )

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.close()
        if self.writer is not None:
            self.writer.close()

    def step(self, terms: dict[str, float]) -> None:
        """Show a training step that has these terms of the loss."""
        self.bar.set_postfix(step=self.trainer.step, loss=f"{terms['loss']:.4f}", refresh=False)
        self.bar.update(100 * self.trainer.progress - self.bar.n)
        if self.writer is not None and self.trainer.step % SCALAR_STEPS == 0:
            self._scalars("train", terms)
            self.writer.add_scalar(
                "train/learning_rate_factor", self.trainer.learning_rate(), self.trainer.step
            )

    def report(self, terms: dict[str, float]) -> None:
        """Validate, keep the weights if they are the best, and say how the training goes."""
        point: dict[str, float] = {"step": self.trainer.step}
        if self.images is not None:
            point = self.trainer.validate(self.images).to_json()
            self.trainer.save_if_best()
        texts = [name if value is True else f"{name} {value:.4g}" for name, value in point.items()]
        texts += [f"train_{name} {value:.4g}" for name, value in terms.items()]
        self.bar.clear()
        print(f"{100 * self.trainer.progress:5.1f} %  " + "  ".join(texts), flush=True)
        if self.writer is None:
            return
        if self.trainer.configuration.quantised:
            self._scalars("codebook", codebook_usage(self.trainer))
        if self.images is not None:
            group = "validation_unquantised" if "unquantised" in point else "validation"
            self._scalars(group, {name: point[name] for name in ("ssim", "psnr_db")})
            self.writer.add_image(
                "validation/original_above_decoded",
                image_grid(self.trainer, self.images),
                self.trainer.step,
            )

    def _scalars(self, group: str, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(f"{group}/{name}", value, self.trainer.step)
