"""Ratings of suggested titles. The title that an image has is part of its `Ratings`."""

from __future__ import annotations

import json
import time

from studio.project.history import History
from studio.project.opinions import MOST_STARS, TITLE_STARS
from studio.project.records import Change, TitleRating


class Titles(History):
    """Stars for titles, appended as events like all other feedback."""

    def rate_title(self, image: int, text: str, stars: int) -> Change:
        """Rate a title of an image: 1..5 stars, or 0 to remove them. It is durable when this returns."""
        text = " ".join(text.split())
        if stars not in range(MOST_STARS + 1) or not text:
            raise ValueError(f"not a rating of a title: {stars} stars for {text!r}")
        label = f"{stars} star{'s' if stars > 1 else ''} for {text}" if stars else f"clear stars for {text}"
        if stars == self.title_stars(image).get(text, 0):
            return Change((), {}, TITLE_STARS, float(stars), label)
        with self._transaction():
            action = self._act(TITLE_STARS, float(stars), label)
            self._append(time.time(), TITLE_STARS, image, float(stars), action, {"text": text})
        return Change((image,), {}, TITLE_STARS, float(stars), label)

    def title_ratings(self) -> tuple[TitleRating, ...]:
        """All rated titles, in order of their latest ratings, without undone ones.

        The title of an image counts as five stars, unless it was rated.
        """
        rated: dict[tuple[int, str], int] = {}
        given: dict[int, str] = {}
        for image, kind, value, extra in self._rows(
            "SELECT image, kind, value, extra FROM events WHERE kind IN (?, 'title') AND image IS NOT NULL"
            " AND action IN (SELECT id FROM actions WHERE status = 'done') ORDER BY id",
            (TITLE_STARS,),
        ):
            text = json.loads(extra)["text"]
            if kind == TITLE_STARS:
                rated.pop((image, text), None)
                rated[image, text] = int(value)
            else:
                given[image] = text
        for image, text in given.items():
            if text and (image, text) not in rated:
                rated[image, text] = MOST_STARS
        return tuple(TitleRating(image, text, stars) for (image, text), stars in rated.items() if stars)

    def title_stars(self, image: int) -> dict[str, int]:
        """Ratings of titles of one image: text -> stars, including titles given to it."""
        return {rating.text: rating.stars for rating in self.title_ratings() if rating.image == image}
