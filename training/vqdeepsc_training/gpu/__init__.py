# SPDX-License-Identifier: GPL-3.0-or-later
"""Training by the clock on a bare machine with a GPU: what is packed for it, and what runs there.

`session` and all that it imports need PyTorch, NumPy and Pillow alone; `pack` needs all of
training.
"""
