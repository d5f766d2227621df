"""The stochastic policy around a generator, its estimators and its update."""

from gan.policy.adapter import Adapter, AdapterConfig
from gan.policy.estimators import grouped_rloo, reinforce, scale
from gan.policy.gaussian import LatentGaussianPolicy
from gan.policy.update import UpdateConfig, UpdateStats, clipped_surrogate, update

__all__ = [
    "Adapter",
    "AdapterConfig",
    "LatentGaussianPolicy",
    "UpdateConfig",
    "UpdateStats",
    "clipped_surrogate",
    "grouped_rloo",
    "reinforce",
    "scale",
    "update",
]
