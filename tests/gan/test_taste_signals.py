"""Signs in passing: what they are worth, and that worthless ones change nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gan.simulate.rater import Person, Rater
from gan.taste import Feedback, Signal, Standardiser, TasteLearner
from gan.taste.features import RawFeatures
from gan.taste.signals import area_under_curve, described, learn


def _images(count: int, seed: int = 0) -> np.ndarray:
    """Flat images, as bright as a random number."""
    levels = np.random.default_rng(seed).integers(20, 236, count).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, 8, 8, 3))


def _person(images: np.ndarray, seed: int = 0) -> Person:
    return Person(Rater(Path("brightness.py"), lambda x: x.mean((1, 2, 3)), takes_progress=False), images, seed)


def _signals(person: Person, images: np.ndarray, telling: float = 1.0) -> list[Signal]:
    return [Signal(i, kind, value, float(i)) for i, kind, value in person.signals(images, telling=telling)]


def test_signs_of_an_image_add_up() -> None:
    signals = [Signal(1, "dwell", 2.0), Signal(1, "dwell", 1.0), Signal(1, "save"), Signal(1, "save"), Signal(2, "loupe")]
    found = described(signals)
    assert found[1] == pytest.approx((np.log(4.0), 0.0, 0.0, 1.0, 0.0, 0.0))
    assert found[2] == pytest.approx((0.0, 1.0, 0.0, 0.0, 0.0, 0.0))
    for wrong in ({"kind": "sigh"}, {"kind": "dwell", "value": float("nan")}, {"kind": "dwell", "value": -1.0}):
        with pytest.raises(ValueError, match="signal"):
            Signal(1, **wrong)


def test_area_under_the_curve_counts_ties_half() -> None:
    guesses = torch.tensor([0.9, 0.5, 0.5, 0.1])
    assert area_under_curve(guesses, torch.tensor([True, True, False, False])) == pytest.approx(3.5 / 4)


def test_a_simulated_person_tells_a_little_in_passing_and_the_weight_grows_with_evidence() -> None:
    images = _images(900)
    person = _person(images)
    stars = person.rate(images)
    signals = _signals(person, images)
    scores = {i: float(s) - 3.0 for i, s in enumerate(stars)}
    liked = {i: bool(s >= 4) for i, s in enumerate(stars)}

    def worth(count: int, of: list[Signal]) -> tuple[float, float]:
        found = learn(of, {i: scores[i] for i in range(count)}, liked, [])
        assert found is not None and found.rated == count
        return found.auc, found.weight

    auc, weight = worth(900, signals)
    assert 0.55 < auc < 0.66
    assert 0.05 < weight < 0.35
    assert worth(60, signals)[1] < weight
    auc, weight = worth(900, _signals(_person(images, 1), images, telling=0.0))
    assert 0.44 < auc < 0.56 and weight < 0.02
    assert learn(signals, {i: scores[i] for i in range(20)}, liked, []) is None


def _learner(count: int, telling: float) -> tuple[TasteLearner, torch.Tensor, RawFeatures]:
    """Rated are the first 120 images; all have signs."""
    random = torch.Generator().manual_seed(3)
    groups = tuple(torch.randn(count + 300, d, generator=random) for d in (5, 6, 4, 7))
    raw = RawFeatures(tuple(group[:count] for group in groups))
    liking = groups[0][:, 0] + 0.5 * groups[1][:, 1]
    learner = TasteLearner(Standardiser.fit(RawFeatures(groups)))
    learner.add(range(count), raw)
    edges = torch.quantile(liking, torch.tensor([0.2, 0.4, 0.6, 0.8]))
    noisy = liking + 0.4 * torch.randn(len(liking), generator=random)
    stars = 1 + torch.bucketize(noisy, edges)
    learner.feedback(Feedback(i, "stars", float(stars[i]), float(i)) for i in range(120))
    z = liking / liking.std()
    dwell = (0.7 + telling * z[:count] + 0.5 * torch.randn(count, generator=random)).exp()
    learner.signals(Signal(i, "dwell", float(dwell[i]), float(i)) for i in range(count))
    return learner, liking[count:], RawFeatures(tuple(group[count:] for group in groups))


def _guessed(learner: TasteLearner, raw: RawFeatures) -> torch.Tensor:
    assert learner.model is not None
    return learner.model.predict(learner._standardise(raw))[0]


def test_telling_signs_teach_about_images_that_nobody_rated() -> None:
    learner, liking, raw = _learner(400, telling=0.5)
    learner.use_signals = False
    assert learner.fit().signs is None
    without = float(torch.corrcoef(torch.stack([_guessed(learner, raw), liking.double()]))[0, 1])
    learner.use_signals = True
    signs = learner.fit().signs
    assert signs is not None and signs.auc > 0.7 and signs.weight > 0.3 and len(signs.found) == 280
    with_them = float(torch.corrcoef(torch.stack([_guessed(learner, raw), liking.double()]))[0, 1])
    assert with_them > without


def test_useless_signs_change_nothing_at_all() -> None:
    learner, _, raw = _learner(400, telling=0.0)
    signs = learner.fit().signs
    assert signs is not None and signs.weight == 0.0 and not signs.found
    with_them = _guessed(learner, raw)
    learner.use_signals = False
    learner.fit()
    assert torch.equal(with_them, _guessed(learner, raw))


def test_the_summary_says_how_well_likes_are_guessed_and_how_steady_the_person_is() -> None:
    learner, _, _ = _learner(200, telling=0.0)
    events = list(learner._events)
    learner.replace(events[:60])
    learner.fit()
    learner.replace(events)
    summary = learner.fit()
    assert summary.auc is not None and 0.6 < summary.auc <= 1.0
    assert (summary.repeats, summary.consistency) == (0, None)
    learner.feedback(Feedback(i, "stars", events[i].value, 500.0 + i) for i in range(12))
    summary = learner.fit()
    assert summary.repeats == 12 and summary.consistency == pytest.approx(1.0)


def test_a_sign_of_an_unknown_image_is_an_error() -> None:
    learner, _, _ = _learner(130, telling=0.0)
    with pytest.raises(KeyError):
        learner.signals([Signal(9999, "save")])
