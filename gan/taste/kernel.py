"""Covariance of liking between images, and which values or differences of it were observed.

f ~ GP(0, k), where k is a constant (a person's leniency) plus, for each group of features, a linear and a squared-exponential part. After
a change of taste, the covariance of images judged before it with those judged after it is multiplied by `kept` in [-1, 1]: the new taste
resembles the old one, is independent of it (0), or its opposite (a change point: Garnett et al. 2010; the factor: an intrinsic model of
coregionalisation).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

CONSTANT = 0.25  # prior variance of the leniency
LEAST_NOISE = 0.3
_RANGE = (-12.0, 6.0)  # of the log-parameters: beyond it numbers overflow and nothing changes
Features = tuple[Tensor, ...]


@dataclass(frozen=True)
class Hyperparameters:
    """Parameters of the kernel, on unbounded scales, one entry per group."""

    linear: Tensor  # (G,) log variance of the linear part
    smooth: Tensor  # (G,) log variance of the squared-exponential part
    length: Tensor  # (G,) log length scale, in units of a group's typical distance
    noise: Tensor  # () log standard deviation of the person's noise in addition to `LEAST_NOISE`
    change: Tensor  # () inverse hyperbolic tangent of `kept`

    @classmethod
    def prior(cls, groups: int) -> "Hyperparameters":
        """Prior means, where fitting starts and which dominate with few ratings: total variance about 1, noise 0.5."""
        share = math.log(0.5 / groups)
        return cls(
            linear=torch.full((groups,), share, dtype=torch.float64),
            smooth=torch.full((groups,), share, dtype=torch.float64),
            length=torch.zeros(groups, dtype=torch.float64),
            noise=torch.tensor(math.log(0.5), dtype=torch.float64),
            change=torch.tensor(0.0, dtype=torch.float64),
        )

    @classmethod
    def of(cls, vector: Tensor) -> "Hyperparameters":
        """From a concatenated vector (3 G + 2,), as `vector` returns it."""
        linear, smooth, length = vector[:-2].view(3, -1)
        return cls(linear, smooth, length, vector[-2], vector[-1])

    @property
    def vector(self) -> Tensor:
        """All parameters concatenated, (3 G + 2,)."""
        return torch.cat([getattr(self, field.name).flatten() for field in fields(self)])

    @property
    def variance(self) -> Tensor:
        """Noise variance of one judgement."""
        return LEAST_NOISE**2 + self.judgement

    @property
    def judgement(self) -> Tensor:
        """The part of that variance in addition to the least noise."""
        return (2.0 * self.noise.clamp(*_RANGE)).exp()

    @property
    def kept(self) -> Tensor:
        """Correlation of the taste after a change with the taste before it."""
        return torch.tanh(self.change)


def between(a: Features, b: Features) -> list[tuple[Tensor, Tensor]]:
    """For each group, scalar products and squared distances of images a (N) and b (M), over the number of features: two (N, M) float64.

    The distances are also halved, so that they are about 1 on average.
    """
    found = []
    for x, y in zip(a, b, strict=True):
        x, y = x.double(), y.double()
        products = x @ y.t()
        distances = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)[None, :] - 2.0 * products
        found.append((products / x.shape[1], distances.clamp_min(0.0) / (2.0 * x.shape[1])))
    return found


def components(parts: Sequence[tuple[Tensor, Tensor]], parameters: Hyperparameters) -> list[tuple[Tensor, Tensor]]:
    """For each group, the linear and the squared-exponential part of the covariance, from what `between` returns, of the same shapes."""
    linear, smooth, length = (part.clamp(*_RANGE) for part in (parameters.linear, parameters.smooth, parameters.length))
    narrow = -0.5 * (-2.0 * length).exp()
    return [
        (products * linear[g].exp(), (distances * narrow[g]).exp() * smooth[g].exp())
        for g, (products, distances) in enumerate(parts)
    ]


def combined(found: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Covariance as the sum of its `components` and the constant."""
    total = CONSTANT + found[0][0]
    total += found[0][1]
    for linear, smooth in found[1:]:
        total += linear
        total += smooth
    return total


def slopes(
    parts: Sequence[tuple[Tensor, Tensor]], found: Sequence[tuple[Tensor, Tensor]], parameters: Hyperparameters, weights: Tensor
) -> Tensor:
    """Gradient of sum(weights * covariance) in `linear`, `smooth` and `length` of every group: (3 G,).

    parts, found : from `between` and `components`, each (P,), as is `weights`.
    """
    linear = torch.stack([weights @ part for part, _ in found])
    smooth = torch.stack([weights @ part for _, part in found])
    length = torch.stack([(weights * part) @ distances for (_, part), (_, distances) in zip(found, parts, strict=True)])
    length = length * (-2.0 * parameters.length).exp()
    current = torch.cat([parameters.linear, parameters.smooth, parameters.length])
    return torch.cat([linear, smooth, length]) * (current == current.clamp(*_RANGE))


def kernel(a: Features, b: Features, parameters: Hyperparameters) -> Tensor:
    """Covariance of f between images a (N) and b (M), both judged under the same taste: (N, M) float64."""
    return combined(components(between(a, b), parameters))


def diagonal(a: Features, parameters: Hyperparameters) -> Tensor:
    """Prior variance of f of each image, (N,)."""
    total = torch.full((a[0].shape[0],), CONSTANT, dtype=torch.float64)
    linear, smooth = parameters.linear.clamp(*_RANGE), parameters.smooth.clamp(*_RANGE)
    for g, x in enumerate(a):
        total = total + linear[g].exp() * x.double().square().mean(dim=1) + smooth[g].exp()
    return total


@dataclass(frozen=True)
class Contrasts:
    """The observed quantities: f(first), or f(first) - f(second) if `paired`; n rows in time order."""

    first: Features
    second: Features | None = None  # n rows too; rows that are not paired are ignored
    paired: Tensor | None = None  # (n,) bool; None if no row is paired
    change: int = 0  # rows from this one on were judged under the current taste

    def __len__(self) -> int:
        return self.first[0].shape[0]

    def __getitem__(self, picks: Tensor) -> "Contrasts":
        first = tuple(x[picks] for x in self.first)
        change = int((picks < self.change).sum())
        if self.second is None or self.paired is None:
            return Contrasts(first, change=change)
        return Contrasts(first, tuple(x[picks] for x in self.second), self.paired[picks], change)

    def changed_at(self, row: int) -> "Contrasts":
        """A copy in which the taste changes at this row."""
        return replace(self, change=row)

    @property
    def doubled(self) -> Tensor:
        """Noise variance of each observation in units of one judgement's: 2 if two images were compared, else 1. (n,)"""
        paired = torch.zeros(len(self)) if self.paired is None else self.paired
        return 1.0 + paired.double()

    @property
    def images(self) -> Features:
        """All images involved, `second` ones of paired rows last: U rows."""
        if self.second is None or self.paired is None:
            return self.first
        return tuple(torch.cat([x, y[self.paired]]) for x, y in zip(self.first, self.second, strict=True))

    @property
    def now(self) -> Tensor:
        """Whether each of `images` was judged under the current taste: (U,) bool."""
        later = torch.arange(len(self)) >= self.change
        return later if self.paired is None else torch.cat([later, later[self.paired]])

    @property
    def across(self) -> Tensor:
        """Whether two rows are on different sides of the change: (n, n) bool."""
        later = torch.arange(len(self)) >= self.change
        return later[:, None] != later[None, :]

    def rows(self, of_images: Tensor) -> Tensor:
        """From a quantity of each of `images` (U, k) to that of each observation, itself or a difference: (n, k)."""
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
