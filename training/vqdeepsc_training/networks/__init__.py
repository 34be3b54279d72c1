# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks, and their weights in files."""
