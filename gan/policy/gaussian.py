"""A policy that moves latents: a Gaussian around a learnt shift of z."""

import math

import torch
from torch import Tensor, nn

from gan.networks.adapter import Adapter


def log_density(x: Tensor, mean: Tensor, sigma: float) -> Tensor:
    """Log-density of N(mean, sigma^2 I), summed over the last dimension: (..., d) -> (...)."""
    squared = ((x - mean) / sigma).square().sum(dim=-1)
    return -0.5 * squared - x.shape[-1] * (math.log(sigma) + 0.5 * math.log(2.0 * math.pi))


class GaussianPolicy:
    """a ~ N(sqrt(1 - s^2) * adapter(z), s^2 I), z ~ N(0, I).

    The factor makes the untuned policy (adapter = identity) draw exactly a ~ N(0, I), so exploration costs no realism. Density and KL are
    closed forms.

    Parameters
    ----------
    adapter : maps z to z'; shared with the exported generator, which uses z' itself, without the noise.
    sigma : s, in (0, 1): how far actions stray from z'.
    """

    most = math.inf

    def __init__(self, adapter: Adapter, sigma: float) -> None:
        if not 0.0 < sigma < 1.0:
            raise ValueError(f"sigma must lie in (0, 1), not {sigma}")
        self.adapter, self.sigma = adapter, sigma
        self.shrink = math.sqrt(1.0 - sigma * sigma)

    def parameters(self) -> list[nn.Parameter]:
        return list(self.adapter.parameters())

    def mean(self, states: Tensor) -> Tensor:
        """(S, d) -> (S, d)."""
        return self.shrink * self.adapter(states)

    def log_prob(self, states: Tensor, actions: Tensor) -> Tensor:
        """Log-density of actions (S, C, d), summed over dimensions: (S, C)."""
        return self.evaluate(states, actions)[0]

    def kl(self, states: Tensor) -> Tensor:
        """KL to the untuned policy in nats, exact: |mean - sqrt(1 - s^2) z|^2 / (2 s^2). (S, d) -> (S,).

        Averaged over z it bounds the KL between the distributions of actions from above (data-processing inequality).
        """
        return self._kl(states, self.mean(states))

    def evaluate(self, states: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """`log_prob` and `kl`, from one forward pass: (S, C) and (S,)."""
        mean = self.mean(states)
        return log_density(actions, mean[:, None], self.sigma), self._kl(states, mean)

    def _kl(self, states: Tensor, mean: Tensor) -> Tensor:
        return (mean - self.shrink * states).square().sum(dim=1) / (2.0 * self.sigma**2)

    @torch.no_grad()
    def act(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """`children` actions for each state: (S, d) -> (S, children, d)."""
        return self.rsample(states, children, generator)

    def rsample(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """As `act`, differentiable in the parameters."""
        noise = torch.randn(states.shape[0], children, states.shape[1], generator=generator).to(states.device)
        return self.mean(states)[:, None, :] + self.sigma * noise

    def see(self, states: Tensor) -> Tensor:
        """The states themselves."""
        return states

    def points(self, states: Tensor, actions: Tensor) -> Tensor:
        """The actions themselves: they are latents already."""
        return actions
