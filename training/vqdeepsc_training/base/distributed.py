# SPDX-License-Identifier: GPL-3.0-or-later
"""Several training processes (torchrun) that act as one; without torchrun every call is local."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist

# torch.optim imports this late, and functions there keep the group of that moment as a default:
# its threads then outlive `stop`, and PyTorch aborts if one of them is busy when Python ends.
import torch.distributed.nn
from torch import Tensor

from .errors import DeviceError

DEVICES = ("cpu", "cuda")


def own_device(device_type: str) -> torch.device:
    """The device of this process: of each machine's GPUs, the one that has the process's number.

    device_type: of DEVICES. Raises DeviceError if there is no such GPU.
    """
    if device_type == "cpu":
        return torch.device("cpu")
    number, found = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= found:
        raise DeviceError(
            f"--device cuda needs a GPU for each process, {number + 1} or more, but "
            f"PyTorch finds {found}."
        )
    device = torch.device("cuda", number)
    torch.cuda.set_device(device)
    # Some images for GPUs turn TF32 on, in which Muon's iteration diverges.
    torch.set_float32_matmul_precision("highest")
    return device


def start(device: torch.device) -> None:
    """Join the other processes, to exchange tensors of this device, if torchrun started this."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


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
