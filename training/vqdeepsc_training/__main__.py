# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m vqdeepsc_training COMMAND ..."""

import sys

from .command import main

sys.exit(main())
