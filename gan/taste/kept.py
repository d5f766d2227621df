"""How much of what the untuned generator draws, and of what is liked, a tuned generator still draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from gan.measure.distances import Manifold, covered, expected_coverage

if TYPE_CHECKING:
    from gan.session import TuningSession

DRAWN = range(3_000_000_000, 3_000_000_256)  # seeds of the tuned images: none that people type, and none in a pool
_LIKED = 5  # liked are the best 1 in 5 of the untuned images


@dataclass(frozen=True)
class Kept:
    """Shares are relative to what as many images of the untuned generator, or as many liked ones, would cover: 1 if nothing is left out."""

    every: float  # of the untuned generator's images, 0..1
    liked: float  # of the fifth of them that is liked best
    dropped: torch.Tensor  # liked rows of the reference set that are not covered any more, the best liked first


def kept(session: TuningSession) -> Kept | None:
    """Coverage (Naeem et al. 2020, arXiv 2002.09797) of the reference set by the tuned generator; None if it is not tuned.

    Draws a few hundred images, once for each version of the generator; a taste must be fitted.
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
