# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network is trained for, and how it is measured."""
