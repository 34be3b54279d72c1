# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a small model with any scales, to test what must not depend on the shipped ones."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from vqdeepsc.codec import write_manifest

THREE_SCALES = {2: 64, 3: 32, 4: 8}
"""Codewords of the paper's three scales: 7,616 bits in a region."""

PROGRESSIVE = {0: 16, 1: 16, 2: 8, 3: 4, 4: 2}
"""Codewords of a model of which any prefix decodes: 36,416 bits in a region."""


def make_bundle(folder: Path, codewords: dict[int, int], seed: int = 1) -> Path:
    """A model whose codewords are colours and whose image is the mean of its scales.

    codewords: {scale: a power of two}; with a scale 0, the second stage, which adds to that mean,
    any prefix decodes. Its name is that of the folder."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    books = {
        scale: np.sort(rng.random((n, 3), np.float32), axis=0) for scale, n in codewords.items()
    }
    if 0 in books:
        books[0] = (books[0] - 0.5) / 4
    _save(_encoder(books), folder / "encoder.onnx")
    _save(_decoder(books), folder / "decoder.onnx")
    np.savez(folder / "codebooks.npz", **{f"e{scale}": book for scale, book in books.items()})
    (folder / "MODEL_CARD.md").write_text("A model for tests.\n")
    priors = {scale: rng.random(n) + 0.5 for scale, n in codewords.items()}
    write_manifest(
        folder,
        name=folder.name,
        version="1",
        priors=priors,
        training={},
        measured={},
        order="passes" if 0 in codewords else "raster",
    )
    return folder


def _encoder(books: dict[int, np.ndarray]) -> onnx.ModelProto:
    """Mean colour of each cell; the nearest codeword has the largest f·e - |e|²/2."""
    nodes, constants, outputs = [], [], []
    for scale in sorted(books, reverse=True):
        image = "image" if scale else "left"
        if not scale:
            nodes += _looked_up(books)
            nodes += _mean_of_scales(books, constants)
            nodes.append(helper.make_node("Sub", ["image", "mean"], ["left"]))
        side = 2 ** max(scale, 1)
        constants += [
            numpy_helper.from_array(books[scale][:, :, None, None], f"k{scale}"),
            numpy_helper.from_array(books[scale], f"e{scale}"),
            numpy_helper.from_array(-0.5 * (books[scale] ** 2).sum(1), f"b{scale}"),
        ]
        nodes += [
            helper.make_node(
                "AveragePool", [image], [f"f{scale}"], kernel_shape=[side, side], strides=[side] * 2
            ),
            helper.make_node("Conv", [f"f{scale}", f"k{scale}", f"b{scale}"], [f"d{scale}"]),
            helper.make_node("ArgMax", [f"d{scale}"], [f"s{scale}"], axis=1, keepdims=0),
        ]
        outputs.append(_info(f"s{scale}", TensorProto.INT64, ["n", f"h{scale}", f"w{scale}"]))
    return _model(nodes, [_image()], outputs, constants)


def _looked_up(books: dict[int, np.ndarray]) -> list[onnx.NodeProto]:
    """q1..q4 of the indices s1..s4."""
    nodes = []
    for scale in filter(None, books):
        nodes += [
            helper.make_node("Gather", [f"e{scale}", f"s{scale}"], [f"g{scale}"]),
            helper.make_node("Transpose", [f"g{scale}"], [f"q{scale}"], perm=[0, 3, 1, 2]),
        ]
    return nodes


def _mean_of_scales(
    books: dict[int, np.ndarray], constants: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Nodes that make `mean` of q1..q4; constants: get what they need, and z0."""
    nodes = []
    for scale in books:
        sizes = np.array([1, 1, 2 ** max(scale, 1), 2 ** max(scale, 1)], np.float32)
        constants.append(numpy_helper.from_array(sizes, f"z{scale}"))
        if scale:
            inputs = [f"q{scale}", "", f"z{scale}"]
            nodes.append(helper.make_node("Resize", inputs, [f"u{scale}"], mode="nearest"))
    return [*nodes, helper.make_node("Mean", [f"u{s}" for s in books if s], ["mean"])]


def _decoder(books: dict[int, np.ndarray]) -> onnx.ModelProto:
    constants: list[onnx.TensorProto] = []
    nodes = _mean_of_scales(books, constants)
    if 0 in books:
        nodes += [
            helper.make_node("Resize", ["q0", "", "z0"], ["u0"], mode="nearest"),
            helper.make_node("Add", ["mean", "u0"], ["image"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["mean"], ["image"]))
    inputs = [
        _info(f"q{scale}", TensorProto.FLOAT, ["n", 3, f"h{scale}", f"w{scale}"]) for scale in books
    ]
    return _model(nodes, inputs, [_image()], constants)


def _image() -> onnx.ValueInfoProto:
    return _info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])


def make_upper_bound(path: Path, brightest: float = 0.5, training: dict | None = None) -> Path:
    """A network from image to image that clips it."""
    limit = numpy_helper.from_array(np.array(brightest, np.float32), "limit")
    nodes = [helper.make_node("Min", ["image", "limit"], ["image_out"])]
    image = _info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    out = _info("image_out", TensorProto.FLOAT, ["n", 3, "h", "w"])
    model = _model(nodes, [image], [out], [limit])
    if training:
        helper.set_model_props(model, {"training": json.dumps(training)})
    _save(model, path)
    return path


def _info(name: str, kind: int, shape: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _model(nodes: list, inputs: list, outputs: list, constants: list) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _save(model: onnx.ModelProto, path: Path) -> None:
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
