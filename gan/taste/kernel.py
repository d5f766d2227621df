"""Covariance of liking between images, and what of it was observed.

f ~ GP(0, k): k is a constant (a person's leniency) and, for each group of features, a linear and a squared-exponential part. Where a taste
has changed, images judged before and after the change covary by a factor `kept` in [-1, 1] less: the taste after it owes something to the
one before it, nothing, or is its opposite (a change point: Garnett et al. 2010; the factor: an intrinsic model of coregionalisation).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

CONSTANT = 0.25  # variance of the leniency
LEAST_NOISE = 0.3
_RANGE = (-12.0, 6.0)  # of the logarithms: beyond, numbers overflow and nothing changes
Features = tuple[Tensor, ...]


@dataclass(frozen=True)
class Hyperparameters:
    """Log-scale parameters of the kernel, one entry a group."""

    linear: Tensor  # (G,) log variance of the linear part
    smooth: Tensor  # (G,) log variance of the squared-exponential part
    length: Tensor  # (G,) log length scale, in units of a group's typical distance
    noise: Tensor  # () log standard deviation of the person's noise, beyond the least there is
    change: Tensor  # () inverse hyperbolic tangent of `kept`

    @classmethod
    def prior(cls, groups: int) -> "Hyperparameters":
        """Where fitting starts and what few ratings are drawn to: total variance about 1, noise 0.5."""
        share = math.log(0.5 / groups)
        return cls(
            linear=torch.full((groups,), share, dtype=torch.float64),
            smooth=torch.full((groups,), share, dtype=torch.float64),
            length=torch.zeros(groups, dtype=torch.float64),
            noise=torch.tensor(math.log(0.5), dtype=torch.float64),
            change=torch.tensor(0.0, dtype=torch.float64),
        )

    def tensors(self) -> list[Tensor]:
        """In the order of the fields."""
        return [getattr(self, field.name) for field in fields(self)]

    @property
    def variance(self) -> Tensor:
        """Of the noise of one judgement."""
        return LEAST_NOISE**2 + (2.0 * self.noise.clamp(*_RANGE)).exp()

    @property
    def kept(self) -> Tensor:
        """How much of the taste outlasted a change: its correlation with what it was."""
        return torch.tanh(self.change)


def between(a: Features, b: Features) -> list[tuple[Tensor, Tensor]]:
    """For each group, scalar products and squared distances of images a (N) and b (M), per feature: two (N, M) float64."""
    found = []
    for x, y in zip(a, b, strict=True):
        x, y = x.double(), y.double()
        products = x @ y.t()
        distances = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)[None, :] - 2.0 * products
        found.append((products / x.shape[1], distances.clamp_min(0.0) / (2.0 * x.shape[1])))
    return found


def combined(parts: Sequence[tuple[Tensor, Tensor]], parameters: Hyperparameters) -> Tensor:
    """The covariance from what `between` found: (N, M)."""
    total: Tensor | float = CONSTANT
    linear, smooth, length = (part.clamp(*_RANGE) for part in (parameters.linear, parameters.smooth, parameters.length))
    for g, (products, distances) in enumerate(parts):
        narrow = -0.5 * (-2.0 * length[g]).exp()
        total = total + linear[g].exp() * products + smooth[g].exp() * torch.exp(distances * narrow)
    assert isinstance(total, Tensor)
    return total


def kernel(a: Features, b: Features, parameters: Hyperparameters) -> Tensor:
    """Covariance of f between images a (N) and b (M), both at the same time: (N, M) float64."""
    return combined(between(a, b), parameters)


def diagonal(a: Features, parameters: Hyperparameters) -> Tensor:
    """Prior variance of f of each image, (N,)."""
    total = torch.full((a[0].shape[0],), CONSTANT, dtype=torch.float64)
    linear, smooth = parameters.linear.clamp(*_RANGE), parameters.smooth.clamp(*_RANGE)
    for g, x in enumerate(a):
        total = total + linear[g].exp() * x.double().square().mean(dim=1) + smooth[g].exp()
    return total


@dataclass(frozen=True)
class Contrasts:
    """What was observed of f: f(first), or f(first) - f(second) where `paired`; n rows, in the order in which they were said."""

    first: Features
    second: Features | None = None  # n rows too; those that are not paired do not count
    paired: Tensor | None = None  # (n,) bool; None where nothing is
    change: int = 0  # rows from this one on are of the taste as it is now

    def __len__(self) -> int:
        return self.first[0].shape[0]

    def __getitem__(self, picks: Tensor) -> "Contrasts":
        first = tuple(x[picks] for x in self.first)
        change = int((picks < self.change).sum())
        if self.second is None or self.paired is None:
            return Contrasts(first, change=change)
        return Contrasts(first, tuple(x[picks] for x in self.second), self.paired[picks], change)

    def changed_at(self, row: int) -> "Contrasts":
        """The same with the taste changing at this row."""
        return replace(self, change=row)

    @property
    def doubled(self) -> Tensor:
        """How many judgements' noise variance each observation carries: 2 where two images were judged. (n,)"""
        paired = torch.zeros(len(self)) if self.paired is None else self.paired
        return 1.0 + paired.double()

    @property
    def images(self) -> Features:
        """Every image named, those compared with at the end: U rows."""
        if self.second is None or self.paired is None:
            return self.first
        return tuple(torch.cat([x, y[self.paired]]) for x, y in zip(self.first, self.second, strict=True))

    @property
    def now(self) -> Tensor:
        """Whether each row of `images` was judged after the change: (U,) bool."""
        later = torch.arange(len(self)) >= self.change
        return later if self.paired is None else torch.cat([later, later[self.paired]])

    def at_two_times(self, covariance: Tensor, parameters: Hyperparameters) -> Tensor:
        """The covariance of `images`, each when it was judged, from that of all at one time: (U, U)."""
        if self.change == 0:
            return covariance
        now = self.now
        return torch.where(now[:, None] == now[None, :], covariance, covariance * parameters.kept)

    def rows(self, of_images: Tensor) -> Tensor:
        """From something of each of `images` (U, k) to that of each observation: itself or a difference. (n, k)"""
        if self.paired is None:
            return of_images
        n = len(self)
        found = of_images[:n].clone()
        found[self.paired] -= of_images[n:]
        return found

    def columns(self, of_rows: Tensor) -> Tensor:
        """The transpose of `rows`: (n, k) -> (U, k)."""
        if self.paired is None:
            return of_rows
        return torch.cat([of_rows, -of_rows[self.paired]])
