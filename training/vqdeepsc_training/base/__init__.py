# SPDX-License-Identifier: GPL-3.0-or-later
"""What every room uses: errors, whole files, processes, precision."""
