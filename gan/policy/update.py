"""One policy-gradient update: PPO's clipped surrogate on summed log-probabilities, plus an exact KL to the untuned policy."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan.policy.gaussian import LatentGaussianPolicy


@dataclass(frozen=True)
class UpdateConfig:
    """How one batch of actions becomes a step."""

    minibatches: int = 4  # optimiser steps a batch
    epochs: int = 1  # passes over the batch
    clip: float = 0.2  # of the ratio of summed densities (Schulman et al. 2017, arXiv 1707.06347, eq. 7)
    max_norm: float = 1.0  # gradient norm is capped here


@dataclass(frozen=True)
class UpdateStats:
    """What an update did; names follow CleanRL's."""

    approx_kl: float  # mean of (ratio - 1) - log ratio (Schulman, "Approximating KL divergence"), old to new policy, nats
    clip_fraction: float  # share of ratios outside 1 +- clip
    grad_norm: float  # before capping, mean over steps


def clipped_surrogate(log_ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Mean of min(r A, clip(r, 1 - c, 1 + c) A), to be maximised (PPO, eq. 7). Both (N,); returns a scalar."""
    ratio = log_ratio.exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1.0 - clip, 1.0 + clip) * advantages).mean()


def update(
    policy: LatentGaussianPolicy,
    optimizer: torch.optim.Optimizer,
    states: Tensor,
    actions: Tensor,
    advantages: Tensor,
    kl_weight: float,
    config: UpdateConfig,
    generator: torch.Generator,
) -> UpdateStats:
    """Climb `E[A] - kl_weight * KL` from one batch.

    Parameters
    ----------
    states : (S, d) the z of each group.
    actions : (S, C, d) sampled by `policy.act` before this update.
    advantages : (S, C).
    kl_weight : reward units per nat of KL to the untuned policy.
    """
    count, children, d = actions.shape
    with torch.no_grad():
        old_mean = policy.mean(states)
        old = policy.log_prob(actions.reshape(-1, d), old_mean.repeat_interleave(children, dim=0)).reshape(count, children)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    sums = torch.zeros(3)
    steps = 0
    for _ in range(config.epochs):
        # Whole groups stay together: their advantages only mean something side by side.
        for picks in torch.randperm(count, generator=generator).to(states.device).chunk(config.minibatches):
            z = states[picks]
            mean = policy.mean(z)
            new = policy.log_prob(actions[picks].reshape(-1, d), mean.repeat_interleave(children, dim=0))
            log_ratio = new - old[picks].reshape(-1)
            gain = clipped_surrogate(log_ratio, advantages[picks].reshape(-1), config.clip)
            loss = kl_weight * policy.kl(z, mean).mean() - gain
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters, config.max_norm)
            optimizer.step()
            with torch.no_grad():
                ratio = log_ratio.exp()
                outside = (ratio - 1.0).abs().gt(config.clip).float().mean()
                sums += torch.stack([((ratio - 1.0) - log_ratio).mean(), outside, norm]).cpu()
            steps += 1
    approx_kl, clip_fraction, grad_norm = (sums / steps).tolist()
    return UpdateStats(approx_kl, clip_fraction, grad_norm)
