# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors whose message is one sentence for the user."""

from __future__ import annotations

from vqdeepsc.errors import Error


class TrainingError(Error):
    """The base of them all."""


class DataError(TrainingError):
    """Data or a checkpoint that cannot be used."""


class ConfigurationError(TrainingError):
    """A configuration that cannot be trained."""


class DeviceError(TrainingError):
    """A processor or GPU that is not there."""


class WriteError(TrainingError):
    """A file that cannot be written: the disk is full, or it may not be."""


class ExportError(TrainingError):
    """A bundle that would not do what the network does."""
