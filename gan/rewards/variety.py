"""What keeps the images of a tuned generator unlike each other: the slope of their own variety."""

from dataclasses import dataclass

import torch
from torch import Tensor

_MOST = 3.0  # standard deviations: no image is followed for being odd alone


@dataclass(frozen=True)
class Variety:
    """How far an image lies from the middle of what is drawn.

    The mean squared distance of two images that a policy pi draws is 2 E|x - m|^2 with m = E[x] (Rao's quadratic entropy: Rao 1982), and
    its slope in pi(x), but for a constant, is |x - m|^2: an image adds to variety as far as it is away from the middle. Here the distance
    itself, in standard deviations over what is drawn, so that far ones do not outweigh all others.
    """

    middle: Tensor  # (d,) m, of features
    mean: float  # of the distance
    deviation: float

    @classmethod
    def of(cls, features: Tensor, shares: Tensor) -> "Variety":
        """From features (M, d) of images and how often each of them is drawn, (M,) with sum 1."""
        shares = shares.to(features.dtype)
        middle = shares @ features
        distances = torch.linalg.vector_norm(features - middle, dim=1)
        mean = shares @ distances
        deviation = (shares @ (distances - mean).square()).sqrt()
        return cls(middle, float(mean), max(float(deviation), 1e-6))

    def __call__(self, features: Tensor) -> Tensor:
        """(N, d) -> (N,), within +-3."""
        distances = torch.linalg.vector_norm(features - self.middle, dim=1)
        return ((distances - self.mean) / self.deviation).clamp(-_MOST, _MOST)
