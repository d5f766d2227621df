"""The worker's part of suggesting titles: `gan.titles` behind messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from torch import Tensor

from gan.errors import UserError
from gan.session import TuningSession
from gan.titles import LANGUAGES, Titler
from gan.titles import TitleRating as Rating
from studio.project.records import TitleRating
from studio.worker import titles as t


class Titling:
    """Serves one session; learns again if the ratings in a request have changed."""

    def __init__(self, session: TuningSession) -> None:
        self._titler = Titler.of(session)
        self._looks: dict[int, Tensor] = {}
        self._heard: tuple[TitleRating, ...] = ()
        self._learnt_from = 0

    def suggest(self, command: t.SuggestTitles, latents: Mapping[int, np.ndarray]) -> t.TitlesSuggested:
        """Suggest titles for a known image.

        Parameters
        ----------
        latents : of all images of the project.

        Raises
        ------
        UserError
            The image is not known.
        """
        if command.image not in latents:
            raise UserError("This image is not known yet; try again in a moment.")
        if command.ratings != self._heard:
            self._learn(command.ratings, latents)
        look = self._look_at([command.image], latents)[0]
        words = self._titler.words
        avoid = [title for text in command.avoid if (title := words.read(text)) is not None]
        language = command.language if command.language in LANGUAGES else "en"
        found = self._titler.suggest(look, command.count, avoid)
        texts = tuple(words.write(title, language) for title in found)
        return t.TitlesSuggested(command.request, command.image, texts, self._learnt_from)

    def _learn(self, ratings: tuple[TitleRating, ...], latents: Mapping[int, np.ndarray]) -> None:
        """Learn from the ratings, leaving out titles whose words are not in the vocabulary."""
        read = [(rating, self._titler.words.read(rating.text)) for rating in ratings]
        said = [(r, title) for r, title in read if title is not None and r.image in latents]
        looks = self._look_at([rating.image for rating, _ in said], latents)
        self._titler.replace(
            Rating(look, title, rating.stars) for look, (rating, title) in zip(looks, said, strict=True)
        )
        self._learnt_from = len(said) if self._titler.learn() else 0
        self._heard = ratings

    def _look_at(self, images: Iterable[int], latents: Mapping[int, np.ndarray]) -> list[Tensor]:
        images = list(images)
        if new := [image for image in dict.fromkeys(images) if image not in self._looks]:
            looks = self._titler.look(np.stack([latents[image] for image in new]))
            self._looks.update(zip(new, looks, strict=True))
        return [self._looks[image] for image in images]
