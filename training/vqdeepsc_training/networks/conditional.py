# SPDX-License-Identifier: GPL-3.0-or-later
"""Our compact network: each scale is encoded knowing what the coarser codewords already say.

It departs from the paper's network in four ways. The encoder of a scale sees the image and the
decoder's features of the coarser, quantised scales (as in VQ-VAE-2, Razavi 2019). The indices of
the finest scale are chosen in four passes over its 2x2 cells, each pass knowing the codewords of
the passes before, so that an index can mend what its neighbours' codewords leave. Pixels are folded
into channels by four, so that most layers run on the 32x32 grid. There is no batch normalisation.
Indices, grids and what the receiver gets are the paper's.

A network may have a second stage of scale 1: a residual codebook on the same grid, numbered as
scale 0, whose encoder sees what the decoder makes of all scales and what that leaves of the image.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..base.errors import ConfigurationError
from .encoded import Encoded, Quantised
from .quantiser import EmbeddingSpace, EmbeddingSpaces

SLOPE = 0.1
# Positions in a 2x2 cell, row by row, in the order of the passes: diagonal neighbours first.
PASSES = (0, 3, 1, 2)


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


def to_grid(positions: list[Tensor]) -> Tensor:
    """Four maps [..., h, w], one for each position of the 2x2 cells, to a grid [..., 2h, 2w]."""
    rows = [torch.stack(positions[first : first + 2], -1).flatten(-2) for first in (0, 2)]
    return torch.stack(rows, -2).flatten(-3, -2)


class SuccessiveHead(nn.Module):
    """Quantises a grid in four passes, one for each position of its 2x2 cells.

    inputs: channels of the features on the cells' grid; dimension: K; hidden: channels of the
    layer that sees the codewords of the passes before; without `successive`, no pass sees any.
    """

    def __init__(self, inputs: int, dimension: int, hidden: int, successive: bool = True) -> None:
        super().__init__()
        self.successive = successive
        self.first = nn.Conv2d(inputs, 4 * dimension, 3, padding=1)
        self.see = nn.ModuleList(
            nn.Conv2d(inputs + known * dimension, hidden, 3, padding=1) for known in (1, 2, 3)
        )
        self.correct = nn.ModuleList(nn.Conv2d(hidden, dimension, 3, padding=1) for _ in (1, 2, 3))
        with torch.no_grad():
            for conv in self.correct:
                conv.weight.zero_()
                conv.bias.zero_()

    def forward(self, features: Tensor, quantise: Callable[[Tensor], Quantised]) -> Quantised:
        """Quantised grid [B, K, 2h, 2w] of features [B, C, h, w]."""
        planned = self.first(features).unflatten(1, (-1, 4))
        found: list[Quantised] = []
        for number, position in enumerate(PASSES):
            wanted = planned[:, :, position]
            if found and self.successive:
                known = torch.cat([features, *(one.codewords for one in found)], 1)
                hidden = activate(self.see[number - 1](known))
                wanted = wanted + self.correct[number - 1](hidden)
            found.append(quantise(wanted))
        by_position = [found[PASSES.index(position)] for position in range(4)]
        return Quantised(
            *(
                to_grid([getattr(one, name) for one in by_position])
                for name in ("features", "codewords", "indices")
            ),
            sum(one.embedding_loss for one in found) / 4,
            sum(one.commitment_loss for one in found) / 4,
        )


class ConditionalNetwork(nn.Module):
    """Network of up to four scales with conditional encoding.

    codewords, dimensions: N and K by scale, fine to coarse; N is 0 for scale 1 where three scales
    are sent. widths: channels of the 1/4, 1/8 and 1/16 grids; encoder_blocks, head_blocks,
    decoder_blocks: residual blocks of the 1/4 grid in the analysis, in the encoder of the finest
    scale and in the decoder. For ablations: without `conditional`, no encoder sees what the coarser
    scales say, as in the paper; without `successive`, no index knows its neighbours' codewords;
    `rotation` and `normalised` are those of EmbeddingSpace. second_codewords, second_dimension: N
    and K of the second stage of scale 1, which there is unless N is 0.
    Raises ConfigurationError if another scale than the first has no codewords, and for a second
    stage of a scale 1 that is not sent.
    """

    def __init__(
        self,
        codewords: tuple[int, ...],
        dimensions: tuple[int, ...],
        widths: tuple[int, ...],
        encoder_blocks: int,
        head_blocks: int,
        decoder_blocks: int,
        decay: float,
        restart_shares: tuple[float, ...],
        bounded: bool,
        conditional: bool,
        successive: bool,
        rotation: bool,
        normalised: bool,
        second_codewords: int = 0,
        second_dimension: int = 2,
    ) -> None:
        super().__init__()
        if len(codewords) != 4 or not all(codewords[1:]):
            raise ConfigurationError(
                f"The codewords are {list(codewords)}, but only the first of four "
                "scales may have none."
            )
        if second_codewords and not codewords[0]:
            raise ConfigurationError("Without scale 1 there is no second stage of it.")
        self.exporting = False
        sent = [level for level in range(4) if codewords[level]]
        self.second = second_codewords > 0
        self.scales = [0] * self.second + [level + 1 for level in sent]
        self.bounded = bounded
        self.conditional = conditional
        w4, w8, w16 = widths
        k1, k2, k3, k4 = dimensions
        spaces = [
            EmbeddingSpace(
                codewords[level],
                dimensions[level],
                decay,
                restart_shares[level],
                rotation,
                normalised,
            )
            for level in sent
        ]
        if self.second:
            spaces.insert(
                0,
                EmbeddingSpace(
                    second_codewords,
                    second_dimension,
                    decay,
                    restart_shares[0],
                    rotation,
                    normalised,
                ),
            )
        self.spaces = EmbeddingSpaces(self.scales, spaces)
        # Analysis of the image on the grids 1/4, 1/8 and 1/16.
        self.stem = nn.Conv2d(48, w4, 3, padding=1)
        self.analyse_4 = blocks(w4, encoder_blocks)
        self.down_8 = nn.Conv2d(w4, w8, 3, stride=2, padding=1)
        self.analyse_8 = blocks(w8, 1)
        self.down_16 = nn.Conv2d(w8, w16, 3, stride=2, padding=1)
        self.analyse_16 = blocks(w16, 1)
        # Encoders of the scales: image features and decoded coarser features in.
        self.head_4 = nn.Conv2d(w16, k4, 1)
        self.join_3 = nn.Conv2d(2 * w8, w8, 3, padding=1)
        self.head_3 = nn.Conv2d(w8, k3, 1)
        self.join_2 = nn.Conv2d(2 * w4, w4, 1)
        if self.fine:
            self.head_2 = nn.Conv2d(w4, k2, 3, padding=1)
            self.join_1 = nn.Conv2d(2 * w4, w4, 1)
            self.refine_1 = blocks(w4, head_blocks)
            self.head_1 = SuccessiveHead(w4, k1, w4, successive)
        else:
            self.refine_2 = blocks(w4, head_blocks)
            self.gather_2 = nn.Conv2d(w4, 2 * w4, 4, stride=2, padding=1)
            self.head_2 = SuccessiveHead(2 * w4, k2, 2 * w4, successive)
        # Synthesis.
        self.take_4 = nn.Conv2d(k4, w16, 3, padding=1)
        self.draw_16 = blocks(w16, 1)
        self.up_8 = Up(w16, w8)
        self.take_3 = nn.Conv2d(k3, w8, 3, padding=1)
        self.draw_8 = blocks(w8, 1)
        self.up_4 = Up(w8, w4)
        self.take_2 = nn.Conv2d(k2, w4, 3, padding=1)
        self.draw_4 = blocks(w4, 1)
        if self.fine:
            self.take_1 = nn.Conv2d(4 * k1, w4, 3, padding=1)
        self.draw_1 = blocks(w4, decoder_blocks)
        self.out = nn.Conv2d(w4, 48, 3, padding=1)
        if self.second:
            self.left = nn.Conv2d(48, w4, 3, padding=1)
            self.join_0 = nn.Conv2d(2 * w4, w4, 1)
            self.refine_0 = blocks(w4, head_blocks)
            self.head_0 = SuccessiveHead(w4, second_dimension, w4, successive)
            self.take_0 = nn.Conv2d(4 * second_dimension, w4, 3, padding=1)
            self.draw_0 = blocks(w4, 1)

    @property
    def fine(self) -> bool:
        """Whether scale 1 is sent."""
        return 1 in self.scales

    def prepare_export(self) -> None:
        """Put the graph into the form that runtimes run fastest."""
        self.exporting = True

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

    def draw_finest(self, p1: Tensor, q1: Tensor | None) -> Tensor:
        """Features on the 1/4 grid from scales 4 to 1, of which `out` draws the image."""
        return self.draw_1(p1 if q1 is None else p1 + self._take(self.take_1, q1, 2))

    def draw_second(self, d1: Tensor, q0: Tensor) -> Tensor:
        """As `draw_finest`, from those features and the second stage of scale 1."""
        return self.draw_0(d1 + self._take(self.take_0, q0, 2))

    def to_image(self, features: Tensor) -> Tensor:
        """Image [B, 3, H, W] in about [0, 1] of features on the 1/4 grid."""
        return functional.pixel_shuffle(self.out(features), 4) + 0.5

    def decode(self, *codewords: Tensor) -> Tensor:
        """Image [B, 3, H, W] from the codewords of the scales sent, fine to coarse.

        Each is [B, K, H/s, W/s] with the scale's stride s.
        """
        *finest, q2, q3, q4 = codewords
        p1 = self.predict_1(self.predict_2(self.predict_3(q4), q3), q2)
        drawn = self.draw_finest(p1, finest[-1] if finest else None)
        if self.second:
            drawn = self.draw_second(drawn, finest[0])
        return self.to_image(drawn)

    def encode(self, image: Tensor, quantised: bool = True) -> Encoded:
        """Features, codewords and indices of image [B, 3, H, W] in [0, 1]."""
        return self._encode(image, quantised)[0]

    def _quantise(self, scale: int, quantised: bool, features: Tensor) -> Quantised:
        if self.bounded:
            features = torch.tanh(features)
        space = self.spaces[self.scales.index(scale)]
        features = space.prepared(features)
        if quantised:
            return Quantised(features, *space(features))
        none = torch.zeros(())
        indices = torch.zeros_like(features[:, 0], dtype=torch.int64)
        return Quantised(features, features, indices, none, none)

    def _seen(self, prediction: Tensor) -> Tensor:
        """What an encoder sees of a prediction from the coarser scales."""
        return prediction if self.conditional else torch.zeros_like(prediction)

    def _encode(self, image: Tensor, quantised: bool) -> tuple[Encoded, Tensor]:
        """As `encode`; also the features of which `out` draws the decoded image."""
        h4 = self.analyse_4(activate(self._take(self.stem, image - 0.5, 4)))
        h8 = self.analyse_8(activate(self.down_8(h4)))
        h16 = self.analyse_16(activate(self.down_16(h8)))
        s4 = self._quantise(4, quantised, self.head_4(activate(h16)))
        p3 = self.predict_3(s4.codewords)
        s3 = self._quantise(
            3, quantised, self.head_3(activate(self.join_3(torch.cat((h8, self._seen(p3)), 1))))
        )
        p2 = self.predict_2(p3, s3.codewords)
        joined = activate(self.join_2(torch.cat((h4, self._seen(p2)), 1)))
        if not self.fine:
            gathered = activate(self.gather_2(self.refine_2(joined)))
            s2 = self.head_2(gathered, partial(self._quantise, 2, quantised))
            drawn = self.draw_finest(self.predict_1(p2, s2.codewords), None)
            return Encoded.of([s2, s3, s4]), drawn
        s2 = self._quantise(2, quantised, self.head_2(joined))
        p1 = self.predict_1(p2, s2.codewords)
        refined = self.refine_1(activate(self.join_1(torch.cat((h4, self._seen(p1)), 1))))
        s1 = self.head_1(refined, partial(self._quantise, 1, quantised))
        drawn = self.draw_finest(p1, s1.codewords)
        if not self.second:
            return Encoded.of([s1, s2, s3, s4]), drawn
        left = self._take(self.left, image - self.to_image(drawn), 4)
        joined = activate(self.join_0(torch.cat((h4, self._seen(drawn)), 1)) + left)
        s0 = self.head_0(self.refine_0(joined), partial(self._quantise, 0, quantised))
        return Encoded.of([s0, s1, s2, s3, s4]), self.draw_second(drawn, s0.codewords)

    def forward(self, image: Tensor, quantised: bool = True) -> tuple[Tensor, Encoded]:
        """Decoded image [B, 3, H, W] and what was encoded."""
        encoded, drawn = self._encode(image, quantised)
        return self.to_image(drawn), encoded
