"""Reward terms, their normalisation, the gate and the composition."""

from gan.rewards.compose import (
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
