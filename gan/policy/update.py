"""One policy-gradient update: PPO's clipped surrogate on summed log-probabilities, plus an exact KL to the untuned policy."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan.policy.base import Policy


@dataclass(frozen=True)
class UpdateConfig:
    """How one batch of actions is turned into optimiser steps."""

    minibatches: int = 4  # optimiser steps per epoch
    epochs: int = 1  # passes over the batch
    clip: float = 0.2  # of the probability ratio (Schulman et al. 2017, arXiv 1707.06347, eq. 7)
    max_norm: float = 1.0  # gradients are clipped to this norm


@dataclass(frozen=True)
class UpdateStats:
    """Statistics of an update; names follow CleanRL's."""

    approx_kl: float  # mean of (ratio - 1) - log ratio (Schulman, "Approximating KL divergence"), old to new policy, nats
    clip_fraction: float  # share of ratios outside 1 +- `UpdateConfig.clip`
    grad_norm: float  # before clipping, mean over steps
    kl: float  # exact KL to the untuned policy before each step, mean over states and steps, nats


def clipped_surrogate(log_ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Mean of min(r A, clip(r, 1 - c, 1 + c) A), to be maximised (PPO, eq. 7). Both (N,); returns a scalar."""
    ratio = log_ratio.exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1.0 - clip, 1.0 + clip) * advantages).mean()


def update(
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    states: Tensor,
    actions: Tensor,
    advantages: Tensor,
    kl_weight: float,
    config: UpdateConfig,
    generator: torch.Generator,
) -> UpdateStats:
    """Ascend `E[A] - kl_weight * KL` on one batch. A gradient whose norm is not finite is skipped.

    Parameters
    ----------
    states : (S, ...).
    actions : (S, C, ...) sampled by `policy.act` before this update.
    advantages : (S, C).
    kl_weight : reward units per nat of KL to the untuned policy.
    """
    with torch.no_grad():
        old = policy.log_prob(states, actions)
    sums = torch.zeros(4)
    steps = 0
    for _ in range(config.epochs):
        # The children of a state stay together: their advantages are relative to each other.
        for picks in torch.randperm(len(states), generator=generator).to(states.device).chunk(config.minibatches):
            log_prob, kl = policy.evaluate(states[picks], actions[picks])
            log_ratio = log_prob - old[picks]
            gain = clipped_surrogate(log_ratio.flatten(), advantages[picks].flatten(), config.clip)
            loss = kl_weight * kl.mean() - gain
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), config.max_norm)
            if norm.isfinite():  # a policy is not moved by what is not a number
                optimizer.step()
            with torch.no_grad():
                ratio = log_ratio.exp()
                outside = (ratio - 1.0).abs().gt(config.clip).float().mean()
                sums += torch.stack([((ratio - 1.0) - log_ratio).mean(), outside, norm, kl.mean()]).cpu()
            steps += 1
    approx_kl, clip_fraction, grad_norm, kl_untuned = (sums / steps).tolist()
    return UpdateStats(approx_kl, clip_fraction, grad_norm, kl_untuned)
