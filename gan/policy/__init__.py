"""The stochastic policy around a generator, its estimators and its update."""

from gan.policy.adapter import ADAPTERS, Adapter, Choice, ChoiceConfig, Shift, ShiftConfig
from gan.policy.base import LatentPolicy, Policy
from gan.policy.categorical import CategoricalPolicy, expected_objective
from gan.policy.estimators import grouped_rloo, reinforce, scale
from gan.policy.gaussian import GaussianPolicy
from gan.policy.update import UpdateConfig, UpdateStats, clipped_surrogate, update

__all__ = [
    "ADAPTERS",
    "Adapter",
    "CategoricalPolicy",
    "Choice",
    "ChoiceConfig",
    "GaussianPolicy",
    "LatentPolicy",
    "Policy",
    "Shift",
    "ShiftConfig",
    "UpdateConfig",
    "UpdateStats",
    "clipped_surrogate",
    "expected_objective",
    "grouped_rloo",
    "reinforce",
    "scale",
    "update",
]
