# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedding space of one scale: nearest codeword, k-means start, moving averages, restart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ..base import distributed
from ..base.errors import ConfigurationError


def squared_distances(features: Tensor, codewords: Tensor) -> Tensor:
    """Squared Euclidean distances [M, N] of features [M, K] to codewords [N, K] (eq. 2)."""
    return (
        features.square().sum(1, keepdim=True)
        - 2.0 * features @ codewords.t()
        + codewords.square().sum(1)
    )


def k_means(points: Tensor, clusters: int, generator: torch.Generator, rounds: int = 20) -> Tensor:
    """Cluster centres [clusters, K] of points [M, K], started by k-means++ (Arthur, 2007).

    Raises ConfigurationError if there are fewer points than clusters.
    """
    if len(points) < clusters:
        raise ConfigurationError(
            f"k-means needs at least {clusters} points, but got {len(points)}."
        )
    first = torch.randint(len(points), (1,), generator=generator)
    centres = points[first]
    for _ in range(clusters - 1):
        nearest = squared_distances(points, centres).min(1).values.clamp_min(1e-12)
        following = torch.multinomial(nearest, 1, generator=generator)
        centres = torch.cat((centres, points[following]))
    for _ in range(rounds):
        indices = squared_distances(points, centres).argmin(1)
        counts = torch.bincount(indices, minlength=clusters).to(points)
        sums = torch.zeros_like(centres).index_add_(0, indices, points)
        centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp_min(1), centres)
    return centres


def rotated(features: Tensor, chosen: Tensor) -> Tensor:
    """Codewords `chosen` as rotated and scaled features z, all [B, K, H, W] (Fifty 2024).

    Each is (|e| / |z|) R z with the rotation R = 1 - 2 r r^T + 2 e' z'^T, where e' and z' have the
    length 1 and r is the direction of e' + z'. Scale and rotation count as constants, so the
    gradient turns with the vector instead of being copied straight through.
    """
    with torch.no_grad():
        z, e = normalize(features, dim=1), normalize(chosen, dim=1)
        r = normalize(e + z, dim=1)
        scale = chosen.norm(dim=1, keepdim=True)
        scale = scale / features.norm(dim=1, keepdim=True).clamp_min(1e-12)
    along_r, along_z = ((one * features).sum(1, keepdim=True) for one in (r, z))
    return scale * (features - 2 * r * along_r + 2 * e * along_z)


class EmbeddingSpace(nn.Module):
    """Embedding space E [N, K] of one scale.

    The codewords follow the features as moving averages (van den Oord 2017, appendix A.1), or the
    gradient of the embedding loss of eq. 8 if `decay` is None. A codeword whose share of the
    features falls below `restart_share / N` is put onto a feature vector of the current batch.

    codewords: N, a power of two; dimension: K; decay: of the moving averages, 0 to 1. With
    `rotation` the gradient goes through `rotated` instead of straight through; with `normalised`
    features and codewords have the length 1, so that the nearest codeword has the largest cosine.
    Raises ConfigurationError for an N that is no power of two.
    """

    def __init__(
        self,
        codewords: int,
        dimension: int,
        decay: float | None = 0.99,
        restart_share: float = 0.05,
        rotation: bool = False,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        if codewords < 2 or codewords & (codewords - 1):
            raise ConfigurationError(
                f"The number of codewords is {codewords}, but must be a power of two."
            )
        self.codewords = codewords
        self.dimension = dimension
        self.decay = decay
        self.restart_share = restart_share
        self.rotation = rotation
        self.normalised = normalised
        self.noise = 0.0
        self.noise_source: torch.Generator | None = None
        start = self.prepared(torch.randn(codewords, dimension))
        if decay is None:
            self.embedding = nn.Parameter(start)
        else:
            self.register_buffer("embedding", start)
        self.register_buffer("counts", torch.ones(codewords))
        self.register_buffer("sums", start.clone())

    @property
    def bits(self) -> int:
        """Bits of one index."""
        return self.codewords.bit_length() - 1

    def prepared(self, vectors: Tensor) -> Tensor:
        """Vectors [B, K, ...] as the space holds them: with the length 1 if it is normalised."""
        return normalize(vectors.float(), dim=1) if self.normalised else vectors

    def disturb(self, noise: float, source: torch.Generator) -> None:
        """From now on choose codewords in training as if the features had noise; 0 for none.

        noise: its standard deviation, as a part of the codewords'; source: on the CPU.
        """
        self.noise = noise
        self.noise_source = source

    def _disturbed(self, features: Tensor) -> Tensor:
        if not (self.noise and self.training):
            return features
        noise = torch.randn(features.shape, generator=self.noise_source).to(features.device)
        deviation = self.embedding.detach().var(0, correction=0).mean().sqrt()
        return features + self.noise * deviation * noise

    def indices(self, features: Tensor) -> Tensor:
        """Indices int64 [B, H, W] of the codewords nearest to features [B, K, H, W] (eq. 2)."""
        codewords = self.embedding.detach()
        # |f|^2 is the same for every codeword; the rest is a 1x1 convolution, in full precision.
        device = "cpu" if features.is_meta else features.device.type
        with torch.autocast(device, enabled=False):
            distances = nn.functional.conv2d(
                features.detach().float(),
                -2.0 * codewords[:, :, None, None],
                codewords.square().sum(1),
            )
        return distances.argmin(1)

    def look_up(self, indices: Tensor) -> Tensor:
        """Codewords [B, K, H, W] of indices [B, H, W]."""
        return nn.functional.embedding(indices, self.embedding).permute(0, 3, 1, 2)

    @torch.no_grad()
    def reorder(self, order: Tensor) -> None:
        """Give index n to the codeword that has index order[n] now; order: int64 [N]."""
        for values in (self.embedding, self.counts, self.sums):
            values.copy_(values[order].clone())

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Quantise features [B, K, H, W].

        Returns the codewords [B, K, H, W] with the gradient for the features, the indices
        [B, H, W], and the embedding and the commitment term of eq. 8 (means over the dimension).
        """
        features = features.float()
        indices = self.indices(self._disturbed(features))
        chosen = self.look_up(indices)
        embedding_loss = nn.functional.mse_loss(chosen, features.detach())
        commitment_loss = nn.functional.mse_loss(features, chosen.detach())
        if features.requires_grad:
            if self.rotation:
                chosen = rotated(features, chosen.detach())
            else:
                chosen = features + (chosen - features).detach()
        return chosen, indices, embedding_loss, commitment_loss

    @torch.no_grad()
    def start_from(self, features: Tensor, generator: torch.Generator) -> None:
        """Set the codewords by k-means on features [B, K, H, W]."""
        rows = features.float().permute(0, 2, 3, 1).reshape(-1, self.dimension)
        picked = torch.randperm(len(rows), generator=generator)[:4096].to(rows.device)
        centres = k_means(rows[picked].cpu(), self.codewords, generator).to(rows.device)
        self.embedding.copy_(self.prepared(distributed.from_first(centres)))
        self.counts.fill_(1.0 / self.codewords)
        self.sums.copy_(self.embedding.detach() / self.codewords)

    @torch.no_grad()
    def update(self, features: Tensor, indices: Tensor, generator: torch.Generator) -> Tensor:
        """Move the codewords after a training step; return how many were restarted.

        Nothing here waits for a GPU: the shapes do not depend on what is computed.
        """
        rows = features.detach().float().permute(0, 2, 3, 1).reshape(-1, self.dimension)
        flat = indices.reshape(-1)
        # torch.bincount would wait for a GPU.
        counts = torch.zeros_like(self.counts).index_add_(0, flat, torch.ones_like(rows[:, 0]))
        counts /= len(flat)
        sums = torch.zeros_like(self.sums).index_add_(0, flat, rows) / len(flat)
        distributed.average([counts, sums])
        decay = 0.99 if self.decay is None else self.decay
        self.counts.mul_(decay).add_(counts, alpha=1 - decay)
        if self.decay is not None:
            self.sums.mul_(decay).add_(sums, alpha=1 - decay)
            means = self.sums / self.counts.clamp_min(1e-7)[:, None]
            self.embedding.copy_(self.prepared(means))
        dead = self.counts < self.restart_share / self.codewords
        picked = torch.randint(len(rows), (self.codewords,), generator=generator)
        picked = picked.to(rows.device, non_blocking=True)
        fresh = distributed.from_first(rows[picked])
        self.embedding.copy_(torch.where(dead[:, None], fresh, self.embedding))
        self.counts.masked_fill_(dead, 1.0 / self.codewords)
        self.sums.copy_(torch.where(dead[:, None], fresh / self.codewords, self.sums))
        return dead.sum()


class EmbeddingSpaces(nn.Module):
    """Embedding spaces of the scales that are sent, fine to coarse, as a sequence.

    A space is named by the number of its scale, so that networks of other scales find it again.
    """

    def __init__(self, scales: Sequence[int], spaces: Sequence[EmbeddingSpace]) -> None:
        super().__init__()
        for scale, space in zip(scales, spaces, strict=True):
            self.add_module(str(scale), space)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[EmbeddingSpace]:
        return iter(self._modules.values())

    def __reversed__(self) -> Iterator[EmbeddingSpace]:
        return reversed(self._modules.values())

    def __getitem__(self, position: int) -> EmbeddingSpace:
        return list(self)[position]
