# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as vector-quantised indices over LDPC and 16-QAM, for GNU Radio.

Blocks are imported when they are first named, so that the command line starts without loading
GNU Radio. What needs no GNU Radio is in the package ``vqdeepsc``.
"""

from importlib import import_module
from typing import Any

_MODULES = {
    "burst_decoder": ".vqdeepsc_python",
    "burst_demodulator": ".vqdeepsc_python",
    "burst_detector": ".vqdeepsc_python",
    "burst_modulator": ".vqdeepsc_python",
    "burst_receiver": ".blocks.burst_receiver",
    "burst_transmitter": ".blocks.burst_transmitter",
    "burst_transport_blocks": ".blocks.protection",
    "csi_equalizer": ".vqdeepsc_python",
    "fading_channel": ".vqdeepsc_python",
    "known_transport_blocks": ".blocks.protection",
    "known_uep_profiles": ".blocks.protection",
    "ldpc_decoder": ".vqdeepsc_python",
    "ldpc_encoder": ".vqdeepsc_python",
    "ldpc_fec_decoder": ".vqdeepsc_python",
    "ldpc_fec_encoder": ".vqdeepsc_python",
    "image_display": ".blocks.image_display",
    "qam_points": "vqdeepsc.kernels",
    "qam_soft_demapper": ".vqdeepsc_python",
    "sample_image": "vqdeepsc.images.sample",
    "semantic_decoder": ".blocks.semantic_decoder",
    "semantic_encoder": ".blocks.semantic_encoder",
    "semantic_sink": ".blocks.semantic_sink",
    "semantic_source": ".blocks.semantic_source",
    "transport_blocks": "vqdeepsc.link",
    "zero_fill": ".vqdeepsc_python",
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Blocks that `gr_modtool add` made are in no table.
    value = getattr(import_module(_MODULES.get(name, ".vqdeepsc_python"), __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
