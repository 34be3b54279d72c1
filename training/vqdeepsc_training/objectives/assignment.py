# SPDX-License-Identifier: GPL-3.0-or-later
"""Index assignment: which index each codeword gets, so that one wrong bit costs little.

Exhaustive for up to eight codewords, binary switching (Zeger and Gersho 1990) above.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

EXHAUSTIVE = 8


def neighbours(codewords: int) -> NDArray[np.float64]:
    """Matrix [N, N] that is 1 where two indices differ in one bit."""
    indices = np.arange(codewords)
    return (np.bitwise_count(indices[:, None] ^ indices[None]) == 1).astype(np.float64)


def one_bit_costs(embedding: NDArray, prior: NDArray) -> NDArray[np.float64]:
    """Costs [N, N] of confusing two codewords: their squared distance times their frequencies.

    embedding: [N, K]; prior: [N]. The matrix is symmetric, both directions summed.
    """
    differences = embedding[:, None].astype(np.float64) - embedding[None]
    return (differences**2).sum(-1) * (prior[:, None] + prior[None]) / 2


def assignment_cost(costs: NDArray, order: NDArray) -> float:
    """Expected cost of one flipped bit, when index n stands for codeword order[n]."""
    bits = len(order).bit_length() - 1
    return float((costs[np.ix_(order, order)] * neighbours(len(order))).sum() / bits)


def assign(costs: NDArray, seed: int = 0, starts: int = 50) -> NDArray[np.int64]:
    """Order [N] of the codewords that makes one flipped bit cheapest: index n is row order[n].

    costs: symmetric [N, N]. The order given is kept if nothing is cheaper.
    """
    count = len(costs)
    identity = np.arange(count)
    if count <= EXHAUSTIVE:
        # Flipping a bit of all indices changes nothing, so codeword 0 may keep index 0.
        orders = np.array([(0, *rest) for rest in permutations(range(1, count))])
        close = neighbours(count)
        totals = np.zeros(len(orders))
        for i in range(count):
            for j in range(i):
                if close[i, j]:
                    totals += costs[orders[:, i], orders[:, j]]
        candidates = [orders[int(totals.argmin())]]
    else:
        random = np.random.default_rng(seed)
        candidates = [_switch(costs, identity)]
        candidates += [_switch(costs, random.permutation(count)) for _ in range(starts)]
    best = min(candidates, key=lambda order: assignment_cost(costs, order))
    gain = assignment_cost(costs, identity) - assignment_cost(costs, best)
    return best if gain > 1e-9 * assignment_cost(costs, identity) else identity


def _switch(costs: NDArray, order: NDArray) -> NDArray[np.int64]:
    """Swap pairs of indices as long as the best swap of a round pays."""
    close = neighbours(len(order))
    order = order.copy()
    while True:
        here = costs[np.ix_(order, order)]
        # gain[i, j]: what exchanging the codewords of indices i and j saves.
        cross = close @ here
        own = np.diag(cross)
        change = cross + cross.T - own[:, None] - own[None]
        gain = -(change + 2 * close * here)
        i, j = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[i, j] <= 1e-12:
            return order
        order[[i, j]] = order[[j, i]]
