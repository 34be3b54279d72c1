# SPDX-License-Identifier: GPL-3.0-or-later
"""The ablations: changes to a configuration, records, going on, table and curves."""

import json
import math

import pytest
import torch
from conftest import SMALL_CONDITIONAL

from vqdeepsc_training import ablate, draw_ablations
from vqdeepsc_training.data import BatchSampler, open_cache
from vqdeepsc_training.networks import build_network
from vqdeepsc_training.trainer import Trainer


@pytest.fixture
def variants(tmp_path, configuration, monkeypatch):
    monkeypatch.setattr(ablate, "CURVE_POINTS", 2)
    del configuration["noise"], configuration["name"], configuration["seed"]
    plan = tmp_path / "variants.json"
    plan.write_text(json.dumps({"base": configuration, "groups": {
        "Reference": {"reference": {}},
        "Loss": {"mae alone": {"loss": {"mae": 1.0}}},
        "Network": {"parallel": {"network.conditional": False}},
    }}))
    return plan


def arguments(tmp_path, picture_tar, variants, *more):
    return ["--data", str(picture_tar), "--validation", str(picture_tar), "--variants",
            str(variants), "--validation-pictures", "2", "--minutes", "0.002", "--results",
            str(tmp_path / "results"), "--runs", str(tmp_path / "runs"), "--cache",
            str(tmp_path / "cache"), *more]


def test_variants_are_trained_recorded_and_drawn(tmp_path, picture_tar, variants, capsys):
    assert ablate.main(arguments(tmp_path, picture_tar, variants)) == 0
    assert capsys.readouterr().out.count("SSIM") == 3
    results = tmp_path / "results"
    records = {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
    assert set(records) == {"reference-1", "mae_alone-1", "parallel-1"}
    assert records["mae_alone-1"]["configuration"]["loss"] == {"mae": 1.0}
    assert records["parallel-1"]["configuration"]["network"]["conditional"] is False
    for record in records.values():
        assert record["crops_seen"] == 4 * record["steps"] > 0
        assert set(record["entropy_share"]) == {"s1", "s2", "s3", "s4"}
    # What has a record is not trained again; another length is.
    assert ablate.main(arguments(tmp_path, picture_tar, variants)) == 0
    assert capsys.readouterr().out == ""
    assert ablate.main(arguments(tmp_path, picture_tar, variants, "--seeds", "2", "--only",
                                 "reference")) == 0
    docs = tmp_path / "docs"
    assert draw_ablations.main(["--results", str(results), "--docs", str(docs)]) == 0
    rows = [line for line in (docs / "ablations.md").read_text().splitlines()
            if line.startswith("| ")][1:]
    assert [row.split("|")[2].strip() for row in rows] == ["reference", "mae alone", "parallel"]
    assert all((docs / f"ablations.{suffix}").stat().st_size > 1000 for suffix in ("png", "svg"))


def test_stopped_variant_goes_on(tmp_path, picture_tar, variants):
    original = ablate.Trainer.train_step

    def interrupted(self):
        if self.step == 1:
            self.save()
            raise KeyboardInterrupt
        return original(self)

    given = arguments(tmp_path, picture_tar, variants, "--only", "reference", "--minutes", "0.01")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablate.Trainer, "train_step", interrupted)
        assert ablate.main(given) == 130
    assert ablate.main(given) == 0
    record = json.loads((tmp_path / "results" / "reference-1.json").read_text())
    assert record["validation"][-1]["seconds"] <= 2
    assert record["steps"] > 1


def test_mistakes_are_said(tmp_path, picture_tar, variants, capsys):
    assert ablate.main(arguments(tmp_path, picture_tar, variants, "--only", "nothing")) == 2
    assert "no variant 'nothing'" in capsys.readouterr().err
    with pytest.raises(ValueError, match="losses is no table"):
        ablate.changed({"loss": {}}, {"losses.mae": 1.0})
    assert draw_ablations.main(["--results", str(tmp_path / "none")]) == 2
    assert "has no record of the reference" in capsys.readouterr().err


PLAN = json.loads(ablate.VARIANTS.read_text())
CHANGES = {name: change for group in PLAN["groups"].values() for name, change in group.items()}


@pytest.mark.parametrize("name", CHANGES)
def test_every_shipped_variant_trains(tmp_path, picture_tar, name):
    """Each variant, with small pictures, for one step without and one with quantisation."""
    configuration = ablate.changed(PLAN["base"], CHANGES[name]) | {
        "name": name, "seed": 1, "crop": 32, "batch": 2, "steps": 2, "unquantised_steps": 1}
    cache = open_cache(picture_tar, tmp_path, 32, 64)
    trainer = Trainer(configuration, BatchSampler([cache], [1.0], 32, 2, 1), tmp_path)
    for _ in range(2):
        terms = trainer.train_step()
    assert trainer.progress == 1
    assert math.isfinite(terms["loss"])


@pytest.mark.parametrize("switch", ["conditional", "successive"])
def test_switches_cut_what_they_name(switch):
    """A parallel encoder's finest labels do not depend on the coarse codewords, and so on."""
    torch.manual_seed(0)
    network = build_network(SMALL_CONDITIONAL | {switch: False}).eval()
    for conv in network.head_1.correct:
        torch.nn.init.normal_(conv.weight)
    image = torch.rand(1, 3, 32, 32)
    position, scale = (0, 0) if switch == "successive" else (3, 0)
    before = network.encode(image).features[scale]
    network.spaces[position].embedding.add_(5.0)
    after = network.encode(image).features[scale]
    assert torch.equal(before, after)
    setattr(network if switch == "conditional" else network.head_1, switch, True)
    network.spaces[position].embedding.sub_(5.0)
    first = network.encode(image).features[scale]
    network.spaces[position].embedding.add_(5.0)
    assert not torch.equal(first, network.encode(image).features[scale])
