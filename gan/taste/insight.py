"""What a session has learnt about a person's taste, presented to that person."""

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

_LOOKED_AT = 256  # reference images that the words are derived from


@dataclass(frozen=True)
class Shown:
    """Images at one end of the taste: latents float32 (N, d), pixels uint8 (N, H, W, 3), predicted stars (N) and their deviation."""

    latents: np.ndarray
    pixels: np.ndarray
    stars: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Insight:
    """The taste as words, images and numbers."""

    words: tuple[Word, ...]
    best: Shown
    worst: Shown
    curve: tuple[tuple[int, float], ...]  # (predictions so far, share of pairs in the right order among the latest of them)
    doubt: float  # mean posterior deviation over untuned images; about 1.0 if nothing is known
    kept: Kept | None = None  # None: the generator is not tuned
    dropped: Shown | None = None  # liked images that are hardly drawn any more; set together with `kept`


@torch.no_grad()
def insight(session: TuningSession, count: int = 6) -> Insight | None:
    """Describe the taste; None if no taste is fitted.

    The images come from the reference set, which never changes; only the taste does. `count` is the most images of each kind.
    """
    if session.learner.model is None:
        return None
    scorer = session.scorer
    some = slice(0, _LOOKED_AT)
    liking, doubt = session.learner.model.predict(tuple(group[some] for group in scorer.reference))
    found = words(plain_measures(session), liking) if session.learner.conviction else []  # without conviction there is no word
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
    """Measures of the first reference images, (n, len(MEASURES)). They never change, so the session caches them."""
    if session.plain_measures is None:
        drawer = session.scorer.drawer
        parts = session.scorer.latents[:_LOOKED_AT].split(drawer.chunk)
        session.plain_measures = torch.cat([measures(drawer.draw(part)) for part in parts])
    return session.plain_measures
