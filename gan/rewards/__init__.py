"""Reward terms, their normalisation, the realism gate and how they are combined."""

from gan.rewards.compose import (
    MOVING_WEIGHTS,
    RewardTerms,
    RewardWeights,
    compose,
    favour_novelty,
    neighbour_distance,
    novelty,
    relative_realism,
    saturate,
    wished,
)
from gan.rewards.normalise import Normaliser
from gan.rewards.plain import PLAIN, PlainMeasures

__all__ = [
    "MOVING_WEIGHTS",
    "PLAIN",
    "Normaliser",
    "PlainMeasures",
    "RewardTerms",
    "RewardWeights",
    "compose",
    "favour_novelty",
    "neighbour_distance",
    "novelty",
    "relative_realism",
    "saturate",
    "wished",
]
