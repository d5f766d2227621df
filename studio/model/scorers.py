"""Scorers that other packages bring, by name alone: what they are is the worker's business."""

from __future__ import annotations

import functools
from importlib.metadata import entry_points

SCORER = "scorer:"  # before a scorer's name, where terms of a reward are listed


@functools.cache  # what is installed meanwhile, the worker would not find either
def installed() -> tuple[str, ...]:
    """Return their names, in alphabetical order."""
    return tuple(sorted({point.name for point in entry_points(group="tastemaker.scorers")}))
