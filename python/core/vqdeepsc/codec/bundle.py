# SPDX-License-Identifier: GPL-3.0-or-later
"""Model bundles: models/NAME/ with two networks, codebooks and a manifest that vouches for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codebooks import CodebooksError, read_codebooks
from .inference import Network, NetworkError, open_network
from .manifest import (
    BUNDLE_FILES,
    MANIFEST,
    MODEL_NAME,
    BundleError,
    Manifest,
    read_manifest,
    read_verified,
)
from .providers import ON_PROCESSOR, Provider
from .scales import Scale

DEFAULT_MODEL = "vqdeepsc-4s"


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
    if not isinstance(model, str) or not MODEL_NAME.fullmatch(model):
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
