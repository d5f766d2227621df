"""The pathwise gradient ("turbo"): through the reward, the image and the action into the policy, instead of around them.

Its variance is far lower than a score function's, and it needs a generator that gradients pass through. It climbs whatever slope the
reward has, also where no rated image ever was, so it runs hardest into a taste model's mistakes: the reward must saturate there.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from gan.policy.base import LatentPolicy
from gan.policy.update import UpdateConfig


class MovingPolicy(LatentPolicy, Protocol):
    """A policy whose actions are smooth in its parameters."""

    def rsample(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """As `act`, with a graph from the parameters to the actions (the reparameterisation of Kingma and Welling 2014)."""
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
    """Climb `E[r] - kl_weight * KL`, one optimiser step for each of `config.minibatches` parts of the states.

    Each part draws its own actions: a slope taken before a step would be that of another policy after it.

    Parameters
    ----------
    states : (S, ...).
    slope : points (M, ...) -> dr/dpoint of each, of the same shape; detached.
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
