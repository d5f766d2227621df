"""Names of outside scorers that other packages provide; only the worker loads them."""

from __future__ import annotations

import functools
from importlib.metadata import entry_points

SCORER = "scorer:"  # before a scorer's name, among the terms of a reward


@functools.cache  # cached: the worker would not find what is installed later either
def installed() -> tuple[str, ...]:
    """Return their names, in alphabetical order."""
    return tuple(sorted({point.name for point in entry_points(group="tastemaker.scorers")}))
