# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as files and bitstreams, photo codecs to compare with, and quality metrics."""
