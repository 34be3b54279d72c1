# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks by the name that a configuration gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from torch import Tensor, nn

from ..base.schema import Table
from .conditional import ConditionalNetwork
from .encoded import Encoded
from .paper import PaperNetwork
from .quantiser import EmbeddingSpaces
from .settings import NetworkSettings, read_network


class TunedNetwork(nn.Module):
    """Encoder and codebooks of one network, decoder of another one that has learnt from there."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    @property
    def scales(self) -> list[int]:
        """Numbers of the scales that are sent, fine to coarse."""
        return self.encoder.scales

    @property
    def spaces(self) -> EmbeddingSpaces:
        """Embedding spaces, fine to coarse."""
        return self.encoder.spaces

    def prepare_export(self) -> None:
        """As the two networks' own."""
        self.encoder.prepare_export()
        self.decoder.prepare_export()

    def encode(self, image: Tensor, quantised: bool = True) -> Encoded:
        """As the encoding network's."""
        return self.encoder.encode(image, quantised)

    def decode(self, *codewords: Tensor) -> Tensor:
        """As the decoding network's."""
        return self.decoder.decode(*codewords)

    def forward(self, image: Tensor, quantised: bool = True) -> tuple[Tensor, Encoded]:
        """Decoded image [B, 3, H, W] and what was encoded."""
        encoded = self.encode(image, quantised)
        return self.decode(*encoded.codewords), encoded


def build_network(settings: NetworkSettings | Mapping[str, object]) -> nn.Module:
    """Network of these settings, or of a configuration's `network` table as JSON has it.

    Raises ConfigurationError as `read_network`, and for numbers that make no network.
    """
    if not isinstance(settings, Table):
        settings = read_network(settings)
    arguments = {
        field.name: getattr(settings, field.name)
        for field in fields(settings)
        if field.name != "type"
    }
    return {"conditional": ConditionalNetwork, "paper": PaperNetwork}[settings.type](**arguments)


def running_statistics(network: nn.Module) -> list[Tensor]:
    """Running means and variances of all batch normalisations, which each process has its own."""
    return [
        values
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d)
        for values in (module.running_mean, module.running_var)
    ]
