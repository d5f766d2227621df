"""A reward for variety: the gradient of the variety of what is drawn, which keeps a tuned generator's images different."""

from dataclasses import dataclass

import torch
from torch import Tensor

_MOST = 3.0  # standard deviations: an outlier earns no more than this


@dataclass(frozen=True)
class Variety:
    """How far an image lies from the mean of what is drawn.

    The mean squared distance of two images that a policy pi draws is 2 E|x - m|^2 with m = E[x] (Rao's quadratic entropy: Rao 1982). Its
    derivative in pi(x) is |x - m|^2 up to a constant: an image adds the more to variety the farther it is from the mean. Used here is the
    distance itself, standardised over what is drawn, so that outliers do not outweigh all others.
    """

    middle: Tensor  # (d,) m, of features
    mean: float  # mean distance
    deviation: float

    @classmethod
    def of(cls, features: Tensor, shares: Tensor) -> "Variety":
        """From features (M, d) of images and the probability of drawing each, (M,) with sum 1."""
        shares = shares.to(features.dtype)
        middle = shares @ features
        distances = torch.linalg.vector_norm(features - middle, dim=1)
        mean = shares @ distances
        deviation = (shares @ (distances - mean).square()).sqrt()
        return cls(middle, float(mean), max(float(deviation), 1e-6))

    def __call__(self, features: Tensor) -> Tensor:
        """Features (N, d) -> standardised distances (N,), within +-3."""
        distances = torch.linalg.vector_norm(features - self.middle, dim=1)
        return ((distances - self.mean) / self.deviation).clamp(-_MOST, _MOST)
