# SPDX-License-Identifier: GPL-3.0-or-later
# What python/core/bindings makes of lib/kernels; the docstrings are there.
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str
PYBIND11_VERSION: tuple[int, int]

BLOCK_SIDE: int
REGION_BLOCKS: int

class FrameHeader:
    FIELDS: ClassVar[tuple[str, ...]]
    BYTES: ClassVar[int]
    def __init__(
        self,
        *,
        version: int = 2,
        model: int = 0,
        session: int = 0,
        image: int = 0,
        width: int = 1,
        height: int = 1,
        first_block: int = 0,
        block_bits: int = 0,
    ) -> None: ...
    @property
    def version(self) -> int: ...
    @property
    def model(self) -> int: ...
    @property
    def session(self) -> int: ...
    @property
    def image(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def first_block(self) -> int: ...
    @property
    def block_bits(self) -> int: ...
    @property
    def blocks(self) -> int: ...
    def to_bytes(self) -> bytes: ...
    @staticmethod
    def from_bytes(packed: bytes) -> FrameHeader: ...

class Decoded(NamedTuple):
    bits: NDArray[np.uint8]
    llrs: NDArray[np.float32]
    crc_ok: bool
    block_errors: int
    blocks: int
    iterations: float

class CodeBlockResult(NamedTuple):
    crc_ok: bool
    iterations: int

def instruction_sets() -> list[str]: ...
def noise_density(snr_db: float) -> float: ...
def qam_points(bits_per_symbol: int) -> NDArray[np.complex64]: ...
def csi_equalize(
    y: NDArray[np.complex64], h: NDArray[np.complex64], n0: float
) -> tuple[NDArray[np.complex64], NDArray[np.float32]]: ...

class QamDemapper:
    def __init__(
        self,
        bits_per_symbol: int = 4,
        method: Literal["maxlog", "exact"] | str = "maxlog",
        instruction_set: str = "auto",
    ) -> None: ...
    def demap(
        self, symbols: NDArray[np.complex64], noise: float | NDArray[np.float32]
    ) -> NDArray[np.float32]: ...
    def demap_quantised(
        self,
        symbols: NDArray[np.complex64],
        noise: float | NDArray[np.float32],
        steps_per_nat: float = 4.0,
        saturation: int = 127,
    ) -> NDArray[np.int8]: ...

class FadingChannel:
    def __init__(
        self,
        kind: str = "awgn",
        snr_db: float = 10.0,
        rician_factor: float = 1.0,
        block_length: int = 1,
        seed: int = 0,
        instruction_set: str = "auto",
    ) -> None: ...
    def apply(
        self, symbols: NDArray[np.complex64]
    ) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]: ...
    position: int
    @property
    def block_length(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def rician_factor(self) -> float: ...
    @property
    def seed(self) -> int: ...
    @property
    def snr_db(self) -> float: ...

class LdpcEncoder:
    def __init__(
        self,
        payload_bits: int,
        coded_bits: int,
        bits_per_symbol: int = 4,
        redundancy_version: int = 0,
    ) -> None: ...
    def encode(self, payload: ArrayLike) -> NDArray[np.uint8]: ...

class LdpcDecoder:
    def __init__(
        self,
        payload_bits: int,
        coded_bits: int,
        bits_per_symbol: int = 4,
        redundancy_version: int = 0,
        iterations: int = 20,
        precision: Literal["int8", "int16"] | str = "int8",
        early_stop: Literal["none", "parity", "crc"] | str = "crc",
        instruction_set: str = "auto",
    ) -> None: ...
    iterations: int
    def decode(self, llrs: ArrayLike) -> Decoded: ...
    def reset(self) -> None: ...
    def add_llrs(self, redundancy_version: int, llrs: ArrayLike) -> None: ...
    def decode_combined(self) -> Decoded: ...
    @property
    def block_results(self) -> list[CodeBlockResult]: ...

EMBEDDED_PARTS: int

def embedded_part_bits(payload_bits: int) -> list[int]: ...
def uep_transport_blocks(
    part_bits: Sequence[int],
    coded_bits: int,
    bits_per_symbol: int,
    factors: Sequence[float],
    scaling: Literal["none", "coded bits", "redundancy"] | str,
    on_strong_bits: bool = False,
) -> list[tuple[int, int]]: ...

class LdpcFrameEncoder:
    def __init__(
        self,
        payload_bits: int,
        coded_bits: int,
        bits_per_symbol: int = 4,
        transport_blocks: Iterable[tuple[int, int]] = ...,
    ) -> None: ...
    def encode(self, payload: ArrayLike) -> NDArray[np.uint8]: ...

class LdpcFrameDecoder:
    def __init__(
        self,
        payload_bits: int,
        coded_bits: int,
        bits_per_symbol: int = 4,
        iterations: int = 20,
        transport_blocks: Iterable[tuple[int, int]] = ...,
    ) -> None: ...
    def decode(self, llrs: ArrayLike) -> Decoded: ...
