# SPDX-License-Identifier: GPL-3.0-or-later
"""Our compact network: each scale is encoded knowing what the coarser codewords already say.

It departs from the paper's network in three ways. The encoder of a scale sees the picture and the
decoder's features of the coarser, quantised scales (as in VQ-VAE-2, Razavi 2019). Pixels are folded
into channels by four, so that most layers run on the 32x32 grid. There is no batch
normalisation. Labels, grids and what the receiver gets are the paper's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .encoded import Encoded
from .quantiser import EmbeddingSpace

SLOPE = 0.1


def activate(features: Tensor) -> Tensor:
    """Leaky ReLU, which runtimes fold into the convolution before it."""
    return functional.leaky_relu(features, SLOPE)


class PlainResidualBlock(nn.Module):
    """x + conv(activation(conv(x))), without normalisation (Lim 2017, EDSR)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.2)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.second(activate(self.first(features)))


def blocks(channels: int, count: int) -> nn.Sequential:
    """`count` residual blocks."""
    return nn.Sequential(*(PlainResidualBlock(channels) for _ in range(count)))


class Up(nn.Module):
    """Twice the height and width: 1x1 convolution, then channels to pixels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 4 * outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        return functional.pixel_shuffle(self.conv(features), 2)


def folded(conv: nn.Conv2d, image: Tensor, factor: int) -> Tensor:
    """conv(pixel_unshuffle(image, factor)) for a 3x3 conv, as one convolution with a stride.

    Runtimes run it faster, and it holds for any height and width.
    """
    outputs, inputs = conv.weight.shape[0], conv.weight.shape[1] // factor**2
    kernel = conv.weight.reshape(outputs, inputs, factor, factor, 3, 3)
    kernel = kernel.permute(0, 1, 4, 2, 5, 3).reshape(outputs, inputs, 3 * factor, 3 * factor)
    return functional.conv2d(image, kernel, conv.bias, stride=factor, padding=factor)


class ConditionalNetwork(nn.Module):
    """Four-scale network with conditional encoding.

    codewords, dimensions: N and K by scale, fine to coarse; widths: channels of the 1/4, 1/8 and
    1/16 grids; encoder_blocks, head_blocks, decoder_blocks: residual blocks of the 1/4 grid in the
    analysis, in the encoder of scale 1 and in the decoder.
    """

    def __init__(
        self,
        codewords: tuple[int, ...] = (16, 8, 4, 2),
        dimensions: tuple[int, ...] = (8, 8, 8, 8),
        widths: tuple[int, int, int] = (96, 128, 128),
        encoder_blocks: int = 3,
        head_blocks: int = 2,
        decoder_blocks: int = 4,
        decay: float = 0.99,
        restart_shares: tuple[float, ...] = (0.05, 0.05, 0.05, 0.05),
        bounded: bool = True,
        corners: bool = False,
    ) -> None:
        super().__init__()
        self.exporting = False
        self.sent = [0, 1, 2, 3]
        self.bounded = bounded
        self.corners = corners
        w4, w8, w16 = widths
        k1, k2, k3, k4 = dimensions
        self.spaces = nn.ModuleList(
            EmbeddingSpace(n, k, decay, share, corners)
            for n, k, share in zip(codewords, dimensions, restart_shares, strict=True)
        )
        # Analysis of the picture on the grids 1/4, 1/8 and 1/16.
        self.stem = nn.Conv2d(48, w4, 3, padding=1)
        self.analyse_4 = blocks(w4, encoder_blocks)
        self.down_8 = nn.Conv2d(w4, w8, 3, stride=2, padding=1)
        self.analyse_8 = blocks(w8, 1)
        self.down_16 = nn.Conv2d(w8, w16, 3, stride=2, padding=1)
        self.analyse_16 = blocks(w16, 1)
        # Encoders of the scales: picture features and decoded coarser features in.
        self.head_4 = nn.Conv2d(w16, k4, 1)
        self.join_3 = nn.Conv2d(2 * w8, w8, 3, padding=1)
        self.head_3 = nn.Conv2d(w8, k3, 1)
        self.join_2 = nn.Conv2d(2 * w4, w4, 1)
        self.head_2 = nn.Conv2d(w4, k2, 3, padding=1)
        self.join_1 = nn.Conv2d(2 * w4, w4, 1)
        self.refine_1 = blocks(w4, head_blocks)
        self.head_1 = nn.Conv2d(w4, 4 * k1, 3, padding=1)
        # Synthesis.
        self.take_4 = nn.Conv2d(k4, w16, 3, padding=1)
        self.draw_16 = blocks(w16, 1)
        self.up_8 = Up(w16, w8)
        self.take_3 = nn.Conv2d(k3, w8, 3, padding=1)
        self.draw_8 = blocks(w8, 1)
        self.up_4 = Up(w8, w4)
        self.take_2 = nn.Conv2d(k2, w4, 3, padding=1)
        self.draw_4 = blocks(w4, 1)
        self.take_1 = nn.Conv2d(4 * k1, w4, 3, padding=1)
        self.draw_1 = blocks(w4, decoder_blocks)
        self.out = nn.Conv2d(w4, 48, 3, padding=1)

    def _take(self, conv: nn.Conv2d, image: Tensor, factor: int) -> Tensor:
        if self.exporting:
            return folded(conv, image, factor)
        return conv(functional.pixel_unshuffle(image, factor))

    def predict_3(self, q4: Tensor) -> Tensor:
        """Features on the 1/8 grid from scale 4 alone."""
        return self.up_8(self.draw_16(activate(self.take_4(q4))))

    def predict_2(self, p3: Tensor, q3: Tensor) -> Tensor:
        """Features on the 1/4 grid from scales 4 and 3."""
        return self.up_4(self.draw_8(activate(p3 + self.take_3(q3))))

    def predict_1(self, p2: Tensor, q2: Tensor) -> Tensor:
        """Features on the 1/4 grid from scales 4, 3 and 2."""
        return self.draw_4(activate(p2 + self.take_2(q2)))

    def draw(self, p1: Tensor, q1: Tensor) -> Tensor:
        """Picture [B, 3, H, W] in about [0, 1] from all scales."""
        features = p1 + self._take(self.take_1, q1, 2)
        return functional.pixel_shuffle(self.out(self.draw_1(features)), 4) + 0.5

    def decode(self, q1: Tensor, q2: Tensor, q3: Tensor, q4: Tensor) -> Tensor:
        """Picture [B, 3, H, W] from the codewords of each scale, [B, K, H/2^l, W/2^l]."""
        return self.draw(self.predict_1(self.predict_2(self.predict_3(q4), q3), q2), q1)

    def encode(self, image: Tensor, quantised: bool = True) -> Encoded:
        """Features, codewords and labels of image [B, 3, H, W] in [0, 1]."""
        return self._encode(image, quantised)[0]

    def _encode(self, image: Tensor, quantised: bool) -> tuple[Encoded, Tensor]:
        """As `encode`; also the prediction from scales 2 to 4, which the decoder needs again."""
        h4 = self.analyse_4(activate(self._take(self.stem, image - 0.5, 4)))
        h8 = self.analyse_8(activate(self.down_8(h4)))
        h16 = self.analyse_16(activate(self.down_16(h8)))
        found: list[tuple] = []

        def quantise(scale: int, features: Tensor) -> Tensor:
            if self.bounded:
                features = torch.tanh(features)
            if quantised:
                chosen, labels, embedding_loss, commitment_loss = self.spaces[scale](features)
                found.append((features, chosen, labels, embedding_loss, commitment_loss))
                return chosen
            none = torch.zeros(())
            found.append((features, features, torch.empty(0), none, none))
            return features

        q4 = quantise(3, self.head_4(activate(h16)))
        p3 = self.predict_3(q4)
        q3 = quantise(2, self.head_3(activate(self.join_3(torch.cat((h8, p3), 1)))))
        p2 = self.predict_2(p3, q3)
        q2 = quantise(1, self.head_2(activate(self.join_2(torch.cat((h4, p2), 1)))))
        p1 = self.predict_1(p2, q2)
        joined = self.refine_1(activate(self.join_1(torch.cat((h4, p1), 1))))
        quantise(0, functional.pixel_shuffle(self.head_1(joined), 2))
        found.reverse()
        features, codewords, labels, embedding, commitment = map(list, zip(*found, strict=True))
        encoded = Encoded(features, codewords, labels, sum(embedding), sum(commitment))
        return encoded, p1

    def forward(self, image: Tensor, quantised: bool = True) -> tuple[Tensor, Encoded]:
        """Decoded picture [B, 3, H, W] and what was encoded."""
        encoded, p1 = self._encode(image, quantised)
        return self.draw(p1, encoded.codewords[0]), encoded
