"""Tastes that change half-way, that do not, and people who slip."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gan.taste import evidence
from gan.taste.events import STAR_EDGES, STAR_SCORES
from gan.taste.kernel import Contrasts, Hyperparameters, diagonal, kernel
from gan.taste.model import MOST_BASIS, TasteModel, interval_derivatives


def _world(count: int, seed: int) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(count, d, generator=random) for d in (6, 8))


def _taste(features: tuple[torch.Tensor, ...], direction: int) -> torch.Tensor:
    return features[0][:, direction] + 0.5 * features[1][:, direction]


def _rated(
    features: tuple[torch.Tensor, ...], liking: torch.Tensor, seed: int = 0, slips: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(seed)
    felt = (liking / liking.std()).numpy() + random.normal(0, 0.3, len(liking))
    stars = np.searchsorted(STAR_EDGES[1:-1], felt)
    stars = np.where(random.random(len(liking)) < slips, random.integers(0, 5, len(liking)), stars)
    edges, scores = torch.tensor(STAR_EDGES, dtype=torch.float64), torch.tensor(STAR_SCORES, dtype=torch.float64)
    return edges[stars], edges[stars + 1], scores[stars]


def _correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1])


@pytest.mark.parametrize(("later", "sign"), [(1, 1.0), (0, -1.0)])
def test_a_taste_that_changed_is_followed_after_forty_ratings(later: int, sign: float) -> None:
    features, fresh = _world(100, 1), _world(400, 2)
    liking = torch.cat([_taste(features, 0)[:60], sign * _taste(features, later)[60:]])
    model = TasteModel(Contrasts(features), *_rated(features, liking))
    assert model.changed is not None and abs(model.changed - 60) <= 8
    assert model.told == 100 - model.changed
    assert _correlation(model.predict(fresh)[0], sign * _taste(fresh, later)) > 0.8
    assert model.kept < (0.5 if sign > 0 else -0.3)


def test_a_steady_taste_is_one_taste_even_with_slips() -> None:
    for seed in range(3):
        features = _world(90, 10 + seed)
        model = TasteModel(Contrasts(features), *_rated(features, _taste(features, 0), seed, slips=0.15))
        assert model.changed is None and model.kept == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_three_slips_among_the_last_ten_are_no_other_taste(seed: int) -> None:
    """What was liked most is given one star and the other way round: Gaussian noise explains that by a change, slips explain it better."""
    features = _world(150, 20 + seed)
    liking = _taste(features, 0)
    low, high, scores = _rated(features, liking, seed)
    for row in (140 + liking[-10:].abs().argsort(descending=True)[:3]).tolist():
        star = 0 if liking[row] > 0 else 4
        low[row], high[row], scores[row] = STAR_EDGES[star], STAR_EDGES[star + 1], STAR_SCORES[star]
    heard = evidence.Evidence.of(Contrasts(features), scores, torch.zeros(150, dtype=torch.float64))
    assert evidence.find_change(heard, *evidence.fit(heard)) is not None
    model = TasteModel(Contrasts(features), low, high, scores)
    fresh = _world(400, 2)
    assert model.changed is None and _correlation(model.mean(fresh), _taste(fresh, 0)) > 0.9


def test_one_slip_changes_less_than_it_would_if_it_were_believed() -> None:
    features = _world(60, 3)
    low, high, scores = _rated(features, _taste(features, 0))
    best = int(_taste(features, 0).argmax())
    low[best], high[best], scores[best] = -math.inf, STAR_EDGES[1], STAR_SCORES[0]
    here = tuple(group[best : best + 1] for group in features)
    wary = TasteModel(Contrasts(features), low, high, scores)
    gullible = TasteModel(Contrasts(features), low, high, scores, guess=0.0)
    assert float(wary.predict(here)[0]) > float(gullible.predict(here)[0]) + 0.1


def test_the_gradient_of_surprise_is_that_of_finite_differences() -> None:
    first, second = _world(20, 4), _world(20, 5)
    paired = torch.arange(20) % 3 == 0
    observed = Contrasts(first, second, paired, change=8)
    heard = evidence.Evidence.of(observed, torch.randn(20, generator=torch.Generator().manual_seed(6)), torch.full((20,), 0.1))
    start = Hyperparameters.prior(2).vector + 0.3
    value, slope = heard.surprise_and_slope(Hyperparameters.of(start))
    assert value == pytest.approx(heard.surprise(Hyperparameters.of(start)))
    for entry, step in enumerate(1e-5 * torch.eye(len(start), dtype=torch.float64)):
        ends = [heard.surprise(Hyperparameters.of(start + sign * step)) for sign in (1, -1)]
        assert float(slope[entry]) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-5)


def test_all_changes_at_once_are_as_each_by_itself() -> None:
    observed = Contrasts(_world(24, 4), _world(24, 5), torch.arange(24) % 3 == 0)
    heard = evidence.Evidence.of(observed, torch.randn(24, generator=torch.Generator().manual_seed(6)), torch.full((24,), 0.1))
    one, moments, kept = Hyperparameters.prior(2), (3, 12, 20), (-0.6, 0.0, 0.6)
    found = heard.surprises_of_change(one, moments, kept)
    for row, moment in enumerate(moments):
        changed = replace(heard, observed=observed.changed_at(moment))
        for column, share in enumerate(kept):
            two = replace(one, change=torch.tensor(math.atanh(share), dtype=torch.float64))
            assert float(found[row, column]) == pytest.approx(changed.surprise(two), abs=1e-9)


def test_few_images_are_the_exact_process() -> None:
    """Against the same mode found in function space, f = K g(f), with the hyperparameters as they are."""
    features, fresh = _world(40, 7), _world(30, 8)
    low, high, scores = _rated(features, _taste(features, 0))
    model = TasteModel(Contrasts(features), low, high, scores, guess=0.0)
    covariance = kernel(features, features, model.parameters)
    f = torch.zeros(40, dtype=torch.float64)
    for _ in range(100):
        _, gradient, curvature = interval_derivatives(f, low, high, model.noise)
        f = torch.linalg.solve(torch.eye(40) + covariance * curvature, covariance @ (curvature * f + gradient))
    cross = kernel(fresh, features, model.parameters)
    _, gradient, curvature = interval_derivatives(f, low, high, model.noise)
    mean, deviation = model.predict(fresh)
    assert torch.allclose(mean, cross @ gradient, atol=2e-3)
    known = cross @ torch.linalg.solve(covariance + torch.diag(1 / curvature), cross.t())
    variance = diagonal(fresh, model.parameters) - known.diagonal()
    assert torch.allclose(deviation, variance.sqrt(), atol=2e-3)


def test_a_basis_of_some_images_hears_all_ratings() -> None:
    features, fresh = _world(MOST_BASIS + 200, 9), _world(300, 10)
    liking = _taste(features, 0) + torch.sin(2.0 * features[1][:, 2])
    model = TasteModel(Contrasts(features), *_rated(features, liking))
    expected = _taste(fresh, 0) + torch.sin(2.0 * fresh[1][:, 2])
    assert _correlation(model.predict(fresh)[0], expected) > 0.9


def test_identical_images_and_contradictions_are_survived() -> None:
    features = tuple(group[:1].expand(MOST_BASIS + 20, -1) for group in _world(1, 11))
    stars = torch.arange(MOST_BASIS + 20) % 2 * 4
    edges, scores = torch.tensor(STAR_EDGES), torch.tensor(STAR_SCORES)
    model = TasteModel(Contrasts(features), edges[stars], edges[stars + 1], scores[stars])
    mean, deviation = model.predict(_world(5, 12))
    assert bool(torch.isfinite(mean).all() and torch.isfinite(deviation).all()) and float(mean.abs().max()) < 1.0
