# SPDX-License-Identifier: GPL-3.0-or-later
"""gradient.onnx against PyTorch."""

import json

import onnx
import pytest
import torch
from conftest import SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, SMALL_PAPER, tool, write_small_bundle
from onnx import helper
from vqdeepsc.codec import BundleError, read_manifest
from vqdeepsc.codec.gradient import open_gradient
from vqdeepsc.codec.inference import open_network
from vqdeepsc.codec.manifest import MANIFEST

from vqdeepsc_training.base.errors import ExportError
from vqdeepsc_training.bundles.gradient import write_gradient
from vqdeepsc_training.networks.encoded import stride
from vqdeepsc_training.objectives.losses import ssim

NETWORKS = {
    "conditional_4scale": SMALL_CONDITIONAL,
    "conditional_3scale": SMALL_CONDITIONAL_3,
    "paper_4scale": SMALL_PAPER,
    "paper_3scale": SMALL_PAPER | {"codewords": [0, 64, 32, 8]},
}


@pytest.mark.parametrize("settings", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (0.7, 0.3)])
def test_it_is_the_gradient_of_the_decoder(tmp_path, settings, weights):
    network = write_small_bundle(tmp_path, settings, None)
    write_gradient(tmp_path)
    graph = open_network((tmp_path / "gradient.onnx").read_bytes())
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, 32, 48, generator=generator)
    codewords = [
        torch.randn(2, s.dimension, 32 // stride(scale), 48 // stride(scale), generator=generator)
        for scale, s in zip(network.scales, network.spaces, strict=True)
    ]
    found = graph.run(
        None,
        {f"q{n}": q.numpy() for n, q in zip(network.scales, codewords, strict=True)}
        | {"target": target.numpy(), "weights": torch.tensor(weights).numpy()},
    )
    named = dict(zip([node.name for node in graph.get_outputs()], found, strict=True))
    for q in codewords:
        q.requires_grad_(True)
    image = network.decode(*codewords)
    errors = torch.stack(((image - target).square().mean((1, 2, 3)), 1 - ssim(image, target)), 1)
    (torch.tensor(weights) * errors.log()).sum().backward()
    torch.testing.assert_close(torch.from_numpy(named["image"]), image.detach())
    torch.testing.assert_close(torch.from_numpy(named["errors"]), errors.detach())
    for scale, q in zip(network.scales, codewords, strict=True):
        own = torch.from_numpy(named[f"d{scale}"])
        torch.testing.assert_close(own, q.grad, rtol=1e-3, atol=1e-3 * float(q.grad.abs().max()))


def test_a_decoder_of_unknown_nodes_is_refused(tmp_path):
    write_small_bundle(tmp_path, SMALL_CONDITIONAL, None)
    model = onnx.load(tmp_path / "decoder.onnx")
    last = model.graph.node[-1]
    last.output[0] = "before"
    model.graph.node.append(helper.make_node("Erf", ["before"], ["image"]))
    onnx.save(model, tmp_path / "decoder.onnx")
    with pytest.raises(ExportError, match="has a Erf"):
        write_gradient(tmp_path)
    assert not (tmp_path / "gradient.onnx").exists()


def test_a_bundle_gets_one_and_stays_what_it_is(tmp_path):
    write_small_bundle(tmp_path, SMALL_CONDITIONAL, None)
    before = read_manifest(tmp_path)
    written = json.loads((tmp_path / MANIFEST).read_text())
    with pytest.raises(BundleError, match=r"has no gradient\.onnx"):
        open_gradient(before)
    assert tool("add-gradient")([str(tmp_path)]) == 0
    after = read_manifest(tmp_path)
    open_gradient(after)
    assert {**after.files, "gradient.onnx": ""} == {**before.files, "gradient.onnx": ""}
    assert json.loads((tmp_path / MANIFEST).read_text()) == {**written, "files": after.files}
    assert after.model_id == before.model_id
    (tmp_path / "gradient.onnx").write_bytes(b"another")
    with pytest.raises(BundleError, match="is not the file"):
        open_gradient(after)
    assert tool("add-gradient")([str(tmp_path / "none")]) == 2
