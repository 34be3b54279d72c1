# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `vqdeepsc`: one file a subcommand, which parses, calls a function and prints."""

import sys

try:
    from .command import SUBCOMMANDS, main
except KeyboardInterrupt:
    # main() is not there yet to say so: 128 + SIGINT
    sys.exit(130)

__all__ = ["SUBCOMMANDS", "main"]
