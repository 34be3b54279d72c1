# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ONNX file may contain, judged before onnxruntime sees it.

Allowed is one graph without branches, loops, functions or data in other files, made of ONNX's own
operators on tensors; see OPERATORS. Anything else in the file is refused, unless it is a text that
nobody runs. The file is read as Protocol Buffers' wire format with the field numbers of onnx.proto,
so that the package onnx is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vqdeepsc.changed_limits import allowed
from vqdeepsc.errors import Error
from vqdeepsc.limits import (
    MAXIMUM_CONSTANT_BYTES,
    MAXIMUM_NETWORK_FIELDS,
    MAXIMUM_NETWORK_NODES,
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ELEMENTWISE = _names(
    """Abs Add And BitShift Cast Ceil Clip Div Equal Erf Exp Floor Gelu Greater GreaterOrEqual
    HardSigmoid HardSwish Identity IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul
    Neg Not Or PRelu Pow Reciprocal Relu Elu Celu Selu Round Sigmoid Sign Softplus Softsign Sqrt
    Sub Sum Tanh Cos Sin ThresholdedRelu Where Xor Dropout"""
)
"""Their output has the shape to which their inputs are broadcast."""

_SIZED_BY_VALUE = _names("ConstantOfShape Expand OneHot Pad Range Resize Tile Upsample")
"""A few bytes of their input may ask for any size of output."""

_NO_LARGER = _names(
    """ArgMax ArgMin AveragePool BatchNormalization CumSum DepthToSpace Flatten GlobalAveragePool
    GlobalMaxPool GroupNormalization InstanceNormalization LayerNormalization LogSoftmax
    LpNormalization MaxPool ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare Reshape ScatterElements ScatterND Shape Size Slice Softmax
    SpaceToDepth Split Squeeze TopK Transpose Trilu Unsqueeze"""
)
"""Each of their outputs has no more elements than the largest input, or than a shape."""

_OTHERS = _names(
    """Concat Constant Conv ConvInteger ConvTranspose DynamicQuantizeLinear Einsum Gather
    GatherElements GatherND Gemm MatMul MatMulInteger QLinearConv QLinearMatMul"""
)
"""Their output has no more elements than there are ways to take one of each input."""

_QUANTISING = _names("DequantizeLinear QuantizeLinear")  # by scales of a channel each, at most
OPERATORS = _QUANTISING | _ELEMENTWISE | _SIZED_BY_VALUE | _NO_LARGER | _OTHERS
"""Operators of ONNX that a graph may use."""

_MAXIMUM_RANK = 8

_ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""By TensorProto.DataType: numbers, not texts."""
_LARGEST_ITEM = 8

# Field numbers of onnx.proto that may occur, and those that are looked into.
_MODEL = {1, 2, 3, 4, 5, 6, 8, 14}
_MODEL_GRAPH, _MODEL_MORE = 7, (20, 25)
_GRAPH = {2, 10, 11, 12, 13, 16}
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE = {3, 6, 8, 9}
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE = {1, 2, 3, 4, 7, 8, 9, 13, 20}
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPHS = 5, (6, 11)
_TENSOR = {4, 5, 7, 9, 10, 11, 12, 14, 16}
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_ELSEWHERE, _TENSOR_LOCATION = 1, 2, 8, 13, 14

_Value = int | memoryview
_Shape = tuple[int, ...]


class _Constant(NamedTuple):
    """A tensor that depends on no input: elements, or as many as it may have; shape if known."""

    elements: int
    shape: _Shape | None = None


class GraphError(Error):
    """A file that is no ONNX graph, or one with something that is not allowed: why."""


def check_graph(content: bytes) -> None:
    """Raises GraphError for the content of a file that is not as this module's head says."""
    _Graph(_Fields(content))


class _Fields:
    """Fields of Protocol Buffers messages, as many as are allowed."""

    def __init__(self, content: bytes) -> None:
        self.whole = memoryview(content)
        self._left = int(MAXIMUM_NETWORK_FIELDS)

    def of(self, message: _Value) -> Iterator[tuple[int, _Value]]:
        """(number, value) of each field: an integer, or the bytes of anything longer."""
        if isinstance(message, int):
            raise GraphError("it is no ONNX graph")
        at, end = 0, len(message)
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise GraphError(f"it has {allowed(MAXIMUM_NETWORK_FIELDS, 'parts')}")
            key, at = message[at], at + 1
            if key >= 0x80:
                key, at = _varint(message, at - 1)
            number, kind = key >> 3, key & 7
            if kind == 2 and at < end and message[at] < 0x80:  # one byte, as most are
                size, at = message[at], at + 1
            elif kind == 2:
                size, at = _varint(message, at)
            elif kind == 0:
                value, at = _varint(message, at)
                yield number, value
                continue
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise GraphError("it is no ONNX graph")
            if size > end - at:
                raise GraphError("it is no ONNX graph")
            yield number, message[at : at + size]
            at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """An integer that begins at an offset, and the offset behind it."""
    value = 0
    for number, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            return value, at + number + 1
    raise GraphError("it is no ONNX graph")


def _text(value: _Value) -> str:
    return "" if isinstance(value, int) else str(value, "utf-8", "replace")


class _Graph:
    """Reads a model and adds up what its constants take."""

    def __init__(self, fields: _Fields) -> None:
        self._fields = fields
        self._bytes = 0
        self._constants: dict[str, _Constant] = {}
        graphs = []
        for number, value in fields.of(fields.whole):
            if number == _MODEL_GRAPH:
                graphs.append(value)
            elif number in _MODEL_MORE:
                raise GraphError("training and functions are not allowed")
            elif number not in _MODEL:
                raise GraphError("it is no ONNX graph")
        if len(graphs) != 1:
            raise GraphError("it is no ONNX graph")
        self._read_graph(graphs[0])

    def _read_graph(self, graph: _Value) -> None:
        nodes = []
        for number, value in self._fields.of(graph):
            if number == _GRAPH_NODE:
                nodes.append(value)
            elif number == _GRAPH_INITIALIZER:
                name, constant = self._read_tensor(value)
                self._constants[name] = constant
            elif number not in _GRAPH:
                raise GraphError(f"field {number} of the graph is not allowed")
        if len(nodes) > MAXIMUM_NETWORK_NODES:
            raise GraphError(f"it has {len(nodes):,} nodes, {allowed(MAXIMUM_NETWORK_NODES)}")
        for node in nodes:
            self._read_node(node)

    def _read_node(self, node: _Value) -> None:
        inputs, outputs, tensors = [], [], []
        operator = domain = ""
        for number, value in self._fields.of(node):
            if number == _NODE_INPUT:
                inputs.append(_text(value))
            elif number == _NODE_OUTPUT:
                outputs.append(_text(value))
            elif number == _NODE_OPERATOR:
                operator = _text(value)
            elif number == _NODE_DOMAIN:
                domain = _text(value)
            elif number == _NODE_ATTRIBUTE:
                tensors += self._read_attribute(value)
            elif number not in _NODE:
                raise GraphError(f"field {number} of a node is not allowed")
        if domain not in ("", "ai.onnx") or operator not in OPERATORS:
            name = f"{domain}.{operator}" if domain else operator
            raise GraphError(f"the operator {name!r} is not allowed")
        given = [name for name in inputs if name]
        if operator == "Constant":
            constant = tensors[0] if tensors else _Constant(1)
        elif given and all(name in self._constants for name in given):
            constant = self._compute(operator, [self._constants[name] for name in given])
        else:
            return
        self._constants.update((name, constant) for name in outputs)

    def _compute(self, operator: str, inputs: Sequence[_Constant]) -> _Constant:
        """What a node makes of constants, which onnxruntime does when it loads the graph."""
        if operator in _SIZED_BY_VALUE:
            raise GraphError(f"{operator} of a constant is not allowed")
        sizes = [constant.elements for constant in inputs]
        constant = _Constant(math.prod(sizes))
        if operator in _QUANTISING:
            constant = inputs[0]
        elif operator in _ELEMENTWISE:
            constant = _broadcast(inputs) or constant
        elif operator in _NO_LARGER:
            constant = _Constant(max(*sizes, _MAXIMUM_RANK))
        elif operator == "Concat":
            constant = _Constant(sum(sizes))
        self._count(_LARGEST_ITEM * constant.elements)
        return constant

    def _read_attribute(self, attribute: _Value) -> list[_Constant]:
        """The tensors in an attribute."""
        tensors = []
        for number, value in self._fields.of(attribute):
            if number == _ATTRIBUTE_TENSOR:
                tensors.append(self._read_tensor(value)[1])
            elif number in _ATTRIBUTE_GRAPHS:
                raise GraphError("graphs within nodes, as loops and branches have, are not allowed")
            elif number not in _ATTRIBUTE:
                raise GraphError(f"field {number} of an attribute is not allowed")
        return tensors

    def _read_tensor(self, tensor: _Value) -> tuple[str, _Constant]:
        """A tensor whose data are in the file, and its name."""
        name, kind = "", 0
        shape: list[int] = []
        for number, value in self._fields.of(tensor):
            if number == _TENSOR_DIMS:
                shape += self._integers(value)
            elif number == _TENSOR_TYPE and isinstance(value, int):
                kind = value
            elif number == _TENSOR_NAME:
                name = _text(value)
            elif number == _TENSOR_ELSEWHERE or (number == _TENSOR_LOCATION and value != 0):
                raise GraphError("data outside the file are not allowed")
            elif number not in _TENSOR:
                raise GraphError(f"field {number} of a tensor is not allowed")
        if kind not in _ITEM_BYTES or len(shape) > _MAXIMUM_RANK:
            raise GraphError(f"the constant {name!r} is none of numbers")
        elements = math.prod(shape)
        self._count(_ITEM_BYTES[kind] * elements)
        return name, _Constant(elements, tuple(shape))

    @staticmethod
    def _integers(value: _Value) -> list[int]:
        """The values of a repeated field, which stand alone or one after the other."""
        if isinstance(value, int):
            return [value]
        numbers: list[int] = []
        at = 0
        while at < len(value) and len(numbers) <= _MAXIMUM_RANK:
            number, at = _varint(value, at)
            numbers.append(number)
        return numbers

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAXIMUM_CONSTANT_BYTES:
            raise GraphError(f"its constants take {allowed(MAXIMUM_CONSTANT_BYTES, 'bytes')}")


def _broadcast(inputs: Sequence[_Constant]) -> _Constant | None:
    """What elementwise operators make of constants; None where their shapes are not known."""
    shapes = [constant.shape for constant in inputs if constant.shape is not None]
    if len(shapes) < len(inputs):
        return None
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return None  # as with parameters of a channel each; onnxruntime refuses what is wrong
    return _Constant(math.prod(shape), shape)
