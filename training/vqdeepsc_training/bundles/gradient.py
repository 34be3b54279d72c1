# SPDX-License-Identifier: GPL-3.0-or-later
"""gradient.onnx: the decoder and the gradient of an image loss with respect to its codewords.

It is made of decoder.onnx, node by node (reverse accumulation), so that the runtime searches with
the weights that it decodes with, and without PyTorch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference
from vqdeepsc.codec import read_manifest
from vqdeepsc.codec.manifest import GRADIENT, MANIFEST, verify_files

from ..base.errors import ExportError
from ..base.files import whole_path, write_whole
from ..networks.weights import DECODER

WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2
"""Of SSIM (Wang et al. 2004), for values from 0 to 1."""
SMALLEST = 1e-10
"""Least error whose logarithm is taken: an image that is met exactly has no gradient left."""


class Graph:
    """Nodes and constants that are added to a model."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.shapes = {
            value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
            for value in shape_inference.infer_shapes(model).graph.value_info
        }
        self.shapes |= {tensor.name: list(tensor.dims) for tensor in self.graph.initializer}
        self.shapes |= {
            value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
            for value in self.graph.input
        }
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"gradient_{self.count}"

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        output = self.name()
        self.graph.node.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, values: Any, kind: type = np.float32) -> str:
        name = self.name()
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def sum(self, names: Sequence[str]) -> str:
        total, *others = names
        for other in others:
            total = self.add("Add", total, other)
        return total

    def mean(self, values: str) -> str:
        """Mean over channels and positions: [B, 1, 1, 1]."""
        return self.add("ReduceMean", values, axes=[1, 2, 3], keepdims=1)


def write_gradient(folder: Path) -> None:
    """Write gradient.onnx for the decoder.onnx of a folder.

    Inputs: q1..q4 as the decoder has them, `target` [B, 3, H, W] in [0, 1] and `weights` [2].
    Outputs: `image` [B, 3, H, W]; `errors` [B, 2]: mean squared error and 1 - SSIM of each image;
    d1..d4: gradients with respect to q1..q4 of the sum over images of
    weights[0] * ln(mean squared error) + weights[1] * ln(1 - SSIM).
    Raises ExportError for a decoder with a node that has no gradient here.
    """
    model = onnx.load(folder / DECODER)
    graph = Graph(model)
    inputs = [value.name for value in model.graph.input]
    nodes = _nodes_between(model.graph, inputs)
    gradients = {"image": [_image_gradient(graph)]}
    for node in reversed(nodes):
        gradient = graph.sum(gradients.pop(node.output[0]))
        for name, value in _input_gradients(graph, node, gradient):
            gradients.setdefault(name, []).append(value)
    for name in inputs:
        scale = name.removeprefix("q")
        graph.graph.node.append(
            helper.make_node("Identity", [graph.sum(gradients[name])], [f"d{scale}"])
        )
        model.graph.output.append(
            helper.make_tensor_value_info(
                f"d{scale}",
                TensorProto.FLOAT,
                ["images", graph.shapes[name][1], f"height_{scale}", f"width_{scale}"],
            )
        )
    onnx.checker.check_model(model)
    with whole_path(folder / GRADIENT) as unfinished:
        onnx.save(model, unfinished)


def add_gradient(bundle: Path) -> None:
    """Give a bundle a gradient.onnx; all else, down to its manifest's digits, stays.

    Raises BundleError or ExportError.
    """
    manifest = read_manifest(bundle)
    verify_files(manifest)
    write_gradient(bundle)
    digest = hashlib.sha256((bundle / GRADIENT).read_bytes()).hexdigest()
    content = json.loads((bundle / MANIFEST).read_text())
    content["files"][GRADIENT] = digest
    write_whole(bundle / MANIFEST, json.dumps(content, indent=2, allow_nan=False) + "\n")


def _nodes_between(graph: onnx.GraphProto, inputs: Sequence[str]) -> list[onnx.NodeProto]:
    """Nodes whose outputs depend on the inputs."""
    reached, found = set(inputs), []
    for node in graph.node:
        if reached & set(node.input):
            reached |= set(node.output)
            found.append(node)
    return found


def _image_gradient(graph: Graph) -> str:
    """Inputs, outputs and nodes of the loss; returns its gradient with respect to the image."""
    model = graph.graph
    model.input.extend(
        [
            helper.make_tensor_value_info(
                "target", TensorProto.FLOAT, ["images", 3, "height", "width"]
            ),
            helper.make_tensor_value_info("weights", TensorProto.FLOAT, [2]),
        ]
    )
    model.output.append(helper.make_tensor_value_info("errors", TensorProto.FLOAT, ["images", 2]))
    difference = graph.add("Sub", "image", "target")
    squared = graph.mean(graph.add("Mul", difference, difference))
    dissimilarity, similarity_gradient = _dissimilarity(graph)
    first, second = (
        graph.add("Gather", "weights", graph.constant(i, np.int64), axis=0) for i in (0, 1)
    )
    # Of the mean: divided by the values of an image.
    shape = graph.add("Shape", "image", start=1)
    values = graph.add("Cast", graph.add("ReduceProd", shape, keepdims=0), to=TensorProto.FLOAT)
    rate = graph.add("Div", graph.add("Mul", first, graph.constant(2)), values)
    small = graph.constant(SMALLEST)
    parts = [
        graph.add("Mul", difference, graph.add("Div", rate, graph.add("Max", squared, small))),
        graph.add(
            "Mul",
            similarity_gradient,
            graph.add("Div", second, graph.add("Max", dissimilarity, small)),
        ),
    ]
    errors = graph.add("Concat", squared, dissimilarity, axis=1)
    model.node.append(helper.make_node("Flatten", [errors], ["errors"], axis=1))
    return graph.sum(parts)


def _dissimilarity(graph: Graph) -> tuple[str, str]:
    """1 - SSIM [B, 1, 1, 1] of image and target, and its gradient with respect to the image."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    line = np.exp(-(offsets**2) / (2 * SIGMA**2))
    line = (line / line.sum()).astype(np.float32)
    windows = [
        graph.constant(np.tile(line.reshape(shape), (3, 1, 1, 1)))
        for shape in ((1, 1, WINDOW, 1), (1, 1, 1, WINDOW))
    ]

    def blurred(values: str, margin: int = 0) -> str:
        for axis, window in enumerate(windows):
            pads = [margin * (axis == 0), margin * (axis == 1)] * 2
            values = graph.add("Conv", values, window, group=3, pads=pads)
        return values

    def plus(values: str, number: float) -> str:
        return graph.add("Add", values, graph.constant(number))

    def product(*values: str) -> str:
        first, *others = values
        for other in others:
            first = graph.add("Mul", first, other)
        return first

    x, y, two = "image", "target", graph.constant(2)
    mean_x, mean_y = blurred(x), blurred(y)
    mean_xx, mean_yy, mean_xy = (
        product(mean_x, mean_x),
        product(mean_y, mean_y),
        product(mean_x, mean_y),
    )
    squares = graph.add(
        "Add",
        blurred(product(x, x)),
        blurred(product(y, y)),
    )
    means = graph.add("Add", mean_xx, mean_yy)
    luminance = plus(product(two, mean_xy), C1)
    covariance = graph.add("Sub", blurred(product(x, y)), mean_xy)
    structure = plus(product(two, covariance), C2)
    luminance_scale = plus(means, C1)
    structure_scale = plus(graph.add("Sub", squares, means), C2)
    similarity = graph.add(
        "Div", product(luminance, structure), product(luminance_scale, structure_scale)
    )
    # By the local means of x, x*x and x*y, of which the blur is then turned round.
    scaled = product(two, similarity)
    by_mean = graph.add(
        "Add",
        product(
            scaled,
            mean_y,
            graph.add(
                "Sub",
                graph.add("Reciprocal", luminance),
                graph.add("Reciprocal", structure),
            ),
        ),
        product(
            scaled,
            mean_x,
            graph.add(
                "Sub",
                graph.add("Reciprocal", structure_scale),
                graph.add("Reciprocal", luminance_scale),
            ),
        ),
    )
    by_square = graph.add("Neg", graph.add("Div", similarity, structure_scale))
    by_product = graph.add("Div", scaled, structure)
    back = graph.sum(
        [
            blurred(by_mean, WINDOW - 1),
            product(two, x, blurred(by_square, WINDOW - 1)),
            product(y, blurred(by_product, WINDOW - 1)),
        ]
    )
    shape = graph.add("Shape", similarity, start=1)
    values = graph.add("Cast", graph.add("ReduceProd", shape, keepdims=0), to=TensorProto.FLOAT)
    gradient = graph.add("Neg", graph.add("Div", back, values))
    return graph.add("Sub", graph.constant(1), graph.mean(similarity)), gradient


def _input_gradients(graph: Graph, node: onnx.NodeProto, gradient: str) -> list[tuple[str, str]]:
    """Names and gradients of what a node was computed from; gradient: of its output."""
    has = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    source = node.input[0]
    if node.op_type == "Add":
        return [(name, gradient) for name in node.input]
    if node.op_type == "Concat":
        ends = np.cumsum([graph.shapes[name][1] for name in node.input])
        return [
            (name, _channels(graph, gradient, end - graph.shapes[name][1], end))
            for name, end in zip(node.input, ends, strict=True)
        ]
    if node.op_type in ("LeakyRelu", "PRelu"):
        slope = node.input[1] if node.op_type == "PRelu" else graph.constant(has["alpha"])
        positive = graph.add("Greater", source, graph.constant(0))
        return [(source, graph.add("Where", positive, gradient, graph.add("Mul", gradient, slope)))]
    if node.op_type == "BatchNormalization":
        _, weight, _, _, variance = node.input
        deviation = graph.add("Sqrt", graph.add("Add", variance, graph.constant(has["epsilon"])))
        factor = graph.add("Div", weight, deviation)
        factor = graph.add("Unsqueeze", factor, graph.constant([1, 2], np.int64))
        return [(source, graph.add("Mul", gradient, factor))]
    if node.op_type == "DepthToSpace" and has["mode"] == b"CRD":
        block = has["blocksize"]
        channels = graph.shapes[source][1] // block**2
        # SpaceToDepth has its channels within those of the block.
        order = np.arange(channels * block**2).reshape(block, block, channels)
        deep = graph.add("SpaceToDepth", gradient, blocksize=block)
        back = graph.constant(order.transpose(2, 0, 1).reshape(-1), np.int64)
        return [(source, graph.add("Gather", deep, back, axis=1))]
    if node.op_type == "Conv" and has["group"] == 1 and set(has["dilations"]) == {1}:
        return [(source, _convolution_gradient(graph, node.input[1], has, gradient))]
    if node.op_type == "ConvTranspose" and has["group"] == 1 and set(has["dilations"]) == {1}:
        same = {key: has[key] for key in ("kernel_shape", "strides", "pads")}
        return [(source, graph.add("Conv", gradient, node.input[1], **same))]
    raise ExportError(f"The decoder has a {node.op_type}, whose gradient is not written yet.")


def _channels(graph: Graph, values: str, start: int, end: int) -> str:
    first, last, axis = (graph.constant([n], np.int64) for n in (start, end, 1))
    return graph.add("Slice", values, first, last, axis)


def _convolution_gradient(graph: Graph, kernel: str, has: dict, gradient: str) -> str:
    sides, pads = has["kernel_shape"], has["pads"]
    if set(has["strides"]) != {1}:
        same = {key: has[key] for key in ("kernel_shape", "strides", "pads")}
        return graph.add("ConvTranspose", gradient, kernel, **same)
    # The same as ConvTranspose, for which runtimes have slower code.
    kernel = graph.add("Transpose", kernel, perm=[1, 0, 2, 3])
    if set(sides) != {1}:
        back, axes = (graph.constant(values, np.int64) for values in ([-1, -1], [2, 3]))
        beyond = graph.constant([np.iinfo(np.int64).min] * 2, np.int64)
        kernel = graph.add("Slice", kernel, back, beyond, axes, back)
    margins = [side - 1 - pad for side, pad in zip(sides * 2, pads, strict=True)]
    return graph.add("Conv", gradient, kernel, kernel_shape=sides, pads=margins)
