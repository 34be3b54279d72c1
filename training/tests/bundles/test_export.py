# SPDX-License-Identifier: GPL-3.0-or-later
"""Exported graphs against PyTorch and eq. 2, and whole bundles through the codec."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, SMALL_PAPER, SMALL_PROGRESSIVE, tool
from numpy.typing import NDArray
from torch import nn
from vqdeepsc.codec import Codec
from vqdeepsc.codec.scales import PASSES, scale_stride

from vqdeepsc_training.base.errors import ExportError
from vqdeepsc_training.bundles import export as exporting
from vqdeepsc_training.bundles import graphs
from vqdeepsc_training.networks import conditional, rounding
from vqdeepsc_training.networks.build import build_network
from vqdeepsc_training.networks.counts import count_indices
from vqdeepsc_training.networks.counts import encode as encode_images
from vqdeepsc_training.networks.encoded import stride
from vqdeepsc_training.reports import evaluation, flipped_bits
from vqdeepsc_training.trainer.checkpoint import read_checkpoint, run_metadata

train = tool("train")

SMALL_PAPER_3 = SMALL_PAPER | {"codewords": [0, 64, 32, 8]}


def ready(settings: dict) -> nn.Module:
    """A network whose codebooks are spread over its features, as after the k-means start."""
    torch.manual_seed(1)
    network = build_network(settings).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    image = nn.functional.interpolate(torch.rand(8, 3, 16, 16, generator=generator), 128)
    for scale in reversed(range(len(network.spaces))):
        features = network.encode(image).features[scale]
        network.spaces[scale].start_from(features, generator)
    rounding.round_weights(network)
    network.prepare_export()
    return network


@pytest.mark.parametrize(
    "settings",
    [SMALL_CONDITIONAL, SMALL_CONDITIONAL_3, SMALL_PROGRESSIVE, SMALL_PAPER, SMALL_PAPER_3],
    ids=[
        "conditional_4scale",
        "conditional_3scale",
        "progressive",
        "paper_4scale",
        "paper_3scale",
    ],
)
def test_graphs_agree_with_pytorch_for_any_size(tmp_path, settings):
    network = ready(settings)
    graphs.write_graphs(network, tmp_path)
    graphs.check_graphs(network, tmp_path, ((1, 128, 128), (3, 208, 144), (1, 768, 1024)))
    # Eq. 2 by brute force on the features, in float64.
    encoder = onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    image = torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(5))
    found = encoder.run(None, {"image": image.numpy()})
    encoded = network.encode(image)
    codebooks = np.load(tmp_path / "codebooks.npz")
    assert sorted(codebooks.files) == [f"e{scale}" for scale in network.scales]
    for scale, indices, features in zip(network.scales, found, encoded.features, strict=True):
        rows = features.permute(0, 2, 3, 1).double().numpy()[..., None, :]
        distances = np.linalg.norm(rows - codebooks[f"e{scale}"].astype(np.float64), axis=-1)
        assert indices.dtype == np.int64
        chosen = np.take_along_axis(distances, indices[..., None], -1)[..., 0]
        assert np.allclose(chosen, distances.min(-1), atol=1e-5)
        assert (indices == distances.argmin(-1)).mean() > 0.999
        assert len(np.unique(indices)) > 1


def test_normalised_codes_are_exported_as_the_decoder_reads_them(tmp_path):
    network = ready(SMALL_CONDITIONAL | {"normalised": True, "bounded": False})
    graphs.write_graphs(network, tmp_path)
    graphs.check_graphs(network, tmp_path, ((1, 64, 48), (2, 32, 32)))
    codebooks = np.load(tmp_path / "codebooks.npz")
    for name in codebooks.files:
        assert np.allclose(np.linalg.norm(codebooks[name], axis=1), 1, atol=1e-6)


def test_folded_convolution_is_the_same_function():
    network = build_network(SMALL_CONDITIONAL).eval()
    image = torch.rand(2, 3, 32, 48)
    network.exporting = False
    plain, _ = network(image)
    network.prepare_export()
    folded, _ = network(image)
    assert torch.allclose(plain, folded, atol=1e-5)


def test_graphs_that_differ_are_refused(tmp_path):
    network = ready(SMALL_CONDITIONAL)
    graphs.write_graphs(network, tmp_path)
    network.out.bias.add_(0.01)
    with pytest.raises(ExportError, match="images differ"):
        graphs.check_graphs(network, tmp_path, ((1, 32, 32),))
    network.out.bias.sub_(0.01)
    network.spaces[0].reorder(torch.arange(15, -1, -1))
    with pytest.raises(ExportError, match="indices differ"):
        graphs.check_graphs(network, tmp_path, ((1, 32, 32),))


def test_assignment_changes_indices_but_no_image():
    network = ready(SMALL_CONDITIONAL)
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    before = encode_images(network, images)
    counts = count_indices(network, images)
    totals = [sorted(count) for count in counts]
    costs = exporting.assign_indices(network, counts)
    after = encode_images(network, images)
    for first, second in zip(before.codewords, after.codewords, strict=True):
        assert torch.allclose(first, second, atol=1e-6)
    assert [sorted(count) for count in counts] == totals
    assert all(assigned <= random + 1e-4 for random, assigned in costs.values())
    assert costs["s1"][1] < costs["s1"][0]
    recounted = count_indices(network, images)
    assert all(np.array_equal(a, b) for a, b in zip(counts, recounted, strict=True))


def test_bundle_of_a_trained_network(tmp_path, image_tar, configuration, recording, capsys):
    """Train, export and evaluate on the command line; the codec accepts the bundle."""
    configuration["steps"] = 6
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration))
    assert (
        train(
            [
                "--config",
                str(config),
                "--data",
                str(image_tar),
                "--folder",
                str(tmp_path / "run"),
                "--cache",
                str(tmp_path / "cache"),
                "--threads",
                "1",
                "--recording",
                str(recording),
            ]
        )
        == 0
    )
    # how many lines depends on the processor
    capsys.readouterr()
    bundle = tmp_path / "small-4s"
    assert (
        tool("export")(
            [
                "--checkpoint",
                str(tmp_path / "run" / "checkpoint.pt"),
                "--bundle",
                str(bundle),
                "--data",
                str(image_tar),
                "--measure",
                f"own={image_tar}",
            ]
        )
        == 0
    )
    exported = json.loads(capsys.readouterr().out)
    assert {p.name for p in bundle.iterdir()} == {
        "encoder.onnx",
        "decoder.onnx",
        "gradient.onnx",
        "codebooks.npz",
        "manifest.json",
        "MODEL_CARD.md",
    }
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["training"]["steps"] == 6
    assert manifest["training"]["images"] == 24
    assert [scale["bits"] for scale in manifest["scales"]] == [4, 3, 2, 1]
    assert Codec(bundle).bits_per_region == 20032
    assert (
        tool("evaluate")(
            ["--bundle", str(bundle), "--data", str(image_tar), "--size", "32", "--json"]
        )
        == 0
    )
    measured = json.loads(capsys.readouterr().out)[str(image_tar)]
    assert measured.pop("baselines") == {}
    assert measured == exported["measured"]["own"]
    assert measured["ssim"] == manifest["measured"]["own"]["ssim"]
    card = (bundle / "MODEL_CARD.md").read_text()
    assert f"{measured['ssim']:.3f}" in card
    assert all(line in card for line in flipped_bits.table(exported["flipped_bits"]))

    again = ["--checkpoint", str(bundle), "--bundle", str(bundle), "--data", str(image_tar)]
    assert tool("export")([*again, "--no-search"]) == 0
    assert not (bundle / "gradient.onnx").exists()
    assert Codec(bundle).bits_per_region == 20032


def test_export_says_what_is_wrong(tmp_path, image_tar, capsys):
    status = tool("export")(
        [
            "--checkpoint",
            str(tmp_path / "none.pt"),
            "--bundle",
            str(tmp_path / "bundle"),
            "--data",
            str(image_tar),
        ]
    )
    assert status == 2
    assert capsys.readouterr().err == f"export: {tmp_path / 'none.pt'} does not exist.\n"
    assert (
        tool("export")(
            [
                "--checkpoint",
                str(tmp_path / "none.pt"),
                "--bundle",
                str(tmp_path),
                "--data",
                str(image_tar),
                "--data-names",
                "a",
                "b",
            ]
        )
        == 2
    )
    assert "1 data sets are given, but 2 names" in capsys.readouterr().err
    status = tool("evaluate")(["--bundle", str(tmp_path / "none"), "--data", str(image_tar)])
    assert status == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_indices_of_codewords_that_hardly_differ_count_as_equal(tmp_path, monkeypatch):
    """Rounding may turn such an index; one of a coarse scale between others is an error."""
    network = ready(SMALL_CONDITIONAL)
    graphs.write_graphs(network, tmp_path)
    encode = network.encode

    def turned(image: torch.Tensor) -> object:
        encoded = encode(image)
        encoded.indices[-1].view(-1)[0] ^= 1
        return encoded

    monkeypatch.setattr(network, "encode", turned)
    with pytest.raises(ExportError, match="indices differ"):
        graphs.check_graphs(network, tmp_path, ((1, 128, 128),))
    monkeypatch.undo()
    space = network.spaces[-1]
    space.embedding[1] = space.embedding[0] + 1e-5
    graphs.write_graphs(network, tmp_path)
    monkeypatch.setattr(network, "encode", turned)
    found = graphs.check_graphs(network, tmp_path, ((1, 128, 128),))
    assert found["unequal_indices"] <= graphs.INDEX_TOLERANCE


def test_entropy_share_of_known_counts():
    assert evaluation.entropy_share(np.array([5, 5, 5, 5])) == pytest.approx(1.0)
    assert evaluation.entropy_share(np.array([1, 1, 0, 0])) == pytest.approx(0.5)


@pytest.fixture
def tuned(tmp_path, image_tar, configuration, recording):
    """Folder with a run in run/, and in tuned/ the tuning of its decoder."""
    configuration["steps"] = 4
    tuning = configuration | {"decoder_only": True, "steps": 2, "name": "tuning", "seed": 9}
    for name, settings in (("run", configuration), ("tuned", tuning)):
        config = tmp_path / f"{name}.json"
        config.write_text(json.dumps(settings))
        begin = ["--weights", str(tmp_path / "run" / "checkpoint.pt")] if name == "tuned" else []
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
                    *begin,
                ]
            )
            == 0
        )
    return tmp_path


def test_card_and_record_of_a_tuned_decoder_have_both_runs(tuned, image_tar):
    """The run that trained the encoder is the model's training; the tuning stands beside it."""
    bundle = tuned / "tuned-4s"
    exported = exporting.export(
        tuned / "tuned" / "checkpoint.pt",
        bundle,
        [image_tar],
        data_names=["own/images"],
        measure={"own": image_tar},
        results=tuned,
    )
    training = json.loads((bundle / "manifest.json").read_text())["training"]
    assert training["data"] == ["own/images"]
    assert training["configuration"]["name"] == "small"
    assert (training["steps"], training["images"], training["seed"]) == (4, 16, 3)
    assert training["decoder_tuning"]["steps"] == 2
    assert "tuned for 2 steps, on 8 crops" in (bundle / "MODEL_CARD.md").read_text()
    record = json.loads((tuned / "tuned_4s.json").read_text())
    run, tuning = (
        json.loads((tuned / name / "record.json").read_text()) for name in ("run", "tuned")
    )
    assert {key: record[key] for key in run} == run
    assert training["configuration"] == run["configuration"]
    assert record["decoder_tuning"] == training["decoder_tuning"] | {
        key: tuning[key] for key in ("hours", "validation")
    }
    for key in ("measured", "assignment", "flipped_bits"):
        assert record[key] == exported.to_json()[key]


def test_a_bundle_gives_itself_again_and_a_tuning_its_untuned_one(tuned, image_tar, monkeypatch):
    def exported(checkpoint: Path, name: str, *options: str) -> NDArray[np.uint8]:
        assert (
            tool("export")(
                [
                    "--checkpoint",
                    str(checkpoint),
                    "--bundle",
                    str(tuned / name),
                    "--data",
                    str(image_tar),
                    *options,
                ]
            )
            == 0
        )
        codec = Codec(tuned / name)
        return codec.decode(codec.one_hot(codec.encode(image)), 48, 32)

    monkeypatch.setattr(rounding, "EIGHT_BIT_WEIGHTS", 500)
    image = np.random.default_rng(4).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    checkpoint = tuned / "tuned" / "checkpoint.pt"
    decoded = exported(checkpoint, "first")
    assert np.array_equal(exported(tuned / "first", "second"), decoded)
    for name in ("encoder.onnx", "decoder.onnx", "codebooks.npz"):
        assert (tuned / "first" / name).read_bytes() == (tuned / "second" / name).read_bytes()
    first, again = (read_checkpoint(path) for path in (checkpoint, tuned / "first"))
    assert run_metadata(again) == run_metadata(first)
    untuned = exported(checkpoint, "untuned", "--untuned")
    assert np.array_equal(untuned, exported(tuned / "run" / "checkpoint.pt", "run-4s"))
    assert not np.array_equal(untuned, decoded)


def test_strides_and_passes_are_those_of_the_run_time():
    assert conditional.PASSES == PASSES
    assert [stride(scale) for scale in range(5)] == [scale_stride(scale) for scale in range(5)]
