"""Messages about exploring by hand and about what was learnt; see `messages`."""

from __future__ import annotations

from dataclasses import dataclass

from studio.worker.pixels import FrameRef


@dataclass(frozen=True, slots=True)
class Explore:
    """Move from an image. Answered by `Explored`; of several pending ones, only the latest is answered."""

    request: int
    start: bytes | None  # latent; None: that of `seed`, after the adapter
    seed: int = 0
    amounts: tuple[float, ...] = ()  # per direction, -3..3
    truncation: float = 1.0  # 1: none; 0: the most ordinary image
    count: int = 0  # number of neighbours, or of steps to `other`
    radius: float = 0.4  # of the neighbours; 1: any image
    variation: int = 0  # another number gives other neighbours of the same image
    locked: tuple[int, ...] = ()  # directions along which the neighbours stay like the image
    other: bytes | None = None  # latent to blend into


@dataclass(frozen=True, slots=True)
class Explored:
    """The image itself, followed by its neighbours or by the steps to the other image."""

    request: int
    latents: tuple[bytes, ...]
    stars: tuple[float, ...]  # predicted, 1 to 5; empty without a taste
    ends: tuple[tuple[str, str], ...]  # words for the two ends of each direction
    frames: FrameRef


@dataclass(frozen=True, slots=True)
class Explain:
    """Describe what was learnt. Answered by `Explained`, and by a second one if the first has something pending."""

    count: int = 6  # images at each end


@dataclass(frozen=True, slots=True)
class Explained:
    """The taste as words, images and numbers."""

    words: tuple[tuple[str, float], ...]  # such as "warmer", with its rank correlation with liking, 0..1; strongest first
    stars: tuple[float, ...]  # predicted, of the best, then of the worst
    spread: tuple[float, ...]  # one standard deviation of the prediction, in stars
    latents: tuple[bytes, ...]
    curve: tuple[tuple[int, float], ...]  # predictions so far, share of pairs in the right order
    doubt: float  # mean posterior deviation: 0 if every image is certain, 1 if none is
    frames: FrameRef | None  # of the best, the worst, and the dropped; None: no taste yet
    kept: tuple[float, float] | None = None  # shares of all images and of liked ones that are still drawn; None: not tuned
    pending: tuple[str, ...] = ()  # fields ("words", "kept") that are still being worked out: another `Explained` follows


Command = Explore | Explain
Event = Explored | Explained
