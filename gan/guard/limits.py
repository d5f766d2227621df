"""When a round must stop, and which of its moments to keep."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Limits:
    """What a round may not break; judged on latents that no update used."""

    diversity: float = 0.92  # of the untuned generator's own best fifth
    realism: float = -0.35  # mean realism, in untuned standard deviations
    patience: int = 2  # looks in a row outside the limits before the round stops


@dataclass(frozen=True)
class Look:
    """One look at the generator as it is."""

    step: int
    taste: float  # mean predicted liking with caution, untuned standard deviations
    realism: float  # mean, untuned standard deviations; 0 where there is no discriminator
    diversity: float  # relative to the untuned generator's own best fifth

    def broken(self, limits: Limits) -> str | None:
        """Which limit this look breaks, in words, or None."""
        if self.diversity < limits.diversity:
            return f"variety fell to {self.diversity:.2f} (limit {limits.diversity:.2f})"
        if self.realism < limits.realism:
            return f"realism fell to {self.realism:+.2f} SD (limit {limits.realism:+.2f})"
        return None


def mean_pairwise_distance(features: Tensor) -> float:
    """Mean Euclidean distance over all pairs of rows of (N, d); N >= 2."""
    return float(torch.nn.functional.pdist(features).mean())


class Guard:
    """Remembers the best moment inside the limits and says when to stop.

    Parameters
    ----------
    limits : what may not be broken.
    start : the look before the first update: a round that never beats it keeps nothing.
    """

    def __init__(self, limits: Limits, start: Look) -> None:
        self.limits, self.start, self.best = limits, start, start
        self.reason = ""
        self._outside = 0

    def look(self, look: Look) -> tuple[bool, bool]:
        """Returns (is this the best moment so far, should the round stop)."""
        broken = look.broken(self.limits)
        # Where the round began outside a limit, getting no worse is inside.
        if broken and look.diversity >= self.start.diversity - 0.005 and look.realism >= self.start.realism - 0.02:
            broken = None
        if broken:
            self._outside += 1
            self.reason = broken
            return False, self._outside >= self.limits.patience
        self._outside = 0
        if look.taste > self.best.taste:
            self.best = look
            return True, False
        return False, False
