# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, types and shapes that inputs and outputs of a bundle's networks must have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vqdeepsc.errors import Error

from .scales import Scale

Tensors = dict[str, tuple[str, list[int | None]]]
"""{name: (type, dimensions)}, None where any size will do."""
IMAGE: Tensors = {"image": ("tensor(float)", [None, 3, None, None])}


class TensorError(Error):
    """A network with other inputs or outputs than expected: the end of a sentence."""


def check_tensors(file: str, nodes: Sequence[Any], expected: Tensors) -> None:
    """Raises TensorError unless the nodes of a file have these names, types and shapes."""
    found = {node.name: (node.type, node.shape) for node in nodes}
    if set(found) != set(expected):
        raise TensorError(f"{file} has {sorted(found)}, not {sorted(expected)}")
    for name, (kind, shape) in expected.items():
        found_kind, found_shape = found[name]
        # a free dimension is a name or None; exporters may leave the channels of an output free
        fits = len(found_shape) == len(shape) and all(
            got == wanted or not isinstance(got, int)
            for got, wanted in zip(found_shape, shape, strict=True)
        )
        if found_kind != kind or not fits:
            raise TensorError(f"{name} of {file} is {found_kind} {found_shape}, not {kind} {shape}")


def codeword_maps(scales: Sequence[Scale], letter: str) -> Tensors:
    """Maps of codewords, one for each scale, with names that begin with a letter."""
    return {
        f"{letter}{scale.scale}": ("tensor(float)", [None, scale.dimension, None, None])
        for scale in scales
    }


def index_maps(scales: Sequence[Scale], letter: str) -> Tensors:
    """Maps of indices, one for each scale, with names that begin with a letter."""
    return {f"{letter}{scale.scale}": ("tensor(int64)", [None, None, None]) for scale in scales}
