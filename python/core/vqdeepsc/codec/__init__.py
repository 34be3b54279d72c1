# SPDX-License-Identifier: GPL-3.0-or-later
"""Images to indices, bits and back: model bundles, with NumPy and onnxruntime alone."""

from .bits import BitLayout
from .bundle import (
    DEFAULT_MODEL,
    Bundle,
    BundleError,
    find_model,
    list_models,
    read_bundle,
    read_manifest,
    write_manifest,
)
from .codec import Codec, Indices
from .regions import pad_image, region_count, region_grid
from .scales import BLOCK_SIDE, REGION_SIDE, Scale

__all__ = [
    "BLOCK_SIDE",
    "DEFAULT_MODEL",
    "REGION_SIDE",
    "BitLayout",
    "Bundle",
    "BundleError",
    "Codec",
    "Indices",
    "Scale",
    "find_model",
    "list_models",
    "pad_image",
    "read_bundle",
    "read_manifest",
    "region_count",
    "region_grid",
    "write_manifest",
]
