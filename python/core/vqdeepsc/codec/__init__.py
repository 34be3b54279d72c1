# SPDX-License-Identifier: GPL-3.0-or-later
"""Images to indices, bits and back: model bundles, with NumPy and onnxruntime alone."""

from .bits import BitLayout
from .bundle import (
    DEFAULT_MODEL,
    Bundle,
    find_model,
    list_models,
    read_bundle,
)
from .codec import Codec, Indices
from .manifest import BundleError, Manifest, read_manifest, write_manifest
from .regions import FRAME_VERSION, Regions, pad_image, region_count
from .runs import Run, RunError, run_of_frame
from .scales import Scale

__all__ = [
    "DEFAULT_MODEL",
    "FRAME_VERSION",
    "BitLayout",
    "Bundle",
    "BundleError",
    "Codec",
    "Indices",
    "Manifest",
    "Regions",
    "Run",
    "RunError",
    "Scale",
    "find_model",
    "list_models",
    "pad_image",
    "read_bundle",
    "read_manifest",
    "region_count",
    "run_of_frame",
    "write_manifest",
]
