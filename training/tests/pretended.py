# SPDX-License-Identifier: GPL-3.0-or-later
"""A GPU where there is none: tensors that compute on the CPU and keep CUDA's rules.

Each tensor knows whether it is meant to be on the GPU. As CUDA does, a function refuses tensors of
both devices, but for copies, single numbers and index lists from the CPU; NumPy and generators of
the CPU are refused on the GPU. What runs under `PretendedGpu` therefore says where each tensor is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

GPU = torch.device("cuda", 0)
COPIES = {Tensor.copy_, torch._has_compatible_shallow_copy_type}
INDEXED = {Tensor.__getitem__, Tensor.index_select}
TO_NUMPY = {Tensor.numpy, Tensor.__array__}


class OnGpu(Tensor):
    """A tensor that is meant to be on the GPU."""

    device = property(lambda self: GPU)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return call(function, args, kwargs or {})

    def __deepcopy__(self, memo: dict) -> OnGpu:
        if id(self) not in memo:
            copied = self.detach().clone()
            memo[id(self)] = copied
            if isinstance(self, torch.nn.Parameter):
                memo[id(self)] = torch.nn.Parameter(copied, self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: int) -> Any:
        """What is read again with map_location="cpu" is an ordinary tensor."""
        with torch._C.DisableTorchFunctionSubclass():
            return self.as_subclass(Tensor).__reduce_ex__(protocol)


def is_gpu(device: Any) -> bool:
    return device is not None and torch.device(device).type == "cuda"


def placed(values: Any, gpu: bool) -> Any:
    """Tensors of a result, all on one device."""

    def one(value: Any) -> Any:
        if not isinstance(value, Tensor) or isinstance(value, OnGpu) == gpu:
            return value
        return value.as_subclass(OnGpu if gpu else Tensor)

    return tree_map(one, values)


def call(function: Any, args: Any, kwargs: Any) -> Any:
    """function(*args, **kwargs) with the rules of CUDA."""
    given = [v for v in tree_leaves((args, kwargs)) if isinstance(v, Tensor)]
    gpu = any(isinstance(v, OnGpu) for v in given)
    generator = kwargs.get("generator")
    with torch._C.DisableTorchFunctionSubclass():
        if function is Tensor.to:
            wanted = [
                v.device if isinstance(v, Tensor) else v
                for v in (*args[1:], kwargs.get("device"))
                if isinstance(v, Tensor | torch.device | str)
            ]
            gpu = is_gpu(wanted[0]) if wanted else gpu
            real = [
                torch.device("cpu") if isinstance(v, torch.device | str) else v for v in args[1:]
            ]
            kwargs = {
                k: torch.device("cpu") if k == "device" and v is not None else v
                for k, v in kwargs.items()
            }
            result = function(args[0], *real, **kwargs)
            moves = gpu != isinstance(args[0], OnGpu)
            return placed(result.clone() if moves and result is args[0] else result, gpu)
        if function is Tensor.cpu:
            return placed(args[0].clone(), False)
        if gpu and function in TO_NUMPY:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        if is_gpu(kwargs.get("device")):
            kwargs = kwargs | {"device": torch.device("cpu")}
            gpu = True
        if gpu and generator is not None and generator.device.type == "cpu":
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
        mixed = gpu and any(type(v) in (Tensor, torch.nn.Parameter) and v.ndim for v in given)
        of_cpu_index = function in INDEXED and isinstance(args[0], OnGpu)
        if mixed and function not in COPIES and not of_cpu_index:
            raise RuntimeError(f"Expected all tensors to be on the same device: {function}")
        if function is Tensor.copy_:
            gpu = isinstance(args[0], OnGpu)
        return placed(function(*args, **kwargs), gpu)


class PretendedGpu(TorchFunctionMode):
    """While it is entered, device="cuda" makes tensors that are meant to be there."""

    def __enter__(self) -> PretendedGpu:
        self.before = torch.__future__.get_overwrite_module_params_on_conversion()
        # Parameters then take the type of the tensor that Module.to() makes.
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        torch.__future__.set_overwrite_module_params_on_conversion(self.before)
        super().__exit__(*error)

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return call(function, args, kwargs or {})
