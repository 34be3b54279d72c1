# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that imports onnxruntime, set to send nothing to its maker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from vqdeepsc.errors import Error, ParameterError

import vqdeepsc.privacy  # isort: skip  # noqa: F401 - has to come before onnxruntime
import onnxruntime
from numpy.typing import NDArray

from vqdeepsc.foreign_messages import without_lines
from vqdeepsc.limits import MAXIMUM_CONSTANT_BYTES, MAXIMUM_NETWORK_MEMORY
from vqdeepsc.processors import available_processors

from .graph import GraphError, check_graph
from .providers import ON_PROCESSOR, Provider

_LARGE_BYTES = 2 << 20
"""Inputs of a run behind which memory is given back, as for tiles of large images."""

_LEFT_OUT = ("ConstantSharing", "CommonSubexpressionElimination")
"""Passes of onnxruntime that take time to load a graph and change nothing in an exported one."""

_OF_DEBIAN = Path(onnxruntime.__file__).is_relative_to("/usr/lib/python3")
"""Debian's own onnxruntime, which registers its operators twice and says so of each."""


class NetworkError(Error):
    """An ONNX graph that cannot be loaded or run: the end of a sentence."""


class Network:
    """A network that is ready to run."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._options = onnxruntime.RunOptions()
        self._large_options = onnxruntime.RunOptions()
        # Each tile of another shape would add to the pool what none before it left in one piece.
        self._large_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def run(
        self, outputs: Sequence[str] | None, inputs: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[Any]]:
        """The outputs with these names, or all; raises NetworkError."""
        size = sum(values.nbytes for values in inputs.values())
        options = self._options if size < _LARGE_BYTES else self._large_options
        try:
            return list(self._session.run(outputs, inputs, options))
        except Exception as error:  # onnxruntime's own exceptions share no other base
            if self._options.terminate:
                raise NetworkError("the network was stopped") from error
            raise NetworkError(f"the network cannot be run: {_first_line(error)}") from error

    def stop(self) -> None:
        """Make run(), in whatever thread, raise NetworkError soon, and from now on."""
        self._options.terminate = self._large_options.terminate = True

    def get_inputs(self) -> Sequence[Any]:
        """Of each input its name, type and shape."""
        return list(self._session.get_inputs())

    def get_outputs(self) -> Sequence[Any]:
        """Of each output its name, type and shape."""
        return list(self._session.get_outputs())

    def get_metadata(self) -> dict[str, str]:
        """Texts that the file holds beside the graph, by name."""
        return dict(self._session.get_modelmeta().custom_metadata_map)


@cache
def _limit_memory() -> None:
    """Give all networks one pool of memory, so that none asks for more than the limit."""
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    as_requested = 1  # else it doubles with each extension
    pool = onnxruntime.OrtArenaCfg(
        {"max_mem": MAXIMUM_NETWORK_MEMORY, "arena_extend_strategy": as_requested}
    )
    onnxruntime.create_and_register_allocator(memory, pool)


def open_network(
    content: bytes, threads: int | None = None, provider: Provider = ON_PROCESSOR
) -> Network:
    """Loads an ONNX graph that is as .graph says.

    threads: at most (None: one for each processor that may be used); provider: what it runs on.
    Raises NetworkError, and ParameterError for a provider that is absent or does not work."""
    if provider.execution not in onnxruntime.get_available_providers():
        raise ParameterError(
            f"the onnxruntime that is installed has no provider {provider.name}: install the "
            f"Python package {provider.package} in its place"
        )
    threads = threads or available_processors()
    try:
        check_graph(content)
    except GraphError as error:
        raise NetworkError(f"cannot be loaded: {error}") from error
    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    for key, value in (
        # waiting threads would take the cores that the flowgraph beside us needs
        ("session.intra_op.allow_spinning", "0"),
        ("session.use_env_allocators", "1"),
        # else the file may choose another format than the one that was judged
        ("session.load_model_format", "ONNX"),
        ("optimization.constant_folding_max_output_size_in_bytes", str(MAXIMUM_CONSTANT_BYTES)),
    ):
        options.add_session_config_entry(key, value)
    try:
        with without_lines(b"Schema error: ") if _OF_DEBIAN else nullcontext():
            session = onnxruntime.InferenceSession(
                content,
                options,
                providers=[(provider.execution, provider.options(threads))],
                disabled_optimizers=_LEFT_OUT,
            )
    except Exception as error:  # as in Network.run
        raise NetworkError(f"cannot be loaded: {_first_line(error)}") from error
    # onnxruntime goes on with the processor alone when another provider fails.
    if session.get_providers()[:1] != [provider.execution]:
        raise ParameterError(f"the provider {provider.name} does not work on this machine")
    return Network(session)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
