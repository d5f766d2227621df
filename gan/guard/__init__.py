"""Limits on what tuning may cost, and when to stop a round or go back."""

from gan.guard.limits import MOVING, Guard, Limits, Look, mean_pairwise_distance

__all__ = ["MOVING", "Guard", "Limits", "Look", "mean_pairwise_distance"]
