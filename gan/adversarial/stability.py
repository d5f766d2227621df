"""When a run has gone wrong, and where to go back to."""

import copy
import math
from collections.abc import Mapping
from statistics import median
from typing import Any

import torch

from gan.errors import UserError

_EXPLOSION = 100.0  # times the usual gradient norm: ordinary steps vary by a few times
_USUAL = 20  # reports that say what is usual
_FEWEST = 5  # reports before anything is called unusual
_SLOWER = 0.5  # the learning rate's factor each time
_MOST = 4  # times set back in a row
_CALM = 50  # sound reports after which earlier trouble is forgiven


class Diverged(UserError):
    """Training did not become stable, however slow. The trainer is back in its last sound state."""


def is_finite(state: Any) -> bool:
    """Whether all numbers in the tensors of a nested state are finite."""
    if isinstance(state, torch.Tensor):
        return bool(torch.isfinite(state).all())
    if isinstance(state, Mapping):
        return all(is_finite(value) for value in state.values())
    return not isinstance(state, list | tuple) or all(is_finite(value) for value in state)


class Stability:
    """Watches a run's reports, keeps its last sound state in memory and counts how often it had to be used."""

    def __init__(self) -> None:
        self.rollbacks = 0  # in the whole run
        self.scale = 1.0  # of the learning rate
        self._row = 0  # times set back with no calm between
        self._calm = 0  # sound reports since
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
        """Note a sound report and the state after it (copied, where it is)."""
        for name, value in means.items():
            if name.endswith("_norm"):
                self._norms[name] = [*self._norms.get(name, []), value][-_USUAL:]
        self._calm += 1
        if self._calm >= _CALM:
            self._row = 0
        self.hold(state)

    def hold(self, state: dict[str, Any]) -> None:
        """Take a state as sound: where a run starts, or a report without trouble."""
        self._good = copy.deepcopy(state)

    def last_good(self) -> dict[str, Any]:
        """A copy of the state to go back to."""
        assert self._good is not None
        return copy.deepcopy(self._good)

    def slow_down(self) -> bool:
        """Count one more time set back and halve the learning rate (`scale`); False when it is time to give up."""
        self._row += 1
        if self._row > _MOST:
            return False
        self.rollbacks += 1
        self._calm, self.scale = 0, self.scale * _SLOWER
        return True

    def state(self) -> dict[str, Any]:
        """What a resumed run must know; plain numbers."""
        return {
            "rollbacks": self.rollbacks,
            "scale": self.scale,
            "row": self._row,
            "calm": self._calm,
            "norms": {name: list(values) for name, values in self._norms.items()},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        self.rollbacks, self.scale = int(state["rollbacks"]), float(state["scale"])
        self._row, self._calm = int(state["row"]), int(state["calm"])
        self._norms = {name: list(values) for name, values in state["norms"].items()}
