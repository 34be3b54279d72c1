# SPDX-License-Identifier: GPL-3.0-or-later
"""Models with other scales than the shipped one: the paper's three."""

import numpy as np
import pytest
from conftest import run_command
from tiny_bundle import THREE_SCALES, make_bundle
from vqdeepsc.codec import Codec
from vqdeepsc.images import metrics
from vqdeepsc.images.files import load_image, save_image
from vqdeepsc.link import ChannelModel
from vqdeepsc.simulation.plan import Simulation
from vqdeepsc.simulation.run import simulate


@pytest.fixture(scope="module")
def three_scales(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny-3s", THREE_SCALES)


def test_bits_are_those_of_the_paper(three_scales):
    codec = Codec(three_scales)
    assert codec.bits_per_region == 7616
    assert [scale.scale for scale in codec.layout.scales] == [4, 3, 2]
    assert [scale.bits_per_region for scale in codec.layout.scales] == [192, 1280, 6144]


@pytest.mark.parametrize("size", [(128, 128), (100, 37), (300, 200)])
def test_images_survive_bits_and_soft_bits(three_scales, photograph, size):
    codec = Codec(three_scales)
    width, height = size
    image = photograph[:height, :width]
    bits = codec.encode_bits(image)
    hard = codec.decode_bits(bits, width, height)
    np.testing.assert_array_equal(
        hard, codec.decode(codec.one_hot(codec.encode(image)), width, height)
    )
    llrs = np.where(bits, 30.0, -30.0)
    np.testing.assert_array_equal(codec.decode_llrs(llrs, width, height), hard)
    assert metrics.psnr(image, hard) > 12


def test_command_and_simulator(three_scales, photograph, tmp_path):
    image, code, decoded = (tmp_path / name for name in ("in.png", "code.vqd", "out.png"))
    save_image(image, photograph[:128, :128])
    model = ["--model", three_scales]
    assert run_command("encode", image, "-o", code, *model).returncode == 0
    assert run_command("decode", code, "-o", decoded, *model).returncode == 0
    simulation = Simulation([image], [three_scales], [ChannelModel("awgn")], (10.0,))
    (row,) = simulate(simulation, tmp_path / "r.csv")
    assert (row.source_bits, row.symbols, row.block_errors) == (7616, 5712, 0)
    sent = load_image(image)
    assert row.psnr_db == pytest.approx(metrics.psnr(sent, load_image(decoded)), abs=1e-4)


def test_both_models_in_one_run(three_scales, photograph, tmp_path):
    save_image(tmp_path / "in.png", photograph[:128, :128])
    simulation = Simulation(
        images=[tmp_path / "in.png"],
        models=["vqdeepsc-4s", three_scales],
        channels=[ChannelModel("rayleigh")],
        snr_db=(10.0,),
        baselines=("jpeg",),
    )
    rows = simulate(simulation, tmp_path / "r.csv")
    assert [(str(row.system), row.source_bits, row.symbols) for row in rows] == [
        ("vqdeepsc-4s", 20032, 15024),
        ("tiny-3s", 7616, 5712),
        ("jpeg", 20032, 15024),
        ("jpeg", 7616, 5712),
    ]
