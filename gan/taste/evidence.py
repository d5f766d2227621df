"""Hyperparameters of a taste, whether it has changed, and whether there is any: what makes the least surprise of what was said.

Surprise is minus the logarithm of the evidence of the observations' scores under Gaussian noise (Rasmussen and Williams 2006, eq. 5.8).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan.taste.kernel import CONSTANT, Contrasts, Hyperparameters, between, combined, components, slopes

_LATEST = 150  # observations that are all looked at,
_EARLIER = 150  # and as many, evenly spread, of those before: more change the hyperparameters little and cost n^3
_STEPS = 20  # of L-BFGS
# Standard deviations of normal priors on the logarithms: with 24 ratings they decide, with 500 they vanish.
_WIDTHS = (1.5, 1.5, 0.5, 0.5, 0.5)  # in the order of the fields

_LEAST_BEFORE = 12  # observations on either side of a change,
_LEAST_AFTER = 8
_MOMENTS = 24  # at which a change is looked for
_KEPT = (-0.6, 0.0, 0.6)  # and how much of the taste is tried to have outlasted it
_ODDS = 2.0  # logarithm of the odds against a change before anything was said
# And against there being any preference at all: more, and weak but true preferences are missed after a first grid, less, and more of the
# people whose stars are dice are believed (`tastemaker benchmark taste` counts both).
_DICE = 0.5


@dataclass(frozen=True)
class Evidence:
    """What was said, as far as hyperparameters are concerned, with what of its covariance no hyperparameter changes."""

    observed: Contrasts
    scores: Tensor  # (n,)
    picks: Tensor  # (n,) places among all observations
    pairs: tuple[Tensor, Tensor]  # rows and columns (P,) of the lower triangle of the covariance of all images named
    places: Tensor  # (U, U) where in that triangle each entry of the covariance is
    parts: list[tuple[Tensor, Tensor]]  # of `between`, for each of the pairs: it is symmetric, so half of it is enough
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
        rows, columns = torch.tril_indices(len(few.now), len(few.now))
        places = torch.empty(len(few.now), len(few.now), dtype=torch.long)
        places[rows, columns] = places[columns, rows] = torch.arange(len(rows))
        parts = [(one[rows, columns], other[rows, columns]) for one, other in between(few.images, few.images)]
        return cls(
            few, scores[picks].double(), picks, (rows, columns), places, parts, few.doubled, extra[picks].double()
        )

    def trusting(self, trust: Tensor) -> "Evidence":
        """The same where each of all observations is believed only so far, (N,) in (0, 1]: its noise variance is divided by that."""
        share = trust[self.picks]
        return replace(self, doubled=self.doubled / share, extra=self.extra / share)

    def at_one_time(self, parameters: Hyperparameters) -> Tensor:
        """Covariance of the observations, noise left out, if there were no change: (n, n)."""
        return self._of_rows(combined(components(self.parts, parameters)))

    def _of_rows(self, of_pairs: Tensor) -> Tensor:
        return self.observed.rows(self.observed.rows(of_pairs[self.places]).t())

    def _noise(self, parameters: Hyperparameters) -> Tensor:
        return parameters.variance * self.doubled + self.extra

    def surprise(self, parameters: Hyperparameters) -> float:
        """Minus the log evidence, up to a constant."""
        return self._solved(self.at_one_time(parameters), parameters)[0]

    def surprise_and_slope(self, parameters: Hyperparameters) -> tuple[float, Tensor]:
        """The same, and its gradient in `Hyperparameters.vector`."""
        found = components(self.parts, parameters)
        covariance = self._of_rows(combined(found))
        value, factor, weights = self._solved(covariance, parameters)
        # d value = sum(slope * d covariance), the same book's eq. 5.9.
        slope = torch.cholesky_inverse(factor).sub_(weights[:, None] * weights[None, :]).mul_(0.5)
        noise = 2.0 * (slope.diagonal() @ self.doubled) * parameters.judgement
        kept = torch.zeros((), dtype=torch.float64)
        if self.observed.change:
            across = self.observed.across
            kept = (slope * covariance)[across].sum() * (1.0 - parameters.kept**2)
            slope = torch.where(across, slope * parameters.kept, slope)
        rows, columns = self.pairs
        by_pair = self.observed.columns(self.observed.columns(slope).t())[rows, columns]
        by_pair = torch.where(rows == columns, by_pair, 2.0 * by_pair)
        return value, torch.cat([slopes(self.parts, found, parameters, by_pair), torch.stack([noise, kept])])

    def _solved(self, covariance: Tensor, parameters: Hyperparameters) -> tuple[float, Tensor, Tensor]:
        """The surprise, the Cholesky factor of the scores' covariance, and its inverse times the scores; from `at_one_time`'s."""
        if self.observed.change:
            covariance = torch.where(self.observed.across, covariance * parameters.kept, covariance)
        factor = torch.linalg.cholesky(covariance + torch.diag(self._noise(parameters)))
        weights = torch.cholesky_solve(self.scores[:, None], factor)[:, 0]
        return float(0.5 * self.scores @ weights + factor.diagonal().log().sum()), factor, weights

    def surprises_of_change(self, parameters: Hyperparameters, moments: Sequence[int], kept: Sequence[float]) -> Tensor:
        """Surprise where the taste changes at a moment and so much of it is kept: (moments, kept).

        What was said before a change is as it is without one, so that the same Cholesky factor serves for all of them.
        """
        covariance = self.at_one_time(parameters) + torch.diag(self._noise(parameters))
        factor = torch.linalg.cholesky(covariance)
        whitened = torch.linalg.solve_triangular(factor, self.scores[:, None], upper=False)[:, 0]
        logarithms = factor.diagonal().log()
        found = torch.zeros(len(moments), len(kept), dtype=torch.float64)
        for row, moment in enumerate(moments):
            before = 0.5 * whitened[:moment].square().sum() + logarithms[:moment].sum()
            cross = factor[moment:, :moment]
            told, expected = cross @ cross.t(), cross @ whitened[:moment]
            for column, share in enumerate(kept):
                rest = torch.linalg.cholesky(covariance[moment:, moment:] - share**2 * told)
                left = self.scores[moment:] - share * expected
                left = torch.linalg.solve_triangular(rest, left[:, None], upper=False)
                found[row, column] = before + 0.5 * left.square().sum() + rest.diagonal().log().sum()
        return found


def fit(evidence: Evidence, start: Hyperparameters | None = None, steps: int = _STEPS) -> tuple[Hyperparameters, float]:
    """The most probable hyperparameters, from `start` or the prior's mean on, and minus their log probability."""
    prior, widths = _prior(len(evidence.parts))
    current = (prior if start is None else start.vector).clone().requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [current], max_iter=steps, history_size=10, line_search_fn="strong_wolfe", tolerance_grad=1e-3, tolerance_change=1e-4
    )

    @torch.no_grad()
    def closure() -> float:
        here = Hyperparameters.of(current)
        value, slope = evidence.surprise_and_slope(here)
        current.grad = slope + (current - prior) / widths**2
        return value + improbability(here)

    optimizer.step(closure)
    found = Hyperparameters.of(current.detach())
    return found, evidence.surprise(found) + improbability(found)


def improbability(parameters: Hyperparameters) -> float:
    """Minus the logarithm of their prior's density, up to a constant."""
    prior, widths = _prior(len(parameters.linear))
    return float(((parameters.vector.detach() - prior) / widths).square().sum()) / 2.0


def _prior(groups: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the prior of all hyperparameters side by side: two (3 G + 2,)."""
    widths = torch.tensor(_WIDTHS, dtype=torch.float64).repeat_interleave(torch.tensor([groups, groups, groups, 1, 1]))
    return Hyperparameters.prior(groups).vector, widths


def preference(evidence: Evidence, surprise: float) -> float:
    """Logarithm of the odds that what was said follows from what the images look like, and not from a person's noise alone.

    surprise : as `fit` found it. The other side of the odds is the same person, as lenient and as noisy as makes the least surprise,
        to whom all images are alike.
    """
    prior = Hyperparameters.prior(1)
    steps = torch.linspace(-4.0, 4.0, 81, dtype=torch.float64)[:, None]  # standard deviations of the noise's prior
    variance = replace(prior, noise=prior.noise + _WIDTHS[3] * steps).variance * evidence.doubled + evidence.extra
    lenient = (evidence.doubled < 2.0).double()  # a difference owes nothing to leniency
    # The covariance is diagonal plus one row times itself: Sherman and Morrison's formula, and its determinant.
    share = 1.0 / (1.0 / CONSTANT + (lenient / variance).sum(dim=1))
    squares = (evidence.scores**2 / variance).sum(dim=1) - share * (lenient * evidence.scores / variance).sum(dim=1) ** 2
    volume = variance.log().sum(dim=1) - (share / CONSTANT).log()
    return float((0.5 * (squares + volume + steps[:, 0] ** 2)).min()) - surprise - _DICE


@dataclass(frozen=True)
class Change:
    """Where a taste may have changed."""

    row: int  # the observation from which on it is another
    parameters: Hyperparameters  # of both tastes
    surprise: float  # of what was said, if it changed there
    odds: float  # logarithm of the odds against that before anything was said


def find_change(evidence: Evidence, one: Hyperparameters, surprise: float) -> Change | None:
    """The most likely change; None where one taste explains as much.

    one, surprise : as `fit` found them without a change.
    """
    count = len(evidence.scores)
    moments = range(_LEAST_BEFORE, count - _LEAST_AFTER + 1, max(2, count // _MOMENTS))
    if not moments:
        return None
    surprises = evidence.surprises_of_change(one, moments, _KEPT)
    if float(surprises.min()) > surprise:
        return None
    place, share = divmod(int(surprises.argmin()), len(_KEPT))
    row = moments[place]
    start = replace(one, change=torch.tensor(math.atanh(_KEPT[share]), dtype=torch.float64))
    two, best = fit(replace(evidence, observed=evidence.observed.changed_at(row)), start, _STEPS // 2)
    # Every moment was as probable as every other: a change that could have been anywhere has that much more to explain.
    odds = _ODDS + math.log(len(moments))
    return None if best + odds > surprise else Change(int(evidence.picks[row]), two, best, odds)
