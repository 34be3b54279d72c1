# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of the paper (Fu et al., Vector Quantized Semantic Communication System)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base.errors import ConfigurationError
from .encoded import Encoded
from .quantiser import EmbeddingSpace, EmbeddingSpaces

DIMENSIONS = (128, 256, 512, 1024)
FIRST_CHANNELS = 64


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """3x3 convolution, as every one of the paper's encoder and decoder."""
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


class ResidualBlock(nn.Module):
    """Convolution, batch normalisation, PReLU, convolution, and the input added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(channels, channels),
            nn.BatchNorm2d(channels),
            nn.PReLU(),
            convolution(channels, channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class DownSampleBlock(nn.Module):
    """T_down of eq. 5: [B, inputs, H, W] to [B, outputs, H/2, W/2]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ResidualBlock(inputs),
            convolution(inputs, outputs, stride=2),
            ResidualBlock(outputs),
            nn.BatchNorm2d(outputs),
            nn.PReLU(),
            convolution(outputs, outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


class UpSampleBlock(nn.Module):
    """R_up of eq. 6: [B, inputs, H, W] to [B, outputs, 2H, 2W]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ResidualBlock(inputs),
            nn.ConvTranspose2d(inputs, inputs, 3, stride=2, padding=1, output_padding=1),
            convolution(inputs, outputs),
            nn.BatchNorm2d(outputs),
            nn.PReLU(),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


class PaperNetwork(nn.Module):
    """Four down-sample blocks, embedding spaces, four up-sample blocks with concatenation.

    codewords: N of scales 1 to 4; 0 for a scale that is computed but not sent.
    width: factor of every number of channels; 1.0 gives the paper's 128, 256, 512 and 1024.
    decay: of the moving averages of the codewords, or None for the gradient of eq. 8.
    Raises ConfigurationError if the codewords are not four, or the coarsest scale is not sent.
    """

    def __init__(
        self,
        codewords: tuple[int, ...],
        width: float,
        decay: float | None,
    ) -> None:
        super().__init__()
        if len(codewords) != 4 or codewords[3] == 0:
            raise ConfigurationError(
                f"The codewords are {codewords}, but must be four numbers, the last above 0."
            )
        c0 = max(1, round(FIRST_CHANNELS * width))
        channels = [max(1, round(dimension * width)) for dimension in DIMENSIONS]
        c1, c2, c3, c4 = channels
        sent = [level for level in range(4) if codewords[level]]
        self.scales = [level + 1 for level in sent]
        self.first = nn.Sequential(convolution(3, c0), nn.PReLU())
        self.down = nn.ModuleList(
            DownSampleBlock(inputs, outputs)
            for inputs, outputs in zip((c0, c1, c2, c3), channels, strict=True)
        )
        self.spaces = EmbeddingSpaces(
            self.scales,
            [EmbeddingSpace(codewords[level], channels[level], decay) for level in sent],
        )
        joined = [channels[level] * (2 if level in sent else 1) for level in range(3)]
        self.last = nn.Sequential(convolution(c4, c4), nn.PReLU())
        self.up = nn.ModuleList(
            [
                UpSampleBlock(c4, c3),
                UpSampleBlock(joined[2], c2),
                UpSampleBlock(joined[1], c1),
                UpSampleBlock(joined[0], c0),
            ]
        )
        self.out = nn.ConvTranspose2d(c0, 3, 3, stride=1, padding=1)

    def prepare_export(self) -> None:
        """Nothing to do: the graph is exported as it trains."""

    def encode(self, image: Tensor, quantised: bool = True) -> Encoded:
        """Features of the scales that are sent (eq. 5) and their codewords (eq. 2)."""
        maps = []
        current = self.first(image)
        for block in self.down:
            current = block(current)
            maps.append(current)
        features = [maps[scale - 1] for scale in self.scales]
        none = torch.zeros(())
        if not quantised:
            return Encoded(features, features, [], none, none)
        codewords, indices, embedding, commitment = zip(
            *(space(f) for space, f in zip(self.spaces, features, strict=True)), strict=True
        )
        return Encoded(features, list(codewords), list(indices), sum(embedding), sum(commitment))

    def decode(self, *codewords: Tensor) -> Tensor:
        """Image [B, 3, H, W] from the maps of the scales sent, fine to coarse (eq. 6)."""
        received = dict(zip(self.scales, codewords, strict=True))
        current = self.last(received[4])
        for scale, block in zip((3, 2, 1, None), self.up, strict=True):
            current = block(current)
            if scale in received:
                current = torch.cat((current, received[scale]), 1)
        return self.out(current)

    def forward(self, image: Tensor, quantised: bool = True) -> tuple[Tensor, Encoded]:
        """Decoded image [B, 3, H, W] and what was encoded, for image [B, 3, H, W] in [0, 1]."""
        encoded = self.encode(image, quantised)
        return self.decode(*encoded.codewords), encoded
