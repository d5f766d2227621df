"""When a round must stop, and which of its moments to keep."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Limits:
    """What a round may not break, relative to the untuned generator's own best fifth; judged on latents that no update used."""

    diversity: float = 0.80  # ratio of mean pairwise distances; for a choice, see also MOVING
    realism: float = -0.35  # difference of means, in untuned standard deviations
    typicality: float = -0.4  # likewise
    patience: int = 4  # looks in a row outside the limits before the round stops


# For what moves latents: a choice only draws what the prior holds, a shift can press everything into one place.
MOVING = Limits(diversity=0.92)


@dataclass(frozen=True)
class Look:
    """One look at the generator as it is; all but the taste relative to the untuned generator's own best fifth."""

    step: int
    taste: float  # mean predicted liking with caution, untuned standard deviations
    realism: float  # difference of means, untuned standard deviations; 0 where there is no discriminator
    diversity: float  # ratio of mean pairwise distances
    typicality: float = 0.0  # as realism; below 0, images unlike those it drew before
    reward: float | None = None  # mean of what the dials ask for, where one was turned; None: the taste decides

    @property
    def pleasing(self) -> float:
        """What a round is to make more of."""
        return self.taste if self.reward is None else self.reward

    def broken(self, limits: Limits) -> str | None:
        """Which limit this look breaks, in words, or None."""
        if self.diversity < limits.diversity:
            return f"variety fell to {self.diversity:.2f} (limit {limits.diversity:.2f})"
        if self.realism < limits.realism:
            return f"realism fell to {self.realism:+.2f} SD (limit {limits.realism:+.2f})"
        if self.typicality < limits.typicality:
            return f"images became unlike any before, {self.typicality:+.2f} SD (limit {limits.typicality:+.2f})"
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
        if (
            broken
            and look.diversity >= self.start.diversity - 0.005
            and look.realism >= self.start.realism - 0.02
            and look.typicality >= self.start.typicality - 0.02
        ):
            broken = None
        if broken:
            self._outside += 1
            self.reason = broken
            return False, self._outside >= self.limits.patience
        self._outside = 0
        if look.pleasing > self.best.pleasing:
            self.best = look
            return True, False
        return False, False
