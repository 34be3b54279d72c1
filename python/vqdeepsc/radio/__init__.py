# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios, files of samples and other programs: what `vqdeepsc transmit` and `receive` run."""
