# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality against SNR: models and photo codecs over the same simulated link."""

from .identity import RowKey, System
from .plan import Simulation, parse_snr
from .results import Result, ResultsError, Summary, read_results, summarise, write_results
from .run import simulate

__all__ = [
    "Result",
    "ResultsError",
    "RowKey",
    "Simulation",
    "Summary",
    "System",
    "parse_snr",
    "read_results",
    "simulate",
    "summarise",
    "write_results",
]
