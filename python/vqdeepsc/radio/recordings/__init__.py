# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of IQ samples as people have them: bare, SigMF, WAV, SDRangel; files and pipes."""
