# SPDX-License-Identifier: GPL-3.0-or-later
"""Search at the sender: other indices than the encoder's, from which the decoder makes more.

The indices are relaxed to mixtures of codewords, a softmax of logits, which Adam moves along the
gradient of the decoder's image (gradient.onnx). Gumbel noise and a falling temperature make the
mixtures certain again (Jang et al. 2017, Maddison et al. 2017; for images Yang et al. 2020). The
decoder itself has the last word: what it decodes worse from the found indices is not taken.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vqdeepsc.codec import DEFAULT_MODEL, Codec, Indices, Scale, pad_image
from vqdeepsc.codec.bundle import NETWORKS
from vqdeepsc.codec.gradient import open_gradient
from vqdeepsc.codec.inference import Network
from vqdeepsc.codec.providers import DEFAULT_PROVIDER
from vqdeepsc.codec.tiling import Tile, scaled, tiles
from vqdeepsc.errors import ParameterError
from vqdeepsc.kernels import BLOCK_SIDE, REGION_BLOCKS
from vqdeepsc.limits import MAXIMUM_SEARCH_SECONDS

from .metrics import WINDOW_SIZE, ssim

if TYPE_CHECKING:
    from PIL import Image

GOALS = {"psnr": (1.0, 0.0), "ssim": (0.0, 1.0), "both": (1.0, 1.0)}
"""Weights of the logarithms of mean squared error and of 1 - SSIM."""

REGION_PIXELS = REGION_BLOCKS * BLOCK_SIDE**2
PIECE_SIZE, PIECE_HALO = 512, 64
"""Pixels that are searched at once, and around them with indices that stay, for bounded memory."""

CONFIDENCE = 8.0  # of the encoder's indices: logits fall by it at the mean distance of codewords
LEARNING_RATE, MOMENTUM, SECOND_MOMENTUM = 0.2, 0.9, 0.999
HOT, COLD = 0.8, 0.1
_TINY, _EPSILON = np.float32(1e-9), np.float32(1e-7)
_STRIP_PIXELS = 2**21
NOISE, NOISELESS = 0.5, 0.77  # Gumbel noise at the start, and the share of the search it ends at


@dataclass(frozen=True)
class Search:
    """How long a sender searches, and for what.

    seconds: processor time for each 128x128 region, 0 (no search) to MAXIMUM_SEARCH_SECONDS. It
    bounds the search; all threads of the process count. steps: a number of steps instead, or 0: the
    same indices on every run, which a clock never gives. goal: of GOALS; seed: of the noise.
    Raises ParameterError."""

    seconds: float = 0.0
    goal: str = "both"
    steps: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= MAXIMUM_SEARCH_SECONDS:
            raise ParameterError(
                f"a search of {self.seconds:g} seconds for each region is not 0 to "
                f"{MAXIMUM_SEARCH_SECONDS}"
            )
        if self.goal not in GOALS:
            raise ParameterError(f"a search is for {', '.join(GOALS)}, got {self.goal!r}")
        if self.steps < 0 or self.seed < 0:
            raise ParameterError("steps and seed of a search must be at least 0")
        if self.steps and self.seconds:
            raise ParameterError("a search has a number of seconds or a number of steps, not both")

    @property
    def wanted(self) -> bool:
        return bool(self.seconds or self.steps)

    @property
    def suffix(self) -> str:
        """Of a model's name where a search follows its encoder: "" without one."""
        if not self.wanted:
            return ""
        length = f"{self.steps}steps" if self.steps else f"{self.seconds:g}s"
        return f"+search-{length}-{self.goal}"


NO_SEARCH = Search()


class SearchingCodec(Codec):
    """A codec whose encoder is followed by a search."""

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        threads: int | None = None,
        search: Search | None = None,
        progress: Callable[[float], None] | None = None,
        provider: str = DEFAULT_PROVIDER,
        networks: Sequence[str] = NETWORKS,
    ) -> None:
        """model, threads, provider, networks: as Codec has them; a search takes all networks, and
        runs on the processor; progress: called with the share of an image that is found, or without
        a search as Codec has it.

        Raises BundleError, also for a bundle that cannot be searched, and ParameterError."""
        self.search = search or Search()
        wanted = self.search.wanted
        super().__init__(
            model,
            threads,
            provider,
            NETWORKS if wanted else networks,
            progress=None if wanted else progress,
        )
        self._progress = progress
        self._gradient: Network | None = None
        if self.search.wanted:
            self._gradient = open_gradient(self.bundle.manifest, threads)

    def encode(self, image: NDArray[np.uint8] | Image.Image) -> Indices:
        """As Codec.encode, and no image that is decoded from it is worse than from that."""
        indices = super().encode(image)
        if self._gradient is None:
            return indices
        pixels = np.asarray(image if isinstance(image, np.ndarray) else image.convert("RGB"))
        return _ImageSearch(self, self._gradient, pixels, self._progress).run(indices)


class _ImageSearch:
    """The search for the indices of one image."""

    def __init__(
        self,
        codec: SearchingCodec,
        gradient: Network,
        pixels: NDArray[np.uint8],
        progress: Callable[[float], None] | None,
    ) -> None:
        self.codec = codec
        self.search = codec.search
        self.gradient = gradient
        self.pixels = pixels
        self.padded = pad_image(pixels)
        self.progress = progress or (lambda share: None)
        self.weights = np.array(GOALS[self.search.goal], np.float32)

    def run(self, indices: Indices) -> Indices:
        height, width = self.padded.shape[:2]
        maps = {scale: values.copy() for scale, values in indices.maps.items()}
        found = Indices(indices.width, indices.height, maps)
        pieces = list(tiles(width, height, PIECE_SIZE, PIECE_HALO))
        done = 0.0
        for number, tile in enumerate(pieces):
            share = (tile.rows.stop - tile.rows.start) * (tile.columns.stop - tile.columns.start)
            random = np.random.default_rng((self.search.seed, number))
            piece = _Piece(self, tile, maps, random)
            for progress in self._schedule(self.search.seconds * share / REGION_PIXELS):
                piece.step(progress)
                self.progress((done + progress * share) / (width * height))
            piece.choose()
            done += share
        self.progress(1.0)
        # A piece was judged beside neighbours as they were then.
        return found if len(pieces) == 1 or self._is_no_worse(found, indices) else indices

    def errors(self, image: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> NDArray[np.float64]:
        """What the search is for, of images uint8 [H, W, 3]: squared error, -SSIM, or both."""
        height, width = image.shape[:2]
        squared = similarity = 0.0
        # In strips, for bounded memory.
        rows = max(_STRIP_PIXELS // width, WINDOW_SIZE)
        for start in range(0, height, rows):
            strip = slice(start, start + rows)
            difference = image[strip].astype(np.float64) - decoded[strip]
            squared += float(np.sum(difference * difference))
        if min(height, width) < WINDOW_SIZE:
            return np.array([squared])
        overlap = WINDOW_SIZE - 1
        for start in range(0, height - overlap, rows):
            strip = slice(start, start + rows + overlap)
            windows = len(image[strip]) - overlap
            similarity += float(ssim(image[strip], decoded[strip])) * windows
        return np.array([squared, -similarity])[self.weights > 0]

    def _is_no_worse(self, found: Indices, before: Indices) -> bool:
        new, old = (
            self.errors(
                self.pixels,
                self.codec.decode_bits(self.codec.to_bits(one), one.width, one.height),
            )
            for one in (found, before)
        )
        return bool((new <= old).all())

    def _schedule(self, seconds: float) -> Iterator[float]:
        """Share of the search that is done before each step."""
        if self.search.steps:
            yield from (step / self.search.steps for step in range(self.search.steps))
            return
        start = last = time.process_time()
        longest = 0.0
        while True:
            now = time.process_time()
            longest, last = max(longest, now - last), now
            # As much as a step takes to decode what was found and what there was.
            if now - start + 2 * longest >= seconds:
                return
            yield (now - start) / seconds


class _Piece:
    """The indices of a tile, relaxed; those of its halo stay as they are."""

    def __init__(
        self,
        search: _ImageSearch,
        tile: Tile,
        maps: dict[int, NDArray[np.int64]],
        random: np.random.Generator,
    ) -> None:
        """maps: of the image, {l: [H/2**l, W/2**l]}; `choose` changes those of the tile."""
        self.search = search
        self.random = random
        bundle = search.codec.bundle
        self.image = search.padded[tile.outer_rows, tile.outer_columns]
        pixels = np.ascontiguousarray(self.image.transpose(2, 0, 1)[None], np.float32)
        self.target = pixels / np.float32(255)
        self.scales = [_Scale(s, bundle.codebooks[s.scale], maps, tile) for s in bundle.scales]
        # Without the reflection that pads the image.
        self.real = tuple(
            length - part.start
            for length, part in zip(
                search.pixels.shape[:2], (tile.outer_rows, tile.outer_columns), strict=True
            )
        )
        self.steps = 0

    def step(self, progress: float) -> None:
        """One step along the gradient; progress: share of the search that is done."""
        temperature = HOT * (COLD / HOT) ** progress
        noise = NOISE * max(0.0, 1 - progress / NOISELESS)
        feeds = {f"q{s.scale}": s.relaxed(temperature, noise, self.random) for s in self.scales}
        feeds |= {"target": self.target, "weights": self.search.weights}
        gradients = self.search.gradient.run([f"d{s.scale}" for s in self.scales], feeds)
        self.steps += 1
        for scale, gradient in zip(self.scales, gradients, strict=True):
            scale.move(gradient[0], temperature, self.steps)

    def choose(self) -> None:
        """Take the likeliest indices unless the decoder makes a worse image of them."""
        if not self.steps:
            return
        before = self._errors()
        for scale in self.scales:
            scale.take()
        if not (self._errors() <= before).all():
            for scale in self.scales:
                scale.put_back()

    def _errors(self) -> NDArray[np.float64]:
        feeds = {f"q{scale.scale}": scale.codewords() for scale in self.scales}
        (image,) = self.search.codec.bundle.decoder.run(["image"], feeds)
        decoded = np.rint(np.clip(image[0], 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        height, width = self.real
        return self.search.errors(self.image[:height, :width], decoded[:height, :width])


class _Scale:
    """The indices of one scale in a tile, as logits of its codewords."""

    def __init__(
        self,
        scale: Scale,
        codebook: NDArray[np.float32],
        maps: dict[int, NDArray[np.int64]],
        tile: Tile,
    ) -> None:
        self.scale = scale.scale
        self.codebook = codebook
        rows, columns = (
            scaled(part, scale.stride) for part in (tile.outer_rows, tile.outer_columns)
        )
        self.outer = maps[scale.scale][rows, columns]
        self.inner = self.outer[tile.inner(scale.stride)]
        self.before = self.inner.copy()
        self.vectors = codebook[self.outer]
        self.inside = tile.inner(scale.stride)
        distances = np.square(codebook[:, None] - codebook).sum(2)
        logits = -CONFIDENCE * distances / distances.mean()
        self.logits = logits[self.inner].astype(np.float32)
        self.mean = np.zeros_like(self.logits)
        self.square = np.zeros_like(self.logits)
        self.weights = self.logits

    def relaxed(
        self, temperature: float, noise: float, random: np.random.Generator
    ) -> NDArray[np.float32]:
        """Mixtures of codewords [1, K, h, w]: softmax of the logits, with Gumbel noise."""
        values = self.logits
        if noise:
            uniform = random.random(values.shape, np.float32)
            gumbel = -np.log(-np.log(uniform.clip(_TINY, 1 - _EPSILON)))
            values = values + np.float32(noise) * gumbel
        values = np.exp((values - values.max(-1, keepdims=True)) / np.float32(temperature))
        self.weights = values / values.sum(-1, keepdims=True)
        self.vectors[self.inside] = self.weights @ self.codebook
        return _maps(self.vectors)

    def move(self, gradient: NDArray[np.float32], temperature: float, number: int) -> None:
        """Adam's step `number`, from 1, for a gradient [K, h, w] of the mixtures."""
        inner = gradient.transpose(1, 2, 0)[self.inside]
        by_weight = inner @ self.codebook.T
        by_weight -= (self.weights * by_weight).sum(-1, keepdims=True)
        by_logit = self.weights * by_weight / np.float32(temperature)
        self.mean += np.float32(1 - MOMENTUM) * (by_logit - self.mean)
        self.square += np.float32(1 - SECOND_MOMENTUM) * (by_logit * by_logit - self.square)
        rate = np.float32(LEARNING_RATE / (1 - MOMENTUM**number))
        deviation = np.sqrt(self.square / np.float32(1 - SECOND_MOMENTUM**number))
        self.logits -= rate * self.mean / (deviation + _EPSILON)

    def take(self) -> None:
        self.inner[...] = self.logits.argmax(-1)

    def put_back(self) -> None:
        self.inner[...] = self.before

    def codewords(self) -> NDArray[np.float32]:
        """Those of the indices that are chosen now [1, K, h, w]."""
        return _maps(self.codebook[self.outer])


def _maps(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors.transpose(2, 0, 1)[None])
