# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles that would do more than they should: each gets a sentence, and takes little."""

import io
import json
import os
import shutil
import zipfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_bundle import edit_manifest, replace_file
from tiny_bundle import THREE_SCALES, make_bundle
from vqdeepsc.codec import BundleError, Codec, find_model, read_bundle
from vqdeepsc.codec.graph import GraphError, check_graph
from vqdeepsc.codec.inference import NetworkError, open_network


@pytest.fixture
def tiny(tmp_path):
    return make_bundle(tmp_path / "models" / "tiny", THREE_SCALES)


def assert_refused(bundle, *words):
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 600
    for word in words:
        assert word in message


def rewrite(bundle, text):
    (bundle / "manifest.json").write_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"format": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"format": NaN}',
        "",
        '{"format": ' + "9" * 5000 + "}",
    ],
)
def test_manifests_that_are_no_json(tiny, text):
    rewrite(tiny, text)
    assert_refused(tiny, "manifest.json is not valid JSON")


@pytest.mark.parametrize("number", [10**9, 10**10, 10**13, -1, True, 1.0, "1", None])
@pytest.mark.parametrize("key", ["scale", "stride", "codewords", "dimension", "bits"])
def test_numbers_of_a_scale_that_are_none(tiny, key, number):
    edit_manifest(tiny, lambda manifest: manifest["scales"][0].update({key: number}))
    assert_refused(tiny, f"'{key}' of a scale must be an integer from 1 to")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda manifest: manifest.update(scales=5), "'scales' must be a list"),
        (lambda manifest: manifest.update(scales="abc"), "'scales' must be a list"),
        (lambda manifest: manifest.update(scales=[5]), "a scale must be an object"),
        (lambda manifest: manifest["scales"][0].update(prior={"a": 1}), "one prior for each"),
        (lambda manifest: manifest["scales"][0].update(prior=["0.1"] * 64), "must be numbers"),
        (lambda manifest: manifest["scales"][0].update(prior=[[0.1]] * 64), "must be numbers"),
        (lambda manifest: manifest["scales"][0]["prior"].__setitem__(0, 10**4000), "too large"),
        (lambda manifest: manifest.update(files=["a"]), "'files'"),
        (lambda manifest: manifest["files"].update({"../../etc/passwd": "0" * 64}), "'files'"),
        (lambda manifest: manifest.update(measured={"a": [1]}), "'measured'"),
        (lambda manifest: manifest.update(measured={"a": {"ssim": "x"}}), "'measured'"),
        (lambda manifest: manifest.update(format=[1]), "format [1]"),
    ],
)
def test_manifests_of_wrong_types(tiny, change, word):
    edit_manifest(tiny, change)
    assert_refused(tiny, "manifest.json", word)


@pytest.mark.parametrize(
    "name", ["manifest.json", "encoder.onnx", "codebooks.npz", "MODEL_CARD.md"]
)
def test_files_that_are_none_are_never_read(tiny, name):
    path = tiny / name
    path.unlink()
    os.mkfifo(path)
    assert_refused(tiny, f"{name} is not a file")
    path.unlink()
    path.symlink_to("/dev/zero")
    assert_refused(tiny, f"{name} is not a file")
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert_refused(tiny, f"{name} has 1,099,511,627,776 bytes, more than")
    path.unlink()
    path.mkdir()
    assert_refused(tiny, f"{name} is a folder")


def npz(*members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def npy(shape, descr="<f4", data=b""):
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


@pytest.mark.parametrize(
    ("content", "word"),
    [
        # 17 kB that inflate to 17 MB
        (npz(("e2.npy", npy((64, 3), data=bytes(17 << 20)))), "more than the 16,777,216 bytes"),
        (npz(("e2.npy", npy((10**15,)))), "cannot be read"),
        (npz(("e2.npy", npy((64, 3), "|O", bytes(64)))), "cannot be read"),
        (npz(("../../evil.npy", b"not npy")), "cannot be read"),
        (npz(("e2.npy", npy((2, 2), data=bytes(16)))), "holds ['e2'], not ['e2', 'e3', 'e4']"),
        (npz(("e2.npy", b"\x93NUMPY\3\0" + bytes(100))), "cannot be read"),
        (npz(("e2.npy", bytes(100)))[:-30], "cannot be read"),
    ],
)
def test_codebooks_are_judged_before_they_are_inflated(tiny, content, word):
    replace_file(tiny, "codebooks.npz", content)
    assert_refused(tiny, "codebooks.npz", word)


def change_encoder(bundle, change):
    model = onnx.load(bundle / "encoder.onnx")
    change(model)
    content = model.SerializeToString()
    replace_file(bundle, "encoder.onnx", content)
    return content


def before_the_encoder(*nodes, constants=()):
    """A change that has these nodes make `image2` of `image`, for the first scale."""

    def change(model):
        model.graph.node[0].input[0] = "image2"
        for node in reversed(nodes):
            model.graph.node.insert(0, node)
        for name, value in constants:
            model.graph.initializer.append(numpy_helper.from_array(np.array(value), name))

    return change


@pytest.mark.parametrize(
    "location", ["../../../etc/passwd", "/dev/zero", "here.bin", "*/_ORT_MEM_"]
)
def test_data_of_other_files_are_never_read(tiny, location):
    def change(model):
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location

    change_encoder(tiny, change)
    assert_refused(tiny, "encoder.onnx cannot be loaded: data outside the file are not allowed")


def loop(model):
    info = helper.make_tensor_value_info
    image = ["n", 3, "h", "w"]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["c"], ["co"]),
            helper.make_node("Add", ["v", "v"], ["vo"]),
        ],
        "body",
        [
            info("i", TensorProto.INT64, []),
            info("c", TensorProto.BOOL, []),
            info("v", TensorProto.FLOAT, image),
        ],
        [info("co", TensorProto.BOOL, []), info("vo", TensorProto.FLOAT, image)],
    )
    node = helper.make_node("Loop", ["trip", "on", "image"], ["image2"], body=body)
    before_the_encoder(node, constants=[("trip", np.int64(2**62)), ("on", True)])(model)


def own_function(model):
    model.functions.append(
        helper.make_function("own", "F", ["x"], ["y"], [helper.make_node("Neg", ["x"], ["y"])], [])
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (loop, "graphs within nodes"),
        (own_function, "training and functions"),
        (lambda model: model.training_info.add(), "training and functions"),
        (lambda model: model.graph.sparse_initializer.add(), "field 15 of the graph"),
        (
            before_the_encoder(helper.make_node("Neg", ["image"], ["image2"], domain="own")),
            "'own.Neg' is not allowed",
        ),
        (
            before_the_encoder(helper.make_node("RandomNormalLike", ["image"], ["image2"])),
            "'RandomNormalLike' is not allowed",
        ),
        (
            before_the_encoder(
                helper.make_node("ConstantOfShape", ["size"], ["big"]),
                helper.make_node("Add", ["image", "big"], ["image2"]),
                constants=[("size", np.array([10**12]))],
            ),
            "ConstantOfShape of a constant",
        ),
        (
            before_the_encoder(
                helper.make_node("Expand", ["one", "size"], ["big"]),
                helper.make_node("Add", ["image", "big"], ["image2"]),
                constants=[("size", np.array([10**12])), ("one", np.float32(1))],
            ),
            "Expand of a constant",
        ),
        # outer products, and a tensor that doubles from node to node
        (
            before_the_encoder(
                helper.make_node("Add", ["row", "column"], ["big"]),
                helper.make_node("Add", ["image", "big"], ["image2"]),
                constants=[
                    ("row", np.zeros((1, 10**5), np.float32)),
                    ("column", np.zeros((10**5, 1), np.float32)),
                ],
            ),
            "constants take more than the 536,870,912 bytes",
        ),
        (
            before_the_encoder(
                *(
                    helper.make_node("Concat", [f"c{i}"] * 2, [f"c{i + 1}"], axis=0)
                    for i in range(40)
                ),
                helper.make_node("Add", ["image", "c40"], ["image2"]),
                constants=[("c0", np.zeros(2, np.float32))],
            ),
            "constants take more than the 536,870,912 bytes",
        ),
    ],
)
def test_graphs_that_may_take_any_time_or_memory(tiny, change, word):
    content = change_encoder(tiny, change)
    assert_refused(tiny, "encoder.onnx cannot be loaded", word)
    with pytest.raises(GraphError):
        check_graph(content)


def test_a_constant_that_claims_more_than_it_has(tiny):
    def change(model):
        model.graph.initializer[0].dims[0] = 10**12

    change_encoder(tiny, change)
    assert_refused(tiny, "constants take more than")


def test_a_size_of_the_image_may_ask_for_no_more_memory_than_is_allowed(tiny):
    """Nothing in the file tells how much this takes, so it is refused when it is asked for."""
    change = before_the_encoder(
        helper.make_node("Shape", ["image"], ["size"]),
        helper.make_node("Mul", ["size", "times"], ["larger"]),
        helper.make_node("ConstantOfShape", ["larger"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Add", ["image", "sum"], ["image2"]),
        constants=[("times", np.array([1, 1000, 1000, 1000]))],
    )
    change_encoder(tiny, change)
    with pytest.raises(NetworkError, match="cannot be run"):
        Codec(tiny).encode(np.zeros((128, 128, 3), np.uint8))


@pytest.mark.parametrize(
    ("node", "constants", "word"),
    [
        (
            helper.make_node("Slice", ["s2x", "at", "to", "axis"], ["s2"]),
            [("at", np.array([0])), ("to", np.array([1])), ("axis", np.array([1]))],
            "gives [1, 1, 32] indices of scale 2 for 128x128 pixels, not [1, 32, 32]",
        ),
        (
            helper.make_node("Add", ["s2x", "offset"], ["s2"]),
            [("offset", np.int64(10**15))],
            "indices of scale 2 outside 0 to 63",
        ),
    ],
)
def test_what_an_encoder_gives_is_checked(tiny, node, constants, word):
    def change(model):
        for other in model.graph.node:
            if other.output[0] == "s2":
                other.output[0] = "s2x"
        model.graph.node.append(node)
        for name, value in constants:
            model.graph.initializer.append(numpy_helper.from_array(np.array(value), name))

    change_encoder(tiny, change)
    with pytest.raises(ValueError) as caught:
        Codec(tiny).encode(np.zeros((128, 128, 3), np.uint8))
    assert word in str(caught.value)


def test_damaged_graphs_are_refused_or_run(tiny):
    """The reader of Protocol Buffers ends whatever it reads."""
    content = (tiny / "encoder.onnx").read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(500):
        damaged = bytearray(content[: rng.integers(1, len(content) + 1)])
        for at in rng.integers(0, len(damaged), 3):
            damaged[at] = rng.integers(256)
        try:
            check_graph(bytes(damaged))
        except GraphError as error:
            assert "\n" not in str(error).replace("\\n", "")
    for wrong in (b"", b"\x00", b"\xff" * 100, b"\x3a\xff\xff\xff\xff\x0f", os.urandom(1000)):
        with pytest.raises(NetworkError, match="cannot be loaded"):
            open_network(wrong)


def test_a_name_is_an_installed_model_and_a_path_a_folder(tiny, tmp_path, monkeypatch):
    """A folder that lies about must not take the place of an installed model."""
    (tmp_path / "here").mkdir()
    shutil.copytree(tiny, tmp_path / "here" / "tiny")
    shutil.copytree(tiny, tmp_path / "here" / "mine")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("VQDEEPSC_MODELS", str(tiny.parent))
    assert find_model("tiny") == tiny
    assert find_model("./tiny").resolve() == tmp_path / "here" / "tiny"
    with pytest.raises(BundleError, match=r"no model 'mine'.*; the folder here is \./mine"):
        find_model("mine")


def test_a_broken_bundle_beside_a_good_one_stops_nothing(tiny, tmp_path, monkeypatch, capfd):
    from vqdeepsc.cli import main
    from vqdeepsc.images.files import save_image

    folder = tmp_path / "installed"
    for name, text in (("a", "[" * 200_000), ("b", "null"), ("c", '{"scale": 1e999}')):
        (folder / name).mkdir(parents=True)
        rewrite(folder / name, text)
    pipe = folder / "d"
    pipe.mkdir()
    os.mkfifo(pipe / "manifest.json")
    shutil.copytree(tiny, folder / "tiny")
    huge = shutil.copytree(tiny, folder / "huge")
    edit_manifest(huge, lambda manifest: manifest["scales"][0].update(scale=10**10))
    monkeypatch.setenv("VQDEEPSC_MODELS", str(folder))
    save_image(tmp_path / "a.png", np.zeros((20, 30, 3), np.uint8))
    code, out = str(tmp_path / "a.vqd"), str(tmp_path / "b.png")
    assert main(["encode", str(tmp_path / "a.png"), "-o", code, "--model", "tiny"]) == 0
    assert main(["decode", code, "-o", out]) == 0
    assert main(["models", "--json"]) == 0
    shown = capfd.readouterr()
    assert "Traceback" not in shown.err
    names = {model["name"] for model in json.loads(shown.out[shown.out.index("[") :])}
    assert "tiny" in names
