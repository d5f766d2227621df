"""The taste model: a Gaussian process over image features, read through intervals.

f ~ GP(0, k), k a sum over feature groups of a linear and a squared-exponential part. Hyperparameters maximise the evidence of the
observations' scores under Gaussian noise (Rasmussen and Williams 2006, eq. 5.8) plus a prior; the posterior itself is Laplace's
approximation under the interval likelihood (eq. 3.22-3.29; ordinal regression: Chu and Ghahramani 2005). What was observed is f of an
image or the difference of two (preference learning: Chu and Ghahramani 2005b); either is linear in f, so both are one Gaussian process.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_MAX_EVIDENCE_POINTS = 400  # more change the hyperparameters little and cost n^3
_EVIDENCE_STEPS = 60
_MIN_NOISE = 0.3


@dataclass
class Hyperparameters:
    """Log-scale parameters of the kernel, one entry a group."""

    linear: Tensor  # (G,) log variance of the linear part
    smooth: Tensor  # (G,) log variance of the squared-exponential part
    length: Tensor  # (G,) log length scale, in units of a group's typical distance
    noise: Tensor  # () log standard deviation of the person's noise

    @classmethod
    def prior(cls, groups: int) -> "Hyperparameters":
        """Where fitting starts and what few ratings are drawn to: total variance about 1, noise 0.5."""
        share = math.log(0.5 / groups)
        return cls(
            linear=torch.full((groups,), share, dtype=torch.float64),
            smooth=torch.full((groups,), share, dtype=torch.float64),
            length=torch.zeros(groups, dtype=torch.float64),
            noise=torch.tensor(math.log(0.5), dtype=torch.float64),
        )

    def tensors(self) -> list[Tensor]:
        return [self.linear, self.smooth, self.length, self.noise]


Features = tuple[Tensor, ...]


def kernel(a: Features, b: Features, parameters: Hyperparameters) -> Tensor:
    """Covariance of f between images a (N) and b (M): (N, M) float64."""
    total: Tensor | float = 0.25  # a constant: the person's general leniency
    for g, (x, y) in enumerate(zip(a, b, strict=True)):
        x, y = x.double(), y.double()
        d = x.shape[1]
        distance = torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist_if_necessary").square() / (2.0 * d)
        total = (
            total
            + parameters.linear[g].exp() * (x @ y.t()) / d
            + parameters.smooth[g].exp() * torch.exp(-0.5 * distance / (2.0 * parameters.length[g]).exp())
        )
    assert isinstance(total, Tensor)
    return total


@dataclass(frozen=True)
class Contrasts:
    """What was observed of f: f(first), or f(first) - f(second) where `paired`; n rows."""

    first: Features
    second: Features | None = None  # n rows too; those that are not paired do not count
    paired: Tensor | None = None  # (n,) bool; None where nothing is

    def __getitem__(self, picks: Tensor) -> "Contrasts":
        first = tuple(x[picks] for x in self.first)
        if self.second is None or self.paired is None:
            return Contrasts(first)
        return Contrasts(first, tuple(x[picks] for x in self.second), self.paired[picks])

    @property
    def spread(self) -> Tensor | float:
        """How many times one judgement's noise each observation carries: sqrt(2) where two images were judged. (n,)"""
        return 1.0 if self.paired is None else (1.0 + self.paired.double()).sqrt()

    def against(self, features: Features, parameters: Hyperparameters) -> Tensor:
        """Covariance of f of images (m) with what was observed: (m, n)."""
        cross = kernel(features, self.first, parameters)
        if self.second is None or self.paired is None:
            return cross
        return cross - kernel(features, self.second, parameters) * self.paired

    def covariance(self, parameters: Hyperparameters) -> Tensor:
        """Covariance of what was observed: (n, n)."""
        own = self.against(self.first, parameters)
        if self.second is None or self.paired is None:
            return own
        return own - self.against(self.second, parameters) * self.paired[:, None]


def _diagonal(a: Features, parameters: Hyperparameters) -> Tensor:
    """Prior variance of f of each image, (N,)."""
    total = torch.full((a[0].shape[0],), 0.25, dtype=torch.float64)
    for g, x in enumerate(a):
        total = total + parameters.linear[g].exp() * x.double().square().mean(dim=1) + parameters.smooth[g].exp()
    return total


def fit_hyperparameters(observed: Contrasts, scores: Tensor) -> Hyperparameters:
    """Maximum a posteriori by gradient ascent on the evidence; n observations, scores (n,)."""
    groups = len(observed.first)
    prior = Hyperparameters.prior(groups)
    if len(scores) > _MAX_EVIDENCE_POINTS:
        picks = torch.linspace(0, len(scores) - 1, _MAX_EVIDENCE_POINTS).long()
        observed, scores = observed[picks], scores[picks]
    current = Hyperparameters(*(t.clone().requires_grad_(True) for t in prior.tensors()))
    target = scores.double()
    eye = torch.eye(len(target), dtype=torch.float64)
    optimizer = torch.optim.Adam(current.tensors(), lr=0.1, betas=(0.8, 0.95))
    for _ in range(_EVIDENCE_STEPS):
        noise = (_MIN_NOISE**2 + (2.0 * current.noise).exp()) * observed.spread**2
        covariance = observed.covariance(current) + noise * eye
        factor = torch.linalg.cholesky(covariance)
        weights = torch.cholesky_solve(target[:, None], factor)[:, 0]
        negative_evidence = 0.5 * target @ weights + factor.diagonal().log().sum()
        # Wide normal priors on the logarithms: with 24 ratings they decide, with 500 they vanish.
        penalty = sum(
            ((now - was) / width).square().sum() / 2.0
            for now, was, width in zip(current.tensors(), prior.tensors(), (1.5, 1.5, 0.5, 0.5), strict=True)
        )
        optimizer.zero_grad(set_to_none=True)
        (negative_evidence + penalty).backward()
        optimizer.step()
    return Hyperparameters(*(t.detach() for t in current.tensors()))


def interval_derivatives(f: Tensor, low: Tensor, high: Tensor, noise: float | Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """log p(low < f + noise * e < high), e ~ N(0, 1), with its first derivative and negative second derivative in f.

    All (n,) float64. The log-likelihood is concave in f, so the third is never negative.
    """
    a, b = (low - f) / noise, (high - f) / noise
    # Mirrored where both edges are on the right, so that the difference of two numbers near one is never taken.
    mirror = a + b > 0
    a, b = torch.where(mirror, -b, a), torch.where(mirror, -a, b)
    probability = (torch.special.ndtr(b) - torch.special.ndtr(a)).clamp_min(1e-30)
    density_a = torch.exp(-0.5 * a.square()) / math.sqrt(2.0 * math.pi)
    density_b = torch.exp(-0.5 * b.square()) / math.sqrt(2.0 * math.pi)
    ratio = (density_b - density_a) / probability
    finite_a, finite_b = torch.nan_to_num(a, posinf=0.0, neginf=0.0), torch.nan_to_num(b, posinf=0.0, neginf=0.0)
    curvature = (finite_b * density_b - finite_a * density_a) / probability + ratio.square()
    sign = torch.where(mirror, 1.0, -1.0).to(f.dtype)
    return probability.log(), sign * ratio / noise, (curvature / noise**2).clamp_min(1e-9)


class TasteModel:
    """Posterior of f given observations.

    Parameters
    ----------
    observed : n observations of f, or of its differences.
    low, high : (n,) interval edges, may be infinite.
    scores : (n,) one number an interval, for the hyperparameters.
    """

    def __init__(self, observed: Contrasts, low: Tensor, high: Tensor, scores: Tensor) -> None:
        self.observed = observed
        self.parameters = fit_hyperparameters(observed, scores)
        self.noise = float((_MIN_NOISE**2 + (2.0 * self.parameters.noise).exp()).sqrt())
        self._condition(low.double(), high.double())

    def _condition(self, low: Tensor, high: Tensor) -> None:
        covariance = self.observed.covariance(self.parameters)
        noise = self.noise * self.observed.spread
        n = len(low)
        eye = torch.eye(n, dtype=torch.float64)
        f = torch.zeros(n, dtype=torch.float64)
        best = -math.inf
        for _ in range(50):  # Newton's method, algorithm 3.1 of Rasmussen and Williams
            likelihood, gradient, curvature = interval_derivatives(f, low, high, noise)
            root = curvature.sqrt()
            factor = torch.linalg.cholesky(eye + root[:, None] * covariance * root[None, :])
            b = curvature * f + gradient
            weights = b - root * torch.cholesky_solve((root * (covariance @ b))[:, None], factor)[:, 0]
            f = covariance @ weights
            objective = float(likelihood.sum())
            if abs(objective - best) < 1e-6 * n:
                break
            best = objective
        _, gradient, curvature = interval_derivatives(f, low, high, noise)
        root = curvature.sqrt()
        self._root = root
        self._factor = torch.linalg.cholesky(eye + root[:, None] * covariance * root[None, :])
        self._gradient = gradient  # at the mode, f = K gradient

    def predict(self, features: Features) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of f of m images, each (m,) float64."""
        cross = self.observed.against(features, self.parameters)  # (m, n)
        mean = cross @ self._gradient
        half = torch.linalg.solve_triangular(self._factor, self._root[:, None] * cross.t(), upper=False)
        variance = _diagonal(features, self.parameters) - half.square().sum(dim=0)
        return mean, variance.clamp_min(1e-6).sqrt()

    def draw(self, features: Features, count: int, generator: torch.Generator) -> Tensor:
        """`count` functions from the posterior, each at m images jointly: (count, m) float64 (Thompson sampling)."""
        cross = self.observed.against(features, self.parameters)
        mean = cross @ self._gradient
        half = torch.linalg.solve_triangular(self._factor, self._root[:, None] * cross.t(), upper=False)
        covariance = kernel(features, features, self.parameters) - half.t() @ half
        m = len(mean)
        jitter = 1e-4 * torch.eye(m, dtype=torch.float64)
        factor = torch.linalg.cholesky(0.5 * (covariance + covariance.t()) + jitter)
        return mean + torch.randn(count, m, dtype=torch.float64, generator=generator) @ factor.t()


def stars_from(f: Tensor) -> Tensor:
    """A latent liking as a number of stars, 1 to 5: five times the share of untuned images it beats, smoothly."""
    return 0.5 + 5.0 * torch.special.ndtr(f).clamp(0.1, 0.9)
