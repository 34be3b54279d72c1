# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles and graphs of trained networks."""
