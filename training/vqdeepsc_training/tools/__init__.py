# SPDX-License-Identifier: GPL-3.0-or-later
"""The subcommands: each parses, calls and prints."""
