"""What the client emits to the window: the worker's answers with their pixels and project rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.project.store import Checkpoint, Image
from studio.worker import messages as m


@dataclass(frozen=True)
class ShownGrid:
    """A grid that is stored in the project already."""

    generation: int  # as returned by `propose`
    grid: int  # the project's grid id
    images: tuple[Image, ...]  # in the order to show
    pixels: (
        np.ndarray
    )  # uint8 (n, H, W, 3), of the first images; the others follow as `ShownImages`


@dataclass(frozen=True)
class ShownStrip:
    """The same seeds before and after a round."""

    seeds: tuple[int, ...]
    before: np.ndarray  # uint8 (N, H, W, 3)
    after: np.ndarray


@dataclass(frozen=True)
class ShownImages:
    """Images drawn again, or later images of a grid."""

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
    """What was learnt; pixels of the best images, then of as many worst ones, then of those that are hardly drawn any more."""

    said: m.Explained
    pixels: np.ndarray | None  # uint8 (2 N + M, H, W, 3); None: no taste yet


@dataclass(frozen=True)
class FinishedRound:
    """The end of a round. A kept checkpoint is already a file and a row, and the current one."""

    result: m.RoundFinished
    checkpoint: Checkpoint | None
    strip: ShownStrip | None  # before and after this round
