"""The discriminator keeps learning a little: a linear head on its last hidden layer, drawn back to the head it was trained with.

Only the head moves, and what it reads is known already, so learning costs no forward pass and what was read stays valid. It is the optimum
of a convex problem, found anew from the same start each time: it does not drift, and nothing of it need be kept beside a checkpoint.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

NEIGHBOURS = 16  # images, of about the same liking, that answer for one of the tuned generator's
_NEWTON_STEPS = 20
_TOLERANCE = 1e-8
_FREE = 1e-6  # ridge of what is free, but for rounding


@dataclass(frozen=True)
class Sample:
    """Images of one kind."""

    features: Tensor  # (n, d), standardised
    logits: Tensor  # (n,): what the discriminator said as it was trained
    shares: Tensor  # (n,): how often each comes up; at least 0, of any sum

    def told(self) -> tuple[Tensor, Tensor, Tensor]:
        """Those that come up at all and of which everything is a number, in float64; shares that sum to one half."""
        told = (self.shares > 0.0) & self.logits.isfinite() & self.features.isfinite().all(dim=1)
        kept = self.shares[told].double()
        return self.features[told].double(), self.logits[told].double(), kept / (2.0 * kept.sum())


def fit_head(real: Sample, tuned: Sample, ridge: float, untuned: bool = False) -> Tensor:
    """What is added to a logit for each feature, so that real images and a tuned generator's are told apart.

    Logistic regression beside the discriminator's own logits l, as Newton's method finds it: minimises, over h and an intercept b,
    `mean of -log sigmoid(l + x h + b)` over real images and of `-log sigmoid(-(l + x h + b))` over tuned ones, each half of the sum, plus
    `ridge / 2 |h|^2`. As it starts from h = 0 and only falls, |h| never exceeds sqrt(2 L / ridge), L being what the discriminator as it
    was trained comes to.

    Parameters
    ----------
    ridge : above 0.
    untuned : the real images are the untuned generator's, for want of real ones. Then what is tuned may well be the more real by the
        discriminator as it was trained, and shall stay so: how much l counts is found too, as b is, and h is what remains.

    Returns
    -------
    h (d,) float32; zero where either side has nothing that is a number.
    """
    parts = [real.told(), tuned.told()]
    width = real.features.shape[1]
    if not all(len(part[0]) for part in parts):
        return torch.zeros(width)
    x, own, weights = (torch.cat(both) for both in zip(*parts, strict=True))
    x = torch.cat([x, own[:, None], torch.ones(len(x), 1, dtype=torch.float64)], dim=1)
    sign = torch.ones(len(x), dtype=torch.float64)
    sign[len(parts[0][0]) :] = -1.0
    penalty = torch.full((x.shape[1],), ridge, dtype=torch.float64)
    penalty[-2] = _FREE if untuned else 1.0 / _FREE
    penalty[-1] = _FREE
    found = torch.zeros(x.shape[1], dtype=torch.float64)
    found[-1] = -(weights * own).sum()

    def loss(at: Tensor) -> float:
        return float(-(weights * torch.nn.functional.logsigmoid(sign * (own + x @ at))).sum() + 0.5 * (penalty * at.square()).sum())

    value = loss(found)
    for _ in range(_NEWTON_STEPS):
        wrong = torch.sigmoid(-sign * (own + x @ found))
        slope = penalty * found - x.t() @ (weights * sign * wrong)
        curvature = x.t() @ ((weights * wrong * (1.0 - wrong))[:, None] * x) + penalty.diag()
        step, size = torch.linalg.solve(curvature, slope), 1.0
        while (lower := loss(found - size * step)) > value and size > 1e-3:
            size /= 2.0
        if lower > value - _TOLERANCE:
            break
        found, value = found - size * step, lower
    return found[:width].float()


def chosen_shares(preferences: Tensor, candidates: int) -> Tensor:
    """How often each of M images is the most preferred of `candidates` random ones: (M,) -> (M,), sum 1.

    ((k + 1) / M)^N - (k / M)^N for the one that is preferred to k others; images that are preferred alike share. A preference that is not
    a finite number is the least.
    """
    count = len(preferences)
    preferences = preferences.where(preferences.isfinite(), -torch.inf)
    edges = (torch.arange(count + 1, dtype=torch.float64) / count) ** candidates
    _, group, sizes = torch.unique(preferences, return_inverse=True, return_counts=True)
    last = sizes.cumsum(dim=0)
    return ((edges[last] - edges[last - sizes]) / sizes)[group]


def as_liked(liking: Tensor, tuned_liking: Tensor, tuned_shares: Tensor) -> Tensor:
    """Shares (n,) of real images that make them as liked as a tuned generator's: any taste narrows, and that much is no flaw.

    Each tuned image hands its share to the `NEIGHBOURS` real ones whose liking is nearest to its own (by rank).

    Parameters
    ----------
    liking : (n,) of real images.
    tuned_liking, tuned_shares : (m,).
    """
    count = min(NEIGHBOURS, len(liking))
    order = liking.argsort()
    place = torch.searchsorted(liking[order].contiguous(), tuned_liking.contiguous())
    first = (place - count // 2).clamp(0, len(liking) - count)
    each = tuned_shares.double() / count
    steps = torch.zeros(len(liking) + 1, dtype=torch.float64)
    steps.index_add_(0, first, each)
    steps.index_add_(0, first + count, -each)
    shares = torch.empty(len(liking), dtype=torch.float64)
    shares[order] = steps.cumsum(dim=0)[:-1].clamp_min(0.0)
    return shares
