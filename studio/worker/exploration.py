"""Messages between the window and the worker about exploring by hand and about what was learnt; see `messages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.worker.events import FrameRef


@dataclass(frozen=True, slots=True)
class Explore:
    """Move from an image. Answered by `Explored`; of several waiting ones only the newest is served."""

    request: int
    start: bytes | None  # latent; None: that of `seed`, as the tuned generator draws it
    seed: int = 0
    amounts: tuple[float, ...] = ()  # along each direction, -3..3
    truncation: float = 1.0  # 1: as it is; 0: the most ordinary image
    count: int = 0  # of neighbours, or of steps to `other`
    radius: float = 0.4  # of the neighbours; 1: any image
    variation: int = 0  # other neighbours of the same image
    locked: tuple[int, ...] = ()  # directions along which the neighbours do not move
    other: bytes | None = None  # latent to blend into


@dataclass(frozen=True, slots=True)
class Explored:
    """The image itself, then its neighbours or the steps between."""

    request: int
    latents: tuple[bytes, ...]
    stars: tuple[float, ...]  # predicted, 1 to 5; empty while nothing is known
    ends: tuple[tuple[str, str], ...]  # words for the two ends of each direction
    frames: FrameRef


@dataclass(frozen=True, slots=True)
class Explain:
    """Say what was learnt. Answered by `Explained`."""

    count: int = 6  # images at each end


@dataclass(frozen=True, slots=True)
class Explained:
    """The taste in words, pictures and numbers."""

    words: tuple[tuple[str, float], ...]  # "warmer", rank correlation with liking 0..1; the strongest first
    stars: tuple[float, ...]  # predicted, of the best and then of the worst
    spread: tuple[float, ...]  # one standard deviation of the doubt, in stars
    latents: tuple[bytes, ...]
    curve: tuple[tuple[int, float], ...]  # guesses so far, share of pairs right
    doubt: float  # 0: sure of every image, 1: of none
    frames: FrameRef | None  # of the best, the worst, the dropped; None: nothing is known yet
    kept: tuple[float, float] | None = None  # shares of all images, and of liked ones, that it still draws; None: not tuned


Command = Explore | Explain
Event = Explored | Explained
