"""What a session has learnt about a person's taste, for that person to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan.rewards.prediction import predictions
from gan.taste.kept import Kept, kept
from gan.taste.words import Word, measures, words

if TYPE_CHECKING:
    from gan.session import TuningSession

_LOOKED_AT = 256  # reference images that the words come from


@dataclass(frozen=True)
class Shown:
    """Images at one end of the taste: latents float32 (N, d), pixels uint8 (N, H, W, 3), predicted stars (N) and their doubt."""

    latents: np.ndarray
    pixels: np.ndarray
    stars: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Insight:
    """The taste in words, in pictures and in numbers."""

    words: tuple[Word, ...]
    best: Shown
    worst: Shown
    curve: tuple[tuple[int, float], ...]  # (guesses so far, share of pairs right among the latest of them)
    doubt: float  # mean posterior deviation over untuned images, 1.0: nothing is known
    kept: Kept | None = None  # None: the generator is not tuned
    dropped: Shown | None = None  # liked, and hardly drawn any more; with `kept`


@torch.no_grad()
def insight(session: TuningSession, count: int = 6) -> Insight | None:
    """Say what the taste is; None while there is none.

    The images are the reference sample's, the same at every call: what changes is the taste.
    """
    if session.learner.model is None:
        return None
    scorer = session.scorer
    some = slice(0, _LOOKED_AT)
    liking, doubt = session.learner.model.predict(tuple(group[some] for group in scorer.reference))
    found = words(plain_measures(session), liking) if session.learner.conviction else []  # of nothing, nothing is said
    order = liking.argsort(descending=True)

    def shown(rows: torch.Tensor) -> Shown:
        points = scorer.latents[rows].numpy().astype(np.float32)
        guessed = predictions(session.score(points))
        return Shown(
            points, session.draw(points), tuple(g.stars for g in guessed), tuple(g.spread for g in guessed)
        )

    still = kept(session)
    return Insight(
        tuple(found),
        shown(order[:count]),
        shown(order.flip(0)[:count]),
        session.learner.curve(),
        float(doubt.mean()),
        still,
        shown(still.dropped[:count]) if still is not None and len(still.dropped) else None,
    )


def plain_measures(session: TuningSession) -> torch.Tensor:
    """Measures of the first reference images, (n, len(MEASURES)); they never change, so they are taken once."""
    if session.plain_measures is None:
        drawer = session.scorer.drawer
        parts = session.scorer.latents[:_LOOKED_AT].split(drawer.chunk)
        session.plain_measures = torch.cat([measures(drawer.draw(part)) for part in parts])
    return session.plain_measures
