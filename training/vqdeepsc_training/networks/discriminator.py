# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's PatchGAN discriminator."""

from __future__ import annotations

from torch import Tensor, nn

SLOPE = 0.2


def patch_convolution(inputs: int, outputs: int, stride: int, bias: bool) -> nn.Conv2d:
    """4x4 convolution, as every one of the discriminator."""
    return nn.Conv2d(inputs, outputs, 4, stride=stride, padding=1, bias=bias)


class PatchDiscriminator(nn.Module):
    """D of eq. 7: five 4x4 convolutions, the first three with stride 2, which judge patches.

    channels: of the first convolution; the next three have twice, four and eight times as many,
    which the paper leaves open and Isola (2017) gives as 64 to 512.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [patch_convolution(3, channels, 2, True), nn.LeakyReLU(SLOPE)]
        for inputs, outputs, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            # Batch normalisation takes any bias out again.
            layers += [
                patch_convolution(inputs * channels, outputs * channels, stride, False),
                nn.BatchNorm2d(outputs * channels),
                nn.LeakyReLU(SLOPE),
            ]
        layers.append(patch_convolution(8 * channels, 1, 1, True))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """Logits [B, 1, H/8 - 2, W/8 - 2] of patches being real, for image [B, 3, H, W].

        H and W are multiples of 8, and at least 24.
        """
        return self.layers(image)
