"""The discriminator's last layer keeps learning while a generator is tuned to please it."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gan.guard import Limits
from gan.model import Model
from gan.networks.adapter import Choice, ChoiceConfig
from gan.policy.rounds import Round, RoundConfig
from gan.rewards.head import NEIGHBOURS, Sample, as_liked, chosen_shares, fit_head
from gan.session import Feedback, TuningSession

WIDE = Limits(diversity=0.3, realism=-9.0, typicality=-9.0)


def sample(count: int, seed: int, mean: float = 0.0, shares: Tensor | None = None, logits: Tensor | None = None) -> Sample:
    features = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))
    features[:, 1] += mean
    return Sample(features, torch.zeros(count) if logits is None else logits, torch.ones(count) if shares is None else shares)


@pytest.mark.parametrize("untuned", [False, True])
def test_an_untouched_generator_leaves_it_as_it_was(untuned: bool) -> None:
    head = fit_head(sample(4000, 0), sample(4000, 1), ridge=0.3, untuned=untuned)
    assert float(head.norm()) < 0.05
    same = sample(500, 2)
    assert float(fit_head(same, same, ridge=0.3, untuned=untuned).norm()) < 1e-6


def test_a_flaw_that_the_frozen_one_is_blind_to_is_found() -> None:
    """Feature 1 of what is tuned is off by one; the discriminator as it was trained sees nothing of it (all its logits are 0)."""
    real, tuned = sample(4000, 0), sample(4000, 1, mean=1.0)
    head = fit_head(real, tuned, ridge=1e-6)
    # Two Gaussians of one covariance: the log odds are linear, with the slope (mean - mean') / variance.
    assert head.tolist() == pytest.approx([0.0, -1.0, 0.0, 0.0], abs=0.1)
    held = fit_head(real, tuned, ridge=0.3)
    assert -1.0 < float(held[1]) < -0.2 and float(held[[0, 2, 3]].abs().max()) < 0.05


def test_it_is_held_back_by_the_ridge() -> None:
    real, tuned = sample(200, 0), sample(200, 1, mean=50.0)  # told apart without an error
    lengths = [float(fit_head(real, tuned, ridge).norm()) for ridge in (0.1, 1.0, 10.0)]
    for length, ridge in zip(lengths, (0.1, 1.0, 10.0), strict=True):
        assert 0.0 < length <= math.sqrt(2.0 * math.log(2.0) / ridge)
    assert lengths == sorted(lengths, reverse=True)


def test_what_the_discriminator_knows_already_is_not_learnt_twice() -> None:
    """Its logits are the true log odds already: nothing is left for the head."""
    real, tuned = sample(4000, 0), sample(4000, 1, mean=1.0)
    real, tuned = (Sample(s.features, 0.5 - s.features[:, 1], s.shares) for s in (real, tuned))
    assert float(fit_head(real, tuned, ridge=0.1).norm()) < 0.06


def test_beside_untuned_images_the_more_real_are_not_called_unreal() -> None:
    """Without real images the tuned ones may have higher logits than what stands for real ones; the head must not undo that."""
    random = torch.Generator().manual_seed(5)
    base = torch.randn(3000, 4, generator=random)
    more_real = torch.randn(3000, 4, generator=random) + torch.tensor([1.0, 0.0, 0.0, 0.0])
    real = Sample(base, base[:, 0], torch.ones(3000))
    tuned = Sample(more_real, more_real[:, 0], torch.ones(3000))
    undone, kept = fit_head(real, tuned, 0.1), fit_head(real, tuned, 0.1, untuned=True)
    assert float(undone[0]) < -1.0
    assert float(kept.abs().max()) < 0.1


def test_shares_of_the_most_preferred_of_some() -> None:
    preferences = torch.tensor([0.3, -1.0, 2.0, 0.7])
    shares = chosen_shares(preferences, 3)
    assert float(shares.sum()) == pytest.approx(1.0)
    order = preferences.argsort()
    expected = [((k + 1) / 4) ** 3 - (k / 4) ** 3 for k in range(4)]
    assert shares[order].tolist() == pytest.approx(expected)
    assert chosen_shares(torch.zeros(5), 32).tolist() == pytest.approx([0.2] * 5)
    drawn = torch.randint(4, (200_000, 3), generator=torch.Generator().manual_seed(0))
    best = drawn.gather(1, preferences[drawn].argmax(dim=1, keepdim=True)).flatten()
    assert torch.bincount(best, minlength=4) / 200_000 == pytest.approx(shares.numpy(), abs=0.01)


def test_real_images_are_weighed_to_be_liked_as_much() -> None:
    random = torch.Generator().manual_seed(0)
    liking, tuned = torch.randn(4000, generator=random), torch.randn(500, generator=random) * 0.5 + 1.0
    told = torch.rand(500, generator=random)
    shares = as_liked(liking, tuned, told)
    assert float(shares.sum()) == pytest.approx(float(told.sum()), rel=1e-6) and bool((shares >= 0).all())
    mean = float((shares * liking).sum() / shares.sum())
    assert mean == pytest.approx(float((told * tuned).sum() / told.sum()), abs=0.02)
    # Liked beyond all real ones: the most liked of those answer.
    beyond = as_liked(liking, torch.tensor([99.0]), torch.ones(1))
    assert (beyond > 0).nonzero().flatten().sort().values.tolist() == liking.topk(NEIGHBOURS).indices.sort().values.tolist()


def test_what_is_no_number_is_left_out() -> None:
    real, tuned = sample(300, 0), sample(300, 1, mean=1.0)
    broken = Sample(tuned.features.clone(), tuned.logits.clone(), tuned.shares)
    broken.features[:20] = float("nan")
    broken.logits[20:30] = float("inf")
    rest = Sample(tuned.features[30:], tuned.logits[30:], tuned.shares[30:])
    assert torch.equal(fit_head(real, broken, 0.3), fit_head(real, rest, 0.3))
    nothing = Sample(tuned.features, tuned.logits * float("nan"), tuned.shares)
    assert not fit_head(real, nothing, 0.3).any()
    assert not fit_head(real, Sample(tuned.features, tuned.logits, torch.zeros(300)), 0.3).any()


def test_a_choice_that_exploits_a_flaw_is_caught() -> None:
    """As trained, the discriminator calls an image the more real the larger feature 1 is, which is not so: real ones have it at 0."""
    features = torch.randn(8000, 4, generator=torch.Generator().manual_seed(0))
    others = torch.randn(2000, 4, generator=torch.Generator().manual_seed(1))
    real, flawed = Sample(others, others[:, 1], torch.ones(2000)), features[:, 1]
    shares = chosen_shares(flawed, 32)  # the best choice for that discriminator
    assert float((shares * features[:, 1]).sum()) > 1.9
    head = fit_head(real, Sample(features, flawed, shares), ridge=0.01)
    learnt = flawed + features @ head
    gap = float((real.logits + real.features @ head).mean() - (shares * learnt).sum())
    assert float(real.logits.mean() - (shares * flawed).sum()) < -1.9 and gap > 1.0  # what fooled it now looks less real than real ones
    again = chosen_shares(learnt, 32)
    assert float((again * features[:, 1]).sum()) < 0.0  # there is nothing to be had that way any more


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    monkeypatch.setattr("gan.rewards.scorer._LEARNT_IMAGES", 40)
    monkeypatch.setattr("gan.rewards.scorer._REAL_IMAGES", 20)
    monkeypatch.setattr("gan.data.procedural.cache_folder", lambda: tmp_path)


def taught_light(model: Model) -> TuningSession:
    """A session in which light images are liked."""
    config = RoundConfig(pool=480, candidates=8, limits=WIDE, discriminator_ridge=0.3)
    session = TuningSession(model, device="cpu", seed=0, config=config)
    shown = session.propose(40)
    session.add({i: p.latent for i, p in enumerate(shown)})
    ranks = sorted(range(40), key=lambda i: float(shown[i].pixels.mean()))
    session.feedback([Feedback(i, "stars", 1.0 + rank // 8) for rank, i in enumerate(ranks)])
    session.fit()
    while session.prepare():
        pass
    return session


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize("kind", ["scenes", "folder"])
def test_a_round_learns_and_leaves_the_session_as_it_was(small_model: Callable[..., Model], kind: str) -> None:
    model = small_model()
    model.card = {"data": {"kind": kind}}
    session = taught_light(model)
    before = session.scorer.known_scores()
    assert before.terms.realism is not None and before.trained_realism is not None
    weights = []
    for ridge in (0.0, 0.05, 0.05):
        config = RoundConfig(steps=4, states=2, children=2, look_every=2, look_images=16, limits=WIDE, discriminator_ridge=ridge)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            adapter = Choice(ChoiceConfig(8, model.generator.embed_dim, 8)).attach(model.generator)
        for progress in Round(adapter, session.scorer, config, torch.Generator().manual_seed(0)).run():
            assert math.isfinite(progress.reward) and math.isfinite(progress.realism)
        weights.append(torch.cat([p.detach().flatten() for p in adapter.parameters()]))
        after = session.scorer.known_scores()
        assert after.terms.realism is not None and torch.equal(before.terms.realism, after.terms.realism)
    assert torch.equal(weights[1], weights[2]) and not torch.equal(weights[0], weights[1])
    learner = session.scorer.learning()
    learner.learn_realism(learner.known_scores(), torch.rand(480, generator=torch.Generator().manual_seed(0)) ** 8, 0.05)
    now = learner.known_scores()
    assert now.terms.realism is not None and not torch.equal(now.terms.realism, before.terms.realism)
    assert now.trained_realism is not None and torch.equal(now.trained_realism, before.trained_realism)


@pytest.mark.usefixtures("few_images")
def test_without_a_discriminator_nothing_learns(small_model: Callable[..., Model]) -> None:
    session = taught_light(small_model(discriminator=False))
    assert not session.scorer.has_realism
    assert all(progress.realism == 0.0 for progress in session.run_round(steps=2))
