"""The worker's part of the Explore and Taste views: `gan.explore` and `gan.insight` behind messages."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gan import explore
from gan.insight import insight
from gan.session import TuningSession, predictions
from studio.worker import exploration as x
from studio.worker.frames import FrameWriter
from studio.worker.sessions import array, packed


class Explorer:
    """Serves one session; computes the directions when they are first needed."""

    def __init__(self, session: TuningSession, frames: FrameWriter) -> None:
        self._session, self._frames = session, frames
        self._directions: explore.Directions | None = None

    @property
    def directions(self) -> explore.Directions:
        """The directions of the sliders."""
        if self._directions is None:
            self._directions = explore.fit_directions(self._session)
        return self._directions

    def explore(self, command: x.Explore) -> x.Explored:
        """Move from an image, and draw the result."""
        session, directions = self._session, self.directions
        start = explore.from_seed(session, command.seed) if command.start is None else _tensor(command.start)
        point = explore.moved(start, directions, command.amounts[: len(directions.ends)], command.truncation)
        points = [point]
        if command.other is not None:
            points += [
                explore.between(point, _tensor(command.other), step / command.count)
                for step in range(1, command.count + 1)
            ]
        elif command.count:
            random = torch.Generator().manual_seed(command.variation)
            locked = directions.moves[[k for k in command.locked if k < len(directions.ends)]]
            points += list(explore.neighbours(point, command.count, command.radius, random, locked))
        latents = torch.stack(points).numpy().astype(np.float32)
        stars: tuple[float, ...] = ()
        if session.learner.model is not None:
            stars = tuple(guess.stars for guess in predictions(session.score(latents)))
        pixels = self._frames.send(session.draw(latents))
        return x.Explored(command.request, tuple(map(packed, latents)), stars, directions.ends, pixels)

    def explain(self, command: x.Explain, whole: bool) -> x.Explained:
        """Describe what was learnt; unless the `whole` is wanted, without what images would have to be drawn for."""
        found = insight(self._session, command.count, at_once=not whole)
        if found is None:
            return x.Explained((), (), (), (), (), 1.0, None)
        both = (found.best, found.worst)
        shown = both if found.dropped is None else (*both, found.dropped)
        return x.Explained(
            words=tuple((word.text, word.strength) for word in found.words),
            stars=tuple(star for end in both for star in end.stars),
            spread=tuple(spread for end in both for spread in end.spread),
            latents=tuple(packed(latent) for end in both for latent in end.latents),
            curve=found.curve,
            doubt=min(1.0, found.doubt),
            frames=self._frames.send(np.concatenate([end.pixels for end in shown])),
            kept=None if found.kept is None else (found.kept.every, found.kept.liked),
            pending=found.pending,
        )


def _tensor(latent: bytes) -> Tensor:
    return torch.from_numpy(array(latent))
