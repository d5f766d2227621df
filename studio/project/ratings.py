"""What a person says of single images: stars, flags, colour labels, tags, notes, titles. Appended, replayed, counted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from studio.project.database import explained, marks
from studio.project.history import History
from studio.project.opinions import (
    MARK_KINDS,
    MOST_LABELS,
    MOST_STARS,
    RATING_KINDS,
    Feedback,
    Tag,
)
from studio.project.records import Change, Counts, ImageState

LABELS = ("clear", "red", "yellow", "green", "blue")
_STATE = "image, stars, flag, label, tags, note, title"
_WORDS = ("tag", "untag", "note", "title")  # kinds that carry text


class Ratings(History):
    """What a person said about images, and what it comes to."""

    def rate(self, images: int | Sequence[int], kind: str, value: float = 0, text: str = "") -> Change:
        """Rate or mark one image or several as one action; durable when this returns.

        `kind` is "stars" (`value` 1..5; where all images have it already it clears, and so does 0), "clear", "like",
        "reject", "neither" (which takes a flag away), "label" (`value` 1..4, as with stars), "tag" and "untag" (one tag in
        `text`), or "note" and "title" (`text` takes the place of the one before).
        """
        chosen = tuple(dict.fromkeys([images] if isinstance(images, int) else images))
        text = _checked(kind, value, text)
        before = self.state(chosen)
        if kind == "stars" and (value == 0 or all(state.stars == value for state in before.values())):
            kind = "clear"
        if kind == "label" and all(state.label == value for state in before.values()):
            value = 0
        value = float(value) if kind in ("stars", "label") else 0.0
        changed = [image for image in chosen if _after(before[image], kind, value, text) != before[image]]
        label = _label(kind, value, text, len(changed))
        if not changed:
            return Change((), {}, kind, value, label)
        now = time.time()
        extra = {"text": text} if kind in _WORDS else None
        with self._transaction():
            action = self._act(kind, value, label)
            for image in changed:
                event = self._append(now, kind, image, value, action, extra)
                rated = event if kind in RATING_KINDS else self._last_rating(image)
                self._put_state(_after(before[image], kind, value, text), rated)
        after = self.state(changed)
        events = tuple(event for image in changed for event in difference(before[image], after[image], now))
        return Change(tuple(changed), after, kind, value, label, events)

    def state(self, images: Iterable[int]) -> dict[int, ImageState]:
        """What the person thinks of these images now; every id asked for is in the answer."""
        found = {image: ImageState(image) for image in images}
        ids = list(found)
        with explained(self.folder):
            for start in range(0, len(ids), 500):
                some = ids[start : start + 500]
                rows = self._db.execute(f"SELECT {_STATE} FROM states WHERE image IN ({marks(some)})", some)
                found.update(
                    (image, ImageState(image, stars, flag, label, tuple(json.loads(tags)), note, title))
                    for image, stars, flag, label, tags, note, title in rows
                )
        return found

    def last_said(self) -> dict[int, float]:
        """When something was said of each image last, taken back or not: Unix seconds."""
        query = f"SELECT image, max(time) FROM events WHERE kind IN ({marks(_KINDS)}) GROUP BY image"
        return dict(self._rows(query, _KINDS))

    def counts(self) -> Counts:
        """How many images were rated and shown, in all and since the last kept round."""
        with explained(self.folder):
            event, rounds = self._db.execute(
                "SELECT coalesce(max(last_event), 0), coalesce(max(round), 0) FROM checkpoints"
            ).fetchone()
            # Each of them a short walk through an index, however many images there are.
            said = "FROM states WHERE (stars > 0 OR flag IS NOT NULL)"
            rated, recent, shown = self._db.execute(
                f"SELECT (SELECT count(*) {said}), (SELECT count(*) {said} AND event > ?), (SELECT count(*) FROM images)",
                (event,),
            ).fetchone()
        return Counts(rated, shown, recent, rounds + 1)

    def _put_state(self, state: ImageState, event: int) -> None:
        tags = json.dumps(state.tags, ensure_ascii=False)
        row = (state.image, state.stars, state.flag, event, state.label, tags, state.note, state.title)
        self._db.execute("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _replay(self, image: int) -> None:
        """Work an image's state out again from its events that stand."""
        state, last = ImageState(image), 0
        for event, kind, value, extra in self._db.execute(
            "SELECT events.id, events.kind, events.value, events.extra FROM events"
            " JOIN actions ON actions.id = events.action"
            f" WHERE events.image = ? AND actions.status = 'done' AND events.kind IN ({marks(_KINDS)})"
            " ORDER BY events.id",
            (image, *_KINDS),
        ):
            state = _after(state, kind, value, json.loads(extra).get("text", ""))
            last = event if kind in RATING_KINDS else last
        self._put_state(state, last)

    def _last_rating(self, image: int) -> int:
        row = self._db.execute("SELECT event FROM states WHERE image = ?", (image,)).fetchone()
        return 0 if row is None else int(row[0])


_KINDS = RATING_KINDS + MARK_KINDS


def _checked(kind: str, value: float, text: str) -> str:
    if kind not in _KINDS:
        raise ValueError(f"unknown rating {kind!r}")
    if kind == "stars" and value not in range(MOST_STARS + 1):
        raise ValueError(f"{value} is not a number of stars from 0 to {MOST_STARS}")
    if kind == "label" and value not in range(MOST_LABELS + 1):
        raise ValueError(f"{value} is not a colour label from 0 to {MOST_LABELS}")
    text = text.strip() if kind == "note" else " ".join(text.split())
    if kind in ("tag", "untag") and not text:
        raise ValueError("a tag is a word or more")
    return text


def _after(state: ImageState, kind: str, value: float, text: str) -> ImageState:
    if kind in ("stars", "clear"):
        return replace(state, stars=int(value) if kind == "stars" else 0)
    if kind == "label":
        return replace(state, label=int(value))
    if kind == "tag":
        return state if text in state.tags else replace(state, tags=(*state.tags, text))
    if kind == "untag":
        return replace(state, tags=tuple(tag for tag in state.tags if tag != text))
    if kind == "note":
        return replace(state, note=text)
    if kind == "title":
        return replace(state, title=text)
    return replace(state, flag=None if kind == "neither" else kind)


def difference(before: ImageState, after: ImageState, now: float) -> Iterator[Feedback | Tag]:
    """What to tell a learner that knows `before`, so that it knows `after`."""
    if after.stars != before.stars:
        yield Feedback(after.image, "stars" if after.stars else "clear", float(after.stars), now)
    if after.flag != before.flag:
        yield Feedback(after.image, after.flag or "neither", 0.0, now)
    for word in before.tags:
        if word not in after.tags:
            yield Tag(after.image, "untag", word, now)
    for word in after.tags:
        if word not in before.tags:
            yield Tag(after.image, "tag", word, now)


def _label(kind: str, value: float, text: str, images: int) -> str:
    if kind == "stars":
        name = f"{int(value)} star{'s' if value > 1 else ''}"
    elif kind == "label":
        name = f"{LABELS[int(value)]} label"
    else:
        name = {
            "clear": "clear stars",
            "like": "like",
            "reject": "reject",
            "neither": "clear flag",
            "tag": f"tag {text}",
            "untag": f"remove tag {text}",
            "note": "note" if text else "clear note",
            "title": f"title {text}" if text else "clear title",
        }[kind]
    return name if images <= 1 else f"{name} on {images} images"
