# SPDX-License-Identifier: GPL-3.0-or-later
"""Training, evaluation and export of the networks of gr-vqdeepsc."""

import vqdeepsc.privacy  # noqa: F401 - has to come before onnxruntime
