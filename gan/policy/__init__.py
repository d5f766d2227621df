"""Stochastic policies around a generator, advantage estimators and the policy-gradient update."""

from gan.networks.adapter import Adapter, Choice, ChoiceConfig, Shift, ShiftConfig
from gan.policy.base import LatentPolicy, Policy
from gan.policy.categorical import CategoricalPolicy, expected_objective
from gan.policy.estimators import ESTIMATORS, Estimator, grouped_rloo, reinforce, scale
from gan.policy.gaussian import GaussianPolicy
from gan.policy.pathwise import MovingPolicy, pathwise_update
from gan.policy.styles import StyleConfig, Styled, StylePolicy, StyleShift, Synthesis
from gan.policy.update import UpdateConfig, UpdateStats, clipped_surrogate, update

__all__ = [
    "ESTIMATORS",
    "Adapter",
    "CategoricalPolicy",
    "Choice",
    "ChoiceConfig",
    "Estimator",
    "GaussianPolicy",
    "LatentPolicy",
    "MovingPolicy",
    "Policy",
    "Shift",
    "ShiftConfig",
    "StyleConfig",
    "StylePolicy",
    "StyleShift",
    "Styled",
    "Synthesis",
    "UpdateConfig",
    "UpdateStats",
    "clipped_surrogate",
    "expected_objective",
    "grouped_rloo",
    "pathwise_update",
    "reinforce",
    "scale",
    "update",
]
