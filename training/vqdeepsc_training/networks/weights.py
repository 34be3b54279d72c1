# SPDX-License-Identifier: GPL-3.0-or-later
"""How the graphs of a bundle store a network's weights, and a checkpoint made of them again.

Large kernels have 8 bits a weight and a scale for each slice of their first dimension, everything
else of the convolutions 16 bits. Runtimes undo that once, when they load a graph, and compute in
float32. Names are those of the network's weights, so a bundle is all that a new run begins at.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import Tensor
from vqdeepsc.codec import read_bundle

from ..base.errors import TrainingError
from ..base.files import whole_path
from . import rounding

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
BYTES, SCALE, HALF = "_int8", "_scale", "_half"
RECORD = "checkpoint"


class WeightsError(TrainingError):
    """A bundle that no network can be made of again; the message is one sentence."""


def pack_weights(path: Path, record: dict | None = None) -> None:
    """Store the rounded weights of a graph as they were rounded, and a record beside them.

    What was not rounded stays as it is; record: of JSON's types, for the graph's metadata.
    """
    model = onnx.load(path)
    graph = model.graph
    nodes = []
    for tensor in list(graph.initializer):
        name, values = tensor.name, onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32:
            continue
        stored, restored = {}, []
        if np.array_equal(values.astype(np.float16), values):
            stored = {HALF: values.astype(np.float16)}
            restored = [
                onnx.helper.make_node("Cast", [name + HALF], [name], to=onnx.TensorProto.FLOAT)
            ]
        elif values.size >= rounding.EIGHT_BIT_WEIGHTS:
            weights, scale = rounding.quantised(values)
            if np.array_equal(weights * scale, values):
                stored = {BYTES: weights, SCALE: scale}
                restored = [
                    onnx.helper.make_node(
                        "Cast", [name + BYTES], [f"{name}_steps"], to=onnx.TensorProto.FLOAT
                    ),
                    onnx.helper.make_node("Mul", [f"{name}_steps", name + SCALE], [name]),
                ]
        if stored:
            graph.initializer.remove(tensor)
            graph.initializer.extend(
                onnx.numpy_helper.from_array(value, name + suffix)
                for suffix, value in stored.items()
            )
            nodes += restored
    nodes += list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    if record is not None:
        onnx.helper.set_model_props(model, {RECORD: json.dumps(record)})
    onnx.checker.check_model(model)
    with whole_path(path) as unfinished:
        onnx.save(model, unfinished)


def read_graph(path: Path) -> tuple[dict[str, Tensor], dict | None]:
    """Weights of a packed graph by name, without the name of the graph's class, and its record."""
    model = onnx.load(path)
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights = {}
    for name, value in values.items():
        if name.endswith(HALF):
            weights[name.removesuffix(HALF)] = value.astype(np.float32)
        elif name.endswith(BYTES):
            plain = name.removesuffix(BYTES)
            weights[plain] = value * values[plain + SCALE]
        elif not name.endswith(SCALE):
            weights[name] = value
    for node in model.graph.node:
        # An exporter writes equal tensors once.
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    records = [
        # vqdeepsc-4s 0.6 and vqdeepsc-3s 0.5 say pictures, and their files' hashes must stay.
        json.loads(prop.value.replace('"pictures":', '"images":'))
        for prop in model.metadata_props
        if prop.key == RECORD
    ]
    return (
        {name.partition(".")[2]: torch.tensor(value) for name, value in weights.items()},
        records[0] if records else None,
    )


def read_bundle_checkpoint(directory: Path) -> dict:
    """The checkpoint that a bundle was exported from, with its weights as the bundle has them.

    Without the part of a tuned network's own decoder that the encoder does not need; the tuned
    decoder's stands for it.
    Raises BundleError or WeightsError.
    """
    bundle = read_bundle(directory)
    encoder, record = read_graph(directory / ENCODER)
    decoder, _ = read_graph(directory / DECODER)
    if record is None:
        raise WeightsError(
            f"{directory} does not say how it was trained, so no run can begin at its weights."
        )
    spaces = {}
    for scale in bundle.scales:
        embedding = torch.from_numpy(bundle.codebooks[scale.scale])
        counts = torch.tensor(scale.prior, dtype=torch.float32)
        spaces |= {
            f"spaces.{scale.scale}.embedding": embedding,
            f"spaces.{scale.scale}.counts": counts,
            f"spaces.{scale.scale}.sums": embedding * counts[:, None],
        }
    if "trained" not in record:
        return record | {"average": _without_spaces(encoder | decoder) | spaces}
    encoder, decoder = (
        {name.partition(".")[2]: value for name, value in weights.items()}
        for weights in (encoder, decoder)
    )
    average, own = (_without_spaces(weights) for weights in (encoder | decoder, decoder | encoder))
    return record | {"average": average | spaces, "encoder": own | spaces}


def _without_spaces(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights without the codebooks that a graph holds: the bundle has them by scale."""
    return {name: value for name, value in weights.items() if not name.startswith("spaces.")}
