# SPDX-License-Identifier: GPL-3.0-or-later
"""For the other scripts here: bursts over paths that fade, and a decoder that knows the channel."""

import functools
from dataclasses import dataclass

import numpy as np
from burst_link import CARRIER_POWER, SAMPLE_RATE, random_frames, transmitted
from vqdeepsc.kernels import LdpcDecoder, QamDemapper, csi_equalize

PAYLOAD_BITS = 20032
CODED_BITS = 3 * PAYLOAD_BITS
BITS_PER_SYMBOL = 4
BLOCKS = 3
# The format as in docs/air-interface.md.
FFT_SIZE, PREFIX = 256, 32
HEADER_SYMBOLS = 4
TRAINING_END = 576 + PREFIX + 2 * FFT_SIZE
HEADER_END = TRAINING_END + HEADER_SYMBOLS * (FFT_SIZE + PREFIX)
ADVANCE = 8  # samples that the window of the known channel begins inside the prefix


@dataclass(frozen=True)
class Payload:
    """OFDM symbols of the payload in a burst profile."""

    fft_size: int
    pilots: tuple[int, ...]  # positions in a group of 13 carriers, in symbol 0 of the numbering
    first: int  # number of the first symbol

    @property
    def used(self) -> int:
        return 13 * self.fft_size // 16

    @property
    def samples(self) -> int:
        """Of one OFDM symbol."""
        return self.fft_size + PREFIX

    @property
    def symbols(self) -> int:
        per_symbol = self.fft_size // 16 * (13 - len(self.pilots))
        return -(-CODED_BITS // BITS_PER_SYMBOL // per_symbol)

    @property
    def length(self) -> int:
        """Samples of a burst."""
        return HEADER_END + self.symbols * self.samples

    @property
    def carriers(self) -> np.ndarray:
        return np.r_[-self.used // 2 : 0, 1 : self.used // 2 + 1]

    @property
    def middles(self) -> np.ndarray:
        """Sample at the middle of each OFDM symbol."""
        return HEADER_END + np.arange(self.symbols) * self.samples + PREFIX + self.fft_size // 2

    @property
    def data(self) -> np.ndarray:
        """Which carriers carry data, bool [symbols, used]."""
        number = self.first + np.arange(self.symbols)[:, None, None]
        pilots = (np.array(self.pilots) + 5 * number) % 13
        return (np.arange(self.used)[:, None] % 13 != pilots).all(-1)


PAYLOADS = (
    Payload(FFT_SIZE, (6,), HEADER_SYMBOLS),
    Payload(FFT_SIZE, (6, 12), 0),
    Payload(FFT_SIZE // 2, (6, 12), 0),
)
"""By number of the burst profile: static, pedestrian, vehicular."""


@dataclass(frozen=True)
class Fading:
    """Delays in samples, their mean powers, and the power of a constant path in the first."""

    delays: tuple[int, ...]
    powers: tuple[float, ...]
    rician: float = 0.0


FADING = {
    "one tap": Fading((0,), (1.0,)),
    "one tap, Rician 10 dB": Fading((0,), (1.0,), 10.0),
    "three taps": Fading((0, 5, 12), (1.0, 10**-0.3, 10**-0.6)),
    "six taps": Fading(
        (0, 1, 2, 4, 6, 9), tuple(np.exp(-np.array([0, 1, 2, 4, 6, 9]) / 2.0).tolist())
    ),
    "AWGN": Fading((0,), (1.0,), 1e9),
}
STEP = 96  # samples between two gains of a path


def ratio(decibels: float) -> float:
    return 10 ** (decibels / 10)


def noise(rng: np.random.Generator, count: int, density: float) -> np.ndarray:
    """White noise of a mean power, complex64 [count]."""
    parts = rng.standard_normal(2 * count, np.float32)
    parts *= np.float32(np.sqrt(density / 2))
    return parts.view(np.complex64)


def rotation(cfo: float, phase: float, count: int) -> np.ndarray:
    """e^(2 pi i (cfo n + phase)) for n = 0 ... count - 1, complex64; cfo in cycles per sample."""
    rows = -(-count // STEP)
    coarse = np.exp(2j * np.pi * (cfo * STEP * np.arange(rows) + phase))
    fine = np.exp(2j * np.pi * cfo * np.arange(STEP))
    turns = coarse.astype(np.complex64)[:, None] * fine.astype(np.complex64)
    return turns.reshape(-1)[:count]


@functools.cache
def bursts(count: int, profile: int = 0) -> np.ndarray:
    """complex64 [count, PAYLOADS[profile].length]."""
    samples = transmitted(random_frames(count, PAYLOAD_BITS, 1), burst_profile=profile)
    length = PAYLOADS[profile].length
    if samples.shape[1] != length:
        raise RuntimeError(f"a burst has {samples.shape[1]} samples, expected are {length}")
    return samples


@functools.cache
def scrambling_signs() -> np.ndarray:
    """+1 or -1 for each coded bit: sequence 874 of TS 38.211 5.2.1, behind the header's bits."""
    first, count = 1536, CODED_BITS
    total = 1600 + first + count
    x1, x2 = [1] + [0] * 30, [874 >> i & 1 for i in range(31)]
    for i in range(total - 31):
        x1.append(x1[i + 3] ^ x1[i])
        x2.append(x2[i + 3] ^ x2[i + 2] ^ x2[i + 1] ^ x2[i])
    bits = np.array(x1[1600 + first :]) ^ np.array(x2[1600 + first :])
    return (1.0 - 2.0 * bits).astype(np.float32)


@functools.cache
def decoder() -> tuple[QamDemapper, LdpcDecoder]:
    return QamDemapper(BITS_PER_SYMBOL), LdpcDecoder(PAYLOAD_BITS, CODED_BITS, BITS_PER_SYMBOL)


def known_errors(samples: np.ndarray, channel: np.ndarray, density: float, profile: int = 0) -> int:
    """Block errors where the channel [symbols, used] of the payload of a burst is known."""
    payload = PAYLOADS[profile]
    size = payload.fft_size
    symbols = samples[HEADER_END : payload.length].reshape(payload.symbols, payload.samples)
    window = symbols[:, PREFIX - ADVANCE : PREFIX - ADVANCE + size]
    values = np.fft.fft(window, axis=1)[:, payload.carriers] / np.sqrt(size)
    values *= np.exp(2j * np.pi * payload.carriers * ADVANCE / size)
    count = CODED_BITS // BITS_PER_SYMBOL
    points, noises = csi_equalize(
        values[payload.data][:count].astype(np.complex64),
        channel[payload.data][:count].astype(np.complex64),
        density,
    )
    demapper, ldpc = decoder()
    return int(ldpc.decode(demapper.demap(points, noises) * scrambling_signs()).block_errors)


def path_gains(rng: np.random.Generator, fading: Fading, doppler: float, count: int) -> np.ndarray:
    """Gains [paths, count] every STEP samples (sum of 64 waves each, W. C. Jakes, 1974)."""
    waves, row = 64, 16
    angles, phases = rng.uniform(0, 2 * np.pi, (2, len(fading.delays), 1, waves))
    turn = 2j * np.pi * doppler * STEP / SAMPLE_RATE * np.cos(angles)
    # Time goes on by rows, so that each wave is a product and their sum one of matrices.
    coarse = np.exp(turn * row * np.arange(-(-count // row))[:, None] + 1j * phases)
    fine = np.exp(turn * np.arange(row)[:, None])
    gains = (coarse @ fine.swapaxes(1, 2)).reshape(len(fading.delays), -1)[:, :count]
    gains /= np.sqrt(waves)
    if fading.rician:
        time = np.arange(count) * STEP / SAMPLE_RATE
        sight = np.exp(1j * (2 * np.pi * 0.7 * doppler * time + rng.uniform(0, 2 * np.pi)))
        gains[0] = (np.sqrt(fading.rician) * sight + gains[0]) / np.sqrt(fading.rician + 1)
    powers = np.array(fading.powers) / np.sum(fading.powers)
    return gains * np.sqrt(powers)[:, None]


def between(gains: np.ndarray) -> np.ndarray:
    """Gains of every sample on straight lines between those every STEP samples, complex64."""
    first = gains[:-1, None].astype(np.complex64)
    change = np.diff(gains)[:, None].astype(np.complex64)
    return (first + change * (np.arange(STEP, dtype=np.float32) / STEP)).reshape(-1)


def faded(
    samples: np.ndarray,
    rng: np.random.Generator,
    fading: Fading,
    doppler: float,
    profile: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """A burst after the paths, and the channel [symbols, used] in each OFDM symbol of its payload.

    What a fast channel changes within an OFDM symbol, which disturbs its carriers, is not in it."""
    payload = PAYLOADS[profile]
    longest = max(fading.delays)
    gains = path_gains(rng, fading, doppler, -(-(samples.size + longest) // STEP) + 1)
    out = np.zeros(samples.size + longest, np.complex64)
    middle = np.empty((len(fading.delays), payload.symbols), np.complex64)
    for path, (delay, gain) in enumerate(zip(fading.delays, gains, strict=True)):
        every = between(gain)
        out[delay : delay + samples.size] += every[delay : delay + samples.size] * samples
        middle[path] = every[payload.middles]
    turns = np.exp(-2j * np.pi * np.outer(fading.delays, payload.carriers) / payload.fft_size)
    return out, middle.T @ turns * np.sqrt(CARRIER_POWER)
