# SPDX-License-Identifier: GPL-3.0-or-later
"""A training run: configuration, loop, checkpoints."""
