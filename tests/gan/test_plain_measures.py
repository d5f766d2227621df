"""Plain measures as terms of the reward: their direction, their scale, and a round that follows them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gan.guard import Guard, Limits, Look
from gan.model import Model
from gan.networks import Generator, GeneratorConfig
from gan.policy.rounds import RoundConfig
from gan.rewards import PLAIN, PlainMeasures, RewardTerms, RewardWeights, compose, wished
from gan.session import Feedback, TuningSession
from gan.taste import Standardiser, raw_features


def _some(count: int = 200) -> Tensor:
    """Smooth random colour images (count, 3, 64, 64), some of them noisier, greyer or flatter than others."""
    random = torch.Generator().manual_seed(0)
    images = F.interpolate(torch.randn(count, 3, 6, 6, generator=random) * 0.4, 64, mode="bilinear")
    images = images + torch.randn(count, 3, 64, 64, generator=random) * 0.1 * torch.rand(count, 1, 1, 1, generator=random)
    grey = images.mean(dim=1, keepdim=True)
    return (grey + (images - grey) * torch.rand(count, 1, 1, 1, generator=random)).clamp(-1.0, 1.0)


IMAGES = _some()
RAW = raw_features(IMAGES, None)
STANDARDISE = Standardiser.fit(RAW)
MEASURES = PlainMeasures(STANDARDISE(RAW))


def _of(images: Tensor) -> dict[str, Tensor]:
    return MEASURES(STANDARDISE(raw_features(images.clamp(-1.0, 1.0), None)))


def _blurred(images: Tensor) -> Tensor:
    return F.avg_pool2d(images, 5, stride=1, padding=2, count_include_pad=False)


def _greyer(images: Tensor) -> Tensor:
    return 0.3 * images + 0.7 * images.mean(dim=1, keepdim=True)


LESS = {
    "sharpness": _blurred,
    "colourfulness": _greyer,
    "contrast": lambda images: 0.8 * images,
    "symmetry": lambda images: torch.cat([images[..., :32], images.flip(0)[..., 32:]], dim=3),
    "brightness": lambda images: images - 0.3,
    "warmth": lambda images: images + torch.tensor([-0.15, 0.0, 0.15])[None, :, None, None],
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_measure_falls_with_what_it_measures(name):
    images = IMAGES if name == "contrast" else 0.7 * IMAGES
    images = torch.cat([images[..., :32], images[..., :32].flip(3)], dim=3) if name == "symmetry" else images
    assert float((_of(LESS[name](images))[name] < _of(images)[name]).float().mean()) > 0.9


def test_measures_are_in_deviations_of_the_reference_and_none_is_far_out():
    for name, values in MEASURES(STANDARDISE(RAW)).items():
        assert abs(float(values.mean())) < 0.15 and 0.8 < float(values.std()) < 1.05, name
    extreme = _of(torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0)
    assert float(extreme["sharpness"].max()) == 2.0
    flat = PlainMeasures(STANDARDISE(raw_features(torch.zeros(8, 3, 64, 64), None)))
    assert all(bool(torch.isfinite(values).all()) for values in flat(STANDARDISE(RAW)).values())


def test_a_wish_counts_by_its_weight_and_not_where_the_gate_is_closed():
    terms = RewardTerms(
        taste=torch.tensor([1.0, 1.0, -1.0]),
        realism=None,
        typicality=torch.zeros(3),
        gated=torch.tensor([False, True, False]),
        wishes={"warmth": torch.tensor([2.0, 2.0, 1.0]), "contrast": torch.tensor([1.0, 1.0, 1.0])},
    )
    weights = RewardWeights(warmth=0.5, contrast=-0.25)
    assert weights.wishes == {"contrast": -0.25, "warmth": 0.5}
    assert wished(terms, weights).tolist() == [0.75, 0.75, 0.25]
    assert compose(terms, weights).tolist() == [1.75, 0.0, -0.75]
    assert wished(terms, RewardWeights()).tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match=r"warmth must lie in -10\.\.10"):
        RewardWeights(warmth=-11.0)


def test_the_guard_keeps_what_is_wished_for_though_it_costs_a_little_taste():
    start = Look(0, taste=1.0, realism=0.0, diversity=1.0, reward=1.0)
    guard = Guard(Limits(), start)
    assert guard.look(replace(start, step=4, taste=1.1, reward=0.9)) == (False, False)
    assert guard.look(replace(start, step=8, taste=0.9, reward=1.4, diversity=0.7)) == (False, False)
    assert guard.look(replace(start, step=12, taste=0.9, reward=1.4)) == (True, False)


def test_a_round_follows_a_wish(monkeypatch):
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    limits = Limits(diversity=0.3, realism=-9.0, typicality=-9.0)
    config = RoundConfig(steps=6, states=8, children=4, look_every=2, look_images=32, limits=limits, pool=600)

    def taught(weights: RewardWeights) -> np.ndarray:
        session = TuningSession(Model("small", generator), device="cpu", seed=1, config=config)
        points = session.propose(40)
        session.add({i: proposal.latent for i, proposal in enumerate(points)})
        redness = [float(p.pixels[..., 0].mean()) - float(p.pixels[..., 1:].mean()) for p in points]
        stars = 1 + np.searchsorted(np.quantile(redness, (0.2, 0.4, 0.6, 0.8)), redness)
        session.feedback(Feedback(i, "stars", float(s)) for i, s in enumerate(stars))
        session.fit()
        session.set_weights(weights)
        assert set(session.predict(points[0].latent[None])[0].wishes) == set(PLAIN)
        for _ in session.run_round():
            pass
        assert session.last_round is not None and session.last_round.kept
        return session.tuned_model().sample(range(1000, 1300)).astype(float)

    darker, as_usual, brighter = (taught(RewardWeights(brightness=wish)).mean() for wish in (-1.5, 0.0, 1.5))
    assert darker + 2.0 < as_usual < brighter - 2.0
