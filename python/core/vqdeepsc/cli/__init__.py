# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `vqdeepsc`: one file a subcommand, which parses, calls a function and prints."""

from .command import SUBCOMMANDS, main

__all__ = ["SUBCOMMANDS", "main"]
