"""Detects when a run has become unstable, and keeps the state to roll back to."""

import copy
import math
from collections.abc import Mapping
from statistics import median
from typing import Any

import torch

from gan.errors import UserError

_EXPLOSION = 100.0  # times the usual gradient norm; it normally varies by a small factor
_USUAL = 20  # reports whose median is the usual norm
_FEWEST = 5  # reports before anything counts as unusual
_SLOWER = 0.5  # factor of the learning rate at each rollback
_MOST = 4  # rollbacks in a row before giving up
_CALM = 50  # sound reports after which earlier rollbacks are forgotten


class Diverged(UserError):
    """Training did not become stable, even at low learning rates. The trainer is back in its last sound state."""


def is_finite(state: Any) -> bool:
    """Whether all tensors in a nested state are finite."""
    if isinstance(state, torch.Tensor):
        return bool(torch.isfinite(state).all())
    if isinstance(state, Mapping):
        return all(is_finite(value) for value in state.values())
    return not isinstance(state, list | tuple) or all(is_finite(value) for value in state)


class Stability:
    """Watches a run's reports, keeps its last sound state in memory and counts rollbacks."""

    def __init__(self) -> None:
        self.rollbacks = 0  # in the whole run
        self.scale = 1.0  # of the learning rate
        self._row = 0  # rollbacks without a calm period between them
        self._calm = 0  # sound reports since the last rollback
        self._norms: dict[str, list[float]] = {}
        self._good: dict[str, Any] | None = None

    def trouble(self, means: Mapping[str, float]) -> str | None:
        """What is wrong with the means of a report, in a few words; None if nothing is."""
        broken = sorted(name for name, value in means.items() if not math.isfinite(value))
        if broken:
            return f"{broken[0].replace('_', ' ')} is not a number"
        for name, value in means.items():
            usual = self._norms.get(name, [])
            if name.endswith("_norm") and len(usual) >= _FEWEST and value > _EXPLOSION * median(usual):
                return f"{name.replace('_', ' ')} is {value / median(usual):,.0f} times the usual"
        return None

    def keep(self, state: dict[str, Any], means: Mapping[str, float]) -> None:
        """Record a sound report and the state after it, of which a copy is made on its device."""
        for name, value in means.items():
            if name.endswith("_norm"):
                self._norms[name] = [*self._norms.get(name, []), value][-_USUAL:]
        self._calm += 1
        if self._calm >= _CALM:
            self._row = 0
        self.hold(state)

    def hold(self, state: dict[str, Any]) -> None:
        """Take a state as sound: at the start of a run, or after a report without trouble."""
        self._good = copy.deepcopy(state)

    def last_good(self) -> dict[str, Any]:
        """A copy of the state to roll back to."""
        assert self._good is not None
        return copy.deepcopy(self._good)

    def slow_down(self) -> bool:
        """Count a rollback and halve the learning rate (`scale`). Returns False when it is time to give up."""
        self._row += 1
        if self._row > _MOST:
            return False
        self.rollbacks += 1
        self._calm, self.scale = 0, self.scale * _SLOWER
        return True

    def state(self) -> dict[str, Any]:
        """What a resumed run needs; plain numbers."""
        return {
            "rollbacks": self.rollbacks,
            "scale": self.scale,
            "row": self._row,
            "calm": self._calm,
            "norms": {name: list(values) for name, values in self._norms.items()},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""
        self.rollbacks, self.scale = int(state["rollbacks"]), float(state["scale"])
        self._row, self._calm = int(state["row"]), int(state["calm"])
        self._norms = {name: list(values) for name, values in state["norms"].items()}
