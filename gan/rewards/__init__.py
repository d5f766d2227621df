"""Reward terms, their normalisation, the gate and the composition."""

from gan.rewards.compose import (
    Normaliser,
    RewardTerms,
    RewardWeights,
    compose,
    favour_novelty,
    novelty,
    relative_realism,
)

__all__ = [
    "Normaliser",
    "RewardTerms",
    "RewardWeights",
    "compose",
    "favour_novelty",
    "novelty",
    "relative_realism",
]
