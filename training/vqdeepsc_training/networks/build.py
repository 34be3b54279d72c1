# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks by the name that a configuration gives them."""

from __future__ import annotations

from torch import Tensor, nn

from .conditional import ConditionalNetwork
from .encoded import Encoded
from .paper import PaperNetwork
from .quantiser import EmbeddingSpace


class TunedNetwork(nn.Module):
    """Encoder and codebooks of one network, decoder of another one that has learnt from there."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    @property
    def sent(self) -> list[int]:
        """Levels of the scales that are sent, 0 for scale 1."""
        return self.encoder.sent

    @property
    def spaces(self) -> list[EmbeddingSpace]:
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
        """Decoded picture [B, 3, H, W] and what was encoded."""
        encoded = self.encode(image, quantised)
        return self.decode(*encoded.codewords), encoded


def build_network(settings: dict) -> nn.Module:
    """Network of a configuration's `network` table: `type` and the arguments of its class.

    Raises ValueError for an unknown type or argument.
    """
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    kind = arguments.pop("type", None)
    networks = {"conditional": ConditionalNetwork, "paper": PaperNetwork}
    if kind not in networks:
        raise ValueError(f"The network type is {kind!r}, but must be conditional or paper.")
    try:
        return networks[kind](**arguments)
    except TypeError as error:
        raise ValueError(f"The arguments of the network do not fit: {error}") from error
