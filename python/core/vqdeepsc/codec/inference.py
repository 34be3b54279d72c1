# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that imports onnxruntime, set to send nothing to its maker."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import vqdeepsc.privacy  # isort: skip  # noqa: F401 - has to come before onnxruntime
import onnxruntime
from numpy.typing import NDArray


class Network(Protocol):
    """A network that is ready to run: an onnxruntime.InferenceSession."""

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[Any]]: ...

    def get_inputs(self) -> Sequence[Any]: ...

    def get_outputs(self) -> Sequence[Any]: ...

    def get_modelmeta(self) -> Any: ...


class NetworkError(ValueError):
    """An ONNX graph that cannot be loaded."""


def available_processors() -> int:
    """Processors that this process may use, at least 1: its affinity counts, not the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def open_network(content: bytes, threads: int | None = None) -> Network:
    """Loads an ONNX graph; threads: at most (None: one for each processor that may be used).

    Raises NetworkError."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads or available_processors()
    # waiting threads would take the cores that the flowgraph beside us needs
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        network: Network = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own exceptions share no other base
        raise NetworkError("the graph cannot be loaded") from error
    return network
