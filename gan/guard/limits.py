"""When a round must stop, and which of its versions to keep."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Limits:
    """Limits of a round, relative to the best fifth of the untuned generator's images; evaluated on latents that no update used.

    The defaults are for a choice, see `MOVING`. It draws only what the untuned generator draws too, so a limit on typicality would merely
    forbid to choose what is rare.
    """

    diversity: float = 0.80  # ratio of mean pairwise distances
    realism: float = -0.35  # difference of means, in untuned standard deviations
    typicality: float = -math.inf  # likewise
    patience: int = 4  # evaluations in a row outside the limits after which the round stops


# For policies that move latents: a choice only draws what the prior holds, but a shift can collapse everything into one place.
MOVING = Limits(diversity=0.92, typicality=-0.4)


@dataclass(frozen=True)
class Look:
    """One evaluation of the generator; all but `taste` and `reward` are relative to the best fifth of the untuned generator's images."""

    step: int
    taste: float  # mean predicted liking, less the caution, in untuned standard deviations
    realism: float  # difference of means, untuned standard deviations; 0 without a discriminator
    diversity: float  # ratio of mean pairwise distances
    typicality: float = 0.0  # difference of means, untuned standard deviations; below 0, images are unlike those of the untuned generator
    reward: float | None = None  # mean reward if any weight was changed; None: the taste alone decides

    @property
    def pleasing(self) -> float:
        """What a round maximises."""
        return self.taste if self.reward is None else self.reward

    def broken(self, limits: Limits) -> str | None:
        """The limit that this evaluation breaks, in words, or None."""
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
    """Remembers the best version inside the limits and decides when to stop.

    Parameters
    ----------
    limits : of the round.
    start : the evaluation before the first update: a round that never beats it keeps nothing.
    """

    def __init__(self, limits: Limits, start: Look) -> None:
        self.limits, self.start, self.best = limits, start, start
        self.reason = ""
        self._outside = 0

    def look(self, look: Look) -> tuple[bool, bool]:
        """Add an evaluation. Returns whether it is the best so far, and whether the round should stop."""
        broken = look.broken(self.limits)
        # A round that starts outside a limit counts as inside while it does not get worse.
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
