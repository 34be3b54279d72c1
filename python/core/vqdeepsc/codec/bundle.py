# SPDX-License-Identifier: GPL-3.0-or-later
"""Model bundles: models/NAME/ with two networks, codebooks and a manifest that vouches for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
from .tensors import IMAGE, TensorError, Tensors, check_tensors, codeword_maps, index_maps

NETWORKS = ("encoder", "decoder")
"""Senders need the first, receivers the second."""

DEFAULT_MODEL = "vqdeepsc-4s"


@dataclass(frozen=True)
class Bundle:
    """A verified model: codebooks {l: float32 [N_l, K_l]} and networks that are ready to run."""

    manifest: Manifest
    codebooks: dict[int, NDArray[np.float32]]
    networks: dict[str, Network]

    @property
    def encoder(self) -> Network:
        """Raises KeyError where it was not opened."""
        return self.networks["encoder"]

    @property
    def decoder(self) -> Network:
        """Raises KeyError where it was not opened."""
        return self.networks["decoder"]

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
        """Make the networks raise NetworkError soon, and from now on."""
        for network in self.networks.values():
            network.stop()


def read_bundle(
    path: str | os.PathLike[str],
    threads: int | None = None,
    provider: Provider = ON_PROCESSOR,
    networks: Sequence[str] = NETWORKS,
) -> Bundle:
    """Loads a bundle's directory and holds it against its manifest: hashes, shapes, types, names.

    threads, provider: of each network, as at open_network; networks: those of NETWORKS that are
    opened. Raises BundleError, ParameterError."""
    manifest = read_manifest(path)
    contents = {name: read_verified(manifest, name) for name in BUNDLE_FILES}
    try:
        codebooks = read_codebooks(contents["codebooks.npz"], manifest.scales)
    except CodebooksError as error:
        raise BundleError(f"model {manifest.name}: codebooks.npz {error}") from error
    opened = {
        network: open_checked(
            manifest, f"{network}.onnx", contents[f"{network}.onnx"], *tensors, threads, provider
        )
        for network, tensors in _tensors(manifest.scales).items()
        if network in networks
    }
    return Bundle(manifest, codebooks, opened)


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


def open_checked(
    manifest: Manifest,
    name: str,
    content: bytes,
    inputs: Tensors,
    outputs: Tensors,
    threads: int | None,
    provider: Provider,
) -> Network:
    """A network of a bundle with these inputs and outputs; raises BundleError."""
    try:
        network = open_network(content, threads, provider)
        check_tensors(name, network.get_inputs(), inputs)
        check_tensors(name, network.get_outputs(), outputs)
    except NetworkError as error:
        raise BundleError(f"model {manifest.name}: {name} {error}") from error
    except TensorError as error:
        raise BundleError(f"model {manifest.name}: {error}") from error
    return network


def _tensors(scales: Sequence[Scale]) -> dict[str, tuple[Tensors, Tensors]]:
    """Inputs and outputs of the networks that every bundle has."""
    return {
        "encoder": (IMAGE, index_maps(scales, "s")),
        "decoder": (codeword_maps(scales, "q"), IMAGE),
    }
