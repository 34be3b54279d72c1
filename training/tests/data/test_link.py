# SPDX-License-Identifier: GPL-3.0-or-later
"""The recording of the link that training/ draws its bad channels from."""

import numpy as np
import pytest
from conftest import tool
from vqdeepsc.link import ChannelModel, Link

from vqdeepsc_training.data import link as record_link
from vqdeepsc_training.data.recording import LLR_STEP, read_recording

PAYLOAD_BITS = 1252


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "link.npz"
    arguments = ["--bits", str(PAYLOAD_BITS), "--output", str(path), "--transmissions", "12"]
    assert tool("record-link")(arguments) == 0
    return read_recording(path)


def bit_error_rate(recording, chosen):
    return (recording.steps[chosen] < 0).mean()


def test_transmissions_span_the_cliff_of_each_channel(recording):
    assert recording.steps.shape == (3 * 12, PAYLOAD_BITS)
    cliffs = {}
    for channel in ("awgn", "rayleigh", "rician"):
        snr_db = recording.snr_db[recording.channels == channel]
        assert snr_db[0] == record_link.LOWEST_DB
        assert (np.diff(snr_db) > 0).all()
        cliffs[channel] = snr_db[-1] - record_link.NEAR_CLIFF_DB[1]
    # Mutual information of 4/3 bit a symbol, and what the code and its length lose to that.
    assert 2.36 < cliffs["awgn"] < 3.6
    assert 3.32 < cliffs["rician"] < 4.7
    assert 3.63 < cliffs["rayleigh"] < 5.1
    best = recording.snr_db == recording.snr_db.max()
    assert bit_error_rate(recording, best) < 0.02
    worst = recording.snr_db == record_link.LOWEST_DB
    # Uncoded Gray 16-QAM at -4 dB; the code makes none of it better.
    assert 0.25 < bit_error_rate(recording, worst) < 0.42


def test_steps_are_the_llrs_that_the_codec_gets():
    """Turned back by the bits that were sent, they are what the link hands over."""
    snr_db = 2.5
    steps, failed = record_link.transmit(
        Link(PAYLOAD_BITS), ChannelModel.parse("rician"), snr_db, 2, np.random.default_rng(5)
    )
    assert failed == 1
    random = np.random.default_rng(5)
    bits = random.integers(0, 2, (2, PAYLOAD_BITS), dtype=np.uint8)
    link = Link(PAYLOAD_BITS)
    channel = ChannelModel.parse("rician").open(snr_db, int(random.integers(2**32)))
    received = link.receive(link.modulate(bits), channel, snr_db)
    llrs = LLR_STEP * steps * np.where(bits == 1, 1, -1)
    assert np.abs(llrs - received.llrs).max() <= LLR_STEP / 2 + 1e-6
    certain = received.llrs != 0
    assert ((llrs > 0) == received.bits)[certain].all()


def test_mistakes_are_said(tmp_path, capsys):
    output = ["--output", str(tmp_path / "link.npz")]
    for arguments, words in (
        (["--bits", "0"], "must be at least 1"),
        (["--bits", "1252", "--channels", "wire"], "no channel 'wire'"),
        (["--bits", "1252", "--transmissions", "1"], "must be 2 or more"),
        (["--bits", "1252", "--transmissions", "10001"], "at most 10000"),
        (["--bits", "65536"], "at most 65535"),
        (["--bits", "9" * 30], "at most 65535"),
    ):
        assert tool("record-link")([*arguments, *output]) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1
