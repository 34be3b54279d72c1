# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing leaves the machine unasked: import this before the libraries that it concerns."""

import os

# onnxruntime reads it when it is loaded. What the user has set stays.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
