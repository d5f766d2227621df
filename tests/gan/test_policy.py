"""Log-probabilities, KL and gradients against closed forms, and cases with a known answer."""

import itertools
import math

import pytest
import torch
from torch import nn

from gan.networks import Generator, GeneratorConfig
from gan.policy import (
    CategoricalPolicy,
    Choice,
    ChoiceConfig,
    GaussianPolicy,
    Shift,
    ShiftConfig,
    UpdateConfig,
    clipped_surrogate,
    expected_objective,
    grouped_rloo,
    reinforce,
    scale,
    update,
)
from gan.policy.climb import Climb, ClimbConfig


class Translation(nn.Module):
    """z -> z + b: a policy whose every quantity has a closed form."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.config = ShiftConfig(z_dim=d)
        self.b = nn.Parameter(torch.zeros(d))

    def forward(self, z):
        return z + self.b


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


def make_choice(d=6, candidates=4, seed=0, strength=1.0):
    """A choice in front of a generator whose embedding is z itself."""

    class Plain(Generator):
        embed_dim = d

        def embed(self, z):
            return z

    torch.manual_seed(seed)
    choice = Choice(ChoiceConfig(z_dim=d, inputs=d, candidates=candidates, width=16))
    nn.init.normal_(choice.out.weight, std=strength)
    return choice.attach(Plain(GeneratorConfig(resolution=8, z_dim=d, w_dim=4, channels=(4, 4))))


# ------------------------------------------------------------------------------------------------ adapters


def test_an_untrained_shift_is_the_identity_and_keeps_lengths():
    torch.manual_seed(0)
    adapter = Shift(ShiftConfig(z_dim=16))
    z = torch.randn(50, 16)
    assert adapter.idle and torch.allclose(adapter(z), z, atol=1e-6)
    nn.init.normal_(adapter.out.weight)
    moved = adapter(z)
    assert not adapter.idle and not torch.allclose(moved, z, atol=0.1)
    assert torch.allclose(moved.norm(dim=1), z.norm(dim=1), rtol=1e-5)


def test_an_untrained_choice_is_the_identity():
    choice = make_choice(strength=0.0)
    z = torch.randn(50, 6)
    assert choice.idle and torch.equal(choice(z), z)


def test_what_can_be_chosen_from_are_draws_from_the_prior():
    choice = make_choice(d=64, candidates=32)
    z = torch.randn(4000, 64)
    latents = choice.latents(z)
    assert torch.equal(latents[:, 0], z)
    assert torch.equal(latents.abs().sort(dim=2).values, z.abs().sort(dim=1).values[:, None].expand(-1, 32, -1))
    for i in (1, 17, 31):
        assert torch.allclose(latents[:, i].mean(dim=0), torch.zeros(64), atol=0.08)
        correlation = (latents[:, i] * z).mean(dim=0)  # signs and places differ: nearly independent of z and of each other
        assert correlation.abs().mean() < 0.08


def test_a_choice_takes_what_it_prefers():
    choice = make_choice(candidates=8)
    z = torch.randn(20, 6)
    latents, chosen = choice.latents(z), choice(z)
    for row in range(20):
        best = latents[row][int(choice.preference(latents[row]).argmax())]
        assert torch.equal(chosen[row], best)


def test_a_choice_is_the_same_everywhere():
    """The frozen stream: a change here would change every tuned generator that exists."""
    choice = make_choice(d=6, candidates=3)
    assert choice.order.tolist() == [[0, 1, 2, 3, 4, 5], [4, 0, 2, 3, 5, 1], [3, 0, 5, 1, 2, 4]]
    assert choice.sign[1:].tolist() == [[1, -1, 1, -1, 1, 1], [-1, 1, 1, 1, -1, -1]]
    assert not {"order", "sign"} & set(choice.state_dict())


# ------------------------------------------------------------------------------------------------ the Gaussian policy


def test_log_prob_is_the_density_of_the_gaussian(random):
    policy = GaussianPolicy(Shift(ShiftConfig(z_dim=5)), sigma=0.3)
    states, actions = torch.randn(7, 5, generator=random), torch.randn(7, 3, 5, generator=random)
    normal = torch.distributions.Normal(policy.mean(states)[:, None], 0.3)
    assert torch.allclose(policy.log_prob(states, actions), normal.log_prob(actions).sum(dim=2), rtol=1e-5)


def test_kl_is_that_of_two_gaussians(random):
    adapter = Translation(6)
    with torch.no_grad():
        adapter.b.normal_(generator=random)
    policy = GaussianPolicy(adapter, sigma=0.4)
    z = torch.randn(9, 6, generator=random)
    shrink = math.sqrt(1 - 0.4**2)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(shrink * (z + adapter.b), 0.4), torch.distributions.Normal(shrink * z, 0.4)
    ).sum(dim=1)
    assert torch.allclose(policy.kl(z), expected, rtol=1e-5)
    assert torch.equal(policy.evaluate(z, z[:, None])[1], policy.kl(z))


def test_the_untuned_gaussian_policy_draws_the_prior(random):
    policy = GaussianPolicy(Shift(ShiftConfig(z_dim=4)), sigma=0.6)
    actions = policy.act(torch.randn(20_000, 4, generator=random), 2, random).reshape(-1, 4)
    assert torch.allclose(actions.mean(dim=0), torch.zeros(4), atol=0.03)
    assert torch.allclose(actions.T.cov(), torch.eye(4), atol=0.04)


def test_sigma_outside_the_unit_interval_is_refused():
    with pytest.raises(ValueError, match="sigma"):
        GaussianPolicy(Shift(ShiftConfig(z_dim=4)), sigma=1.0)


# ------------------------------------------------------------------------------------------------ the categorical policy


def test_log_prob_and_kl_are_those_of_a_categorical(random):
    choice = make_choice(candidates=5)
    policy = CategoricalPolicy(choice, temperature=0.7)
    z = torch.randn(9, 6, generator=random)
    actions = policy.act(z, 3, random)
    law = torch.distributions.Categorical(logits=choice.preference(choice.candidates(z)) / 0.7)
    assert torch.allclose(policy.log_prob(z, actions), law.log_prob(actions.T).T, atol=1e-5)
    flat = torch.distributions.Categorical(logits=torch.zeros(9, 5))
    assert torch.allclose(policy.kl(z), torch.distributions.kl_divergence(law, flat), atol=1e-5)
    assert torch.equal(policy.evaluate(z, actions)[1], policy.kl(z))
    assert float(policy.kl(z).detach().max()) <= policy.most == pytest.approx(math.log(5))
    assert torch.equal(policy.points(z, actions)[2, 1], choice.latents(z)[2, actions[2, 1]])
    seen = policy.see(z)  # as good as the latents themselves
    assert torch.equal(policy.log_prob(seen, actions), policy.log_prob(z, actions)) and torch.equal(policy.kl(seen), policy.kl(z))


def test_the_untuned_categorical_policy_draws_the_prior_and_costs_nothing(random):
    choice = make_choice(d=4, strength=0.0)
    policy = CategoricalPolicy(choice, temperature=0.3)
    z = torch.randn(20_000, 4, generator=random)
    points = policy.points(z, policy.act(z, 2, random)).reshape(-1, 4)
    assert torch.allclose(points.mean(dim=0), torch.zeros(4), atol=0.03)
    assert torch.allclose(points.T.cov(), torch.eye(4), atol=0.04)
    assert policy.kl(z[:9]).abs().max() < 1e-6


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match="temperature"):
        CategoricalPolicy(make_choice(), temperature=0.0)


def test_the_expected_objective_is_what_sampling_estimates(random):
    """Its gradient equals the mean REINFORCE gradient over all actions, weighted by their probabilities."""
    preferences = torch.randn(3, 4, generator=random, requires_grad=True)
    rewards = torch.randn(3, 4, generator=random)
    (exact,) = torch.autograd.grad(expected_objective(preferences, rewards, 0.5, 0.0), preferences)
    log_probs = (preferences / 0.5).log_softmax(dim=1)
    total = torch.zeros_like(exact)
    for group, action in itertools.product(range(3), range(4)):
        (score,) = torch.autograd.grad(log_probs[group, action], preferences, retain_graph=True)
        total += log_probs[group, action].exp().detach() * rewards[group, action] * score / 3
    assert torch.allclose(exact, total, atol=1e-6)


def test_the_optimum_of_the_expected_objective_is_the_tilted_prior():
    """max E[r] - beta KL has pi = softmax(r / beta); its value is beta log mean exp(r / beta)."""
    rewards, beta = torch.tensor([[1.0, 0.2, -0.5, 0.0]]), 0.4
    preferences = torch.zeros(1, 4, requires_grad=True)
    optimizer = torch.optim.Adam([preferences], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        (-expected_objective(preferences, rewards, 1.0, beta)).backward()
        optimizer.step()
    assert torch.allclose(preferences.softmax(dim=1), (rewards / beta).softmax(dim=1), atol=1e-3)
    best = beta * torch.log((rewards / beta).exp().mean())
    assert float(expected_objective(preferences.detach(), rewards, 1.0, beta)) == pytest.approx(float(best), abs=1e-4)


def test_climbing_learns_two_separate_likings(random):
    """What pleases lies on both sides of the prior: a shift would have to choose, a choice keeps both."""
    choice = make_choice(d=4, candidates=16, strength=0.0)
    policy = CategoricalPolicy(choice, temperature=0.3)
    z = torch.randn(3000, 4, generator=random)
    climb = Climb(policy, z, z[:, 0].abs(), 0.3, 8, ClimbConfig(updates=40, learning_rate=5e-3), random)
    for _ in range(8):
        climb.step()
    chosen = choice(torch.randn(2000, 4, generator=random))[:, 0]
    assert chosen.abs().mean() > 1.35  # 0.8 before
    assert 0.2 < float((chosen > 0).float().mean()) < 0.8


def test_drawn_images_alone_teach_a_choice(random):
    """The sampled policy gradient, without any known rewards: E[r] rises."""
    choice = make_choice(d=4, candidates=8, strength=0.0)
    policy = CategoricalPolicy(choice, temperature=0.3)
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    for _ in range(60):
        states = torch.randn(32, 4, generator=random)
        actions = policy.act(states, 8, random)
        rewards = policy.points(states, actions)[..., 0]
        update(policy, optimizer, states, actions, grouped_rloo(rewards), 0.05, UpdateConfig(), random)
    assert float(choice(torch.randn(2000, 4, generator=random))[:, 0].mean()) > 0.9  # best of 8: 1.42


# ------------------------------------------------------------------------------------------------ estimators and updates


def test_rloo_is_reward_minus_the_mean_of_the_others(random):
    rewards = torch.randn(3, 5, generator=random)
    advantages = grouped_rloo(rewards)
    for i in range(3):
        for j in range(5):
            others = torch.cat([rewards[i, :j], rewards[i, j + 1 :]])
            assert advantages[i, j] == pytest.approx(float(rewards[i, j] - others.mean()), abs=1e-5)
    with pytest.raises(ValueError, match="two children"):
        grouped_rloo(torch.zeros(3, 1))


def test_small_differences_are_not_blown_up():
    advantages = 1e-4 * torch.randn(8, 8, generator=torch.Generator().manual_seed(1))
    assert scale(advantages, floor=0.1).abs().max() < 0.01
    assert scale(1e4 * advantages, floor=0.1).std() == pytest.approx(1.0, abs=1e-4)


def test_the_surrogate_clips_as_ppo_does():
    log_ratio = torch.tensor([0.5, -0.5, 0.5, -0.5])
    advantages = torch.tensor([1.0, 1.0, -1.0, -1.0])
    expected = [1.2, math.exp(-0.5), -math.exp(0.5), -0.8]
    for i in range(4):
        got = clipped_surrogate(log_ratio[i : i + 1], advantages[i : i + 1], clip=0.2)
        assert float(got) == pytest.approx(expected[i], rel=1e-5)


@pytest.mark.parametrize("estimator", [reinforce, grouped_rloo])
def test_gradient_estimates_match_the_exact_gradient(estimator, random):
    """For a linear reward c . a the gradient of E[reward] with respect to a shift b is exactly shrink * c."""
    adapter = Translation(4)
    policy = GaussianPolicy(adapter, sigma=0.5)
    c = torch.tensor([1.0, -2.0, 0.5, 0.0])
    z = torch.randn(4000, 4, generator=random)
    actions = policy.act(z, 8, random)
    advantages = estimator(actions @ c)
    (gradient,) = torch.autograd.grad((policy.log_prob(z, actions) * advantages).mean(), adapter.b)
    assert torch.allclose(gradient, policy.shrink * c, atol=0.08)


@pytest.mark.parametrize("estimator", [reinforce, grouped_rloo])
def test_estimates_for_a_choice_match_the_expected_gradient(estimator, random):
    choice = make_choice(d=4, candidates=3, seed=1)
    policy = CategoricalPolicy(choice, temperature=1.0)
    z = torch.randn(3000, 4, generator=random)
    rewards = choice.latents(z)[..., 0]
    exact = torch.autograd.grad(
        expected_objective(choice.preference(choice.candidates(z)), rewards, 1.0, 0.0), choice.out.weight, retain_graph=True
    )[0]
    actions = policy.act(z, 8, random)
    advantages = estimator(rewards.gather(1, actions))
    (sampled,) = torch.autograd.grad((policy.log_prob(z, actions) * advantages).mean(), choice.out.weight)
    assert torch.nn.functional.cosine_similarity(exact, sampled).item() > 0.95
    assert sampled.norm() == pytest.approx(float(exact.norm()), rel=0.2)


def test_grouping_lowers_the_variance(random):
    """With the same number of images, siblings share their state: its part of the reward cancels."""
    c = torch.randn(8, generator=random)
    estimates = {reinforce: [], grouped_rloo: []}
    adapter = Translation(8)
    policy = GaussianPolicy(adapter, sigma=0.3)
    for _ in range(60):
        z = torch.randn(8, 8, generator=random)
        actions = policy.act(z, 8, random)
        log_prob = policy.log_prob(z, actions)
        for estimator, found in estimates.items():
            (gradient,) = torch.autograd.grad(
                (log_prob * estimator(actions @ c)).mean(), adapter.b, retain_graph=True
            )
            found.append(gradient)
    spread = {estimator: torch.stack(found).var(dim=0).sum() for estimator, found in estimates.items()}
    assert spread[grouped_rloo] < 0.5 * spread[reinforce]


def test_updates_reach_the_optimum_of_reward_minus_kl(random):
    """max_b c . b' - beta KL has the answer b = sigma^2 c / (beta shrink), whatever z."""
    adapter = Translation(3)
    policy = GaussianPolicy(adapter, sigma=0.5)
    c, beta = torch.tensor([0.6, -0.3, 0.0]), 0.4
    optimizer = torch.optim.Adam(adapter.parameters(), lr=0.02)
    for step in range(150):
        z = torch.randn(64, 3, generator=random)
        actions = policy.act(z, 8, random)
        if step == 100:
            optimizer.param_groups[0]["lr"] = 0.004
        update(policy, optimizer, z, actions, grouped_rloo(actions @ c), beta, UpdateConfig(), random)
    assert torch.allclose(adapter.b, 0.25 * c / (beta * policy.shrink), atol=0.06)


def test_update_reports_what_it_did(random):
    policy = GaussianPolicy(Shift(ShiftConfig(z_dim=4)), sigma=0.5)
    z = torch.randn(16, 4, generator=random)
    actions = policy.act(z, 4, random)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
    advantages = grouped_rloo(actions[..., 0])
    stats = update(policy, optimizer, z, actions, advantages, 0.0, UpdateConfig(), random)
    assert 0 <= stats.clip_fraction <= 1
    assert stats.approx_kl > 0
    assert stats.grad_norm > 0
