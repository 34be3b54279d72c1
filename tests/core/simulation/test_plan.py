# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be simulated."""

import pytest
from vqdeepsc.simulation.plan import parse_snr


def test_snr_ranges():
    assert parse_snr("0:20:2") == tuple(range(0, 21, 2))
    assert parse_snr("-2:1:0.5") == (-2, -1.5, -1, -0.5, 0, 0.5, 1)
    assert parse_snr("0:1:0.1")[-1] == 1
    assert parse_snr("0:5:2") == (0, 2, 4)
    assert parse_snr("7") == (7,)
    assert parse_snr("3,1,2.5") == (3, 1, 2.5)
    for text, word in {
        "20:0:2": "backwards",
        "0:20:0": "above 0",
        "0:20:-2": "above 0",
        "0:20": "START:STOP:STEP",
        "0:5,3:1": "START:STOP:STEP",
        "a:b:c": "neither",
        "": "neither",
        "nan": "not finite",
        "0:inf:1": "not finite",
        "0:90:0.001": "points",
        "500": "within",
        "10.1234567": "six digits",
        "1,1": "twice",
    }.items():
        with pytest.raises(ValueError, match=word):
            parse_snr(text)
