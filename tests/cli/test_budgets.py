# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that spend a number of bits on an image, with a model of which any prefix decodes."""

import json
import zlib

import numpy as np
import pytest
from conftest import assert_one_sentence, run_here
from tiny_bundle import PROGRESSIVE, make_bundle
from vqdeepsc.allocation import Budget, encode_frames
from vqdeepsc.codec import Codec
from vqdeepsc.codec.bits import certain_llrs
from vqdeepsc.errors import ParameterError
from vqdeepsc.images import metrics
from vqdeepsc.images.bitstream import BitstreamError, ImageBitstream, read_bitstream
from vqdeepsc.images.files import load_image, save_image
from vqdeepsc.link import ChannelModel, Scheme
from vqdeepsc.simulation.plan import Simulation
from vqdeepsc.simulation.run import simulate

WIDTH, HEIGHT = 250, 170  # 176 blocks


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny-progressive", PROGRESSIVE)


@pytest.fixture(scope="module")
def image_file(tmp_path_factory, photograph):
    path = tmp_path_factory.mktemp("images") / "sent.png"
    save_image(path, photograph[:HEIGHT, :WIDTH])
    return path


@pytest.mark.parametrize(
    ("options", "most"),
    [
        (("--bits-per-pixel", 0.5), WIDTH * HEIGHT // 2),
        (("--bytes", 1500), 12_000),
        (("--bytes", 22), 176),
        (("--bytes", 100_000), 176 * 569),
        ((), 3 * 36_416),
    ],
)
def test_a_budget_is_kept_in_a_file(model, image_file, tmp_path, capfd, options, most):
    code, decoded = tmp_path / "code.vqd", tmp_path / "out.png"
    encode = ("encode", image_file, "-o", code, "--model", model, "--json", *options)
    completed = run_here(capfd, *encode)
    assert completed.returncode == 0, completed.stderr
    report = json.loads(completed.stdout)
    content = read_bitstream(code)
    assert report["source_bits"] == content.bits.size
    assert most - len(content.bits) < content.bits.size <= most
    assert code.stat().st_size <= 32 + most / 8 + 3 * len(content.bits)
    assert run_here(capfd, "decode", code, "-o", decoded, "--model", model).returncode == 0
    codec = Codec(model)
    received = {
        run: certain_llrs(bits[: run.bits])
        for run, bits in zip(content.runs(codec.layout), content.bits, strict=True)
    }
    expected = codec.decode_received(received, WIDTH, HEIGHT)
    np.testing.assert_array_equal(load_image(decoded), expected)


def test_a_quality_is_reached(model, image_file, tmp_path, capfd):
    sent = load_image(image_file)
    codec = Codec(model)
    best = metrics.psnr(sent, codec.decode(codec.one_hot(codec.encode(sent)), WIDTH, HEIGHT))
    code, decoded = tmp_path / "code.vqd", tmp_path / "out.png"
    quality = best - 0.5
    options = ("--model", model, "--quality", quality)
    assert run_here(capfd, "encode", image_file, "-o", code, *options).returncode == 0
    assert run_here(capfd, "decode", code, "-o", decoded, "--model", model).returncode == 0
    assert quality <= metrics.psnr(sent, load_image(decoded)) < best
    assert read_bitstream(code).bits.size < 0.9 * 176 * 569


def test_wrong_budgets_get_one_sentence(model, image_file, tmp_path, capfd):
    encode = ("encode", image_file, "-o", tmp_path / "out.vqd")
    for options, words in (
        (("--model", model, "--bytes", 21), "168 bits are too few for an image of 250x170, which"),
        (("--model", model, "--bits-per-pixel", -1), "is not a number"),
        (("--model", model, "--bits-per-pixel", "nan"), "is not a number"),
        (("--model", model, "--bytes", 0), "'0'"),
        (("--model", model, "--quality", 101), "at most 100 dB"),
        (("--model", model, "--quality", 30, "--bytes", 5), "not allowed with"),
        (("--model", "vqdeepsc-4s", "--bytes", 500), "only a progressive model takes a budget"),
    ):
        assert_one_sentence(run_here(capfd, *encode, *options), words)
    assert not (tmp_path / "out.vqd").exists()


def with_crc(content):
    return content + zlib.crc32(content).to_bytes(4, "big")


HEAD = "56514453 03 abcd 00000000 0000 0023 0010 000000 0000"  # 35x16 pixels: 3 blocks


def test_the_file_by_hand():
    bits = np.zeros((2, 20), np.uint8)
    bits[0, 0] = bits[1, 19] = 1
    content = ImageBitstream(0xABCD, 35, 16, bits, block_bits=[10, 20]).to_bytes()
    body = "0014 00000002 000a 0014 800000 000010"
    assert content == with_crc(bytes.fromhex(HEAD + body))
    code = ImageBitstream.from_bytes(content)
    np.testing.assert_array_equal(code.bits, bits)
    assert (code.version, code.width, code.height, code.block_bits) == (2, 35, 16, [10, 20])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("0014 00000000", "contradicts"),
        ("0014 00000004 0014 0014 0014 0014 000000 000000 000000 000000", "contradicts"),
        ("0000 00000001 0014", "contradicts"),
        ("0014 00000002 000a 0014 800000 0000", "incomplete"),
        ("0014 00000002 000a 0014 800000 00001000", "longer"),
        ("0014 00000002 0014 0014 800000 000010", "do not make up its image"),  # 2 blocks
        ("0014 00000002 0005 0014 800000 000010", "do not make up its image"),  # the first has all
        ("0014 00000002 0000 0014 800000 000010", "do not make up its image"),
        ("0014 00000002 0015 0001 800000 000010", "do not make up its image"),
    ],
)
def test_files_that_contradict_themselves_are_refused(body, sentence):
    with pytest.raises(BitstreamError, match=sentence):
        ImageBitstream.from_bytes(with_crc(bytes.fromhex(HEAD + body)))
    damaged = with_crc(bytes.fromhex(HEAD[:-4] + "0001" + "0014 00000002 000a 0014 800000 000010"))
    with pytest.raises(BitstreamError, match="contradicts"):
        ImageBitstream.from_bytes(damaged)


def test_a_file_with_more_bits_than_the_model_has(model, tmp_path, capfd):
    codec = Codec(model)
    code = tmp_path / "code.vqd"
    content = ImageBitstream(codec.model_id, 16, 16, np.zeros((1, 600), np.uint8), 2, [570])
    code.write_bytes(content.to_bytes())
    decode = ("decode", code, "-o", tmp_path / "out.png", "--model", model)
    assert_one_sentence(run_here(capfd, *decode), "570 bits for each block, the model has 1 to 569")


def test_simulated_budgets(model, image_file, tmp_path, capfd):
    """Without noise the rows have the quality of the file of so many bits; JPEG gets as many."""
    options = ("--model", model, "--native", "--decisions", "soft", "hard", "--baseline", "jpeg")
    options += ("--bits-per-pixel", 0.3, 1, "--snr", 20, "--workers", 1, "--json")
    simulation = ("simulate", "--images", image_file, *options, "--output", tmp_path / "r.csv")
    completed = run_here(capfd, *simulation)
    assert completed.returncode == 0, completed.stderr
    rows = json.loads(completed.stdout)["results"]
    by_system = {(row["system"], row["source_bits"]): row for row in rows}
    name = "tiny-progressive"
    bits = [12_750, 42_498]  # 3 frames of 14,166 bits
    assert list(by_system) == [
        *((system, count) for count in bits for system in (name, f"{name}:hard")),
        *(("jpeg", count) for count in bits),
    ]
    for count, frames in zip(bits, (1, 3), strict=True):
        ours, hard = by_system[name, count], by_system[f"{name}:hard", count]
        assert (
            ours["symbols"]
            == by_system["jpeg", count]["symbols"]
            == frames * -(-3 * count // (4 * frames))
        )
        assert ours["psnr_db"] == hard["psnr_db"]
        assert frames == 1 or ours["psnr_db"] > by_system[name, bits[0]]["psnr_db"]
    sent = load_image(image_file)
    allocation = encode_frames(Codec(model), sent, Budget(bits_per_pixel=1))
    received = {
        run: certain_llrs(row[: run.bits])
        for run, row in zip(allocation.runs, allocation.bits, strict=True)
    }
    decoded = Codec(model).decode_received(received, WIDTH, HEIGHT)
    psnr = by_system[name, bits[1]]["psnr_db"]
    assert psnr == pytest.approx(metrics.psnr(sent, decoded), abs=1e-3)
    # what is finished stays, and another number of bits is added
    again = (*simulation[:-2], "--output", tmp_path / "r.csv", "--bits-per-pixel", 1, 0.5)
    assert run_here(capfd, *again).returncode == 0
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 1 + 3 * 3


def test_budgets_beyond_the_model_are_simulated_once(model, image_file, tmp_path):
    simulation = Simulation(
        [image_file],
        [str(model)],
        [ChannelModel("awgn")],
        (20.0,),
        schemes=[Scheme(), Scheme.parse("balanced")],
        bits_per_pixel=(50, 100),
    )
    rows = simulate(simulation, tmp_path / "r.csv")
    assert [str(row.system) for row in rows] == [
        "tiny-progressive",
        "tiny-progressive:16qam/balanced",
    ]
    assert {row.source_bits for row in rows} == {36_416}


def test_a_scheme_has_to_fit_what_is_sent_and_not_what_the_model_has(model, image_file, tmp_path):
    simulation = Simulation(
        [image_file],
        [str(model)],
        [ChannelModel("awgn")],
        (20.0,),
        schemes=[Scheme("qpsk", 4000)],
        bits_per_pixel=(0.25,),
    )
    (row,) = simulate(simulation, tmp_path / "r.csv")
    assert (row.source_bits, row.symbols, row.block_errors) == (4096, 4000, 0)


@pytest.mark.parametrize(
    ("bits_per_pixel", "sentence"),
    [
        ((0,), "must be above 0"),
        ((1, 1), "is named twice"),
        ((0.001,), "16 bits are too few for an image of 128x128"),
    ],
)
def test_wrong_budgets_are_not_simulated(model, image_file, tmp_path, bits_per_pixel, sentence):
    with pytest.raises(ParameterError, match=sentence):
        simulate(
            Simulation(
                [image_file],
                [str(model)],
                [ChannelModel("awgn")],
                (20.0,),
                bits_per_pixel=bits_per_pixel,
            ),
            tmp_path / "r.csv",
        )
