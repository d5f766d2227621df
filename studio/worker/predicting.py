"""The taste model's predictions for the images on show."""

from __future__ import annotations

from collections.abc import Sequence

from gan.rewards import novelty
from gan.session import TuningSession, predictions
from studio.worker import messages as m
from studio.worker.sessions import taste_message


class Watch:
    """The images on show, and their predictions."""

    def __init__(self) -> None:
        self.images: tuple[int, ...] = ()
        self._novelty: dict[int, float] = {}

    def forget(self) -> None:
        """Start with another session: novelty is measured again."""
        self._novelty = {}

    def taste(self, session: TuningSession) -> m.Taste:
        """The summary of the taste, with predictions for the images on show."""
        found = self._predictions(session, self.images) if self.images and session.learner.model else ()
        return taste_message(session.learner.summary(), found)

    def _predictions(self, session: TuningSession, images: Sequence[int]) -> tuple[m.Prediction, ...]:
        scores = session.score_known(images)
        if any(image not in self._novelty for image in images) and len(images) > 1:
            far = novelty(scores.features)
            far = (far - far.mean()) / far.std().clamp_min(1e-6)
            self._novelty = dict(zip(images, far.tolist(), strict=True))
        return tuple(
            m.Prediction(
                image=image,
                stars=of.stars,
                spread=of.spread,
                taste=of.taste,
                realism=of.realism,
                novelty=self._novelty.get(image),
                reward=of.reward,
                gated=of.gated,
                wishes=of.wishes,
            )
            for image, of in zip(images, predictions(scores), strict=True)
        )
