"""What a taste cannot be learnt from: never a crash, and a generator that is not moved without evidence."""

import dataclasses

import numpy as np
import pytest
import torch

from gan.errors import UserError
from gan.guard import Limits
from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from gan.policy import (
    CategoricalPolicy,
    Choice,
    ChoiceConfig,
    GaussianPolicy,
    Shift,
    ShiftConfig,
    UpdateConfig,
    grouped_rloo,
    pathwise_update,
    reinforce,
    scale,
    update,
)
from gan.policy.climb import Climb, ClimbConfig
from gan.policy.rounds import RoundConfig
from gan.session import Feedback, TuningSession
from gan.taste import RawFeatures, Standardiser, TasteLearner

WIDE = Limits(diversity=0.3, realism=-9.0, typicality=-9.0)
QUICK = RoundConfig(steps=4, states=8, children=4, look_every=2, look_images=32, limits=WIDE, pool=400)


@pytest.fixture(autouse=True)
def _small_reference(monkeypatch):
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)


@pytest.mark.parametrize(
    "wrong",
    [{"policy": "foo"}, {"estimator": "x"}, {"children": 1}, {"candidates": 2.5}, {"candidates": "8"}]
    + [{name: 0} for name in ("steps", "states", "look_every", "candidates")],
)
def test_a_config_that_no_round_could_follow_is_refused_at_once(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} is .*, not {value!r}"):
        RoundConfig(**wrong)
    assert dataclasses.replace(QUICK, candidates=np.int64(8)).candidates == 8


def make_session(policy="choice", flat=False):
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    if flat:  # every latent is the same image
        for parameter in generator.mapping.parameters():
            torch.nn.init.zeros_(parameter)
    critic = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 16), features=16))
    config = dataclasses.replace(QUICK, policy=policy)
    return TuningSession(Model("small", generator, None, critic), device="cpu", seed=1, config=config)


def rate(session, stars):
    proposals = session.propose(len(stars))
    session.add({i: p.latent for i, p in enumerate(proposals)})
    session.feedback([Feedback(i, "stars", float(n)) for i, n in enumerate(stars)])
    return session.fit()


def unmoved(session):
    before, now = session.strip(range(6))
    return np.array_equal(before, now)


# ------------------------------------------------------------------------------------------------ rewards that are no numbers


def test_a_reward_that_is_no_number_says_nothing():
    nan, inf = float("nan"), float("inf")
    rewards = torch.tensor([[1.0, nan, 3.0, 2.0], [nan, inf, -inf, nan], [5.0, nan, nan, nan]])
    advantages = grouped_rloo(rewards)
    assert advantages[0].tolist() == pytest.approx([-1.5, 0.0, 1.5, 0.0])
    assert (advantages[1:] == 0).all()
    assert reinforce(rewards)[0].tolist() == [1.0, 0.0, 3.0, 2.0]
    assert torch.isfinite(scale(advantages, 0.1)).all()


@pytest.mark.parametrize("policy", ["categorical", "gaussian"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_rewards_without_numbers_move_no_policy(policy, bad):
    random = torch.Generator().manual_seed(0)
    if policy == "gaussian":
        law = GaussianPolicy(Shift(ShiftConfig(z_dim=4)), 0.4)
    else:
        choice = Choice(ChoiceConfig(z_dim=4, inputs=4, candidates=4))
        choice.attach(type("Plain", (Generator,), {"embed": lambda self, z: z})(GeneratorConfig(8, 4, 4, channels=(4, 4))))
        law = CategoricalPolicy(choice, 0.3)
    before = [p.detach().clone() for p in law.parameters()]
    optimizer = torch.optim.Adam(law.parameters(), lr=0.1)
    states = torch.randn(8, 4, generator=random)
    actions = law.act(states, 4, random)
    for advantages in (grouped_rloo(torch.full((8, 4), bad)), torch.full((8, 4), bad)):
        update(law, optimizer, states, actions, advantages, 0.1, UpdateConfig(), random)
        assert all(torch.equal(was, now) for was, now in zip(before, law.parameters(), strict=True))
    if policy == "gaussian":
        pathwise_update(law, optimizer, states, 4, lambda a: a * bad, 0.1, UpdateConfig(), random)
        assert all(torch.equal(was, now) for was, now in zip(before, law.parameters(), strict=True))


def test_a_choice_is_learnt_from_the_rewards_that_are_numbers():
    torch.manual_seed(0)
    choice = Choice(ChoiceConfig(z_dim=4, inputs=4, candidates=8, width=16))
    z = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    rewards = torch.where(z[:, 1] > 0.5, float("nan"), z[:, 0])
    policy, random = CategoricalPolicy(choice, 0.3), torch.Generator().manual_seed(0)
    climb = Climb(policy, z, rewards, 0.3, 4, ClimbConfig(updates=20), random)
    for _ in range(4):
        climb.step()
    with torch.no_grad():
        assert torch.corrcoef(torch.stack([choice.preference(z), z[:, 0]]))[0, 1] > 0.8
    with pytest.raises(ValueError, match="a reward that is a number"):
        Climb(policy, z, torch.full((400,), float("nan")), 0.3, 4, ClimbConfig(), random)


@pytest.mark.parametrize(
    "setting",
    [{"policy": "wander"}, {"estimator": "guess"}, {"steps": 0}, {"children": 1}, {"candidates": 2.5}, {"temperature": -1}],
)
def test_settings_that_make_no_round_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        RoundConfig(**setting)


# ------------------------------------------------------------------------------------------------ ratings that say nothing


@pytest.mark.parametrize("policy", ["choice", "shift"])
@pytest.mark.parametrize("stars", [1, 3, 5])
def test_constant_ratings_teach_nothing(policy, stars):
    session = make_session(policy)
    rate(session, [stars] * 30)
    assert all(np.isfinite([p.stars, p.spread, p.reward]).all() for p in session.predict(np.zeros((2, 8), np.float32)))
    with pytest.raises(UserError, match="alike"):
        list(session.run_round())
    assert unmoved(session)


def test_one_rating_teaches_nothing():
    session = make_session()
    rate(session, [5])
    with pytest.raises(UserError, match="too few ratings"):
        list(session.run_round())
    assert unmoved(session)


def test_one_image_rated_this_way_and_that_teaches_nothing():
    session = make_session()
    latent = session.propose(1)[0].latent
    session.add({0: latent})
    session.feedback([Feedback(0, "stars", float(1 + 4 * (i % 2))) for i in range(40)])
    session.fit()
    with pytest.raises(UserError):
        list(session.run_round())
    assert unmoved(session)


@pytest.mark.parametrize("policy", ["choice", "shift"])
def test_identical_images_with_contradictory_ratings(policy):
    """The generator always draws one image, which pleases and does not."""
    session = make_session(policy, flat=True)
    rate(session, [1, 5] * 15)
    predictions = session.predict(np.zeros((2, 8), np.float32))
    assert all(np.isfinite([p.stars, p.spread, p.reward]).all() for p in predictions)
    with pytest.raises(UserError, match="no clear taste"):
        list(session.run_round())
    assert unmoved(session)


def test_stars_from_dice_move_nothing_and_what_is_meant_does():
    told = {"dice": 0, "meant": 0}
    for seed in range(8):
        session = make_session()
        shown = session.propose(48)
        session.add({i: proposal.latent for i, proposal in enumerate(shown)})
        bright = np.argsort(np.argsort([proposal.pixels.mean() for proposal in shown])) * 5 // 48 + 1
        for kind, stars in (("dice", np.random.default_rng(seed).integers(1, 6, 48)), ("meant", bright)):
            session.replace_feedback([Feedback(i, "stars", float(n)) for i, n in enumerate(stars)])
            session.fit()
            told[kind] += session.learner.conviction > 0.0
            if not session.learner.conviction:
                with pytest.raises(UserError, match="no clear taste"):
                    list(session.run_round())
                assert unmoved(session)
    assert told["meant"] == 8 and told["dice"] <= 1


@pytest.mark.parametrize("policy", ["choice", "shift"])
def test_a_handful_of_images_again_and_again(policy):
    """Sixty images, but only three different ones: what is liked may be followed, and nothing breaks."""
    session = make_session(policy)
    three = session.propose(3)
    session.add({i: three[i % 3].latent for i in range(60)})
    session.feedback([Feedback(i, "stars", float((1, 3, 5)[i % 3])) for i in range(60)])
    session.fit()
    for progress in session.run_round():
        assert np.isfinite([progress.reward, progress.kl, progress.diversity]).all()
    assert np.isfinite(session.strip(range(2))[1]).all()


@pytest.mark.slow
def test_ten_thousand_ratings_are_learnt_from():
    """By the taste alone, on features out of the air: drawing as many images would take longer than learning from them."""
    random = torch.Generator().manual_seed(0)
    raw = RawFeatures(tuple(torch.randn(10_000, width, generator=random) for width in (4, 8, 3)))
    standardise = Standardiser.fit(RawFeatures(tuple(group[:400] for group in raw.groups)))
    learner = TasteLearner(standardise)
    learner.add(range(10_000), raw)
    liking = raw.groups[0][:, 0] + 0.5 * torch.randn(10_000, generator=random)
    stars = 1 + torch.bucketize(liking, torch.quantile(liking, torch.tensor([0.2, 0.4, 0.6, 0.8])))
    learner.feedback(Feedback(i, "stars", float(n), time=float(i)) for i, n in enumerate(stars))
    assert learner.fit().count == 10_000
    mean, doubt = learner.model.predict(standardise(RawFeatures(tuple(group[:300] for group in raw.groups))))
    assert torch.isfinite(mean).all() and torch.isfinite(doubt).all()
    assert torch.corrcoef(torch.stack([mean.float(), raw.groups[0][:300, 0]]))[0, 1] > 0.95
