"""Normalisation, which makes the terms of a reward comparable."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Normaliser:
    """x -> (x - mean) / deviation, from the untuned generator's values of one term."""

    mean: float
    deviation: float

    @classmethod
    def fit(cls, values: Tensor) -> "Normaliser":
        """From the values (N,) of a term over untuned images. The deviation is at least 1e-3."""
        return cls(float(values.mean()), max(float(values.std()), 1e-3))

    def __call__(self, values: Tensor) -> Tensor:
        return (values - self.mean) / self.deviation
