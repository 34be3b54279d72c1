# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements of bundles, cards, tables and figures."""
