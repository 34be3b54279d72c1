# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as vector-quantised indices over LDPC and 16-QAM (VQ-DeepSC), without GNU Radio.

Rooms: ``codec`` (model bundles, indices, bits), ``allocation`` (bits where they are needed),
``images`` (files, bitstreams, baselines, metrics),
``kernels`` (LDPC, QAM, channels in C++), ``link`` (the simulated link), ``simulation`` (quality
against SNR), ``cli`` (the command). Names are imported when they are first used, so that a program
loads only what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .allocation import Budget
    from .codec import BundleError, Codec, Indices
    from .errors import Error, ParameterError
    from .images.bitstream import ImageBitstream, read_bitstream, write_bitstream
    from .images.coding import decode, encode
    from .images.files import ImageError, load_image, save_image
    from .kernels import __version__
    from .link import ChannelModel, Link, Scheme
    from .simulation import Result, Simulation, read_results, simulate

_MODULES = {
    "Budget": "allocation",
    "BundleError": "codec",
    "ChannelModel": "link",
    "Codec": "codec",
    "Error": "errors",
    "ImageBitstream": "images.bitstream",
    "ImageError": "images.files",
    "Indices": "codec",
    "Link": "link",
    "ParameterError": "errors",
    "Result": "simulation",
    "Scheme": "link",
    "Simulation": "simulation",
    "__version__": "kernels",
    "decode": "images.coding",
    "encode": "images.coding",
    "load_image": "images.files",
    "read_bitstream": "images.bitstream",
    "read_results": "simulation",
    "save_image": "images.files",
    "simulate": "simulation",
    "write_bitstream": "images.bitstream",
}

__all__ = [
    "Budget",
    "BundleError",
    "ChannelModel",
    "Codec",
    "Error",
    "ImageBitstream",
    "ImageError",
    "Indices",
    "Link",
    "ParameterError",
    "Result",
    "Scheme",
    "Simulation",
    "__version__",
    "decode",
    "encode",
    "load_image",
    "read_bitstream",
    "read_results",
    "save_image",
    "simulate",
    "write_bitstream",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
