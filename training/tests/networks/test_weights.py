# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in the graphs of a bundle, and read from there."""

import json

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
import torch
from conftest import ENDED, SMALL_CONDITIONAL, SMALL_PAPER, run_arguments, tool, write_small_bundle
from vqdeepsc.codec import Codec

from vqdeepsc_training.bundles import export
from vqdeepsc_training.networks import rounding
from vqdeepsc_training.trainer.checkpoint import averaged_network, read_checkpoint

train = tool("train")


def test_8_bit_weights_are_near_and_give_themselves_again():
    random = np.random.default_rng(0)
    kernel = random.standard_normal((8, 5, 3, 3)).astype(np.float32)
    kernel *= 10.0 ** np.arange(-6, 2, dtype=np.float32)[:, None, None, None]
    kernel[3] = 0
    steps, scale = rounding.quantised(kernel)
    assert (steps.dtype, scale.dtype, scale.shape) == (np.int8, np.float32, (8, 1, 1, 1))
    peaks = np.abs(kernel).max((1, 2, 3))
    used = peaks > 0
    assert np.all(scale.ravel()[used] <= peaks[used] / 127 * (1 + 2**-10))
    assert np.abs(steps).max((1, 2, 3)).tolist() == [0 if peak == 0 else 127 for peak in peaks]
    assert np.all(np.abs(steps * scale - kernel) <= scale * 0.5001)
    again, same = rounding.quantised(steps * scale)
    assert np.array_equal(again, steps)
    assert np.array_equal((again * same)[used], (steps * scale)[used])


@pytest.mark.parametrize("settings", [SMALL_CONDITIONAL, SMALL_PAPER], ids=["conditional", "paper"])
def test_a_bundle_holds_every_weight_under_its_name(tmp_path, settings, configuration, monkeypatch):
    """Batch normalisation stays apart from the kernels, which could not be told from it later."""
    monkeypatch.setattr(rounding, "EIGHT_BIT_WEIGHTS", 400)
    record = ENDED | {"configuration": configuration | {"network": settings}}
    network = write_small_bundle(tmp_path, settings, record)
    export.check_graphs(network, tmp_path, ((1, 64, 48),))
    stored = {
        tensor.name.rpartition("_")[2]: tensor.data_type
        for tensor in onnx.load(tmp_path / "encoder.onnx").graph.initializer
    }
    assert stored["int8"] == onnx.TensorProto.INT8
    assert stored["half"] == onnx.TensorProto.FLOAT16
    read = read_checkpoint(tmp_path)
    assert {key: value for key, value in read.items() if key != "average"} == record
    own = network.state_dict()
    counted = [name for name in own if name.endswith((".counts", ".sums", "num_batches_tracked"))]
    assert set(own) - set(counted) <= set(read["average"])
    for name in set(own) - set(counted):
        assert torch.equal(read["average"][name], own[name]), name
    for scale, space in zip(network.scales, network.spaces, strict=True):
        counts, sums = (read["average"][f"spaces.{scale}.{name}"] for name in ("counts", "sums"))
        assert torch.allclose(counts, torch.full((space.codewords,), 1 / space.codewords))
        assert torch.allclose(sums / counts[:, None], space.embedding)


def test_a_run_begins_at_a_bundle(tmp_path, image_tar, configuration, recording, capsys):
    def trained(name: str, steps: int, *more: str) -> dict:
        config = tmp_path / f"{name}.json"
        config.write_text(json.dumps(configuration | {"name": name, "steps": steps}))
        assert (
            train(
                [
                    "--config",
                    str(config),
                    "--folder",
                    str(tmp_path / name),
                    "--data",
                    str(image_tar),
                    "--cache",
                    str(tmp_path / "cache"),
                    "--threads",
                    "1",
                    "--recording",
                    str(recording),
                    *more,
                ]
            )
            == 0
        )
        return read_checkpoint(tmp_path / name / "checkpoint.pt")

    first = trained("first", 4)
    assert (
        tool("export")(
            [
                "--checkpoint",
                str(tmp_path / "first" / "checkpoint.pt"),
                "--bundle",
                str(tmp_path / "bundle"),
                "--data",
                str(image_tar),
            ]
        )
        == 0
    )
    image = torch.rand(2, 3, 32, 32)
    before = averaged_network(first)(image)[0]
    bundle = averaged_network(read_checkpoint(tmp_path / "bundle"))
    assert torch.allclose(bundle(image)[0], before, atol=0.02)
    configuration["optimiser"]["learning_rate"] = 0.0
    capsys.readouterr()
    second = trained("second", 1, "--weights", str(tmp_path / "bundle"))
    assert "start afresh" not in capsys.readouterr().out
    for name, value in bundle.state_dict().items():
        if not name.startswith("spaces."):
            assert torch.equal(second["network"][name], value), name
    (entry,) = second["history"]
    assert (entry["run"], entry["images"]) == ("first", first["images"])


def test_a_bundle_that_does_not_say_how_it_was_trained_is_no_beginning(
    tmp_path, image_tar, configuration, capsys
):
    write_small_bundle(tmp_path, SMALL_CONDITIONAL, None)
    Codec(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    arguments = [
        *run_arguments(tmp_path, image_tar, "run"),
        "--weights",
    ]
    assert train([*arguments, str(tmp_path)]) == 2
    assert "does not say how it was trained" in capsys.readouterr().err
    (tmp_path / "decoder.onnx").write_bytes(b"")
    assert train([*arguments, str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "not the file its manifest names" in error
