# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded bursts against the blocks, and against docs/air-interface.md read by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from gnuradio import vqdeepsc
from qa_burst_blocks import receive, transmit
from vqdeepsc.kernels import FrameHeader, LdpcEncoder, qam_points

DATA = Path(__file__).resolve().parents[2] / "data"
VECTORS = {1: DATA / "burst_vectors.npz", 2: DATA / "burst_vectors_2.npz"}
"""Of each version; those of version 1 were recorded before there was another."""

NAMES = [(version, name) for version in VECTORS for name in ("qpsk", "16qam", "64qam")]
STEPS = 8192
FIRST_SAMPLE = 200


@dataclass(frozen=True)
class Recorded:
    """One burst of the files."""

    header: FrameHeader
    bits_per_symbol: int
    fft_size: int
    prefix: int
    bits: np.ndarray
    sent: np.ndarray
    received: np.ndarray


@pytest.fixture
def burst(request):
    version, name = request.param
    with np.load(VECTORS[version]) as arrays:
        parts = [arrays[f"{name}_{part}"] for part in ("bits", "sent", "received")]
        *fields, bits_per_symbol, fft_size, prefix = map(int, arrays[f"{name}_header"])
    if version == 1:
        image, width, height, region, model = fields
        header = FrameHeader(
            version=1,
            model=model,
            image=image,
            width=width,
            height=height,
            first_block=64 * region,
        )
    else:
        header = FrameHeader(**dict(zip(FrameHeader.FIELDS, fields, strict=True)))
    return Recorded(header, bits_per_symbol, fft_size, prefix, *parts)


def sequence(initial: int, length: int) -> np.ndarray:
    """TS 38.211 5.2.1."""
    count = 1600 + length
    x1, x2 = np.zeros(count + 31, np.uint8), np.zeros(count + 31, np.uint8)
    x1[0] = 1
    x2[:31] = initial >> np.arange(31) & 1
    for n in range(count):
        x1[n + 31] = x1[n + 3] ^ x1[n]
        x2[n + 31] = x2[n + 3] ^ x2[n + 2] ^ x2[n + 1] ^ x2[n]
    return x1[1600:count] ^ x2[1600:count]


def crc24a(bits: np.ndarray) -> list[int]:
    """TS 38.212 5.1: the remainder of the bits, divided bit by bit."""
    generator = [24, 23, 18, 17, 14, 11, 10, 7, 6, 5, 4, 3, 1, 0]
    register = [*map(int, bits), *[0] * 24]
    for i in range(len(bits)):
        if register[i]:
            for power in generator:
                register[i + 24 - power] ^= 1
    return register[-24:]


def uep_profile(transport_blocks: Sequence[tuple[int, int]]) -> int:
    if len(transport_blocks) == 1:
        return 0
    bits = [
        number >> i & 1 for block in transport_blocks for number in block for i in range(23, -1, -1)
    ]
    return 1 + int("".join(map(str, crc24a(bits))), 2) % 255


def write_burst(
    header: FrameHeader,
    bits: np.ndarray,
    bits_per_symbol: int,
    size: int,
    prefix: int,
    transport_blocks: Sequence[tuple[int, int]] = (),
    burst_profile: int = 0,
) -> np.ndarray:
    """A burst of rate 1/3 with Es = 1, written from docs/air-interface.md; LDPC is the kernel's."""
    transport_blocks = transport_blocks or [(bits.size, 3 * bits.size)]

    def carrier_indices(n):
        used = 13 * n // 16
        u = np.arange(used)
        return np.where(u < used // 2, u - used // 2, u - used // 2 + 1)

    def transform(values, n):
        carriers = np.zeros(n, complex)
        carriers[carrier_indices(n)] = values
        return np.fft.ifft(carriers) * np.sqrt(n)

    b = 1.0 - 2.0 * sequence(872, 104)
    short = transform((b[0::2] + 1j * b[1::2]) / np.sqrt(2), 64)
    preamble = np.concatenate([sign * short for sign in (1, 1, -1, 1, -1, -1, -1, 1, 1)])
    used = 13 * size // 16
    training = transform(np.exp(-1j * np.pi * np.arange(used) ** 2 / used), size)

    modulation = ({2: 0, 4: 1, 6: 2}[bits_per_symbol], 4)
    image = [(header.image, 16), (header.width, 16), (header.height, 16)]
    profile = (uep_profile(transport_blocks), 8)
    if header.version == 1:
        fields = [(1, 8), modulation, (0, 4), (bits.size, 16), (header.model, 16), *image]
        fields += [(header.first_block // 64, 24), profile]
    else:
        fields = [(2, 8), (burst_profile, 4), modulation, (0, 4), profile, (0, 2), (bits.size, 16)]
        fields += [(header.model, 16), (header.session, 32), *image]
        fields += [(header.first_block, 24), (header.block_bits, 16), (0, 34)]
    packed = [value >> i & 1 for value, width in fields for i in range(width - 1, -1, -1)]
    packed = np.array(packed + crc24a(packed), np.uint8)
    payload, start = [], 0
    for payload_bits, coded_bits in transport_blocks:
        encoder = LdpcEncoder(payload_bits, coded_bits, bits_per_symbol)
        payload.append(encoder.encode(bits[start : start + payload_bits]))
        start += payload_bits
    coded = [
        (LdpcEncoder(packed.size, 1536, 2).encode(packed), 2),
        (np.concatenate(payload), bits_per_symbol),
    ]
    payload_size = max(64, size // 2) if burst_profile == 2 else size
    payload_prefix = min(prefix, payload_size // 2)
    pilots_per_group = 1 if burst_profile == 0 else 2
    scrambling = sequence(874, 1536 + 3 * bits.size + 6 * 3 * size // 4)
    values_of = []
    forms = [(size, 1), (payload_size, pilots_per_group)]
    for (stream, depth), (n, pilots) in zip(coded, forms, strict=True):
        per_symbol = n // 16 * (13 - pilots)
        count = -(-stream.size // (depth * per_symbol)) * depth * per_symbol
        padded = np.zeros(count, np.uint8)
        padded[: stream.size] = stream
        padded ^= scrambling[:count]
        scrambling = scrambling[count:]
        labels = padded.reshape(-1, depth) @ (1 << np.arange(depth - 1, -1, -1))
        values_of.append(qam_points(depth)[labels].reshape(-1, per_symbol))
    header_symbols, payload_symbols = values_of
    if burst_profile == 0:
        rows = [
            (m, row, *forms[0], prefix) for m, row in enumerate([*header_symbols, *payload_symbols])
        ]
    else:
        rows = [(m, row, *forms[0], prefix) for m, row in enumerate(header_symbols)]
        rows += [(m, row, *forms[1], payload_prefix) for m, row in enumerate(payload_symbols)]
    samples = [preamble, training[-prefix:], training, training]
    for m, row, n, pilots, guard in rows:
        position = np.arange(13 * n // 16) % 13
        is_pilot = position == (6 + 5 * m) % 13
        if pilots == 2:
            is_pilot |= position == (12 + 5 * m) % 13
        count = n // 16 * pilots
        values = np.zeros(is_pilot.size, complex)
        values[is_pilot] = 1.0 - 2.0 * sequence(873, (m + 1) * count)[m * count :]
        values[~is_pilot] = row
        body = transform(values, n)
        samples += [body[-guard:], body]
    return np.concatenate(samples)


@pytest.mark.parametrize("burst", NAMES, indirect=True, ids=str)
def test_transmitter_sends_the_recorded_burst(burst):
    sent, _ = transmit(
        burst.bits[None],
        [burst.header],
        bits_per_symbol=burst.bits_per_symbol,
        fft_size=burst.fft_size,
        cyclic_prefix=burst.prefix,
    )
    np.testing.assert_allclose(sent, burst.sent, atol=1e-6)


@pytest.mark.parametrize("burst", NAMES, indirect=True, ids=str)
def test_recorded_burst_is_what_the_document_says(burst):
    form = burst.bits_per_symbol, burst.fft_size, burst.prefix
    written = write_burst(burst.header, burst.bits, *form)
    assert burst.sent.size == written.size
    # Samples beyond the peak are cut by the transmitter.
    kept = np.abs(burst.sent) < 0.999
    assert kept.mean() > 0.999
    scale = 0.3 / np.sqrt(13 / 16)
    np.testing.assert_allclose(burst.sent[kept], scale * written[kept], atol=1e-5)


def test_protected_burst_is_what_the_document_says():
    header = FrameHeader(model=0xBEEF, image=9, width=300, height=200, first_block=192)
    bits = np.random.default_rng(8).integers(0, 2, 1000, np.uint8)
    transport_blocks = [(100, 600), (300, 1000), (600, 1400)]
    sent, _ = transmit(bits[None], [header], transport_blocks=transport_blocks)
    written = write_burst(header, bits, 4, 256, 32, transport_blocks)
    kept = np.abs(sent) < 0.999
    scale = 0.3 / np.sqrt(13 / 16)
    np.testing.assert_allclose(sent[kept], scale * written[kept], atol=1e-5)


def test_a_header_names_one_known_list_of_transport_blocks():
    known = {tuple(map(tuple, blocks)) for blocks in vqdeepsc.known_transport_blocks()}
    assert len(known) > 20
    for bits_per_symbol in (2, 4, 6):
        possible = [
            blocks for blocks in known if all(bits % bits_per_symbol == 0 for _, bits in blocks)
        ]
        named = {
            (uep_profile(blocks), sum(bits for bits, _ in blocks), sum(bits for _, bits in blocks))
            for blocks in possible
        }
        assert len(named) == len(possible) > 5


@pytest.mark.parametrize(
    "form", [(256, 32), (64, 16), (1024, 400)], ids=lambda form: f"{form[0]}-{form[1]}"
)
@pytest.mark.parametrize("burst_profile", [1, 2])
def test_burst_of_a_profile_is_what_the_document_says(burst_profile, form):
    header = FrameHeader(model=0xBEEF, image=9, width=300, height=200, first_block=192)
    bits = np.random.default_rng(8).integers(0, 2, 3000, np.uint8)
    sent, _ = transmit(
        bits[None],
        [header],
        fft_size=form[0],
        cyclic_prefix=form[1],
        burst_profile=burst_profile,
    )
    written = write_burst(header, bits, 4, *form, burst_profile=burst_profile)
    assert sent.size == written.size
    kept = np.abs(sent) < 0.999
    scale = 0.3 / np.sqrt(13 / 16)
    np.testing.assert_allclose(sent[kept], scale * written[kept], atol=1e-5)
    receiver = vqdeepsc.burst_receiver(*form)
    rng = np.random.default_rng(9)
    noise = rng.normal(0, 0.03, (2, sent.size + 2000))
    noisy = noise[0] + 1j * noise[1]
    noisy[1000:-1000] += sent
    [(_, llrs)], [line] = receive(noisy.astype(np.complex64), receiver=receiver)
    np.testing.assert_array_equal(llrs > 0, bits)
    assert line["burst_profile"] == burst_profile


@pytest.mark.parametrize("burst", NAMES, indirect=True, ids=str)
def test_receiver_reads_the_recorded_burst(burst):
    parts = burst.received.astype(np.float32) / STEPS
    samples = (parts[:, 0] + 1j * parts[:, 1]).astype(np.complex64)
    receiver = vqdeepsc.burst_receiver(burst.fft_size, burst.prefix)
    regions, log = receive(samples, receiver=receiver)
    [(region, llrs)] = regions
    [line] = log
    for field in FrameHeader.FIELDS:
        assert region[field] == getattr(burst.header, field)
    np.testing.assert_array_equal(llrs > 0, burst.bits)
    assert line["offset"] == FIRST_SAMPLE
    assert line["bits_per_symbol"] == burst.bits_per_symbol
    assert line["cfo"] == pytest.approx(0.041, abs=2e-5)
