"""Feedback on single images: stars, flags, colour labels, tags, notes, titles; appended as events, replayed, counted."""

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
_WORDS = ("tag", "untag", "note", "title")  # kinds with a text


class Ratings(History):
    """A person's feedback on images, and the resulting state of each."""

    def rate(self, images: int | Sequence[int], kind: str, value: float = 0, text: str = "") -> Change:
        """Rate or mark one or several images as a single action; it is durable when this returns.

        `kind` is "stars" (`value` 1..5; 0 removes them, and so does a value that all the images have already), "clear", "like", "reject",
        "neither" (removes a flag), "label" (`value` 1..4, as with stars), "tag" and "untag" (one tag in `text`), or "note" and "title"
        (`text` replaces the earlier one).
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
        """The current state of these images; every id is in the result."""
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
        """Time of the latest feedback on each image, also if it was undone: Unix seconds."""
        query = f"SELECT image, max(time) FROM events WHERE kind IN ({marks(_KINDS)}) GROUP BY image"
        return dict(self._rows(query, _KINDS))

    def counts(self) -> Counts:
        """How many images were rated and shown, in total and since the last kept round."""
        with explained(self.folder):
            event, rounds = self._db.execute(
                "SELECT coalesce(max(last_event), 0), coalesce(max(round), 0) FROM checkpoints"
            ).fetchone()
            # Each is a short index scan, however many images there are.
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
        """Recompute an image's state from its events that are not undone."""
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
    """The opinions that take a learner from `before` to `after`."""
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
