# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as vector-quantised indices over LDPC and 16-QAM, for GNU Radio.

Blocks are imported when they are first named, so that ``gnuradio.vqdeepsc.codec`` and the
command line start without loading GNU Radio.
"""

from importlib import import_module
from typing import Any

_PYTHON_BLOCKS = {
    "semantic_source": "semantic_source",
    "semantic_sink": "semantic_sink",
    "semantic_encoder": "semantic_encoder",
    "semantic_decoder": "semantic_decoder",
    "picture_display": "picture_display",
}
_KERNELS = {"qam_points"}
_CPP_BLOCKS = {
    "ldpc_encoder",
    "ldpc_decoder",
    "qam_soft_demapper",
    "fading_channel",
    "csi_equalizer",
}

__all__ = sorted([*_PYTHON_BLOCKS, *_CPP_BLOCKS, *_KERNELS])


def __getattr__(name: str) -> Any:
    if name in _PYTHON_BLOCKS:
        return getattr(import_module(f".{_PYTHON_BLOCKS[name]}", __name__), name)
    if name in _CPP_BLOCKS:
        import_module("gnuradio.gr")
        return getattr(import_module(".vqdeepsc_python", __name__), name)
    if name in _KERNELS:
        return getattr(import_module(".vqdeepsc_kernels", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
