"""Reward terms, their normalisation, the gate and the composition."""

from gan.rewards.compose import (
    MOVING_WEIGHTS,
    Normaliser,
    RewardTerms,
    RewardWeights,
    compose,
    favour_novelty,
    neighbour_distance,
    novelty,
    relative_realism,
    saturate,
)

__all__ = [
    "MOVING_WEIGHTS",
    "Normaliser",
    "RewardTerms",
    "RewardWeights",
    "compose",
    "favour_novelty",
    "neighbour_distance",
    "novelty",
    "relative_realism",
    "saturate",
]
