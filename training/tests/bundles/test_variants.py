# SPDX-License-Identifier: GPL-3.0-or-later
"""int8 and fp16 graphs of a shipped bundle."""

import dataclasses
import functools
import math

import numpy as np
import onnx
import pytest
from conftest import smooth_image, tool
from vqdeepsc.codec import Codec
from vqdeepsc.images.metrics import psnr

from vqdeepsc_training.base.repository import ROOT
from vqdeepsc_training.bundles import variants


@pytest.mark.parametrize(("kind", "near_db"), [("int8", 30), ("fp16", 45)])
def test_converted_decoder_reconstructs_nearly_the_same(tmp_path, kind, near_db):
    codec = Codec(ROOT / "models" / "vqdeepsc-4s", threads=1)
    random = np.random.default_rng(0)
    images = np.stack([smooth_image(random, 64, 64) for _ in range(3)])
    feeds = variants.graph_inputs(codec, images)
    variants.write_variant(codec, kind, ("decoder.onnx",), tmp_path / "variant", feeds)
    converted = Codec(tmp_path / "variant", threads=1)
    assert converted.model_id == codec.model_id
    assert converted.version.endswith(f"+{kind}")
    posteriors = codec.one_hot(codec.encode(images[0]))
    reconstructed, expected = (one.decode(posteriors, 64, 64) for one in (converted, codec))
    assert psnr(expected, reconstructed) > near_db
    graph = onnx.load(tmp_path / "variant" / "decoder.onnx").graph
    operators = {node.op_type for node in graph.node}
    if kind == "int8":
        stored = (tmp_path / "variant" / "decoder.onnx").stat().st_size
        weights = sum(math.prod(tensor.dims) for tensor in graph.initializer)
        assert stored < 0.7 * 2 * weights, "as much as with 16 bits for each weight"
        assert "QuantizeLinear" in operators
    else:
        assert "Cast" in operators


def test_a_variant_pays_if_it_costs_little_and_saves_something():
    original = variants.MeasuredVariant(
        {"decoder.onnx": 1000}, {"decode": 10.0}, ssim=0.91, psnr_db=30.0
    )
    of = functools.partial(dataclasses.replace, original)
    assert variants.pays(original, of(milliseconds={"decode": 8.0}, ssim=0.909))
    assert variants.pays(original, of(kilobytes={"decoder.onnx": 500}))
    assert not variants.pays(original, of(milliseconds={"decode": 9.5}))
    assert not variants.pays(original, of(milliseconds={"decode": 5.0}, ssim=0.9))


def test_missing_data_is_said(tmp_path, capsys):
    assert (
        tool("variants")(
            [
                "--bundle",
                str(ROOT / "models" / "vqdeepsc-4s"),
                "--output",
                str(tmp_path),
                "--calibration",
                str(tmp_path / "none.tar"),
                "--data",
                str(tmp_path),
            ]
        )
        == 2
    )
    assert "none.tar does not exist" in capsys.readouterr().err
