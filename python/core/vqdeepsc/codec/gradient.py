# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of a bundle with which a sender searches for better indices."""

from __future__ import annotations

from .bundle import open_checked
from .inference import Network
from .manifest import GRADIENT, BundleError, Manifest, read_verified
from .providers import ON_PROCESSOR
from .tensors import IMAGE, Tensors, codeword_maps


def open_gradient(manifest: Manifest, threads: int | None = None) -> Network:
    """Loads gradient.onnx, which takes maps of codewords q1..q4 as the decoder does.

    With `target` [B, 3, H, W] in [0, 1] and `weights` [2] it gives `image` [B, 3, H, W]; `errors`
    [B, 2], the mean squared error and 1 - SSIM; and d1..d4, the gradients by q1..q4 of the sum over
    images of weights[0] ln(mean squared error) + weights[1] ln(1 - SSIM).

    threads: as Codec has them. Raises BundleError, also for a bundle without this file."""
    if GRADIENT not in manifest.files:
        raise BundleError(f"model {manifest.name} has no {GRADIENT}, so nothing can be searched")
    content = read_verified(manifest, GRADIENT)
    more_inputs: Tensors = {"target": IMAGE["image"], "weights": ("tensor(float)", [2])}
    errors: Tensors = {"errors": ("tensor(float)", [None, 2])}
    inputs = codeword_maps(manifest.scales, "q") | more_inputs
    outputs = codeword_maps(manifest.scales, "d") | IMAGE | errors
    return open_checked(manifest, GRADIENT, content, inputs, outputs, threads, ON_PROCESSOR)
