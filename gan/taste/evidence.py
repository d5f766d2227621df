"""Fits a taste's hyperparameters and tests for a change of taste, and for any preference at all, by the evidence of the observations.

"Surprise" is the negative log evidence of the observations' scores under Gaussian noise (Rasmussen and Williams 2006, eq. 5.8).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan.taste.kernel import CONSTANT, Contrasts, Hyperparameters, between, combined, components, slopes

_LATEST = 150  # the latest observations, all of which are used,
_EARLIER = 150  # and as many of the earlier ones, evenly spaced; more change the hyperparameters little and cost n^3
_STEPS = 20  # of L-BFGS
# Standard deviations of the normal priors of the log-parameters: with 24 ratings the priors dominate, with 500 they hardly matter.
_WIDTHS = (1.5, 1.5, 0.5, 0.5, 0.5)  # in the order of `Hyperparameters`' fields

_LEAST_BEFORE = 12  # observations required before a change, and after it
_LEAST_AFTER = 8
_MOMENTS = 24  # candidate positions of a change
_KEPT = (-0.6, 0.0, 0.6)  # candidate correlations of the taste after the change with the one before
_ODDS = 2.0  # prior log-odds against a change
# Prior log-odds against any preference at all. Higher, and weak but true preferences are missed after a first grid; lower, and more
# people who give stars at random are believed (`tastemaker benchmark taste` counts both).
_DICE = 0.5


@dataclass(frozen=True)
class Evidence:
    """The observations as hyperparameter fitting needs them, with everything about their covariance that is constant."""

    observed: Contrasts
    scores: Tensor  # (n,)
    picks: Tensor  # (n,) indices among all observations
    pairs: tuple[Tensor, Tensor]  # rows and columns (P,) of the lower triangle of the covariance of all images involved
    places: Tensor  # (U, U) index of each entry of that covariance in the triangle
    parts: list[tuple[Tensor, Tensor]]  # of `between`, for these pairs only, since the covariance is symmetric
    doubled: Tensor  # (n,) noise variance of each observation in units of one judgement's noise variance
    extra: Tensor  # (n,) additional noise variance

    @classmethod
    def of(cls, observed: Contrasts, scores: Tensor, extra: Tensor) -> "Evidence":
        """From observations in time order, their scores and their additional noise variances, each (n,). At most 300 of them are used."""
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
        """A copy with noise variances divided by `trust` (N,) in (0, 1], one value for each of all observations."""
        share = trust[self.picks]
        return replace(self, doubled=self.doubled / share, extra=self.extra / share)

    def at_one_time(self, parameters: Hyperparameters) -> Tensor:
        """Covariance of the observations without noise, ignoring any change: (n, n)."""
        return self._of_rows(combined(components(self.parts, parameters)))

    def _of_rows(self, of_pairs: Tensor) -> Tensor:
        return self.observed.rows(self.observed.rows(of_pairs[self.places]).t())

    def _noise(self, parameters: Hyperparameters) -> Tensor:
        return parameters.variance * self.doubled + self.extra

    def surprise(self, parameters: Hyperparameters) -> float:
        """The negative log evidence, up to a constant."""
        return self._solved(self.at_one_time(parameters), parameters)[0]

    def surprise_and_slope(self, parameters: Hyperparameters) -> tuple[float, Tensor]:
        """`surprise`, and its gradient in `Hyperparameters.vector`."""
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
        """The surprise, the Cholesky factor of the scores' covariance, and its inverse times the scores; from `at_one_time`."""
        if self.observed.change:
            covariance = torch.where(self.observed.across, covariance * parameters.kept, covariance)
        factor = torch.linalg.cholesky(covariance + torch.diag(self._noise(parameters)))
        weights = torch.cholesky_solve(self.scores[:, None], factor)[:, 0]
        return float(0.5 * self.scores @ weights + factor.diagonal().log().sum()), factor, weights

    def surprises_of_change(self, parameters: Hyperparameters, moments: Sequence[int], kept: Sequence[float]) -> Tensor:
        """Surprise if the taste changes at each moment and keeps each correlation: (moments, kept).

        The part before a change is the same as without one, so a single Cholesky factor serves all moments.
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
    """Maximum a posteriori hyperparameters, from `start` or the prior mean, and their negative log posterior, up to a constant."""
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
    """Negative log prior density, up to a constant."""
    prior, widths = _prior(len(parameters.linear))
    return float(((parameters.vector.detach() - prior) / widths).square().sum()) / 2.0


def _prior(groups: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the prior of `Hyperparameters.vector`: two (3 G + 2,)."""
    widths = torch.tensor(_WIDTHS, dtype=torch.float64).repeat_interleave(torch.tensor([groups, groups, groups, 1, 1]))
    return Hyperparameters.prior(groups).vector, widths


def preference(evidence: Evidence, surprise: float) -> float:
    """Log-odds that the observations depend on what the images look like, rather than on the person's noise alone.

    surprise : as returned by `fit`. The alternative is a person to whom all images are alike: their leniency is integrated out, their
        noise is the one that explains the observations best.
    """
    prior = Hyperparameters.prior(1)
    steps = torch.linspace(-4.0, 4.0, 81, dtype=torch.float64)[:, None]  # standard deviations of the noise's prior
    variance = replace(prior, noise=prior.noise + _WIDTHS[3] * steps).variance * evidence.doubled + evidence.extra
    lenient = (evidence.doubled < 2.0).double()  # a comparison does not depend on leniency
    # The covariance is diagonal plus rank one: Sherman-Morrison formula, and its determinant.
    share = 1.0 / (1.0 / CONSTANT + (lenient / variance).sum(dim=1))
    squares = (evidence.scores**2 / variance).sum(dim=1) - share * (lenient * evidence.scores / variance).sum(dim=1) ** 2
    volume = variance.log().sum(dim=1) - (share / CONSTANT).log()
    return float((0.5 * (squares + volume + steps[:, 0] ** 2)).min()) - surprise - _DICE


@dataclass(frozen=True)
class Change:
    """A change of taste."""

    row: int  # the first observation of the new taste
    parameters: Hyperparameters  # for both tastes
    surprise: float  # negative log posterior with this change
    odds: float  # prior log-odds against it


def find_change(evidence: Evidence, one: Hyperparameters, surprise: float) -> Change | None:
    """The most likely change of taste; None if a single taste explains the observations as well.

    one, surprise : as returned by `fit`, without a change.
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
    # All moments are equally likely a priori, so a particular one has that much more to explain.
    odds = _ODDS + math.log(len(moments))
    return None if best + odds > surprise else Change(int(evidence.picks[row]), two, best, odds)
