# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transport blocks a frame has: profiles by name, parts of progressive models."""

from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil, floor, gcd

import numpy as np
import pytest
from tiny_bundle import PROGRESSIVE, make_bundle
from vqdeepsc.codec import Codec
from vqdeepsc.kernels import (
    EMBEDDED_PARTS,
    LdpcEncoder,
    LdpcFrameDecoder,
    LdpcFrameEncoder,
    uep_transport_blocks,
)
from vqdeepsc.link import (
    PROFILES,
    ChannelModel,
    Link,
    Scheme,
    TransportBlocks,
    frame_part_bits,
    transport_blocks,
)

ENDS = [1, 9, 57, 121, 185, 249, 313]
REGION = [64, 512, 3072, 4096, 4096, 4096, 4096]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny-progressive", PROGRESSIVE)


@pytest.fixture(scope="module")
def layout(model):
    return Codec(model).layout


@pytest.mark.parametrize(
    ("parts", "scheme", "blocks"),
    [
        ("4s", "balanced", [(64, 576), (512, 4104), (3072, 10752), (16384, 44664)]),
        ("4s", "broadcast", [(3648, 25536), (16384, 34560)]),
        ("3s", "balanced", [(1472, 5904), (6144, 16944)]),
        ("3s", "broadcast", [(1472, 8832), (6144, 14016)]),
        ("4s", "qpsk@15024/broadcast", [(3648, 12768), (16384, 17280)]),
        ("4s", "64qam@4452/balanced", [(64, 264), (512, 1824), (3072, 4800), (16384, 19824)]),
        ("3s", "64qam@1904/broadcast", [(1472, 4416), (6144, 7008)]),
    ],
)
def test_lists_of_models_with_scales_stay_as_they_are(parts, scheme, blocks):
    parts = {"4s": [64, 512, 3072, 16384], "3s": [192, 1280, 6144]}[parts]
    assert Scheme.parse(scheme).transport_blocks(parts) == TransportBlocks(tuple(blocks))


def test_parts_of_a_progressive_frame_are_shares_of_its_bits(layout):
    assert frame_part_bits(layout, 20_032) == REGION
    for payload_bits in range(2504, 65_536, 37):
        parts = frame_part_bits(layout, payload_bits)
        assert list(accumulate(parts)) == [payload_bits * end // 313 for end in ENDS]
        assert min(parts) >= 8
    for payload_bits in (64, 1000, 2503):
        assert frame_part_bits(layout, payload_bits) == [payload_bits]
        for scheme in (*PROFILES, "16qam/6/5/4"):
            blocks = Scheme.parse(scheme).transport_blocks([payload_bits])
            assert list(blocks) == [(payload_bits, -(-3 * payload_bits // 4) * 4)]


def documented(payload_bits, coded_bits, factors):
    """The list of a profile, as the page of the air interface says."""
    ends = [0, *(floor(Fraction(payload_bits * end, 313)) for end in ENDS)]
    factors = [Fraction(f"{factor:g}") for factor in factors]
    redundancy = Fraction(coded_bits - payload_bits, 2 * payload_bits)
    blocks, start = [], 0
    for number, factor in enumerate(factors):
        if number + 1 < len(factors) and factors[number + 1] == factor:
            continue
        bits = ends[number + 1] - start
        blocks.append((bits, 24 * ceil(bits * (1 + (factor - 1) * redundancy) / 24)))
        start = ends[number + 1]
    left = coded_bits - sum(coded for _, coded in blocks)
    return TransportBlocks((*blocks, (payload_bits - start, left)), on_strong_bits=True)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_fits_progressive_frames_of_any_length_and_rate(layout, name):
    generator = np.random.default_rng(5)
    lengths = [2504, 2505, 3648, 20_032, 36_416, 65_535, *generator.integers(2504, 65_536, 24)]
    for payload_bits in map(int, lengths):
        parts = frame_part_bits(layout, payload_bits)
        for constellation, bits_per_symbol in (("qpsk", 2), ("16qam", 4), ("64qam", 6)):
            for rate in (Fraction(1, 3), Fraction(1, 2), Fraction(2, 3), Fraction(3, 4)):
                symbols = ceil(payload_bits / rate / bits_per_symbol)
                scheme = Scheme.parse(f"{constellation}@{symbols}/{name}")
                blocks = scheme.transport_blocks(parts)
                coded_bits = symbols * bits_per_symbol
                factors = PROFILES[name][EMBEDDED_PARTS]
                assert blocks == documented(payload_bits, coded_bits, factors)
                assert len(blocks) == len(set(factors)) + 1
                assert sum(block.payload_bits for block in blocks) == payload_bits
                assert sum(block.coded_bits for block in blocks) == coded_bits
                # refuses what it cannot code
                LdpcFrameEncoder(payload_bits, coded_bits, bits_per_symbol, transport_blocks=blocks)


def test_numbers_for_parts_of_a_progressive_frame(model):
    for scheme, blocks in (
        ("16qam/6/6/4", [(576, 3456), (3072, 12288), (16384, 44352)]),
        ("16qam/7", [(64, 448), (19_968, 59_648)]),
        ("16qam/5/5/5/3/3/2.5", [(3648, 18_240), (8192, 24_576), (4096, 10_240), (4096, 7040)]),
        # 64 · 4.51 = 288.64 bits take 73 symbols
        ("16qam/4.51", [(64, 292), (19_968, 59_804)]),
    ):
        found = transport_blocks(model, scheme, 20_032)
        assert found == TransportBlocks(tuple(blocks), on_strong_bits=True)
    assert list(transport_blocks(model, "16qam", 20_032)) == [(20_032, 60_096)]
    assert list(transport_blocks(model)) == [(36_416, 109_248)]
    with pytest.raises(ValueError, match="at most 6 have a number"):
        transport_blocks(model, "16qam/9/8/7/6/5/4/3", 20_032)
    with pytest.raises(ValueError, match="16qam/9/9/9/9: the protection leaves 0 coded bits"):
        transport_blocks(model, "16qam/9/9/9/9", 20_032)


def documented_positions(blocks, symbols, bits_per_symbol):
    """Where coded bits lie among the bits of the symbols, as the page says."""
    count = 2 * symbols
    stride = next(g for g in range(ceil(0.618 * count), 2 * count) if gcd(g, count) == 1)
    order = [
        number // 2 * bits_per_symbol + 2 * level + number % 2
        for level in range(bits_per_symbol // 2)
        for number in (i * stride % count for i in range(count))
    ]
    positions, start = [], 0
    for payload_bits, coded_bits in blocks:
        taken = sorted(order[start : start + coded_bits])
        start += coded_bits
        code_blocks = ceil((payload_bits + 24) / 8424) if payload_bits > 8424 else 1
        ends = [coded_bits * i // code_blocks for i in range(code_blocks + 1)]
        for first, end in pairwise(ends):
            positions += sorted(taken[first:end], key=lambda bit: (bit % bits_per_symbol // 2, bit))
    return positions


@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6])
def test_coarse_blocks_lie_on_strong_bits(bits_per_symbol):
    blocks = [(576, 3000), (3072, 9000), (16_384, 48_000)]
    on_strong_bits = TransportBlocks(tuple(blocks), on_strong_bits=True)
    bits = np.random.default_rng(3).integers(0, 2, 20_032, np.uint8)
    encoder = LdpcFrameEncoder(20_032, 60_000, bits_per_symbol, on_strong_bits)
    coded, start = [], 0
    for payload_bits, coded_bits in blocks:
        block = LdpcEncoder(payload_bits, coded_bits, 1)
        coded.append(block.encode(bits[start : start + payload_bits]))
        start += payload_bits
    positions = documented_positions(blocks, 60_000 // bits_per_symbol, bits_per_symbol)
    assert sorted(positions) == list(range(60_000))
    sent = encoder.encode(bits)
    np.testing.assert_array_equal(sent[positions], np.concatenate(coded))
    # and back, where only the strong bits say something
    llrs = np.where(sent, 4, -4).astype(np.float32)
    llrs[np.arange(60_000) % bits_per_symbol >= 2] = 0
    decoder = LdpcFrameDecoder(20_032, 60_000, bits_per_symbol, transport_blocks=on_strong_bits)
    np.testing.assert_array_equal(decoder.decode(llrs).bits[:3648], bits[:3648])


@pytest.mark.parametrize(
    ("blocks", "word"),
    [
        ([(0, 0), (100, 300)], "payload_bits is 0"),
        ([(100, 300), (0, 0)], "payload_bits is 0"),
        ([(50, 100), (50, 198)], "298 coded bits"),
    ],
)
def test_lists_that_are_none_are_refused(blocks, word):
    for on_strong_bits in (False, True):
        with pytest.raises(ValueError, match=word):
            LdpcFrameEncoder(100, 300, 4, TransportBlocks(tuple(blocks), on_strong_bits))
    with pytest.raises(ValueError, match="whole symbols"):
        LdpcFrameEncoder(100, 302, 4, TransportBlocks(((100, 302),), on_strong_bits=True))


def test_coarse_parts_of_a_progressive_frame_arrive_first(layout):
    bits = np.random.default_rng(1).integers(0, 2, (2, 20_032), dtype=np.uint8)
    parts = frame_part_bits(layout, 20_032)
    arrived = []
    for snr_db in (-7.0, -2.0, 3.0, 8.0):
        link = Link(20_032, scheme=Scheme.parse("16qam/8/8/5/3"), part_bits=parts)
        channel = ChannelModel("awgn").open(snr_db, 4)
        received = link.receive(link.modulate(bits), channel, snr_db)
        wrong = (received.bits != bits).any(axis=0)
        arrived.append(int(np.argmax(wrong)) if wrong.any() else 20_032)
    assert arrived[0] < 576 <= arrived[1] < 20_032
    assert arrived[1] >= 3648
    assert arrived == sorted(arrived)
    assert arrived[3] == 20_032


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (([], 300, 4, [2.0], "none"), "payload_bits is 0"),
        (([50, 50], 300, 4, [0.5], "none"), "1 to below 10000"),
        (([50, 50], 300, 4, [100.0], "redundancy"), "1 to below 100"),
        (([50, 50], 300, 4, [float("nan")], "redundancy"), "1 to below 100"),
        (([50, 50], 300, 4, [], "none"), "2 parts need 1 to 1"),
        (([50, 50], 300, 4, [2.0, 2.0], "none"), "2 parts need 1 to 1"),
        (([50, 50], 300, 4, [5.5], "none"), "leaves 24 coded bits for 50"),
        (([50, 50], 300, 4, [4.9], "none"), "no room"),
        (([50, 50], 99, 4, [1.0], "redundancy"), "at least payload_bits"),
        (([50, -50], 300, 4, [2.0], "none"), "at least 1"),
        (([50, 200_000], 700_000, 4, [2.0], "none"), "at most 131072 payload bits"),
        (([50, 50], 300, 4, [2.0], "all"), "scaling is 'all'"),
    ],
)
def test_protection_that_cannot_be_is_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        uep_transport_blocks(*arguments)
