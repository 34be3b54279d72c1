# SPDX-License-Identifier: GPL-3.0-or-later
"""Model bundles: models/NAME/ with two networks, codebooks and a manifest that vouches for them."""

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

from .codebooks import CodebooksError, codebook_shapes, read_codebooks
from .inference import Network, NetworkError, open_network
from .providers import ON_PROCESSOR, Provider
from .scales import Scale

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
DEFAULT_MODEL = "vqdeepsc-4s"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MAXIMUM_BITS = 16


class BundleError(Error):
    """A model that is missing, damaged or not what its manifest says, in one sentence."""


@dataclass(frozen=True)
class Manifest:
    """manifest.json, checked in itself; `content` is all of it."""

    directory: Path
    name: str
    version: str
    scales: tuple[Scale, ...]
    files: dict[str, str]
    content: dict[str, Any]

    @property
    def model_id(self) -> int:
        """First 16 bits, big-endian, of the SHA-256 of codebooks.npz."""
        return int(self.files["codebooks.npz"][:4], 16)


@dataclass(frozen=True)
class Bundle:
    """A verified model: codebooks {l: float32 [N_l, K_l]} and the two networks, ready to run."""

    manifest: Manifest
    codebooks: dict[int, NDArray[np.float32]]
    encoder: Network
    decoder: Network

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Fine to coarse."""
        return self.manifest.scales

    @property
    def model_id(self) -> int:
        return self.manifest.model_id

    def stop(self) -> None:
        """Make both networks raise NetworkError soon, and from now on."""
        self.encoder.stop()
        self.decoder.stop()


def read_bundle(
    path: str | os.PathLike[str], threads: int | None = None, provider: Provider = ON_PROCESSOR
) -> Bundle:
    """Loads a bundle's directory and holds it against its manifest: hashes, shapes, types, names.

    threads, provider: of each network, as at open_network. Raises BundleError, ParameterError."""
    manifest = read_manifest(path)
    contents = {name: read_verified(manifest, name) for name in BUNDLE_FILES}
    try:
        codebooks = read_codebooks(contents["codebooks.npz"], manifest.scales)
    except CodebooksError as error:
        raise BundleError(f"model {manifest.name}: codebooks.npz {error}") from error
    encoder = open_checked(manifest, "encoder.onnx", contents["encoder.onnx"], threads, provider)
    decoder = open_checked(manifest, "decoder.onnx", contents["decoder.onnx"], threads, provider)
    _check_encoder(manifest, encoder)
    _check_decoder(manifest, decoder)
    return Bundle(manifest, codebooks, encoder, decoder)


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
) -> Manifest:
    """Writes manifest.json for the other files of the bundle at `path`.

    Codewords, dimensions and bits come from codebooks.npz.
    priors: {l: [N_l]} counts or frequencies of the indices, scaled here to sum 1;
    training: configuration, data, steps, pictures, seed;
    measured: {data set: {"ssim": ..., "psnr_db": ..., "ms_ssim": ...}}.
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
                "stride": 2**scale,
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
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    try:
        manifest = _parse_manifest(directory, content)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"no manifest for {directory}: {error}") from error
    write_whole(directory / MANIFEST, text)
    return manifest


def model_directories() -> list[Path]:
    """Directories that are searched for models, in order.

    $VQDEEPSC_MODELS, then models/ in the package (pip), share/vqdeepsc/models of the prefix that it
    is installed under, and models/ of the source tree that it is run from."""
    listed = os.environ.get("VQDEEPSC_MODELS", "")
    found = [Path(entry) for entry in listed.split(os.pathsep) if entry]
    parents = Path(__file__).resolve().parents
    found.append(parents[1] / "models")
    found += [parent / "share" / "vqdeepsc" / "models" for parent in parents]
    found += [parent / "models" for parent in parents if (parent / "python" / "core").is_dir()]
    return [directory for directory in found if directory.is_dir()]


def find_model(model: str | os.PathLike[str]) -> Path:
    """Directory of a model given by its name or by the path of its bundle.

    A text that may be a name is one, and is looked up among the installed models alone; any other
    text, such as one with a slash, is a path. Raises BundleError with the names that are known."""
    path = Path(model)
    if not isinstance(model, str) or not _NAME.fullmatch(model):
        if not path.is_dir():
            raise BundleError(f"there is no model {str(model)!r}")
        if not (path / MANIFEST).is_file():
            raise BundleError(f"{path} is not a model: it has no {MANIFEST}")
        return path
    for directory in model_directories():
        if (directory / model / MANIFEST).is_file():
            return directory / model
    known = ", ".join(path.name for path in list_models()) or "none"
    here = f"; the folder here is ./{model}" if path.is_dir() else ""
    raise BundleError(f"there is no model {model!r}; known models: {known}{here}")


def list_models() -> list[Path]:
    """Bundles that can be named, sorted; the first directory that has a name wins."""
    found: dict[str, Path] = {}
    for directory in model_directories():
        for manifest in directory.glob(f"*/{MANIFEST}"):
            found.setdefault(manifest.parent.name, manifest.parent)
    return [found[name] for name in sorted(found)]


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
    if not isinstance(name, str) or not _NAME.fullmatch(name):
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
    scales = tuple(_parse_scale(entry) for entry in content["scales"])
    numbers = [scale.scale for scale in scales]
    if not numbers or numbers != sorted(set(numbers)):
        raise ValueError("the scales must be listed once each, fine to coarse")
    return Manifest(directory, name, version, scales, dict(files), content)


def _check_measured(measured: Any) -> None:
    """Data sets with numbers, or null for what is not known."""
    if not isinstance(measured, dict):
        raise TypeError("'measured' must be an object")
    for name, values in measured.items():
        if not isinstance(values, dict) or not all(map(_is_measurement, values.values())):
            raise TypeError(f"'measured' must have an object of numbers for {name!r}")


def _is_measurement(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value))


def _parse_scale(entry: Any) -> Scale:
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
        if type(entry[key]) is not int or not 1 <= entry[key] <= limit:
            raise ValueError(f"{key!r} of a scale must be an integer from 1 to {limit:,}")
        numbers[key] = entry[key]
    if numbers["stride"] != 2 ** numbers["scale"]:
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
    return Scale(**numbers, prior=prior)


Tensors = dict[str, tuple[str, list[int | None]]]
"""{name: (type, dimensions)}, None where any size will do."""
_IMAGE: Tensors = {"image": ("tensor(float)", [None, 3, None, None])}


def open_checked(
    manifest: Manifest, name: str, content: bytes, threads: int | None, provider: Provider
) -> Network:
    try:
        return open_network(content, threads, provider)
    except NetworkError as error:
        raise BundleError(f"model {manifest.name}: {name} {error}") from error


def check_tensors(manifest: Manifest, file: str, nodes: Sequence[Any], expected: Tensors) -> None:
    found = {node.name: (node.type, node.shape) for node in nodes}
    if set(found) != set(expected):
        raise BundleError(
            f"model {manifest.name}: {file} has {sorted(found)}, not {sorted(expected)}"
        )
    for name, (kind, shape) in expected.items():
        found_kind, found_shape = found[name]
        # a free dimension is a name or None; exporters may leave the channels of an output free
        fits = len(found_shape) == len(shape) and all(
            got == wanted or not isinstance(got, int)
            for got, wanted in zip(found_shape, shape, strict=True)
        )
        if found_kind != kind or not fits:
            raise BundleError(
                f"model {manifest.name}: {name} of {file} is {found_kind} {found_shape}, "
                f"not {kind} {shape}"
            )


def codeword_maps(manifest: Manifest, letter: str) -> Tensors:
    """Maps of codewords, one for each scale, with names that begin with a letter."""
    return {
        f"{letter}{scale.scale}": ("tensor(float)", [None, scale.dimension, None, None])
        for scale in manifest.scales
    }


def _check_encoder(manifest: Manifest, encoder: Network) -> None:
    indices: Tensors = {
        f"s{scale.scale}": ("tensor(int64)", [None, None, None]) for scale in manifest.scales
    }
    check_tensors(manifest, "encoder.onnx", encoder.get_inputs(), _IMAGE)
    check_tensors(manifest, "encoder.onnx", encoder.get_outputs(), indices)


def _check_decoder(manifest: Manifest, decoder: Network) -> None:
    check_tensors(manifest, "decoder.onnx", decoder.get_inputs(), codeword_maps(manifest, "q"))
    check_tensors(manifest, "decoder.onnx", decoder.get_outputs(), _IMAGE)
