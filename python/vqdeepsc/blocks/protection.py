# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport blocks of bursts: what a transmitter makes of a protection and a receiver knows."""

import os
from collections.abc import Iterator
from fractions import Fraction

from vqdeepsc.codec import (
    DEFAULT_MODEL,
    BitLayout,
    BundleError,
    find_model,
    list_models,
    read_manifest,
)
from vqdeepsc.errors import ParameterError
from vqdeepsc.kernels import EMBEDDED_PARTS
from vqdeepsc.link import CONSTELLATIONS, PROFILES, TransportBlocks, transport_blocks

from ..vqdeepsc_python import BURST_BITS_PER_SYMBOL, BURST_CODE_RATES


def burst_transport_blocks(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    protection: str = "",
    bits_per_symbol: int = 4,
    code_rate: str = "1/3",
    payload_bits: int = 0,
) -> TransportBlocks:
    """The transport blocks of the bursts of a model, for burst_transmitter.

    model: name or directory of a bundle; protection: as in a scheme, a profile's name or numbers
    such as 6/6/4 (of a progressive model one to six); bits_per_symbol, code_rate: as at
    burst_transmitter; payload_bits: of a burst, 0 for those of a region. Raises BundleError, and
    ParameterError for protection that does not fit the model."""
    (whole,) = transport_blocks(model, payload_bits=payload_bits)
    # BurstHeader::coded_bits: as few symbols as hold the bits
    symbols = -(-whole.payload_bits // (Fraction(code_rate) * bits_per_symbol))
    names = {bits: name for name, bits in CONSTELLATIONS.items()}
    scheme = f"{names[bits_per_symbol]}@{symbols}"
    scheme = f"{scheme}/{protection}" if protection else scheme
    return transport_blocks(model, scheme, payload_bits)


def profile_transport_blocks(model: str | os.PathLike[str]) -> list[TransportBlocks]:
    """What bursts of a model may have by the profiles of protection, in every rate and order.

    None of a progressive model, whose bursts have any length: see known_uep_profiles()."""
    if BitLayout(read_manifest(find_model(model)).scales).embedded:
        return []
    return [
        blocks
        for profile in PROFILES
        for bits_per_symbol in BURST_BITS_PER_SYMBOL
        for code_rate in BURST_CODE_RATES
        for blocks in _fitting(model, profile, bits_per_symbol, code_rate)
    ]


def known_transport_blocks() -> list[TransportBlocks]:
    """As profile_transport_blocks(), of all installed models that can be read."""
    known = []
    for directory in list_models():
        try:
            known += profile_transport_blocks(directory)
        except BundleError:
            continue  # it says so where it is used
    return known


def known_uep_profiles() -> list[tuple[tuple[float, ...], bool]]:
    """The profiles of the bursts of progressive models, as burst_decoder takes them."""
    return [(factors[EMBEDDED_PARTS], True) for factors in PROFILES.values()]


def _fitting(
    model: str | os.PathLike[str], profile: str, bits_per_symbol: int, code_rate: str
) -> Iterator[TransportBlocks]:
    """The transport blocks, if there are several."""
    try:
        blocks = burst_transport_blocks(model, profile, bits_per_symbol, code_rate)
    except ParameterError:
        return  # such bursts cannot be sent
    if len(blocks) > 1:
        yield blocks
