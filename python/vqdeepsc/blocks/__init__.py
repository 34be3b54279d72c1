# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks written in Python; everything here imports GNU Radio."""
