"""The pathwise gradient ("turbo"): backpropagated through reward, image and action into the policy.

Its variance is far lower than that of a score-function estimator, but it needs a differentiable generator. It follows the reward's
gradient also where no image was ever rated, so it exploits a taste model's mistakes hardest: the reward must saturate there.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from gan.policy.base import LatentPolicy
from gan.policy.update import UpdateConfig


class MovingPolicy(LatentPolicy, Protocol):
    """A policy whose actions are differentiable in its parameters."""

    def rsample(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """As `act`, differentiable in the parameters (the reparameterisation of Kingma and Welling 2014)."""
        ...


def pathwise_update(
    policy: MovingPolicy,
    optimizer: torch.optim.Optimizer,
    states: Tensor,
    children: int,
    slope: Callable[[Tensor], Tensor],
    kl_weight: float,
    config: UpdateConfig,
    generator: torch.Generator,
) -> None:
    """Ascend `E[r] - kl_weight * KL`: one pass over the states, one optimiser step for each of `config.minibatches` parts of them.

    Each part samples its own actions after the step before it, since that step has changed the policy. A step is skipped if the norm of
    its gradient is not finite.

    Parameters
    ----------
    states : (S, ...).
    slope : maps points (M, ...) to the gradient of each one's reward, of the same shape and detached.
    kl_weight : reward units per nat of KL to the untuned policy.
    """
    for part in states.chunk(config.minibatches):
        points = policy.points(part, policy.rsample(part, children, generator)).flatten(0, 1)
        gain = (points * slope(points.detach())).sum() / len(points)
        loss = kl_weight * policy.kl(part).mean() - gain
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), config.max_norm)
        if norm.isfinite():
            optimizer.step()
