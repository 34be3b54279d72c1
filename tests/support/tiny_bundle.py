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


def make_bundle(folder: Path, codewords: dict[int, int], seed: int = 1) -> Path:
    """A model whose codewords are colours and whose image is the mean of its scales.

    codewords: {scale: a power of two}. Its name is that of the folder."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    books = {
        scale: np.sort(rng.random((n, 3), np.float32), axis=0) for scale, n in codewords.items()
    }
    _save(_encoder(books), folder / "encoder.onnx")
    _save(_decoder(books), folder / "decoder.onnx")
    np.savez(folder / "codebooks.npz", **{f"e{scale}": book for scale, book in books.items()})
    (folder / "MODEL_CARD.md").write_text("A model for tests.\n")
    priors = {scale: rng.random(n) + 0.5 for scale, n in codewords.items()}
    write_manifest(folder, name=folder.name, version="1", priors=priors, training={}, measured={})
    return folder


def _encoder(books: dict[int, np.ndarray]) -> onnx.ModelProto:
    """Mean colour of each cell; the nearest codeword has the largest f·e - |e|²/2."""
    nodes, constants, outputs = [], [], []
    for scale, book in books.items():
        side = 2**scale
        constants += [
            numpy_helper.from_array(book[:, :, None, None], f"e{scale}"),
            numpy_helper.from_array(-0.5 * (book**2).sum(1), f"b{scale}"),
        ]
        nodes += [
            helper.make_node(
                "AveragePool",
                ["image"],
                [f"f{scale}"],
                kernel_shape=[side, side],
                strides=[side, side],
            ),
            helper.make_node("Conv", [f"f{scale}", f"e{scale}", f"b{scale}"], [f"d{scale}"]),
            helper.make_node("ArgMax", [f"d{scale}"], [f"s{scale}"], axis=1, keepdims=0),
        ]
        outputs.append(_info(f"s{scale}", TensorProto.INT64, ["n", f"h{scale}", f"w{scale}"]))
    image = _info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    return _model(nodes, [image], outputs, constants)


def _decoder(books: dict[int, np.ndarray]) -> onnx.ModelProto:
    nodes, constants, inputs = [], [], []
    for scale in books:
        sizes = np.array([1, 1, 2**scale, 2**scale], np.float32)
        constants.append(numpy_helper.from_array(sizes, f"z{scale}"))
        nodes.append(
            helper.make_node(
                "Resize", [f"q{scale}", "", f"z{scale}"], [f"u{scale}"], mode="nearest"
            )
        )
        inputs.append(_info(f"q{scale}", TensorProto.FLOAT, ["n", 3, f"h{scale}", f"w{scale}"]))
    nodes.append(helper.make_node("Mean", [f"u{scale}" for scale in books], ["image"]))
    image = _info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    return _model(nodes, inputs, [image], constants)


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
