"""Feedback to observations, the interval likelihood against numbers, and learning of known tastes."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gan.taste import (
    Feedback,
    RawFeatures,
    Standardiser,
    TasteLearner,
    TasteModel,
    observations,
    raw_features,
)
from gan.taste.events import REPEATED_AFTER, STAR_EDGES, Repeat, consistency, repeats, said
from gan.taste.features import oklab
from gan.taste.kernel import Contrasts, Hyperparameters, kernel
from gan.taste.model import SLIPS, equal_parts, interval_derivatives, star_information, stars_from
from gan.taste.selection import LIKED, LIKED_AT_FIRST, SETTLED, Shares, informative, level, quotas


def test_the_last_word_on_an_image_counts():
    events = [
        Feedback(1, "stars", 2),
        Feedback(2, "like"),
        Feedback(1, "stars", 5),
        Feedback(3, "stars", 3),
        Feedback(3, "stars", 0),
        Feedback(4, "reject"),
        Feedback(4, "neither"),
        Feedback(5, "stars", 1),
        Feedback(5, "clear"),
    ]
    standing = observations(events)
    assert [(o.image, o.stars) for o in standing] == [(2, 0), (1, 5)]
    assert standing[0].high == math.inf
    assert standing[1].low > 0.8


def test_wrong_feedback_is_refused():
    with pytest.raises(ValueError, match="stars are 0"):
        Feedback(1, "stars", 7)
    with pytest.raises(ValueError, match="unknown kind"):
        Feedback(1, "love")  # type: ignore[arg-type]


def test_interval_derivatives_match_autograd_and_stay_finite_far_out():
    f = torch.linspace(-3, 3, 13, dtype=torch.float64, requires_grad=True)
    low, high = torch.tensor(-0.25, dtype=torch.float64), torch.tensor(0.84, dtype=torch.float64)
    value, first, second = interval_derivatives(f.detach(), low, high, 0.5)
    exact = (torch.special.ndtr((high - f) / 0.5) - torch.special.ndtr((low - f) / 0.5)).log()
    (slope,) = torch.autograd.grad(exact.sum(), f, create_graph=True)
    (curve,) = torch.autograd.grad(slope.sum(), f)
    assert torch.allclose(value, exact.detach(), rtol=1e-6)
    assert torch.allclose(first, slope.detach(), rtol=1e-5)
    assert torch.allclose(second, -curve, rtol=1e-4)
    for edge in (-math.inf, math.inf):
        a, b = (edge, -0.84) if edge < 0 else (0.84, edge)
        outcome = interval_derivatives(
            torch.tensor([-8.0, 0.0, 8.0]).double(), torch.tensor(a), torch.tensor(b), 0.5
        )
        assert all(bool(torch.isfinite(part).all()) for part in outcome)


def test_quick_statistics_are_those_of_the_textbook():
    images = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    colour, layout, form = raw_features(images, None).groups
    lab = oklab(F.adaptive_avg_pool2d(images, 32))
    lightness = lab[:, 0].flatten(1)
    torch.testing.assert_close(colour[:, 3], lightness.std(dim=1))
    torch.testing.assert_close(colour[:, 8:11], torch.quantile(lightness, torch.tensor([0.05, 0.5, 0.95]), dim=1).t())
    hue, chroma = torch.atan2(lab[:, 2], lab[:, 1]), lab[:, 1:].square().sum(dim=1).sqrt()
    expected = (torch.cos(hue - torch.pi / 2).clamp_min(0.0) ** 4 * chroma).mean(dim=(1, 2))
    torch.testing.assert_close(colour[:, 13], expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(layout, F.adaptive_avg_pool2d(lab, 8).flatten(1))
    grey = images.mean(dim=1, keepdim=True)
    detail = (grey - F.interpolate(F.avg_pool2d(grey, 2), scale_factor=2)).abs()
    torch.testing.assert_close(form[:, -2:], torch.stack([half.mean(dim=(1, 2, 3)) for half in detail.chunk(2, dim=2)], dim=1))
    with_slope = raw_features(images.requires_grad_(True), None).groups
    for one, other in zip(with_slope, (colour, layout, form), strict=True):
        torch.testing.assert_close(one.detach(), other)


def test_oklab_of_known_colours():
    white, black, red = oklab(torch.tensor([[1.0, 1, 1], [-1, -1, -1], [1, -1, -1]])[:, :, None, None])[
        :, :, 0, 0
    ]
    assert white.tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-3)
    assert black.tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-2)
    assert red.tolist() == pytest.approx([0.628, 0.225, 0.126], abs=2e-3)


def test_features_are_finite_at_any_size_and_for_flat_images():
    for size in (32, 64, 128):
        raw = raw_features(torch.zeros(2, 3, size, size), None)
        assert all(bool(torch.isfinite(group).all()) for group in raw.groups)


def _world(n: int, seed: int = 0) -> RawFeatures:
    random = torch.Generator().manual_seed(seed)
    return RawFeatures(tuple(torch.randn(n, d, generator=random) for d in (20, 40, 15, 32)))


def _stars(f: torch.Tensor) -> torch.Tensor:
    return 1 + torch.bucketize(f.contiguous(), torch.tensor([-0.8416, -0.2533, 0.2533, 0.8416]))


def _taught(
    count: int, weight_group: int, noise: float = 0.35
) -> tuple[TasteLearner, RawFeatures, torch.Tensor]:
    reference = _world(500, 1)
    learner = TasteLearner(Standardiser.fit(reference))
    raw = _world(count, 2)
    taste = torch.zeros(raw.groups[weight_group].shape[1])
    taste[0], taste[1] = 0.8, -0.6
    random = torch.Generator().manual_seed(3)
    f = raw.groups[weight_group] @ taste
    learner.add(range(count), raw)
    noisy = f + noise * torch.randn(count, generator=random)
    learner.feedback([Feedback(i, "stars", float(s)) for i, s in enumerate(_stars(noisy).tolist())])
    learner.fit()
    test = _world(400, 4)
    return learner, test, test.groups[weight_group] @ taste


@pytest.mark.parametrize("group", [0, 2])
def test_a_linear_taste_is_learnt_from_a_hundred_stars(group):
    learner, raw, truth = _taught(100, group)
    assert learner.model is not None
    mean, doubt = learner.model.predict(learner._standardise(raw))
    assert torch.allclose(learner.model.mean(learner._standardise(raw)), mean, atol=1e-6)
    correlation = torch.corrcoef(torch.stack([mean, truth.double()]))[0, 1]
    assert correlation > 0.75
    # The doubt means something: most truths lie within two of it.
    inside = ((mean - truth.double()).abs() < 2 * doubt).double().mean()
    assert inside > 0.85


def test_more_ratings_leave_less_doubt():
    few, raw, _ = _taught(30, 0)
    many, _, _ = _taught(200, 0)
    assert few.model is not None and many.model is not None
    assert (
        many.model.predict(many._standardise(raw))[1].mean()
        < few.model.predict(few._standardise(raw))[1].mean()
    )


def test_accuracy_counts_only_guesses_made_before_the_rating():
    reference = _world(300, 1)
    learner = TasteLearner(Standardiser.fit(reference))
    raw = _world(120, 2)
    learner.add(range(120), raw)
    stars = _stars(raw.groups[0][:, 0]).tolist()
    learner.feedback([Feedback(i, "stars", float(stars[i])) for i in range(60)])
    summary = learner.fit()
    assert summary.count == 60
    assert summary.guesses == 0
    assert summary.accuracy is None
    learner.feedback([Feedback(i, "stars", float(stars[i])) for i in range(60, 120)])
    summary = learner.fit()
    assert summary.guesses == 60
    assert summary.accuracy is not None and summary.accuracy > 0.65
    # A flag on an image that has stars is no second guess, and the stars say more.
    learner.feedback([Feedback(i, "reject" if stars[i] > 3 else "like", time=200.0 + i) for i in range(60, 120)])
    again = learner.fit()
    assert (again.guesses, again.accuracy, learner.curve()[-1][0]) == (60, summary.accuracy, 60)
    for points in (7, 24):
        assert learner.curve(points)[-1] == (60, summary.accuracy), "the curve ends at what is said beside it"


def test_an_undo_is_forgotten():
    learner = TasteLearner(Standardiser.fit(_world(300, 1)))
    learner.add(range(40), _world(40, 2))
    learner.feedback([Feedback(i, "stars", float(1 + i % 5)) for i in range(40)])
    assert learner.fit().count == 40
    learner.replace([Feedback(i, "stars", float(1 + i % 5)) for i in range(20)])
    assert learner.fit().count == 20
    with pytest.raises(KeyError, match="never added"):
        learner.feedback([Feedback(99, "like")])


def test_what_is_asked_is_rather_liked_and_nothing_is_asked_twice():
    learner, raw, truth = _taught(150, 0)
    assert learner.model is not None
    chosen = informative(learner.model, learner._standardise(raw), 40)
    assert len(set(chosen)) == 40
    assert truth[chosen].mean() > truth.mean() + 0.25


def test_what_is_asked_tells_most_about_what_is_liked():
    """Against the definition: the weighted variance that is left after each single rating, by conditioning the Gaussian on it."""
    learner, raw, _ = _taught(60, 1)
    model = learner.model
    assert model is not None
    features = tuple(group[:50] for group in learner._standardise(raw))
    mean, covariance = model.joint(features)
    spread = covariance.diagonal().sqrt()
    assert torch.allclose(mean, model.predict(features)[0]) and torch.allclose(spread, model.predict(features)[1])
    edge = torch.quantile(equal_parts(mean, spread), level(60))
    liked = torch.special.ndtr((mean - edge) / spread)
    noise = 1.0 / star_information(mean, spread, model.noise)

    def left(asked: list[int]) -> float:
        gained = covariance[:, asked] @ torch.linalg.solve(covariance[asked][:, asked] + torch.diag(noise[asked]), covariance[asked])
        return float(liked @ (covariance - gained).diagonal())

    first, second = informative(model, features, 2)
    assert left([first]) == pytest.approx(min(left([i]) for i in range(50)))
    assert left([first, second]) == pytest.approx(min(left([first, i]) for i in range(50) if i != first))


def test_the_whole_taste_is_mapped_before_its_top():
    levels = [level(told) for told in (0, 24, 48, SETTLED, 500)]
    assert levels[0] == LIKED_AT_FIRST and levels[-2:] == [LIKED, LIKED] and levels == sorted(levels)
    learner, raw, truth = _taught(150, 0)
    model = learner.model
    assert model is not None and model.told == 150
    features = learner._standardise(raw)
    pleasing = truth[informative(model, features, 40)].mean()
    model.told = 12
    assert truth[informative(model, features, 40)].mean() < pleasing - 0.1


def test_a_star_tells_what_its_likelihood_says():
    """The Fisher information of an ordinal observation is the mean negative second derivative of its log-likelihood."""
    noise, f = 0.4, torch.linspace(-2.0, 2.0, 9, dtype=torch.float64)
    low, high = torch.tensor(STAR_EDGES[:-1], dtype=torch.float64), torch.tensor(STAR_EDGES[1:], dtype=torch.float64)
    value, _, curvature = interval_derivatives(f[:, None], low, high, noise)
    expected = (value.exp() * curvature).sum(dim=1)
    found = star_information(f, torch.full_like(f, 1e-9), noise)
    assert torch.allclose(found, expected, atol=1e-6)
    assert bool((found < 1.0 / noise**2).all()) and float(star_information(f[-1:] + 9.0, f[:1] * 0 + 0.1, noise)) < 1e-6


def test_no_more_can_be_chosen_than_there_are():
    learner, raw, _ = _taught(40, 0)
    assert learner.model is not None
    with pytest.raises(ValueError, match="401 of 400"):
        informative(learner.model, learner._standardise(raw), 401)


def test_a_taste_is_learnt_from_any_features():
    features = torch.randn(80, 12, generator=torch.Generator().manual_seed(0))
    learner = TasteLearner(lambda raw: raw.groups)
    learner.add(range(60), RawFeatures((features[:60],)))
    learner.feedback(Feedback(i, "stars", 5 if features[i, 0] > 0 else 1) for i in range(60))
    learner.fit()
    liking, doubt = learner.model.predict((features[60:],))
    assert torch.corrcoef(torch.stack([liking, features[60:, 0].double()]))[0, 1] > 0.8 and (doubt > 0).all()


def test_quotas_fill_the_grid():
    assert quotas(24, Shares(), has_taste=False, repeatable=0) == (0, 24, 0)
    for count in (1, 2, 24, 100):
        parts = quotas(count, Shares(), has_taste=True, repeatable=3)
        assert sum(parts) == count
        assert parts[1] >= 1


def test_stars_are_one_to_five():
    stars, spread = stars_from(torch.tensor([-9.0, 0.0, 9.0]), torch.full((3,), 0.1))
    slip = SLIPS * 2.0  # some are any star, two from the end in the mean
    assert stars.tolist() == pytest.approx([1.0 + slip, 3.0, 5.0 - slip], abs=1e-6)
    assert float(spread.min()) > 0.3, "a person who slips now and then is never foreseen exactly"


def test_the_stars_foreseen_are_those_that_are_given():
    chance = np.random.default_rng(0)
    for mean, deviation in ((0.0, 1.0), (0.7, 0.4), (1.5, 0.6), (-1.2, 0.2)):
        given = 1 + np.searchsorted(STAR_EDGES[1:-1], chance.normal(mean, deviation, 200_000))
        slips = chance.random(len(given)) < SLIPS
        given[slips] = chance.integers(1, 6, int(slips.sum()))
        foreseen = stars_from(torch.tensor([mean]), torch.tensor([deviation]))
        assert [float(n) for n in foreseen] == pytest.approx([given.mean(), given.std()], abs=0.02)


def test_contradictory_and_constant_ratings_do_not_break_it():
    raw = _world(30, 5)
    features = Standardiser.fit(raw)(raw)
    n = 30
    constant = TasteModel(Contrasts(features), torch.full((n,), 0.84), torch.full((n,), math.inf), torch.full((n,), 1.4))
    mean, doubt = constant.predict(features)
    assert bool(torch.isfinite(mean).all()) and bool(torch.isfinite(doubt).all())


# ------------------------------------------------------------------------------------------------ comparisons


def _learner_of(images: int, seed: int = 0) -> tuple[TasteLearner, torch.Tensor]:
    """Images with four groups of random features; liking is the first feature of the first group."""
    random = torch.Generator().manual_seed(seed)
    raw = RawFeatures(tuple(torch.randn(images, d, generator=random) for d in (5, 6, 4, 5)))
    learner = TasteLearner(Standardiser.fit(raw))
    learner.add(range(images), raw)
    return learner, raw.groups[0][:, 0]


def test_duels_alone_teach_a_taste():
    learner, liking = _learner_of(240)
    duels = [(2 * i, 2 * i + 1) for i in range(60)]
    learner.feedback(
        Feedback(*((a, "preferred", 0.0, i, b) if liking[a] > liking[b] else (b, "preferred", 0.0, i, a)))
        for i, (a, b) in enumerate(duels)
    )
    summary = learner.fit()
    assert summary.count == 120 and learner.model is not None
    mean, _ = learner.model.predict(learner.features_of(range(120, 240)))
    assert np.corrcoef(mean.numpy(), liking[120:].numpy())[0, 1] > 0.7


def test_stars_and_duels_are_on_one_scale():
    """A winner over an image of five stars is liked better than a winner over one of a single star."""
    learner, liking = _learner_of(80)
    order = liking[:60].argsort().argsort()
    learner.feedback(Feedback(i, "stars", float(1 + 5 * int(order[i]) // 60), i) for i in range(60))
    best, worst = int(liking[:60].argmax()), int(liking[:60].argmin())
    dull, fine = 60 + int(liking[60:].argmin()), 60 + int(liking[60:].argmax())
    learner.fit()
    assert learner.model is not None
    before = learner.model.predict(learner.features_of([dull, fine]))[0]
    learner.feedback([Feedback(dull, "preferred", 0.0, 100, best), Feedback(worst, "preferred", 0.0, 101, fine)])
    learner.fit()
    after = learner.model.predict(learner.features_of([dull, fine]))[0]
    assert after[0] > before[0] and after[1] < before[1]


def test_the_difference_of_two_images_has_the_variance_of_a_difference():
    learner, _ = _learner_of(6)
    first, second = learner.features_of([0, 1, 2]), learner.features_of([3, 4, 2])
    observed = Contrasts(first, second, torch.tensor([True, False, True]))
    parameters = Hyperparameters.prior(4)
    every = kernel(learner.features_of(range(6)), learner.features_of(range(6)), parameters)
    a = torch.zeros(3, 6, dtype=torch.float64)
    a[0, 0], a[0, 3], a[1, 1] = 1.0, -1.0, 1.0  # an image less itself is nothing
    of_images = kernel(observed.images, observed.images, parameters)
    assert torch.allclose(observed.rows(observed.rows(of_images).t()), a @ every @ a.t(), atol=1e-9)
    assert observed.doubled.tolist() == [2.0, 1.0, 2.0]
    weights, values = torch.rand(3, 1).double(), torch.rand(5, 1).double()  # `columns` is the transpose of `rows`
    assert torch.allclose(weights.t() @ observed.rows(values), observed.columns(weights).t() @ values)


def test_of_the_same_two_images_the_latest_comparison_stands():
    events = [
        Feedback(1, "preferred", time=1, other=2),
        Feedback(2, "preferred", time=2, other=1),
        Feedback(3, "tie", time=3, other=1),
    ]
    found = observations(events)
    assert [(o.image, o.other) for o in found] == [(2, 1), (3, 1)]
    assert found[0].low == 0.0 and found[0].high == math.inf and found[1].low == -found[1].high


@pytest.mark.parametrize(
    "wrong", [{"kind": "preferred"}, {"kind": "tie", "other": 1}, {"kind": "like", "other": 2}]
)
def test_a_comparison_names_another_image(wrong):
    with pytest.raises(ValueError, match="another image"):
        Feedback(1, **wrong)


def test_a_second_look_is_a_repeat_and_a_correction_is_not():
    others = [Feedback(image, "stars", 3) for image in range(10, 10 + REPEATED_AFTER)]
    corrected = [Feedback(1, "stars", 2), Feedback(1, "stars", 4)]
    assert repeats([*corrected, *others]) == []
    (found,) = repeats([*corrected, *others, Feedback(1, "stars", 5), Feedback(1, "stars", 3)])
    assert (found.before, found.after, found.moment) == (4, 3, 1)
    heard = said([*corrected, *others, Feedback(1, "stars", 3)])
    assert [(o.image, o.stars) for o in heard if o.image == 1] == [(1, 4), (1, 3)]
    assert [o.moment for o in heard] == sorted(o.moment for o in heard)
    assert repeats([*corrected, *others, Feedback(1, "stars", 5), Feedback(1, "stars", 0)]) == []


def test_consistency_is_the_correlation_of_repeats_and_silent_on_few():
    pairs = [(1, 1), (2, 3), (3, 3), (5, 4), (4, 4), (2, 2), (5, 5)]
    found = [Repeat(i, a, b, i) for i, (a, b) in enumerate(pairs)]
    r = consistency(found)
    assert r == pytest.approx(np.corrcoef(np.array(pairs).T)[0, 1])
    assert consistency(found[:3]) is None
    assert consistency([Repeat(i, 4, 4, i) for i in range(20)]) is None
