# SPDX-License-Identifier: GPL-3.0-or-later
"""Several training processes (torchrun) that act as one; without torchrun every call is local."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import Tensor


def start() -> None:
    """Join the other processes if torchrun started this one."""
    if "WORLD_SIZE" in os.environ and int(os.environ["WORLD_SIZE"]) > 1:
        dist.init_process_group("gloo")


def stop() -> None:
    """Leave the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Number of this process, 0 for the one that writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def processes() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def average(tensors: list[Tensor]) -> None:
    """Replace each tensor by its mean over the processes, in one exchange."""
    if processes() == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    flat /= processes()
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def from_first(tensor: Tensor) -> Tensor:
    """The tensor of process 0, in every process."""
    if processes() > 1:
        dist.broadcast(tensor, 0)
    return tensor
