"""A summary of what a session has learnt about a person's taste, to show to that person."""

from dataclasses import dataclass

import numpy as np
import torch

from gan.measure.distances import Manifold, covered, expected_coverage
from gan.rewards.prediction import predictions
from gan.session import TuningSession
from gan.taste.words import Word, measures, words

_LOOKED_AT = 256  # reference images from which the words are derived,
_FEWEST, _SECONDS = 32, 20.0  # or, with a slow generator, as many as it draws in so many seconds
DRAWN = range(3_000_000_000, 3_000_000_256)  # seeds of the tuned images: unlikely to be typed, and not in a pool
_LIKED = 5  # the best 1 in 5 of the untuned images count as liked


@dataclass(frozen=True)
class Kept:
    """What the tuned generator still covers, relative to what as many untuned (or untuned and liked) images would: 1 if nothing is lost."""

    every: float  # coverage of the untuned generator's images, 0..1
    liked: float  # coverage of the best-liked fifth of them, 0..1
    dropped: torch.Tensor  # indices of liked images in the reference set that are no longer covered, best liked first


@dataclass(frozen=True)
class Shown:
    """A group of images: latents float32 (N, d), pixels uint8 (N, H, W, 3), predicted stars (N) and their deviation (N)."""

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
    kept: Kept | None = None  # None before the first round
    dropped: Shown | None = None  # liked images that are hardly drawn any more; None if there are none
    pending: tuple[str, ...] = ()  # fields ("words", "kept") that are empty because hundreds of images have to be drawn for them


@torch.no_grad()
def insight(session: TuningSession, count: int = 6, at_once: bool = False) -> Insight | None:
    """Describe the taste. Returns None if no taste is fitted.

    The images come from the reference set, which never changes; only the taste does. `count` : largest number of images of each kind.
    `at_once` : leave out what needs many more images to be drawn, seconds of work on a CPU; it is named in `pending`.
    """
    if session.learner.model is None:
        return None
    scorer = session.scorer
    liking, doubt = session.learner.model.predict(tuple(group[:_LOOKED_AT] for group in scorer.reference))
    pending = tuple(to_draw(session)) if at_once else ()
    some_words = session.learner.conviction and "words" not in pending  # no words without evidence of a preference
    measured = plain_measures(session) if some_words else None
    found = [] if measured is None else words(measured, liking[: len(measured)])
    order = liking.argsort(descending=True)

    def shown(rows: torch.Tensor) -> Shown:
        points = scorer.latents[rows].numpy().astype(np.float32)
        guessed = predictions(session.score(points))
        return Shown(
            points, session.draw(points), tuple(g.stars for g in guessed), tuple(g.spread for g in guessed)
        )

    still = None if "kept" in pending else kept(session)
    return Insight(
        tuple(found),
        shown(order[:count]),
        shown(order.flip(0)[:count]),
        session.learner.curve(),
        float(doubt.mean()),
        still,
        shown(still.dropped[:count]) if still is not None and len(still.dropped) else None,
        pending,
    )


def to_draw(session: TuningSession) -> list[str]:
    """The fields of an `Insight` for which images would have to be drawn now; a taste must be fitted."""
    fields = []
    if session.learner.conviction and len(_unmeasured(session)):
        fields.append("words")
    if session.rounds and not session.tuned_features_known(DRAWN):
        fields.append("kept")
    return fields


def kept(session: TuningSession) -> Kept | None:
    """Coverage (Naeem et al. 2020, arXiv 2002.09797) of the reference set by the tuned generator; None before the first round.

    Draws 256 images, once per version of the generator. A taste must be fitted.
    """
    if not session.rounds:
        return None
    scorer = session.scorer
    reference = torch.cat(scorer.reference, dim=1).double()
    drawn = session.tuned_features(DRAWN).double().numpy()
    best = scorer.reference_liking.argsort(descending=True)[: len(reference) // _LIKED]
    every = Manifold.of(reference.numpy())
    liked = Manifold.of(reference[best].numpy())
    met = covered(liked, drawn)

    def share(found: float, of: Manifold) -> float:
        return min(1.0, found / expected_coverage(len(of.points), len(drawn)))

    return Kept(
        share(float(covered(every, drawn).mean()), every), share(float(met.mean()), liked), best[torch.from_numpy(~met)]
    )


def plain_measures(session: TuningSession) -> torch.Tensor:
    """Measures of the first 256 reference images, or of fewer with a slow generator: (n, len(MEASURES)); cached by the session."""
    while _measure_more(session):
        pass
    assert session.plain_measures is not None
    return session.plain_measures


def prepare(session: TuningSession) -> bool:
    """Draw a few of the images for which an `Insight` would have to wait. Returns False if there are none; a taste must be fitted."""
    missing = to_draw(session)
    if "words" in missing:
        return _measure_more(session)
    return "kept" in missing and session.read_tuned(DRAWN, session.pool.piece)


@torch.no_grad()
def _measure_more(session: TuningSession) -> bool:
    """Draw and measure a few more of the images of `plain_measures`. Returns False if all are measured."""
    known, drawer = session.plain_measures, session.scorer.drawer
    rest = _unmeasured(session)[: min(drawer.chunk, session.pool.piece)]
    if not len(rest):
        return False
    found = measures(drawer.draw(rest))
    session.plain_measures = found if known is None else torch.cat([known, found])
    return True


def _unmeasured(session: TuningSession) -> torch.Tensor:
    """Latents of the images that `plain_measures` still needs."""
    enough = int(min(_LOOKED_AT, max(_FEWEST, _SECONDS * session.pool.speed)))
    return session.scorer.latents[0 if session.plain_measures is None else len(session.plain_measures) : enough]
