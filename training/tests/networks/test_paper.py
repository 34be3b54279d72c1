# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's network: every shape, the number of parameters, eq. 5, 6 and 8."""

import json
from collections import Counter
from pathlib import Path

import onnx
import pytest
import torch
from onnx import shape_inference
from torch import nn
from vqdeepsc.codec import read_manifest

from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.networks.encoded import stride
from vqdeepsc_training.networks.paper import (
    DownSampleBlock,
    ResidualBlock,
    UpSampleBlock,
)
from vqdeepsc_training.networks.settings import PaperSettings
from vqdeepsc_training.trainer.checkpoint import read_checkpoint

CONFIGS = Path(__file__).parents[2] / "configs"
MODELS = CONFIGS.parents[1] / "models"


def paper_network(codewords=(16, 8, 4, 2), width=1.0):
    return build_network(PaperSettings(codewords=codewords, width=width))


def conv(inputs: int, outputs: int) -> int:
    return 9 * inputs * outputs + outputs


def residual(channels: int) -> int:
    return 2 * conv(channels, channels) + 2 * channels + 1


def down(inputs: int, outputs: int) -> int:
    return (
        residual(inputs)
        + conv(inputs, outputs)
        + residual(outputs)
        + 2 * outputs
        + 1
        + conv(outputs, outputs)
    )


def up(inputs: int, outputs: int) -> int:
    return residual(inputs) + conv(inputs, inputs) + conv(inputs, outputs) + 2 * outputs + 1


def paper_parameters(codewords: tuple[int, ...], part: int) -> int:
    """Parameters of the paper's network with that part of its width, from its description."""
    d0, d1, d2, d3, d4 = (channels // part for channels in (64, 128, 256, 512, 1024))
    encoder = conv(3, d0) + 1 + down(d0, d1) + down(d1, d2) + down(d2, d3) + down(d3, d4)
    spaces = sum(n * d for n, d in zip(codewords, (d1, d2, d3, d4), strict=True))
    fine = 2 * d1 if codewords[0] else d1
    decoder = (
        conv(d4, d4)
        + 1
        + up(d4, d3)
        + up(2 * d3, d2)
        + up(2 * d2, d1)
        + up(fine, d0)
        + 9 * d0 * 3
        + 3
    )
    return encoder + spaces + decoder


@pytest.mark.parametrize(
    ("name", "part", "codewords", "sides"),
    [
        ("paper_4scale", 1, (16, 8, 4, 2), (64, 32, 16, 8)),
        ("paper_3scale", 1, (0, 64, 32, 8), (32, 16, 8)),
        ("paper_4scale_quarter", 4, (16, 8, 4, 2), (64, 32, 16, 8)),
        ("paper_3scale_quarter", 4, (0, 64, 32, 8), (32, 16, 8)),
    ],
)
def test_networks_have_the_shapes_and_parameters_of_the_paper(name, part, codewords, sides):
    settings = json.loads((CONFIGS / f"{name}.json").read_text())["network"]
    with torch.device("meta"):
        network = build_network(settings).eval()
        decoded, encoded = network(torch.empty(2, 3, 128, 128))
    dimensions = [d // part for d, n in zip((128, 256, 512, 1024), codewords, strict=True) if n]
    expected = [(2, d, side, side) for d, side in zip(dimensions, sides, strict=True)]
    assert [tuple(f.shape) for f in encoded.features] == expected
    assert [tuple(q.shape) for q in encoded.codewords] == expected
    assert [tuple(s.shape) for s in encoded.indices] == [(2, side, side) for side in sides]
    assert tuple(decoded.shape) == (2, 3, 128, 128)
    sizes = [tuple(space.embedding.shape) for space in network.spaces]
    assert sizes == list(zip([n for n in codewords if n], dimensions, strict=True))
    assert sum(p.numel() for p in network.parameters()) == paper_parameters(codewords, part)


def test_source_bits_are_those_of_table_1():
    bits = {}
    for name in ("paper_4scale", "paper_3scale"):
        settings = json.loads((CONFIGS / f"{name}.json").read_text())["network"]
        with torch.device("meta"):
            network = build_network(settings)
        bits[name] = sum(
            space.bits * (128 // stride(scale)) ** 2
            for scale, space in zip(network.scales, network.spaces, strict=True)
        )
    assert bits == {"paper_4scale": 4 * 5008, "paper_3scale": 4 * 1904}


def test_order_of_layers_is_the_papers():
    residual_block = [type(layer) for layer in ResidualBlock(4).layers]
    assert residual_block == [nn.Conv2d, nn.BatchNorm2d, nn.PReLU, nn.Conv2d]
    assert [type(layer) for layer in DownSampleBlock(4, 8).layers] == [
        ResidualBlock,
        nn.Conv2d,
        ResidualBlock,
        nn.BatchNorm2d,
        nn.PReLU,
        nn.Conv2d,
    ]
    assert [type(layer) for layer in UpSampleBlock(8, 4).layers] == [
        ResidualBlock,
        nn.ConvTranspose2d,
        nn.Conv2d,
        nn.BatchNorm2d,
        nn.PReLU,
    ]
    network = paper_network(width=1 / 64)
    kernels = {
        m.kernel_size for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    }
    assert kernels == {(3, 3)}
    assert network.out.stride == (1, 1)


def test_residual_block_adds_its_input():
    block = ResidualBlock(4).eval()
    nn.init.zeros_(block.layers[3].weight)
    nn.init.zeros_(block.layers[3].bias)
    features = torch.randn(1, 4, 8, 8)
    assert torch.equal(block(features), features)


def test_each_scale_is_made_from_the_one_above_it():
    """Eq. 5: F^l = T_down(F^(l-1)), before quantisation."""
    torch.manual_seed(0)
    network = paper_network(width=1 / 32).eval()
    encoded = network.encode(torch.rand(1, 3, 32, 32))
    for level in range(1, 4):
        expected = network.down[level](encoded.features[level - 1])
        assert torch.allclose(encoded.features[level], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("codewords", "joined"),
    [((16, 8, 4, 2), (1024, 1024, 512, 256)), ((0, 64, 32, 8), (1024, 1024, 512, 128))],
)
def test_received_maps_are_concatenated(codewords, joined):
    """Eq. 6: the map of the same grid is joined before the next up-sample block."""
    with torch.device("meta"):
        network = paper_network(codewords)
    inputs = tuple(block.layers[2].in_channels for block in network.up)
    assert inputs == joined


def test_loss_of_equation_8():
    """MAE + embedding + beta_c * commitment, squared norms as means over the dimension."""
    space = paper_network((16, 8, 4, 2), width=1 / 32).spaces[3]
    space.embedding.data = torch.zeros(2, 32)
    space.embedding.data[1] = 1.0
    features = torch.full((1, 32, 1, 2), 0.25)
    features[..., 1] = 0.5 + 0.375
    features.requires_grad_()
    chosen, indices, embedding_loss, commitment_loss = space(features)
    assert indices.tolist() == [[[0, 1]]]
    by_hand = (0.25**2 + 0.125**2) / 2
    assert embedding_loss.item() == pytest.approx(by_hand)
    assert commitment_loss.item() == pytest.approx(by_hand)
    # Stop-gradient: each term moves one side only.
    to_codewords, to_features = torch.autograd.grad(
        embedding_loss, (space.embedding, features), retain_graph=True, allow_unused=True
    )
    assert to_features is None
    # 64 numbers in the mean: d/de_0 = 2 (e_0 - f) / 64.
    assert torch.allclose(to_codewords[0], torch.full((32,), 2 * (0.0 - 0.25) / 64))
    assert torch.allclose(to_codewords[1], torch.full((32,), 2 * (1.0 - 0.875) / 64))
    to_codewords, to_features = torch.autograd.grad(
        commitment_loss, (space.embedding, features), retain_graph=True, allow_unused=True
    )
    assert to_codewords is None
    assert torch.allclose(to_features[0, :, 0, 0], torch.full((32,), 2 * 0.25 / 64))
    # Straight through: the features get the gradient of the codewords unchanged.
    weights = torch.randn_like(chosen)
    (passed,) = torch.autograd.grad((chosen * weights).sum(), features)
    assert torch.equal(passed, weights)
    assert torch.allclose(chosen[0, :, 0, 1], torch.ones(32))


def test_wrong_codewords_are_refused():
    with pytest.raises(ValueError, match="power of two"):
        paper_network((16, 8, 4, 3), width=1 / 32)
    with pytest.raises(ValueError, match="four numbers"):
        paper_network((16, 8, 4, 0), width=1 / 32)


@pytest.mark.parametrize(("name", "file"), [("paper-4s", "paper_4scale_quarter")])
def test_published_models_are_the_papers_network_at_a_quarter_of_its_width(name, file):
    settings = json.loads((CONFIGS / f"{file}.json").read_text())["network"]
    assert read_manifest(MODELS / name).training["configuration"]["network"] == settings
    with torch.device("meta"):
        expected = build_network(settings).state_dict()
    shapes = {key: value.shape for key, value in expected.items() if value.ndim}
    published = read_checkpoint(MODELS / name)["average"]
    assert {key: value.shape for key, value in published.items()} == shapes
    kernels = [shape for part in ("encoder", "decoder") for shape in kernels_of(name, part)]
    # features times codewords are convolutions too
    codebooks = [(*shape, 1, 1) for key, shape in shapes.items() if key.endswith("embedding")]
    convolutions = [tuple(shape) for shape in shapes.values() if len(shape) == 4]
    assert Counter(kernels) == Counter(convolutions + codebooks)


def kernels_of(name: str, part: str) -> list[tuple[int, ...]]:
    """Shapes of the convolutions of a published graph, which computes their weights of 8 bits."""
    graph = shape_inference.infer_shapes(onnx.load(MODELS / name / f"{part}.onnx")).graph
    shapes = {
        info.name: tuple(one.dim_value for one in info.type.tensor_type.shape.dim)
        for info in graph.value_info
    }
    convolutions = [node for node in graph.node if node.op_type in ("Conv", "ConvTranspose")]
    return [shapes[node.input[1]] for node in convolutions]
