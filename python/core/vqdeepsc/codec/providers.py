# SPDX-License-Identifier: GPL-3.0-or-later
"""What the networks run on: onnxruntime's execution providers, and in which precision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from vqdeepsc.errors import ParameterError

FLOAT32 = "float32"
DEFAULT_PROVIDER = "cpu"


class _Kind(NamedTuple):
    """A provider: onnxruntime's name of it, the package that brings it, and its precisions."""

    execution: str
    package: str
    precisions: tuple[str, ...] = (FLOAT32,)


_KINDS = {
    "cpu": _Kind("CPUExecutionProvider", "onnxruntime"),
    "openvino": _Kind(
        "OpenVINOExecutionProvider", "onnxruntime-openvino", (FLOAT32, "bfloat16", "float16")
    ),
    "cuda": _Kind("CUDAExecutionProvider", "onnxruntime-gpu"),
    "coreml": _Kind("CoreMLExecutionProvider", "onnxruntime"),
    "directml": _Kind("DmlExecutionProvider", "onnxruntime-directml"),
}
_OPENVINO_TYPES = {FLOAT32: "f32", "bfloat16": "bf16", "float16": "f16"}
PROVIDERS = tuple(_KINDS)


@dataclass(frozen=True)
class Provider:
    """What the networks run on.

    name: of PROVIDERS; precision: in which they compute. Another precision than float32 may give
    other indices of the encoder: other images, not errors."""

    name: str = DEFAULT_PROVIDER
    precision: str = FLOAT32

    @classmethod
    def parse(cls, text: str) -> Provider:
        """Reads NAME or NAME:PRECISION. Raises ParameterError for another."""
        name, _, precision = text.partition(":")
        if name not in _KINDS:
            raise ParameterError(f"there is no provider {name!r}; known: {', '.join(PROVIDERS)}")
        provider = cls(name, precision or FLOAT32)
        allowed = _KINDS[name].precisions
        if provider.precision not in allowed:
            raise ParameterError(
                f"the provider {name} has no precision {precision!r}, only {', '.join(allowed)}"
            )
        return provider

    @property
    def execution(self) -> str:
        """onnxruntime's name."""
        return _KINDS[self.name].execution

    @property
    def package(self) -> str:
        """The Python package of the onnxruntime that has it."""
        return _KINDS[self.name].package

    def options(self, threads: int) -> Mapping[str, str]:
        """onnxruntime's options of the provider; threads: of the processor, at most."""
        if self.name == "openvino":
            settings = {
                "INFERENCE_PRECISION_HINT": _OPENVINO_TYPES[self.precision],
                "INFERENCE_NUM_THREADS": threads,
            }
            return {"device_type": "CPU", "load_config": json.dumps({"CPU": settings})}
        if self.name == "cuda":
            return {"use_tf32": "0"}
        return {}


ON_PROCESSOR = Provider()
