"""What the client hands to the window: answers of the worker with their pixels, and with the rows they already are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.project.store import Checkpoint, Image
from studio.worker import messages as m


@dataclass(frozen=True)
class ShownGrid:
    """A grid that is already rows of the project."""

    generation: int  # what `propose` returned
    grid: int  # the project's grid id
    images: tuple[Image, ...]  # in the order to show
    pixels: (
        np.ndarray
    )  # uint8 (n, H, W, 3), of the first of them; those of the others follow as `ShownImages`


@dataclass(frozen=True)
class ShownStrip:
    """The same seeds before and after."""

    seeds: tuple[int, ...]
    before: np.ndarray  # uint8 (N, H, W, 3)
    after: np.ndarray


@dataclass(frozen=True)
class ShownImages:
    """Images drawn again, or drawn after the first of a grid."""

    request: int  # 0: of a grid
    images: tuple[int, ...]
    pixels: np.ndarray  # uint8 (N, H, W, 3)


@dataclass(frozen=True)
class ShownExploration:
    """An image, and its neighbours or the steps to another."""

    found: m.Explored
    pixels: np.ndarray  # uint8 (N, H, W, 3)


@dataclass(frozen=True)
class ShownTaste:
    """What was learnt; the best images first, then as many of the worst, then those that are hardly drawn any more."""

    said: m.Explained
    pixels: np.ndarray | None  # uint8 (2 N + M, H, W, 3); None: nothing is known yet


@dataclass(frozen=True)
class FinishedRound:
    """A round's end. A kept checkpoint is already a file and a row, and is the current one."""

    result: m.RoundFinished
    checkpoint: Checkpoint | None
    strip: ShownStrip | None  # before this round, after it
