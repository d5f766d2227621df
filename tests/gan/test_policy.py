"""Log-probabilities, KL and gradients against closed forms, and a case with a known answer."""

import math

import pytest
import torch
from torch import nn

from gan.policy import (
    Adapter,
    AdapterConfig,
    LatentGaussianPolicy,
    UpdateConfig,
    clipped_surrogate,
    grouped_rloo,
    reinforce,
    scale,
    update,
)


class Shift(nn.Module):
    """z -> z + b: a policy whose every quantity has a closed form."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.config = AdapterConfig(z_dim=d)
        self.b = nn.Parameter(torch.zeros(d))

    def forward(self, z):
        return z + self.b


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


def test_an_untrained_adapter_is_the_identity_and_keeps_lengths():
    torch.manual_seed(0)
    adapter = Adapter(AdapterConfig(z_dim=16))
    z = torch.randn(50, 16)
    assert torch.allclose(adapter(z), z, atol=1e-6)
    nn.init.normal_(adapter.out.weight)
    moved = adapter(z)
    assert not torch.allclose(moved, z, atol=0.1)
    assert torch.allclose(moved.norm(dim=1), z.norm(dim=1), rtol=1e-5)


def test_log_prob_is_the_density_of_the_gaussian(random):
    policy = LatentGaussianPolicy(Adapter(AdapterConfig(z_dim=5)), sigma=0.3)
    action, mean = torch.randn(2, 7, 5, generator=random)
    normal = torch.distributions.Normal(mean, 0.3)
    assert torch.allclose(policy.log_prob(action, mean), normal.log_prob(action).sum(dim=1), rtol=1e-5)


def test_kl_is_that_of_two_gaussians(random):
    adapter = Shift(6)
    with torch.no_grad():
        adapter.b.normal_(generator=random)
    policy = LatentGaussianPolicy(adapter, sigma=0.4)
    z = torch.randn(9, 6, generator=random)
    shrink = math.sqrt(1 - 0.4**2)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(shrink * (z + adapter.b), 0.4), torch.distributions.Normal(shrink * z, 0.4)
    ).sum(dim=1)
    assert torch.allclose(policy.kl(z, policy.mean(z)), expected, rtol=1e-5)


def test_the_untuned_policy_draws_the_prior(random):
    policy = LatentGaussianPolicy(Adapter(AdapterConfig(z_dim=4)), sigma=0.6)
    actions = policy.act(torch.randn(20_000, 4, generator=random), 2, random).reshape(-1, 4)
    assert torch.allclose(actions.mean(dim=0), torch.zeros(4), atol=0.03)
    assert torch.allclose(actions.T.cov(), torch.eye(4), atol=0.04)


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
    d, states, children = 4, 4000, 8
    adapter = Shift(d)
    policy = LatentGaussianPolicy(adapter, sigma=0.5)
    c = torch.tensor([1.0, -2.0, 0.5, 0.0])
    z = torch.randn(states, d, generator=random)
    actions = policy.act(z, children, random)
    advantages = estimator(actions @ c).reshape(-1)
    log_prob = policy.log_prob(actions.reshape(-1, d), policy.mean(z).repeat_interleave(children, dim=0))
    (gradient,) = torch.autograd.grad((log_prob * advantages).mean(), adapter.b)
    assert torch.allclose(gradient, policy.shrink * c, atol=0.08)


def test_grouping_lowers_the_variance(random):
    """With the same number of images, siblings share their state: its part of the reward cancels."""
    c = torch.randn(8, generator=random)
    estimates = {reinforce: [], grouped_rloo: []}
    adapter = Shift(8)
    policy = LatentGaussianPolicy(adapter, sigma=0.3)
    for _ in range(60):
        z = torch.randn(8, 8, generator=random)
        actions = policy.act(z, 8, random)
        log_prob = policy.log_prob(actions.reshape(-1, 8), policy.mean(z).repeat_interleave(8, dim=0))
        for estimator, found in estimates.items():
            advantages = estimator(actions @ c).reshape(-1)
            (gradient,) = torch.autograd.grad((log_prob * advantages).mean(), adapter.b, retain_graph=True)
            found.append(gradient)
    spread = {estimator: torch.stack(found).var(dim=0).sum() for estimator, found in estimates.items()}
    assert spread[grouped_rloo] < 0.5 * spread[reinforce]


def test_updates_reach_the_optimum_of_reward_minus_kl(random):
    """max_b c . b' - beta KL has the answer b = sigma^2 c / (beta shrink), whatever z."""
    adapter = Shift(3)
    policy = LatentGaussianPolicy(adapter, sigma=0.5)
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
    adapter = Adapter(AdapterConfig(z_dim=4))
    policy = LatentGaussianPolicy(adapter, sigma=0.5)
    z = torch.randn(16, 4, generator=random)
    actions = policy.act(z, 4, random)
    stats = update(
        policy,
        torch.optim.Adam(adapter.parameters(), lr=0.01),
        z,
        actions,
        grouped_rloo(actions[..., 0]),
        0.0,
        UpdateConfig(),
        random,
    )
    assert 0 <= stats.clip_fraction <= 1
    assert stats.approx_kl > 0
    assert stats.grad_norm > 0


def test_sigma_outside_the_unit_interval_is_refused():
    with pytest.raises(ValueError, match="sigma"):
        LatentGaussianPolicy(Adapter(AdapterConfig(z_dim=4)), sigma=1.0)
