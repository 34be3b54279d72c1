# SPDX-License-Identifier: GPL-3.0-or-later
"""Embedding spaces: eq. 2, k-means, moving averages, restart; index assignment."""

from itertools import permutations

import numpy as np
import pytest
import torch

from vqdeepsc_training.networks.quantiser import EmbeddingSpace, k_means, rotated
from vqdeepsc_training.objectives.assignment import assign, assignment_cost, one_bit_costs


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_indices_are_the_nearest_codewords():
    torch.manual_seed(0)
    space = EmbeddingSpace(16, 5)
    features = torch.randn(2, 5, 6, 7)
    rows = features.permute(0, 2, 3, 1)[..., None, :] - space.embedding
    expected = rows.norm(dim=-1).argmin(-1)
    assert torch.equal(space.indices(features), expected)
    chosen, indices, _, _ = space(features)
    assert torch.equal(indices, expected)
    assert torch.equal(chosen, space.embedding[expected].permute(0, 3, 1, 2))


def test_k_means_finds_separate_clusters():
    centres = torch.tensor([[0.0, 0], [10, 0], [0, 10], [10, 10]])
    points = (centres[:, None] + 0.1 * torch.randn(4, 50, 2, generator=generator())).reshape(-1, 2)
    found = k_means(points, 4, generator(1))
    distances = torch.cdist(centres, found).min(1).values
    assert distances.max() < 0.1
    with pytest.raises(ValueError, match="at least 4 points"):
        k_means(points[:3], 4, generator())


def test_codewords_follow_the_moving_average():
    space = EmbeddingSpace(2, 1, decay=0.75, restart_share=0.0)
    space.embedding.copy_(torch.tensor([[0.0], [4.0]]))
    space.counts.fill_(0.5)
    space.sums.copy_(space.embedding / 2)
    features = torch.tensor([1.0, 1.0, 1.0, 5.0]).view(1, 1, 2, 2)
    space.update(features, space.indices(features), generator())
    # counts: 0.75 * 0.5 + 0.25 * 0.75; sums: 0.75 * old + 0.25 * 3/4 and 5/4.
    counts = [0.5625, 0.4375]
    sums = [0.1875, 0.75 * 2 + 0.3125]
    assert torch.allclose(space.counts, torch.tensor(counts))
    expected = [s / c for s, c in zip(sums, counts, strict=True)]
    assert torch.allclose(space.embedding.flatten(), torch.tensor(expected))


def test_dead_codeword_restarts_on_a_feature():
    space = EmbeddingSpace(4, 2, decay=0.5, restart_share=0.2)
    space.start_from(torch.randn(1, 2, 8, 8, generator=generator()), generator())
    space.embedding[3] = 1000.0
    space.sums[3] = 1000.0 * space.counts[3]
    features = torch.randn(1, 2, 8, 8, generator=generator(1))
    restarted = sum(
        space.update(features, space.indices(features), generator(step)) for step in range(5)
    )
    assert restarted >= 1
    assert space.embedding.abs().max() < 10
    used = torch.bincount(space.indices(features).flatten(), minlength=4)
    assert (used > 0).all()


def rotation(z, e):
    """The rotation [K, K] in the plane of two vectors that takes z's direction to e's."""
    first = z / z.norm()
    second = e - (first @ e) * first
    second = second / second.norm()
    cosine, sine = first @ e / e.norm(), second @ e / e.norm()
    plane = torch.stack((first, second), 1)
    turn = torch.stack((torch.stack((cosine, -sine)), torch.stack((sine, cosine))))
    return torch.eye(len(z)) + plane @ (turn - torch.eye(2)) @ plane.t()


@pytest.mark.parametrize("dimension", [2, 5])
def test_gradient_turns_and_scales_with_the_vector(dimension):
    """Fifty 2024: q = (|e| / |z|) R z with R constant, so the gradient is (|e| / |z|) R^T g."""
    features = torch.randn(2, dimension, 3, 2, generator=generator()).requires_grad_()
    chosen = torch.randn(2, dimension, 3, 2, generator=generator(1))
    given = torch.randn(2, dimension, 3, 2, generator=generator(2))
    result = rotated(features, chosen)
    assert torch.allclose(result, chosen, atol=1e-5)
    result.backward(given)
    rows = [
        part.detach().permute(0, 2, 3, 1).reshape(-1, dimension)
        for part in (features, chosen, given, features.grad)
    ]
    for z, e, g, gradient in zip(*rows, strict=True):
        turn = rotation(z, e)
        assert torch.allclose(turn @ z / z.norm(), e / e.norm(), atol=1e-5)
        assert torch.allclose(gradient, e.norm() / z.norm() * turn.t() @ g, atol=1e-4)
    opposite = rotated(features.detach(), -2 * features.detach())
    assert torch.allclose(opposite, -2 * features.detach(), atol=1e-5)
    assert torch.isfinite(rotated(torch.zeros(1, 2, 1, 1), torch.ones(1, 2, 1, 1))).all()


def test_rotation_changes_gradients_alone():
    straight, turned = (EmbeddingSpace(8, 3, rotation=on) for on in (False, True))
    turned.load_state_dict(straight.state_dict())
    features = torch.randn(1, 3, 4, 4, generator=generator()).requires_grad_()
    gradients = []
    for space in (straight, turned):
        chosen, indices, _, _ = space(features)
        assert torch.equal(indices, straight.indices(features))
        assert torch.allclose(chosen, straight.look_up(indices), atol=1e-5)
        gradients += torch.autograd.grad(chosen.sum(), features)
    assert torch.equal(gradients[0], torch.ones_like(features))
    assert not torch.allclose(gradients[1], gradients[0], atol=0.1)


def test_normalised_codewords_stay_on_the_sphere():
    """After start, moving average and restart; the index is that of the largest cosine."""
    space = EmbeddingSpace(8, 3, decay=0.5, restart_share=0.6, normalised=True)
    raw = 5 * torch.randn(2, 3, 6, 6, generator=generator())
    features = space.prepared(raw)
    assert torch.allclose(features.norm(dim=1), torch.ones(2, 6, 6))
    assert torch.equal(features, torch.nn.functional.normalize(raw, dim=1))
    space.start_from(features, generator())
    restarted = 0
    for step in range(5):
        assert torch.allclose(space.embedding.norm(dim=1), torch.ones(8), atol=1e-6)
        rows = raw.permute(0, 2, 3, 1)[..., None, :]
        cosines = torch.nn.functional.cosine_similarity(rows, space.embedding, dim=-1)
        assert torch.equal(space.indices(features), cosines.argmax(-1))
        restarted += space.update(features, space.indices(features), generator(step))
    assert restarted > 0


def test_noise_moves_indices_and_not_the_codewords_behind_them():
    """Noise of standard deviation a times the codewords', in training alone."""
    space = EmbeddingSpace(2, 1)
    space.embedding.copy_(torch.tensor([[-3.0], [3.0]]))
    features = torch.full((1, 1, 200, 200), -1.5)
    space.disturb(0.5, generator())
    chosen, indices, embedding_loss, _ = space(features)
    # P(-1.5 + 0.5 * 3 n > 0) = P(n > 1).
    assert indices.float().mean() == pytest.approx(0.1587, abs=0.01)
    assert torch.equal(chosen, space.look_up(indices))
    assert embedding_loss == pytest.approx(1.5**2 * 0.8413 + 4.5**2 * 0.1587, abs=0.2)
    space.disturb(0.5, generator())
    assert torch.equal(space(features)[1], indices)
    assert space.eval()(features)[1].max() == 0
    space.train().disturb(0.0, generator())
    assert space(features)[1].max() == 0


def test_reorder_moves_indices_with_their_codewords():
    torch.manual_seed(0)
    space = EmbeddingSpace(8, 3)
    features = torch.randn(1, 3, 5, 5)
    before = space.look_up(space.indices(features))
    order = torch.randperm(8, generator=generator())
    indices = space.indices(features)
    space.reorder(order)
    assert torch.equal(order[space.indices(features)], indices)
    assert torch.equal(space.look_up(space.indices(features)), before)


@pytest.mark.parametrize("count", [2, 4])
def test_assignment_is_the_best_of_all(count):
    random = np.random.default_rng(count)
    costs = one_bit_costs(random.normal(size=(count, 3)), random.dirichlet(np.ones(count)))
    best = min(assignment_cost(costs, np.array(order)) for order in permutations(range(count)))
    assert assignment_cost(costs, assign(costs)) == pytest.approx(best)


@pytest.mark.parametrize("bits", [3, 4])
def test_assignment_finds_the_cube_again(bits):
    """Shuffled corners of a cube have an assignment in which every flipped bit is one edge."""
    indices = np.arange(2**bits)
    corners = (indices[:, None] >> np.arange(bits)) & 1
    shuffled = np.random.default_rng(0).permutation(corners)
    costs = one_bit_costs(shuffled, np.full(2**bits, 1 / 2**bits))
    order = assign(costs)
    assert sorted(order) == list(indices)
    edges = shuffled[order]
    for index in indices:
        for bit in range(bits):
            assert np.abs(edges[index] - edges[index ^ (1 << bit)]).sum() == 1
    assert np.array_equal(assign(one_bit_costs(edges, np.full(2**bits, 1 / 2**bits))), indices)
