"""Limits on what tuning may cost, and the decision to stop or to go back."""

from gan.guard.limits import MOVING, Guard, Limits, Look, mean_pairwise_distance

__all__ = ["MOVING", "Guard", "Limits", "Look", "mean_pairwise_distance"]
