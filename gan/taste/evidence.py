"""Hyperparameters of a taste, and whether it has changed: what makes the least surprise of what was said.

Surprise is minus the logarithm of the evidence of the observations' scores under Gaussian noise (Rasmussen and Williams 2006, eq. 5.8).
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan.taste.kernel import Contrasts, Hyperparameters, between, combined

_LATEST = 150  # observations that are all looked at,
_EARLIER = 150  # and as many, evenly spread, of those before: more change the hyperparameters little and cost n^3
_STEPS = 20  # of L-BFGS
# Standard deviations of normal priors on the logarithms: with 24 ratings they decide, with 500 they vanish.
_WIDTHS = Hyperparameters(*(torch.tensor(width, dtype=torch.float64) for width in (1.5, 1.5, 0.5, 0.5, 0.5)))

_LEAST_BEFORE = 12  # observations on either side of a change,
_LEAST_AFTER = 8
_MOMENTS = 24  # at which a change is looked for
_KEPT = (-0.6, 0.0, 0.6)  # and how much of the taste is tried to have outlasted it
_ODDS = 2.0  # logarithm of the odds against a change before anything was said


@dataclass(frozen=True)
class Evidence:
    """What was said, as far as hyperparameters are concerned, with what of its covariance no hyperparameter changes."""

    observed: Contrasts
    scores: Tensor  # (n,)
    picks: Tensor  # (n,) places among all observations
    parts: list[tuple[Tensor, Tensor]]  # of `between` all images named
    doubled: Tensor  # (n,) noise variance of each observation in units of one judgement's
    extra: Tensor  # (n,) noise variance beyond that

    @classmethod
    def of(cls, observed: Contrasts, scores: Tensor, extra: Tensor) -> "Evidence":
        """Of n observations in the order in which they were made; scores and variances beyond the person's noise (n,)."""
        count = len(observed)
        picks = torch.arange(count)
        if count > _LATEST + _EARLIER:
            earlier = torch.linspace(0, count - _LATEST - 1, _EARLIER).round().long()
            picks = torch.cat([earlier, picks[count - _LATEST :]])
        few = observed[picks]
        return cls(few, scores[picks].double(), picks, between(few.images, few.images), few.doubled, extra[picks].double())

    def trusting(self, trust: Tensor) -> "Evidence":
        """The same where each of all observations is believed only so far, (N,) in (0, 1]: its noise variance is divided by that."""
        share = trust[self.picks]
        return replace(self, doubled=self.doubled / share, extra=self.extra / share)

    def surprise(self, parameters: Hyperparameters, at_one_time: Tensor | None = None) -> Tensor:
        """Minus the log evidence, up to a constant; differentiable by `parameters`, where they ask for it.

        at_one_time : covariance of the images named if there were no change, where it is known already.
        """
        covariance = combined(self.parts, parameters) if at_one_time is None else at_one_time
        covariance = self.observed.at_two_times(covariance, parameters)
        noise = parameters.variance * self.doubled + self.extra
        with torch.no_grad():
            seen = self.observed.rows(self.observed.rows(covariance).t()) + torch.diag(noise)
            factor = torch.linalg.cholesky(seen)
            weights = torch.cholesky_solve(self.scores[:, None], factor)[:, 0]
            value = 0.5 * self.scores @ weights + factor.diagonal().log().sum()
            if not parameters.linear.requires_grad:
                return value
            # d value = sum(slope * d seen), the same book's eq. 5.9: much cheaper than to differentiate the Cholesky factor.
            slope = 0.5 * (torch.cholesky_inverse(factor) - weights[:, None] * weights[None, :])
            by_image = self.observed.columns(self.observed.columns(slope).t())
        linear = (by_image * covariance).sum() + slope.diagonal() @ noise
        return value + linear - linear.detach()


def _improbability(parameters: Hyperparameters, prior: Hyperparameters) -> Tensor:
    """Minus the log prior, up to a constant."""
    parts = zip(parameters.tensors(), prior.tensors(), _WIDTHS.tensors(), strict=True)
    return torch.stack([((now - was) / width).square().sum() / 2.0 for now, was, width in parts]).sum()


def fit(evidence: Evidence, start: Hyperparameters | None = None, steps: int = _STEPS) -> tuple[Hyperparameters, float]:
    """The most probable hyperparameters, from `start` or the prior's mean on, and minus their log probability."""
    prior = Hyperparameters.prior(len(evidence.observed.first))
    current = Hyperparameters(*(part.clone().requires_grad_(True) for part in (start or prior).tensors()))
    optimizer = torch.optim.LBFGS(
        current.tensors(), max_iter=steps, history_size=10, line_search_fn="strong_wolfe", tolerance_grad=1e-3, tolerance_change=1e-4
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        total = evidence.surprise(current) + _improbability(current, prior)
        total.backward()  # type: ignore[no-untyped-call]
        return total.detach()

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    found = Hyperparameters(*(part.detach() for part in current.tensors()))
    return found, float(evidence.surprise(found) + _improbability(found, prior))


def find_change(evidence: Evidence, one: Hyperparameters, surprise: float) -> tuple[int, Hyperparameters] | None:
    """The observation from which on the taste is another, and the hyperparameters of both; None where one taste explains as much.

    one, surprise : as `fit` found them without a change.
    """
    count = len(evidence.scores)
    moments = range(_LEAST_BEFORE, count - _LEAST_AFTER + 1, max(2, count // _MOMENTS))
    at_one_time = combined(evidence.parts, one)
    best, row, start = math.inf, 0, one
    for moment in moments:
        changed = replace(evidence, observed=evidence.observed.changed_at(moment))
        for kept in _KEPT:
            two = replace(one, change=torch.tensor(math.atanh(kept), dtype=torch.float64))
            if (value := float(changed.surprise(two, at_one_time))) < best:
                best, row, start = value, moment, two
    if best > surprise:
        return None
    two, best = fit(replace(evidence, observed=evidence.observed.changed_at(row)), start, _STEPS // 2)
    # Every moment was as probable as every other: a change that could have been anywhere has that much more to explain.
    if surprise - best < _ODDS + math.log(len(moments)):
        return None
    return int(evidence.picks[row]), two
