# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated link without its code: symbol and bit error rates on theory, and its SNR."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfc, i0e
from vqdeepsc.kernels import QamDemapper, csi_equalize, noise_density, qam_points
from vqdeepsc.link import ChannelModel, Link

PAYLOAD_BITS = 20032
FRAMES = 24  # 360,576 symbols
CHANNELS = ["awgn", "rayleigh", "rician", "rician:10"]


def tail(x):
    """Gaussian Q function."""
    return 0.5 * erfc(x / math.sqrt(2))


def error_rates(snr):
    """Symbol and bit error rate of Gray 16-QAM at Es/N0 = snr (Proakis; Cho and Yoon 2002)."""
    x = math.sqrt(snr / 5)
    symbol = 3 * tail(x) - 2.25 * tail(x) ** 2
    return symbol, 0.75 * tail(x) + 0.5 * tail(3 * x) - 0.25 * tail(5 * x)


def theory(channel: ChannelModel, snr_db: float) -> list[float]:
    """Both rates, averaged over the power gain g = |h|² of a Rician channel (Rayleigh: r = 0)."""
    snr = 10 ** (snr_db / 10)
    if channel.kind == "awgn":
        return list(error_rates(snr))
    r = channel.rician_factor if channel.kind == "rician" else 0.0

    def density(g):
        x = 2 * math.sqrt(r * (1 + r) * g)
        return (1 + r) * math.exp(x - r - (1 + r) * g) * i0e(x)

    def average(which):
        return quad(lambda g: error_rates(g * snr)[which] * density(g), 0, 30, limit=400)[0]

    return [average(0), average(1)]


@pytest.fixture(scope="module")
def sent():
    bits = np.random.default_rng(6).integers(0, 2, (FRAMES, PAYLOAD_BITS), dtype=np.uint8)
    return Link(PAYLOAD_BITS).modulate(bits).reshape(-1)


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("snr_db", [0.0, 6.0, 12.0])
def test_uncoded_error_rates_lie_on_theory(sent, name, snr_db):
    channel = ChannelModel.parse(name)
    y, h = channel.open(snr_db, 21).apply(sent)
    equalised, noise = csi_equalize(y, h, noise_density(snr_db))
    labels = np.abs(sent[:, None] - qam_points(4)).argmin(1)
    shifts = np.arange(3, -1, -1)
    sent_bits = labels[:, None] >> shifts & 1
    received_bits = QamDemapper(4).demap(equalised, noise).reshape(-1, 4) > 0
    wrong_bits = (received_bits != sent_bits).sum(1)
    for measured, expected in zip(
        (wrong_bits > 0, wrong_bits / 4), theory(channel, snr_db), strict=True
    ):
        deviation = measured.std() / math.sqrt(measured.size)
        assert deviation < 0.05 * expected
        assert abs(measured.mean() - expected) < 4 * deviation


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("snr_db", [-2.0, 3.0, 20.0])
def test_snr_at_the_demapper_is_what_was_asked(sent, name, snr_db):
    y, h = ChannelModel.parse(name).open(snr_db, 22).apply(sent)
    equalised, noise = csi_equalize(y, h, noise_density(snr_db))
    # what the demapper is given
    given = -10 * math.log10(np.mean(noise.astype(float) * np.abs(h.astype(complex)) ** 2))
    assert given == pytest.approx(snr_db, abs=1e-3)
    # what it gets: the errors of the equalised symbols, weighed as they arrived
    power = np.abs(h.astype(complex)) ** 2
    errors = power * np.abs(equalised.astype(complex) - sent) ** 2
    measured = 10 * math.log10(np.mean(power * np.abs(sent) ** 2) / np.mean(errors))
    assert measured == pytest.approx(snr_db, abs=0.05)
