"""Fitting a choice to images whose rewards are known: the optimum of the policy's objective in closed form."""

import torch
from torch import Tensor

from gan.policy.adapter import Choice

_AT_ONCE = 4096  # latents; with more, the intermediate results no longer fit into the processor's cache
_LEAST = 1e-12  # floor of the ridge, for hidden units that do not vary


@torch.no_grad()
def fit_choice(adapter: Choice, embedded: Tensor, rewards: Tensor, scale: float, ridge: float) -> None:
    """Fit a choice's last layer so that its preferences are `scale` times the rewards, as closely as its hidden layers allow.

    E[r] - beta KL(policy || prior) is largest at f = t r / beta (see `CategoricalPolicy`). Where the rewards are known this needs no
    gradient steps, since the last layer is linear: it is found by ridge regression (Hoerl and Kennard 1970) on the hidden units, with an
    intercept that is not penalised: w = (cov(h) + ridge * v I)^-1 cov(h, scale * r), v being the mean variance of a unit.

    Parameters
    ----------
    adapter : its last layer is changed in place.
    embedded : (M, inputs), as returned by `LatentGenerator.embed`, on the adapter's device.
    rewards : (M,); those that are not finite are left out.
    scale : t / beta.
    ridge : above 0; larger values overfit less, which matters most with few images.

    Raises
    ------
    ValueError
        No reward is finite.
    """
    told = rewards.isfinite()
    if not told.any():
        raise ValueError("no image of the pool has a reward that is a number")
    embedded = embedded[told.to(embedded.device)]
    if not adapter.mean.any():  # no `Foresight` has set the mean and deviation of embedded latents
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
