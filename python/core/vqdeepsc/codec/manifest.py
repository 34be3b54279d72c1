# SPDX-License-Identifier: GPL-3.0-or-later
"""manifest.json: what a model is, and what its files must be."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.bounded_files import FileError, read_bounded
from vqdeepsc.errors import Error
from vqdeepsc.kernels import BLOCK_SIDE
from vqdeepsc.limits import (
    MAXIMUM_CARD_BYTES,
    MAXIMUM_CODEBOOK_BYTES,
    MAXIMUM_MANIFEST_BYTES,
    MAXIMUM_NETWORK_BYTES,
)
from vqdeepsc.messages import from_json
from vqdeepsc.whole_files import write_whole

from .codebooks import CodebooksError, codebook_shapes
from .scales import Scale, scale_stride

FORMAT = 1
GRADIENT = "gradient.onnx"
BUNDLE_FILES = {
    "encoder.onnx": MAXIMUM_NETWORK_BYTES,
    "decoder.onnx": MAXIMUM_NETWORK_BYTES,
    "codebooks.npz": MAXIMUM_CODEBOOK_BYTES,
    "MODEL_CARD.md": MAXIMUM_CARD_BYTES,
}
"""What a bundle holds beside its manifest, and how many bytes each may have."""
OPTIONAL_FILES = {GRADIENT: MAXIMUM_NETWORK_BYTES}
"""What senders that search need besides."""
MANIFEST = "manifest.json"
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MAXIMUM_BITS = 16
RASTER, BY_PASSES = "raster", "passes"
ORDERS = (RASTER, BY_PASSES)
"""How positions follow each other within a scale: in raster order, or those of scales 1 and 0 in
passes (Scale.passes)."""


class BundleError(Error):
    """A model that is missing, damaged or not what its manifest says, in one sentence."""


@dataclass(frozen=True)
class Manifest:
    """manifest.json, checked in itself.

    files: SHA-256 in hexadecimal of each; training: the record of the training, as it was written;
    measured: SSIM, PSNR and more by data set, None for what is not known."""

    directory: Path
    name: str
    version: str
    scales: tuple[Scale, ...]
    files: Mapping[str, str]
    training: Mapping[str, Any]
    measured: Mapping[str, Mapping[str, float | None]]

    @property
    def model_id(self) -> int:
        """First 16 bits, big-endian, of the SHA-256 of codebooks.npz."""
        return int(self.files["codebooks.npz"][:4], 16)

    @property
    def bits_per_region(self) -> int:
        return sum(scale.bits_per_region for scale in self.scales)


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Reads and checks manifest.json of the bundle at `path`, not the files it names.

    Raises BundleError."""
    directory = Path(path)
    if not directory.is_dir():
        raise BundleError(f"there is no model at {directory}")
    try:
        content = from_json(read_bounded(directory / MANIFEST, MAXIMUM_MANIFEST_BYTES))
    except FileError as error:
        raise BundleError(str(error)) from error
    except ValueError as error:
        raise BundleError(f"{directory / MANIFEST} is not valid JSON") from error
    try:
        return _parse_manifest(directory, content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise BundleError(f"{directory / MANIFEST}: {reason}") from error


def verify_files(manifest: Manifest) -> None:
    """Holds every file of a bundle against its SHA-256; raises BundleError."""
    for name in manifest.files:
        read_verified(manifest, name)


def write_manifest(
    path: str | os.PathLike[str],
    *,
    name: str,
    version: str,
    priors: Mapping[int, Sequence[float] | NDArray[np.floating[Any]]],
    training: Mapping[str, Any],
    measured: Mapping[str, Any],
    order: str = RASTER,
) -> Manifest:
    """Writes manifest.json for the other files of the bundle at `path`.

    Codewords, dimensions and bits come from codebooks.npz.
    priors: {l: [N_l]} counts or frequencies of the indices, scaled here to sum 1;
    training: configuration, data, steps, images, seed;
    measured: {data set: {"ssim": ..., "psnr_db": ..., "ms_ssim": ...}}; order: of ORDERS.
    Raises BundleError if a file is missing or the result would not load."""
    directory = Path(path)
    try:
        contents = {
            file: read_bounded(directory / file, size)
            for file, size in (BUNDLE_FILES | OPTIONAL_FILES).items()
            if file in BUNDLE_FILES or (directory / file).exists()
        }
        shapes = codebook_shapes(contents["codebooks.npz"])
    except FileError as error:
        raise BundleError(f"no manifest for {directory}: {error}") from error
    except CodebooksError as error:
        raise BundleError(f"no manifest for {directory}: codebooks.npz {error}") from error
    scales = []
    for scale, (codewords, dimension) in shapes.items():
        prior = np.asarray(priors[scale], dtype=np.float64)
        scales.append(
            {
                "scale": scale,
                "stride": scale_stride(scale),
                "codewords": codewords,
                "dimension": dimension,
                "bits": int(codewords).bit_length() - 1,
                "prior": (prior / prior.sum()).tolist(),
            }
        )
    content = {
        "format": FORMAT,
        "name": name,
        "version": version,
        "scales": scales,
        "files": {file: _sha256(content) for file, content in contents.items()},
        "training": dict(training),
        "measured": dict(measured),
    }
    if order != RASTER:
        content["order"] = order
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    try:
        manifest = _parse_manifest(directory, content)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"no manifest for {directory}: {error}") from error
    write_whole(directory / MANIFEST, text)
    return manifest


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_verified(manifest: Manifest, name: str) -> bytes:
    path = manifest.directory / name
    try:
        content = read_bounded(path, (BUNDLE_FILES | OPTIONAL_FILES)[name])
    except FileError as error:
        raise BundleError(f"model {manifest.name}: {error}") from error
    if _sha256(content) != manifest.files[name]:
        raise BundleError(f"model {manifest.name}: {path} is not the file its manifest names")
    return content


def _parse_manifest(directory: Path, content: Any) -> Manifest:
    if not isinstance(content, dict):
        raise TypeError("it must hold one object")
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']!r} is not known, only {FORMAT}")
    name, version = content["name"], content["version"]
    if not isinstance(name, str) or not MODEL_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name")
    if not isinstance(version, str) or not version:
        raise ValueError("the version must be a text")
    if not isinstance(content["training"], dict):
        raise TypeError("'training' must be an object")
    _check_measured(content["measured"])
    files = content["files"]
    if not isinstance(files, dict) or set(files) - set(OPTIONAL_FILES) != set(BUNDLE_FILES):
        raise ValueError(
            f"'files' must name {', '.join(BUNDLE_FILES)}, and may name {', '.join(OPTIONAL_FILES)}"
        )
    for file, digest in files.items():
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError(f"the hash of {file} is not a SHA-256 in hexadecimal")
    if not isinstance(content["scales"], list):
        raise TypeError("'scales' must be a list")
    order = content.get("order", RASTER)
    if order not in ORDERS:
        raise ValueError(f"the order must be one of {', '.join(ORDERS)}, not {order!r}")
    scales = tuple(_parse_scale(entry, order) for entry in content["scales"])
    numbers = [scale.scale for scale in scales]
    if not numbers or numbers != sorted(set(numbers)):
        raise ValueError("the scales must be listed once each, fine to coarse")
    if order == BY_PASSES and 1 not in numbers:
        raise ValueError("only a model that sends scale 1 can have the order 'passes'")
    return Manifest(
        directory, name, version, scales, files, content["training"], content["measured"]
    )


def _check_measured(measured: Any) -> None:
    """Data sets with numbers, or null for what is not known."""
    if not isinstance(measured, dict):
        raise TypeError("'measured' must be an object")
    for name, values in measured.items():
        if not isinstance(values, dict) or not all(map(_is_measurement, values.values())):
            raise TypeError(f"'measured' must have an object of numbers for {name!r}")


def _is_measurement(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value))


def _parse_scale(entry: Any, order: str) -> Scale:
    if not isinstance(entry, dict):
        raise TypeError("a scale must be an object")
    # no power of two is computed of a number that may be any
    limits = {
        "scale": BLOCK_SIDE.bit_length() - 1,
        "stride": BLOCK_SIDE,
        "codewords": 2**_MAXIMUM_BITS,
        "dimension": MAXIMUM_CODEBOOK_BYTES,
        "bits": _MAXIMUM_BITS,
    }
    numbers = {}
    for key, limit in limits.items():
        # a second stage can only follow the first in passes
        least = 0 if key == "scale" and order == BY_PASSES else 1
        if type(entry[key]) is not int or not least <= entry[key] <= limit:
            raise ValueError(f"{key!r} of a scale must be an integer from {least} to {limit:,}")
        numbers[key] = entry[key]
    if numbers["stride"] != scale_stride(numbers["scale"]):
        raise ValueError(f"scale {numbers['scale']} cannot have stride {numbers['stride']}")
    if numbers["codewords"] != 2 ** numbers["bits"]:
        raise ValueError(
            f"scale {numbers['scale']} has {numbers['codewords']} codewords "
            f"for {numbers['bits']} bits"
        )
    given = entry["prior"]
    if not isinstance(given, list) or len(given) != numbers["codewords"]:
        raise ValueError(f"scale {numbers['scale']} needs one prior for each codeword")
    if not all(type(value) in (int, float) for value in given):
        raise TypeError(f"the priors of scale {numbers['scale']} must be numbers")
    prior = np.array(given, dtype=np.float64)
    if not (prior >= 0).all() or not abs(prior.sum() - 1) <= 1e-3:
        raise ValueError(f"the priors of scale {numbers['scale']} are not probabilities")
    prior /= prior.sum()
    prior.setflags(write=False)
    passes = order == BY_PASSES and numbers["scale"] <= 1
    return Scale(**numbers, prior=prior, passes=passes)
