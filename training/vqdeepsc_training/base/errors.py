# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors whose message is one sentence for the user."""

from __future__ import annotations


class TrainingError(Exception):
    """The base of them all."""


class DataError(TrainingError):
    """Data or a checkpoint that cannot be used."""


class ConfigurationError(TrainingError, ValueError):
    """A configuration that cannot be trained."""


class ExportError(TrainingError):
    """A bundle that would not do what the network does."""
