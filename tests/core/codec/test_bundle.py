# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: found by name, and held against their manifest."""

import hashlib
import json

import numpy as np
import pytest
from vqdeepsc.codec import (
    DEFAULT_MODEL,
    BundleError,
    Codec,
    find_model,
    list_models,
    read_bundle,
    read_manifest,
    write_manifest,
)


def edit_manifest(bundle, change):
    path = bundle / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def replace_file(bundle, name, content):
    """Another file, with a manifest that vouches for it."""
    (bundle / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    edit_manifest(bundle, lambda manifest: manifest["files"].update({name: digest}))


def replace_codebooks(bundle, change):
    with np.load(bundle / "codebooks.npz") as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(bundle / "codebooks.npz", **arrays)
    replace_file(bundle, "codebooks.npz", (bundle / "codebooks.npz").read_bytes())


def assert_refused(bundle, *words):
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_good_bundle_loads(bundle):
    loaded = read_bundle(bundle)
    assert loaded.name == DEFAULT_MODEL
    for scale in loaded.scales:
        assert loaded.codebooks[scale.scale].shape == (scale.codewords, scale.dimension)
        assert abs(scale.prior.sum() - 1) < 1e-9


@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx", "codebooks.npz", "MODEL_CARD.md"])
def test_a_changed_or_missing_file_is_noticed(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    assert_refused(bundle, name, "not the file its manifest names")
    (bundle / name).unlink()
    assert_refused(bundle, name, "No such file")


@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx"])
def test_a_network_that_is_none_is_refused(bundle, name):
    replace_file(bundle, name, b"no network")
    assert_refused(bundle, name, "cannot be loaded")


def test_networks_of_other_shape_are_refused(bundle):
    replace_file(bundle, "encoder.onnx", (bundle / "decoder.onnx").read_bytes())
    assert_refused(bundle, "encoder.onnx", "image")


def test_a_scale_that_the_networks_lack_is_refused(bundle):
    edit_manifest(bundle, lambda manifest: manifest["scales"].pop(0))
    replace_codebooks(bundle, lambda arrays: arrays.pop("e1"))
    assert_refused(bundle, "encoder.onnx", "s1")


def test_dimensions_that_the_decoder_lacks_are_refused(bundle):
    edit_manifest(bundle, lambda manifest: manifest["scales"][1].update(dimension=7))
    replace_codebooks(bundle, lambda arrays: arrays.update(e2=np.zeros((8, 7), np.float32)))
    assert_refused(bundle, "q2 of decoder.onnx", "7")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda arrays: arrays.pop("e2"), "e2"),
        (lambda arrays: arrays.update(e9=np.zeros(3)), "e9"),
        (lambda arrays: arrays.update(e1=arrays["e1"].astype(np.float64)), "float64"),
        (lambda arrays: arrays.update(e1=arrays["e1"][:-1]), "e1"),
        (lambda arrays: arrays["e1"].__setitem__((0, 0), np.nan), "not finite"),
        (lambda arrays: arrays.update(e1=np.array([{}], object)), "cannot be read"),
    ],
)
def test_wrong_codebooks_are_refused(bundle, change, word):
    replace_codebooks(bundle, change)
    assert_refused(bundle, "codebooks.npz", word)


def test_codebooks_that_are_no_archive_are_refused(bundle):
    replace_file(bundle, "codebooks.npz", b"PK no archive")
    assert_refused(bundle, "codebooks.npz cannot be read")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda manifest: manifest.update(format=2), "format 2"),
        (lambda manifest: manifest.pop("version"), "'version' is missing"),
        (lambda manifest: manifest.update(name="../x"), "not a name"),
        (lambda manifest: manifest.update(scales=[]), "scales"),
        (lambda manifest: manifest["scales"].reverse(), "fine to coarse"),
        (lambda manifest: manifest["scales"][0].update(stride=4), "stride 4"),
        (lambda manifest: manifest["scales"][0].update(codewords=15), "15 codewords"),
        (lambda manifest: manifest["scales"][0].update(bits="4"), "'bits'"),
        (lambda manifest: manifest["scales"][0].update(prior=[0.5] * 16), "probabilities"),
        (lambda manifest: manifest["scales"][0].update(prior=[1.0]), "one prior for each"),
        (lambda manifest: manifest["files"].pop("encoder.onnx"), "encoder.onnx"),
        (lambda manifest: manifest["files"].update({"encoder.onnx": "00"}), "SHA-256"),
        (lambda manifest: manifest.pop("training"), "'training' is missing"),
        (lambda manifest: manifest.update(measured=[]), "'measured'"),
    ],
)
def test_wrong_manifests_are_refused(bundle, change, word):
    edit_manifest(bundle, change)
    assert_refused(bundle, "manifest.json", word)


def test_a_manifest_that_is_no_json_is_refused(bundle):
    (bundle / "manifest.json").write_text("{")
    assert_refused(bundle, "not valid JSON")
    (bundle / "manifest.json").write_text("[]")
    assert_refused(bundle, "one object")
    (bundle / "manifest.json").unlink()
    assert_refused(bundle, "manifest.json")


def test_a_written_manifest_loads(bundle):
    before = read_manifest(bundle)
    priors = {scale.scale: scale.prior * 1000 for scale in before.scales}
    write_manifest(
        bundle,
        name="another",
        version="2.0",
        priors=priors,
        training=before.training,
        measured={"set": {"ssim": 0.5, "psnr_db": 20.0, "ms_ssim": None}},
    )
    after = read_bundle(bundle)
    assert (after.name, after.version, after.model_id) == ("another", "2.0", before.model_id)
    for old, new in zip(before.scales, after.scales, strict=True):
        np.testing.assert_allclose(new.prior, old.prior)
        assert (new.bits, new.dimension, new.stride) == (old.bits, old.dimension, old.stride)


def test_models_are_found_by_name_and_by_path(bundle, monkeypatch):
    bundle.rename(bundle.parent / "mine")
    monkeypatch.setenv("VQDEEPSC_MODELS", f"/nonexistent:{bundle.parent}")
    assert find_model("mine") == bundle.parent / "mine"
    assert find_model(bundle.parent / "mine") == bundle.parent / "mine"
    assert bundle.parent / "mine" in list_models()
    assert Codec("mine").name == DEFAULT_MODEL
    with pytest.raises(BundleError, match=r"known models: .*mine"):
        find_model("nonsense")
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        find_model(bundle.parent)
    with pytest.raises(BundleError, match="there is no model"):
        find_model("/nonexistent/model")
