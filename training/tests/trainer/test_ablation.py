# SPDX-License-Identifier: GPL-3.0-or-later
"""The ablations: changes to a configuration, records, going on, table and curves."""

import json
import math
import operator

import pytest
import torch
from conftest import SMALL_CONDITIONAL, tool

from vqdeepsc_training.data.cache import open_cache
from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.reports import ablations as reports
from vqdeepsc_training.trainer import ablation as ablate
from vqdeepsc_training.trainer.configuration import Configuration, make_sampler
from vqdeepsc_training.trainer.record import Point, VariantRecord, read_variant_record
from vqdeepsc_training.trainer.trainer import Trainer

MAE_ALONE = {"mae": 1.0, "mse": 0.0, "log_mse": 0.0, "ssim": 0.0}


@pytest.fixture
def variants(tmp_path, configuration, monkeypatch):
    monkeypatch.setattr(ablate, "CURVE_POINTS", 2)
    del configuration["noise"], configuration["name"], configuration["seed"]
    plan = tmp_path / "variants.json"
    plan.write_text(
        json.dumps(
            {
                "tables": {
                    "First": {
                        "base": configuration,
                        "groups": {
                            "Reference": {"reference": {}},
                            "Loss": {"mae alone": {"loss": {"mae": 1.0}}},
                            "Network": {"parallel": {"network.conditional": False}},
                        },
                    },
                    "Second": {
                        "base": "mae alone",
                        "change": {"batch": 2},
                        "groups": {
                            "Reference": {"new reference": {}},
                            "Data": {"first alone": {"shares": [1.0, 0.0]}},
                        },
                    },
                }
            }
        )
    )
    return plan


def arguments(tmp_path, image_tar, variants, *more):
    return [
        "--data",
        str(image_tar),
        "--validation",
        str(image_tar),
        "--variants",
        str(variants),
        "--validation-images",
        "2",
        "--minutes",
        "0.002",
        "--results",
        str(tmp_path / "results"),
        "--runs",
        str(tmp_path / "runs"),
        "--cache",
        str(tmp_path / "cache"),
        *more,
    ]


def test_variants_are_trained_recorded_and_reported(tmp_path, image_tar, variants, capsys):
    given = arguments(tmp_path, image_tar, variants, "--only", "First")
    assert tool("ablate")(given) == 0
    assert capsys.readouterr().out.count("SSIM") == 3
    results = tmp_path / "results"
    records = {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
    assert set(records) == {"reference-1", "mae_alone-1", "parallel-1"}
    assert records["mae_alone-1"]["configuration"]["loss"] == MAE_ALONE
    assert records["parallel-1"]["configuration"]["network"]["conditional"] is False
    for record in records.values():
        assert record["crops_seen"] == 4 * record["steps"] > 0
        assert set(record["entropy_share"]) == {"s1", "s2", "s3", "s4"}
        assert record["computed_in"] in ("bfloat16", "float32")
        assert record["processor"] == torch.backends.cpu.get_cpu_capability()
        assert record["data"] == [record["validation_data"]] == ["data0/images.tar"]
    # What has a record is not trained again; another length is.
    assert tool("ablate")(given) == 0
    assert capsys.readouterr().out == ""
    assert (
        tool("ablate")(
            arguments(tmp_path, image_tar, variants, "--seeds", "2", "--only", "reference")
        )
        == 0
    )
    docs = tmp_path / "docs"
    reporting = ["--results", str(results), "--variants", str(variants), "--docs", str(docs)]
    assert tool("report-ablations")(reporting) == 0
    assert named_rows(docs) == ["reference", "mae alone", "parallel"]
    assert (docs / "ablations.png").stat().st_size > 1000


def named_rows(docs):
    """Variants of the tables of a page, in their order."""
    lines = (docs / "ablations.md").read_text().splitlines()
    return [
        line.split("|")[2].strip()
        for line in lines
        if line.startswith("| ") and "| Variant |" not in line
    ]


def test_table_built_on_a_variant_is_measured_on_other_data_too(
    tmp_path, image_tar, variants, capsys
):
    other = tmp_path / "other.tar"
    other.write_bytes(image_tar.read_bytes())
    given = [
        "--data",
        str(image_tar),
        str(other),
        "--validation",
        str(image_tar),
        str(other),
        *arguments(tmp_path, image_tar, variants, "--only", "Second")[4:],
    ]
    assert tool("ablate")(given) == 0
    results = tmp_path / "results"
    name = f"{tmp_path.name}/other.tar"
    for stem, shares in (("new_reference-1", [1.0, 1.0]), ("first_alone-1", [1.0, 0.0])):
        record = json.loads((results / f"{stem}.json").read_text())
        assert record["configuration"]["loss"] == MAE_ALONE
        assert record["crops_seen"] == 2 * record["steps"]
        assert record["shares"] == shares
        # The same images give the same figures.
        assert record["elsewhere"][name]["psnr_db"] == record["psnr_db"]
    reporting = ["--results", str(results), "--variants", str(variants), "--docs", str(tmp_path)]
    capsys.readouterr()
    assert tool("report-ablations")(reporting) == 0
    assert named_rows(tmp_path) == ["new reference", "first alone"]
    text = (tmp_path / "ablations.md").read_text()
    assert f"SSIM, {tmp_path.name}/other |" in text
    assert f"({record['computed_in']}" not in text
    assert f"in {record['computed_in']} ({record['processor']})" in text
    assert "There is one run of each" in text


def made_up(name, seed, ssim, psnr, minutes=1.0):
    return VariantRecord(
        name=name,
        group="",
        change={},
        configuration={},
        minutes=minutes,
        ssim=ssim,
        psnr_db=psnr,
        ciede2000=4.0,
        entropy_share={"s1": 0.9},
        crops_seen=80,
        steps=10,
        parameters=9,
        images=2,
        validation=(Point(10, 80, 60, ssim, psnr),),
    )


def test_reported_figures_are_means_and_distances(tmp_path, variants, capsys):
    """Means over the seeds, distances to the table's own reference, the spread of the seeds."""
    results = tmp_path / "results"
    results.mkdir()
    for record in (
        made_up("reference", 1, 0.8, 25),
        made_up("reference", 2, 0.82, 26),
        made_up("parallel", 1, 0.7, 24),
        made_up("parallel", 2, 0.72, 23),
        made_up("new reference", 1, 0.9, 29, 2.0),
    ):
        seed = sum(1 for path in results.glob(f"{record.name}*"))
        (results / f"{record.name}-{seed}.json").write_text(json.dumps(record.to_json()))
    reporting = ["--results", str(results), "--variants", str(variants), "--docs", str(tmp_path)]
    assert tool("report-ablations")(reporting) == 0
    text = (tmp_path / "ablations.md").read_text()
    assert "| 0.810 | 25.50 dB |" in text
    assert "| 0.710 (-0.100) | 23.50 dB (-2.00) |" in text
    assert "| 0.900 | 29.00 dB |" in text
    # Both pairs are 0.02 and 1 dB apart, so their standard deviations are these by sqrt(2).
    assert "means of 2 seeds; over all variants, one seed lies 0.0141 of SSIM and 0.71 dB" in text
    assert "SSIM is nowhere above that of the reference and below it with `parallel`." in text
    assert "Not run yet: `mae alone`." in text
    assert "Not run yet: `first alone`." in text
    longer = made_up("parallel", 2, 0.7, 24, 2.0)
    (results / "parallel-1.json").write_text(json.dumps(longer.to_json()))
    assert tool("report-ablations")(reporting) == 2
    assert "'First'" in capsys.readouterr().err
    for path in results.glob("reference*"):
        path.unlink()
    assert tool("report-ablations")(reporting) == 2
    assert "has no record of the reference" in capsys.readouterr().err


def test_stopped_variant_goes_on(tmp_path, image_tar, variants):
    original = ablate.Trainer.train_step

    def interrupted(self):
        if self.step == 1:
            self.save()
            raise KeyboardInterrupt
        return original(self)

    given = arguments(tmp_path, image_tar, variants, "--only", "reference", "--minutes", "0.01")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablate.Trainer, "train_step", interrupted)
        assert tool("ablate")(given) == 130
    assert tool("ablate")(given) == 0
    record = json.loads((tmp_path / "results" / "reference-1.json").read_text())
    assert record["validation"][-1]["seconds"] <= 2
    assert record["steps"] > 1


def test_mistakes_are_said(tmp_path, image_tar, variants, capsys):
    assert tool("ablate")(arguments(tmp_path, image_tar, variants, "--only", "nothing")) == 2
    assert "no variant or table 'nothing'" in capsys.readouterr().err
    with pytest.raises(ValueError, match="losses is no table"):
        ablate.changed({"loss": {}}, {"losses.mae": 1.0})
    assert tool("report-ablations")(["--results", str(tmp_path / "none")]) == 2
    assert "has no record of the reference" in capsys.readouterr().err


def test_plans_that_do_not_hold_together_are_refused(tmp_path):
    plan = tmp_path / "plan.json"
    table = {"base": {"batch": 1}, "groups": {"Reference": {"one": {}}}}
    for second, said in (
        (table, "two variants 'one'"),
        (table | {"base": "two"}, "'Second' is built on 'two', but no table"),
    ):
        plan.write_text(json.dumps({"tables": {"First": table, "Second": second}}))
        with pytest.raises(ValueError, match=said):
            ablate.read_variants(plan)
    for content, said in (
        ({"base": {}, "groups": {}}, "plan.json has no tables"),
        ({"tables": {"First": {"base": {}}}}, "'First' of .* has no groups"),
    ):
        plan.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=said):
            ablate.read_variants(plan)


def test_records_are_those_of_the_shipped_variants():
    """Nobody has changed a variant after it was measured."""
    for path in ablate.RESULTS.glob("*.json"):
        record = read_variant_record(path)
        variant = SHIPPED[record.name]
        same = {"name": record.name, "seed": record.configuration["seed"]}
        configurations = (
            Configuration.read(one) for one in (record.configuration, variant.configuration | same)
        )
        assert operator.eq(*configurations), path.name
        assert (record.group, record.change) == (variant.group, variant.change)


SHIPPED = ablate.read_variants(ablate.VARIANTS)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_variant_trains(tmp_path, image_tar, name):
    """Each variant, with small images, for one step without and one with quantisation."""
    configuration = Configuration.read(
        SHIPPED[name].configuration
        | {"name": name, "seed": 1, "crop": 32, "batch": 2, "steps": 2, "unquantised_steps": 1}
    )
    cache = open_cache(image_tar, tmp_path, 32, 64)
    trainer = Trainer(configuration, make_sampler(configuration, [cache], [1.0]), tmp_path)
    for _ in range(2):
        terms = trainer.train_step()
    assert trainer.progress == 1
    assert math.isfinite(terms["loss"])


@pytest.mark.parametrize("switch", ["conditional", "successive"])
def test_switches_cut_what_they_name(switch):
    """A parallel encoder's finest indices do not depend on the coarse codewords, and so on."""
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


def test_only_what_seeds_do_not_explain_stands_out():
    records = {
        "reference": [
            made_up("reference", seed, ssim, 25) for seed, ssim in ((1, 0.80), (2, 0.82))
        ],
        "better": [made_up("better", seed, ssim, 25) for seed, ssim in ((1, 0.86), (2, 0.87))],
        "alike": [made_up("alike", seed, ssim, 25) for seed, ssim in ((1, 0.83), (2, 0.85))],
    }
    found = reports.standing_out(records, "reference", 0.01)
    assert found == reports.StandingOut(["better"], [])
    assert reports.standing_out(records, "reference", 0.02) == reports.StandingOut([], [])
