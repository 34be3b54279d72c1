# SPDX-License-Identifier: GPL-3.0-or-later
"""bfloat16 where a device has it, float32 elsewhere; what the run and its record say of it."""

import json

import pytest
import torch
from conftest import tool

from vqdeepsc_training.base import precision
from vqdeepsc_training.trainer.trainer import CPU, Trainer

main = tool("train")

GPU = torch.device("cuda")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": True}, True),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, True),
        ({"architecture": "arm64", "neon": True, "bf16": True}, True),
        ({"architecture": "arm64", "neon": True, "bf16": False}, False),
        ({"architecture": "riscv"}, False),
    ],
)
def test_processors_with_bfloat16(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert precision.has_bfloat16(CPU) is expected
    assert precision.used_precision("bfloat16", CPU) == ("bfloat16" if expected else "float32")
    assert precision.used_precision("float32", CPU) == "float32"


def test_gpu_that_only_emulates_has_none(monkeypatch):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation
    )
    assert precision.used_precision("bfloat16", GPU) == "float32"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    assert precision.used_precision("bfloat16", GPU) == "bfloat16"


def test_other_precisions_are_refused():
    with pytest.raises(ValueError, match="'float16', but must be bfloat16 or float32"):
        precision.used_precision("float16", CPU)


@pytest.mark.parametrize("supported", [True, False])
def test_run_computes_in_what_the_device_has(
    tmp_path, image_tar, configuration, monkeypatch, capsys, supported
):
    """Steps and validation alike; resuming on another device is said."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: supported)
    seen = []
    original = Trainer.with_encoder

    def watched(self, network):
        network.stem.register_forward_hook(lambda *given: seen.append(given[-1].dtype))
        return original(self, network)

    monkeypatch.setattr(Trainer, "with_encoder", watched)
    del configuration["noise"]
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration | {"steps": 1}))
    given = [
        "--config",
        str(config),
        "--data",
        str(image_tar),
        "--validation",
        str(image_tar),
        "--cache",
        str(tmp_path / "cache"),
        "--folder",
        str(tmp_path / "run"),
    ]
    assert main(given) == 0
    assert set(seen) == {torch.bfloat16 if supported else torch.float32}
    count = capsys.readouterr().out.count("has no bfloat16 arithmetic, so the training computes in")
    assert count == (0 if supported else 1)
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    used = record["computed_in"]
    assert used == ("bfloat16" if supported else "float32")
    assert record["configuration"]["precision"] == "bfloat16"
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: not supported)
    assert main([*given, "--resume", "--steps", "2"]) == 0
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["computed_in"] != used
    assert record["history"] == [
        {"until_step": 1, "configuration": {"computed_in": used, "steps": 1}}
    ]
