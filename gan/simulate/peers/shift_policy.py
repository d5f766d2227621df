"""Shared by the peers that train a shift of latents on drawn batches: a Gaussian policy around it, and the training loop.

The state is z, the action a ~ N(sqrt(1 - s^2) adapter(z), s^2 I), the image G(a): methods published for many denoising steps become their
single-step case. sigma, batch and steps are those of our own shift policy (`RoundConfig`), so that as many images are drawn as in one round
of ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gan.model import Model
from gan.networks.adapter import Shift, ShiftConfig
from gan.policy.gaussian import GaussianPolicy
from gan.rewards.scorer import Scores
from gan.simulate.peers.base import Given


@dataclass(frozen=True)
class Plan:
    """Hyperparameters for training a shift."""

    steps: int = 16  # batches
    states: int = 16
    children: int = 8  # actions per state
    minibatches: int = 4  # optimiser steps per batch
    sigma: float = 0.4  # how far an action strays from the mean, in standard deviations of the prior
    rate: float = 3e-3  # of Adam


@dataclass(frozen=True)
class Batch:
    """A minibatch. All (S, C), for S states with C actions each."""

    now: Tensor  # log-density of the actions under the current policy, with a graph
    before: Tensor  # under the policy that sampled them
    untuned: Tensor  # under the untuned policy
    rewards: Tensor
    advantages: Tensor  # rewards standardised over the whole batch, not the minibatch


def train_shift(
    given: Given,
    plan: Plan,
    loss: Callable[[Batch], Tensor],
    reward: Callable[[Scores], Tensor] = lambda scores: scores.liking,
    states: Callable[[int, torch.Generator], Tensor] | None = None,
) -> Model:
    """Train a shift on batches sampled from its own policy.

    Parameters
    ----------
    loss : of a minibatch, to be minimised.
    reward : of N scored images, (N,); by default the taste model's mean.
    states : draws a number of states (n, z_dim); by default from the prior.

    Returns
    -------
    The untuned generator with the trained shift in front of it, without exploration noise.
    """
    random, model = given.random(), given.model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(given.seed)
        adapter = Shift(ShiftConfig(z_dim=model.z_dim)).to(model.device)
    policy = GaussianPolicy(adapter, plan.sigma)
    optimizer = torch.optim.Adam(policy.parameters(), lr=plan.rate, betas=(0.9, 0.99))
    for _ in range(plan.steps):
        z = torch.randn(plan.states, model.z_dim, generator=random) if states is None else states(plan.states, random)
        z = z.to(model.device)
        actions = policy.act(z, plan.children, random)
        rewards = reward(given.score(actions.flatten(0, 1))).reshape(plan.states, plan.children).to(model.device)
        advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-6)
        with torch.no_grad():
            before = policy.log_prob(z, actions)
            # Up to the same constant: the untuned policy's mean is sqrt(1 - s^2) z.
            gap = (actions - policy.shrink * z[:, None]).square().sum(dim=2)
            own = (actions - policy.mean(z)[:, None]).square().sum(dim=2)
            untuned = before + (own - gap) / (2.0 * plan.sigma**2)
        for rows in torch.randperm(plan.states, generator=random).to(z.device).chunk(plan.minibatches):
            now = policy.log_prob(z[rows], actions[rows])
            value = loss(Batch(now, before[rows], untuned[rows], rewards[rows], advantages[rows]))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
    return Model(f"{model.name}-shifted", model.generator, adapter, model.discriminator, model.card, model.device)
