"""Reward terms, gate, novelty and the guard's decisions."""

import math

import pytest
import torch

from gan.guard import MOVING, Guard, Limits, Look, mean_pairwise_distance
from gan.rewards import (
    Normaliser,
    RewardTerms,
    RewardWeights,
    compose,
    favour_novelty,
    neighbour_distance,
    novelty,
    relative_realism,
    saturate,
)
from gan.rewards.head import chosen_shares
from gan.rewards.variety import Variety


def test_each_term_is_normalised_by_itself():
    values = 100 + 7 * torch.randn(4000, generator=torch.Generator().manual_seed(0))
    standard = Normaliser.fit(values)(values)
    assert float(standard.mean()) == pytest.approx(0, abs=1e-4)
    assert float(standard.std()) == pytest.approx(1, abs=1e-3)
    assert torch.isfinite(Normaliser.fit(torch.ones(5))(torch.ones(5))).all()


def test_realism_is_relative_to_its_reference():
    logits = torch.tensor([-3.0, 0.0, 2.0])
    expected = [-math.log1p(math.exp(-(x - 1.0))) for x in (-3.0, 0.0, 2.0)]
    assert relative_realism(logits, 1.0).tolist() == pytest.approx(expected, rel=1e-5)
    assert torch.allclose(relative_realism(logits + 50, 51.0), relative_realism(logits, 1.0), atol=1e-5)


def test_the_reward_is_the_weighted_sum_and_the_gate_closes_it():
    terms = RewardTerms(
        taste=torch.tensor([1.0, 2.0, -1.0, 2.0]),
        realism=torch.tensor([0.5, -1.0, 3.0, 3.0]),
        typicality=torch.tensor([2.0, 0.0, 0.0, -1.0]),
        gated=torch.tensor([False, True, True, False]),
    )
    reward = compose(terms, RewardWeights(taste=1.0, realism=0.5, typicality=0.25))
    assert reward.tolist() == pytest.approx([1.25, 0.0, -0.5, 2.25])
    alone = compose(RewardTerms(terms.taste, None, torch.zeros(4), torch.zeros(4, dtype=torch.bool)), RewardWeights())
    assert alone.tolist() == terms.taste.tolist()
    with pytest.raises(ValueError, match="taste"):
        RewardWeights(taste=-1)


def test_novelty_is_the_distance_to_the_nearest_and_moves_only_gains():
    features = torch.tensor([[0.0, 0.0], [0.0, 1.0], [5.0, 0.0]])
    assert novelty(features).tolist() == pytest.approx([1.0, 1.0, 5.0])
    advantages = torch.tensor([1.0, -1.0, 1.0])
    changed = favour_novelty(advantages, novelty(features), weight=0.5)
    assert changed[1] == -1.0
    assert changed[2] > 1.0 > changed[0] > 0
    assert torch.equal(favour_novelty(advantages, novelty(features), 0.0), advantages)


def test_liking_beyond_the_ceiling_earns_nothing_more():
    liking = torch.tensor([-9.0, 0.0, 2.0, 9.0])
    flat = saturate(liking, ceiling=1.0, softness=0.1)
    assert flat.tolist() == pytest.approx([-9.0, 0.0, 1.0, 1.0], abs=1e-3)
    assert bool((flat.diff() >= 0).all())
    assert torch.allclose(saturate(torch.tensor([1.0]), 1.0, 0.3), torch.tensor([1.0 - 0.3 * math.log(2)]))


def test_neighbour_distance_counts_to_the_kth_and_leaves_itself_out():
    line = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    assert neighbour_distance(torch.tensor([[0.0]]), line, k=2).tolist() == [1.0]
    assert neighbour_distance(line, line, k=1, themselves=True).tolist() == [1.0, 1.0, 2.0, 4.0]


def test_mean_pairwise_distance():
    assert mean_pairwise_distance(torch.tensor([[0.0], [3.0], [6.0]])) == pytest.approx(4.0)


def _look(step, taste, diversity=1.0, realism=0.0):
    return Look(step, taste, realism, diversity)


def test_the_guard_keeps_the_best_moment_inside_the_limits():
    guard = Guard(Limits(diversity=0.9, realism=-0.5, patience=2), _look(0, 0.0))
    assert guard.look(_look(3, 1.0)) == (True, False)
    assert guard.look(_look(6, 2.0, diversity=0.8)) == (False, False)
    assert guard.look(_look(9, 0.5)) == (False, False)
    assert guard.look(_look(12, 3.0, realism=-0.9)) == (False, False)
    assert guard.look(_look(15, 3.0, diversity=0.7)) == (False, True)
    assert guard.best.step == 3
    rare = Look(1, 0.0, 0.0, 1.0, typicality=-2.0)
    assert "unlike" in str(rare.broken(MOVING)) and rare.broken(Limits()) is None  # what a choice draws, the untuned generator draws too
    assert "variety fell to 0.70" in guard.reason


def test_a_round_that_begins_outside_a_limit_may_still_get_better():
    guard = Guard(Limits(diversity=0.9), _look(0, 0.0, diversity=0.85))
    assert guard.look(_look(3, 1.0, diversity=0.86)) == (True, False)
    assert guard.look(_look(6, 2.0, diversity=0.80)) == (False, False)


def test_variety_is_the_slope_of_the_mean_squared_distance() -> None:
    random = torch.Generator().manual_seed(0)
    features = torch.randn(200, 5, generator=random, dtype=torch.float64)
    shares = torch.rand(200, generator=random, dtype=torch.float64)
    shares = (shares / shares.sum()).requires_grad_(True)
    apart = torch.cdist(features, features).square()
    (slope,) = torch.autograd.grad(shares @ apart @ shares, shares)
    adds = Variety.of(features, shares.detach())
    distance = adds(features) * adds.deviation + adds.mean
    inside = adds(features).abs() < 3.0
    # 2 |x - m|^2 but for what is the same for all.
    gap = slope - 2.0 * distance.square()
    torch.testing.assert_close(gap[inside], gap[inside].mean().expand(int(inside.sum())))


def test_what_has_no_reward_is_in_no_middle() -> None:
    preferences = torch.tensor([float("nan"), 0.0, 1.0, float("inf"), 2.0])
    shares = chosen_shares(preferences, 2)
    assert float(shares.sum()) == pytest.approx(1.0)
    assert float(shares[0]) == float(shares[3]) < float(shares[1]) < float(shares[2]) < float(shares[4])


def test_variety_is_measured_over_what_is_drawn_and_bounded() -> None:
    features = torch.cat([torch.zeros(50, 3), torch.full((50, 3), 4.0) + torch.randn(50, 3, generator=torch.Generator().manual_seed(1))])
    only_late = torch.cat([torch.zeros(50), torch.full((50,), 1 / 50)])
    adds = Variety.of(features, only_late)
    assert abs(float(adds(features[50:]).mean())) < 0.1
    assert float(adds(features[:50]).min()) > 2.0 and float(adds(features).abs().max()) <= 3.0
    same = Variety.of(torch.ones(9, 3), torch.full((9,), 1 / 9))
    assert bool(same(torch.ones(4, 3)).isfinite().all())
