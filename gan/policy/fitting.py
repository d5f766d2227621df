"""Learning to choose from images whose rewards are known: the optimum of the policy's objective, found at once."""

import torch
from torch import Tensor

from gan.policy.adapter import Choice

_AT_ONCE = 4096  # latents; of more, what is computed on the way leaves the processor's cache
_LEAST = 1e-12  # variance of hidden units that tell nothing apart


@torch.no_grad()
def fit_choice(adapter: Choice, embedded: Tensor, rewards: Tensor, scale: float, ridge: float) -> None:
    """Set a choice's last layer so that its preferences are `scale` times the rewards, as nearly as its hidden layers tell.

    E[r] - beta KL(policy || prior) is largest where f = t r / beta (see `CategoricalPolicy`): for rewards that are known no gradient has to
    be followed there, the last layer is linear. Ridge regression (Hoerl and Kennard 1970) on the hidden units, with a free intercept:
    w = (cov(h) + ridge * v I)^-1 cov(h, scale * r), v being the mean variance of a unit.

    Parameters
    ----------
    adapter : changed in place; its hidden layers stay as they are.
    embedded : (M, inputs), as `LatentGenerator.embed` gives them, on the adapter's device.
    rewards : (M,); those that are not finite are left out.
    scale : t / beta.
    ridge : above 0. The fewer images, the more of what is learnt by heart it keeps out.

    Raises
    ------
    ValueError
        No reward is a number.
    """
    told = rewards.isfinite()
    if not told.any():
        raise ValueError("no image of the pool has a reward that is a number")
    embedded = embedded[told.to(embedded.device)]
    if not adapter.mean.any():  # no `Foresight` has said what latents are like
        adapter.mean.copy_(embedded.mean(dim=0))
        adapter.deviation.copy_(embedded.std(dim=0).clamp_min(1e-4))
    hidden = torch.cat([adapter.hidden((part - adapter.mean) / adapter.deviation).cpu() for part in embedded.split(_AT_ONCE)]).double()
    goals = scale * rewards[told].cpu().double()
    middle, level = hidden.mean(dim=0), goals.mean()
    hidden -= middle
    covariance = hidden.t() @ hidden / len(hidden)
    covariance.diagonal().add_(max(ridge * float(covariance.diagonal().mean()), _LEAST))
    weights = torch.linalg.solve(covariance, hidden.t() @ (goals - level) / len(hidden))
    adapter.out.weight.copy_(weights[None])
    adapter.out.bias.copy_((level - middle @ weights)[None])
