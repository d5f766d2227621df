"""A small correction of the discriminator: a linear head on its last hidden layer, regularised towards the head it was trained with.

Only this head is trained, on features that are already computed, so learning needs no forward pass and cached features stay valid. The
head is the optimum of a convex problem, solved from the same start each time: it does not drift, and no checkpoint needs to store it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

NEIGHBOURS = 16  # real images, of about the same liking, among which each tuned image's share is divided
_NEWTON_STEPS = 20
_TOLERANCE = 1e-8
_FREE = 1e-6  # ridge of coefficients that are to be free; not 0, for numerical stability


@dataclass(frozen=True)
class Sample:
    """Images of one kind, real or tuned."""

    features: Tensor  # (n, d), standardised
    logits: Tensor  # (n,): from the discriminator as it was trained
    shares: Tensor  # (n,): how often each is drawn; at least 0, of any sum

    def told(self) -> tuple[Tensor, Tensor, Tensor]:
        """The images with a positive share and only finite values, in float64; their shares are scaled to sum to one half."""
        told = (self.shares > 0.0) & self.logits.isfinite() & self.features.isfinite().all(dim=1)
        kept = self.shares[told].double()
        return self.features[told].double(), self.logits[told].double(), kept / (2.0 * kept.sum())


def fit_head(real: Sample, tuned: Sample, ridge: float, untuned: bool = False) -> Tensor:
    """Fit a correction of the logits, linear in the features, that tells real images from a tuned generator's.

    Logistic regression with the discriminator's own logits l as offset, solved by Newton's method: minimises over h and an intercept b
    the mean of `-log sigmoid(l + x h + b)` over real images and of `-log sigmoid(-(l + x h + b))` over tuned ones, each weighted by one
    half, plus `ridge / 2 |h|^2`. It starts from h = 0 and only descends, so |h| never exceeds sqrt(2 L / ridge), where L is the loss of the
    discriminator as it was trained.

    Parameters
    ----------
    ridge : above 0.
    untuned : whether the untuned generator's images take the place of real ones, if there are none. The trained discriminator may then
        rightly rate tuned images as more real, which is to be preserved: a coefficient of l is fitted too, unpenalised like b.

    Returns
    -------
    h (d,) float32; zero if either side has no usable image.
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
    """How often each of M images is the most preferred of `candidates` images drawn at random: (M,) -> (M,), sum 1.

    For the image preferred to k others this is ((k + 1) / M)^N - (k / M)^N; images with equal preferences share equally. A preference that
    is not finite counts as the lowest.
    """
    count = len(preferences)
    preferences = preferences.where(preferences.isfinite(), -torch.inf)
    edges = (torch.arange(count + 1, dtype=torch.float64) / count) ** candidates
    _, group, sizes = torch.unique(preferences, return_inverse=True, return_counts=True)
    last = sizes.cumsum(dim=0)
    return ((edges[last] - edges[last - sizes]) / sizes)[group]


def as_liked(liking: Tensor, tuned_liking: Tensor, tuned_shares: Tensor) -> Tensor:
    """Shares (n,) of real images that give them the same distribution of liking as a tuned generator's: narrowing to a taste is no flaw.

    Each tuned image's share is divided among the `NEIGHBOURS` real images whose liking is nearest to its own (by rank).

    Parameters
    ----------
    liking : (n,) of real images.
    tuned_liking, tuned_shares : (m,), of the tuned generator's images.
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
