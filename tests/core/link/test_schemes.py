# SPDX-License-Identifier: GPL-3.0-or-later
"""Other constellations, rates and unequal protection on the simulated link."""

import numpy as np
import pytest
from conftest import assert_one_sentence, run_here
from vqdeepsc.images.files import save_image
from vqdeepsc.link import PROFILES, ChannelModel, Link, Scheme
from vqdeepsc.simulation.results import read_results

PARTS = [192, 1280, 6144]
PAYLOAD_BITS = sum(PARTS)


@pytest.fixture(scope="module")
def bits():
    return np.random.default_rng(1).integers(0, 2, (3, PAYLOAD_BITS), dtype=np.uint8)


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("16qam", 5712),
        ("qpsk", 5712),
        ("64qam", 5712),
        ("256qam", 5712),
        ("16qam@15024", 15024),
        ("qpsk@4000", 4000),
        ("16qam/5/4.5", 5712),
        ("64qam@5712/6/6", 5712),
    ],
)
def test_schemes_keep_their_symbols_and_every_bit(bits, text, symbols):
    scheme = Scheme.parse(text)
    assert str(scheme) == text
    link = Link(PAYLOAD_BITS, scheme=scheme, part_bits=PARTS)
    sent = link.modulate(bits)
    assert sent.shape == (3, symbols)
    assert np.mean(np.abs(sent) ** 2) == pytest.approx(1, abs=0.03)
    received = link.receive(sent, ChannelModel("awgn").open(25.0, 4), 25.0)
    np.testing.assert_array_equal(received.bits, bits)
    assert not received.block_errors.any()


def test_the_default_is_rate_one_third_over_16qam(bits):
    plain = Link(PAYLOAD_BITS)
    named = Link(PAYLOAD_BITS, scheme=Scheme.parse("16qam@5712"))
    np.testing.assert_array_equal(plain.modulate(bits), named.modulate(bits))


def test_transport_blocks_by_hand():
    assert list(Scheme.parse("16qam").transport_blocks(PARTS)) == [(7616, 22848)]
    assert list(Scheme.parse("16qam/5/5").transport_blocks(PARTS)) == [(1472, 7360), (6144, 15488)]
    # 192 · 4.51 = 865.92 bits take 217 symbols
    assert list(Scheme.parse("16qam/4.51/3").transport_blocks(PARTS)) == [
        (192, 868),
        (1280, 3840),
        (6144, 18140),
    ]


def test_profiles_by_name():
    for text, scheme in (
        ("balanced", "16qam/balanced"),
        ("16qam/balanced", "16qam/balanced"),
        ("qpsk@9000/broadcast", "qpsk@9000/broadcast"),
        ("plain", "16qam"),
        ("64qam/plain", "64qam"),
    ):
        assert str(Scheme.parse(text)) == scheme
        assert Scheme.parse(scheme) == Scheme.parse(text)
    for name, factors in PROFILES.items():
        for scales, parts in ((3, PARTS), (4, [64, 512, 3072, 16384])):
            blocks = Scheme.parse(name).transport_blocks(parts)
            for mine, named in zip(
                Scheme(protection=factors[scales]).transport_blocks(parts), blocks, strict=True
            ):
                assert named.payload_bits == mine.payload_bits
                assert named.coded_bits == pytest.approx(mine.coded_bits, abs=48)
            for block in blocks.blocks[:-1]:
                assert block.coded_bits % 24 == 0
            assert sum(block.payload_bits for block in blocks) == sum(parts)
            # over fewer symbols all scales get less
            fewer = Scheme.parse(f"16qam@{sum(parts) * 2 // 4}/{name}").transport_blocks(parts)
            for less, more in zip(fewer, blocks, strict=True):
                assert less.coded_bits == pytest.approx(more.coded_bits * 2 / 3, abs=48)
    # what has no such scales is sent plain
    assert list(Scheme.parse("balanced").transport_blocks([100, 500])) == [(600, 1800)]


def test_protected_parts_survive_where_the_others_are_lost(bits):
    link = Link(PAYLOAD_BITS, scheme=Scheme.parse("16qam/6/6"), part_bits=PARTS)
    received = link.receive(link.modulate(bits), ChannelModel("awgn").open(1.0, 4), 1.0)
    np.testing.assert_array_equal(received.bits[:, : sum(PARTS[:2])], bits[:, : sum(PARTS[:2])])
    assert (received.bits[:, sum(PARTS[:2]) :] != bits[:, sum(PARTS[:2]) :]).mean() > 0.05
    assert (received.block_errors > 0).all()
    assert (received.block_errors < received.blocks).all()


def test_more_symbols_reach_lower_snr(bits):
    for text, arrives in (("16qam", False), ("16qam@15024", True)):
        link = Link(PAYLOAD_BITS, scheme=Scheme.parse(text))
        received = link.receive(link.modulate(bits), ChannelModel("awgn").open(0.0, 4), 0.0)
        assert (not received.block_errors.any()) == arrives


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("8psk", "no scheme '8psk'"),
        ("16qam@0", "no scheme"),
        ("16qam@1000001", "at most 1,000,000"),
        ("16qam/", "no scheme"),
        ("16qam/0.5", "1 or more"),
        ("16qam@1000", "4000 bits on the air for 7616"),
        ("16qam/5", "2 of the model's 3 scales"),
        ("16qam/12/12", "leaves"),
        ("16qam/loud", "no scheme"),
        ("balanced/plain", "no scheme"),
        ("8psk/balanced", "no scheme"),
    ],
)
def test_schemes_that_cannot_be_are_refused(text, word):
    with pytest.raises(ValueError, match=word):
        Link(PAYLOAD_BITS, scheme=Scheme.parse(text), part_bits=PARTS)


def test_schemes_on_the_command_line(photograph, tmp_path, capfd):
    image, output = tmp_path / "p.png", tmp_path / "r.csv"
    save_image(image, photograph[:128, :128])
    arguments = ["simulate", "--images", image, "--output", output, "--snr", "6"]
    arguments += ["--workers", "1", "--baseline", "jpeg", "--decisions", "soft", "hard"]
    completed = run_here(capfd, *arguments, "--scheme", "16qam", "qpsk", "16qam/6/6/5")
    assert completed.returncode == 0, completed.stderr
    rows = read_results(output)
    assert [(str(row.system), row.symbols) for row in rows] == [
        (system, 15024)
        for system in (
            *("vqdeepsc-4s", "vqdeepsc-4s:hard", "vqdeepsc-4s:qpsk", "vqdeepsc-4s:qpsk:hard"),
            *("vqdeepsc-4s:16qam/6/6/5", "vqdeepsc-4s:16qam/6/6/5:hard", "jpeg", "jpeg:qpsk"),
        )
    ]
    assert rows[2].seed == rows[3].seed != rows[0].seed
    for scheme, word in (("8psk", "no scheme"), ("16qam/6", "4 scales"), ("qpsk@100", "200 bits")):
        assert_one_sentence(run_here(capfd, *arguments, "--scheme", scheme), word)
    assert read_results(output) == rows
