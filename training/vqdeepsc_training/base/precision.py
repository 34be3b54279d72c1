# SPDX-License-Identifier: GPL-3.0-or-later
"""The precision that a device computes in: bfloat16 only where it has arithmetic for that."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .errors import ConfigurationError

# x86: AVX512_BF16 and AMX; ARM: BF16. Elsewhere a key is missing, and PyTorch emulates, slowly.
CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")


def has_bfloat16(device: torch.device) -> bool:
    """Whether a processor or GPU multiplies in bfloat16 itself."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in CPU_BFLOAT16)


def used_precision(wanted: str, device: torch.device) -> str:
    """`bfloat16` if it is wanted and the device has it, else `float32`.

    wanted: a configuration's `precision`. Raises ConfigurationError for another one.
    """
    if wanted not in ("bfloat16", "float32"):
        raise ConfigurationError(f"The precision is {wanted!r}, but must be bfloat16 or float32.")
    return "bfloat16" if wanted == "bfloat16" and has_bfloat16(device) else "float32"


@dataclass(frozen=True)
class Arithmetic:
    """What computes, and in which precision: `float32` or `bfloat16`."""

    device: torch.device
    precision: str

    def autocast(self) -> torch.autocast:
        """Mixed precision, where it is bfloat16."""
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"
        )
