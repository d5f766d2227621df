"""The generator as a policy: state z, action a latent near the adapter's z', image = generator(action).

One step, no future: a contextual bandit.
"""

import math

import torch
from torch import Tensor

from gan.policy.adapter import Adapter


class LatentGaussianPolicy:
    """a ~ N(sqrt(1 - s^2) * adapter(z), s^2 I), z ~ N(0, I).

    The factor makes the untuned policy (adapter = identity) draw exactly a ~ N(0, I): exploring costs nothing in realism. Everything
    about it is a closed form.

    Parameters
    ----------
    adapter : maps z to z'; shared with the generator that is exported, which uses z' itself, without the noise.
    sigma : s, in (0, 1): how far from z' an action is tried.
    """

    def __init__(self, adapter: Adapter, sigma: float) -> None:
        if not 0.0 < sigma < 1.0:
            raise ValueError(f"sigma must lie in (0, 1), not {sigma}")
        self.adapter, self.sigma = adapter, sigma
        self.shrink = math.sqrt(1.0 - sigma * sigma)

    def mean(self, z: Tensor) -> Tensor:
        """(N, d) -> (N, d)."""
        return self.shrink * self.adapter(z)

    def log_prob(self, action: Tensor, mean: Tensor) -> Tensor:
        """Log-density of actions (N, d) under means (N, d), summed over dimensions: (N,)."""
        d = action.shape[1]
        squared = ((action - mean) / self.sigma).square().sum(dim=1)
        return -0.5 * squared - d * (math.log(self.sigma) + 0.5 * math.log(2.0 * math.pi))

    def kl(self, z: Tensor, mean: Tensor) -> Tensor:
        """KL(policy(. | z) || untuned policy(. | z)) in nats, exact: |mean - sqrt(1 - s^2) z|^2 / (2 s^2). (N, d), (N, d) -> (N,).

        Averaged over z it bounds the KL between the distributions of actions from above (data-processing inequality).
        """
        return (mean - self.shrink * z).square().sum(dim=1) / (2.0 * self.sigma**2)

    @torch.no_grad()
    def act(self, z: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """`children` actions for each state: (N, d) -> (N, children, d)."""
        mean = self.mean(z)
        noise = torch.randn(z.shape[0], children, z.shape[1], generator=generator).to(z.device)
        return mean[:, None, :] + self.sigma * noise
