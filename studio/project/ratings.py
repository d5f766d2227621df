"""Stars and flags: appended, taken back, given back, counted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from studio.project.database import Database, explained, marks
from studio.project.records import RATING_KINDS, Change, Counts, Feedback, ImageState

MOST_STARS = 5


class Ratings(Database):
    """What a person said about images, and the undoing of it."""

    def rate(self, images: int | Sequence[int], kind: str, value: float = 0) -> Change:
        """Rate one image or several as one action; durable when this returns.

        `kind` is "stars" (`value` 1..5; where all images have it already it clears, and so does 0), "clear", "like",
        "reject" or "neither" (which takes a flag away).
        """
        chosen = tuple(dict.fromkeys([images] if isinstance(images, int) else images))
        if kind not in RATING_KINDS:
            raise ValueError(f"unknown rating {kind!r}")
        if kind == "stars" and value not in range(MOST_STARS + 1):
            raise ValueError(f"{value} is not a number of stars from 0 to {MOST_STARS}")
        before = self.state(chosen)
        if kind == "stars" and (value == 0 or all(state.stars == value for state in before.values())):
            kind = "clear"
        value = float(value) if kind == "stars" else 0.0
        changed = [image for image in chosen if _after(before[image], kind, value) != before[image]]
        label = _label(kind, value, len(changed))
        if not changed:
            return Change((), {}, kind, value, label)
        now = time.time()
        with self._transaction():
            self._db.execute("UPDATE actions SET status = 'dropped' WHERE status = 'undone'")
            action = self._db.execute(
                "INSERT INTO actions (kind, value, label) VALUES (?, ?, ?)", (kind, value, label)
            ).lastrowid
            for image in changed:
                event = self._append(now, kind, image, value, action)
                self._put_state(_after(before[image], kind, value), event)
        events = tuple(Feedback(image, kind, value, now) for image in changed)
        return Change(tuple(changed), self.state(changed), kind, value, label, events)

    def undo(self) -> Change | None:
        """Take back the last rating, of this or an earlier session; None if there is none."""
        return self._step("SELECT max(id) FROM actions WHERE status = 'done'", "undone", "undo")

    def redo(self) -> Change | None:
        """Give back the rating that was taken back last; None if there is none."""
        return self._step("SELECT min(id) FROM actions WHERE status = 'undone'", "done", "redo")

    def undo_label(self) -> str | None:
        """What `undo` would take back."""
        return self._text("SELECT label FROM actions WHERE status = 'done' ORDER BY id DESC LIMIT 1")

    def redo_label(self) -> str | None:
        """What `redo` would give back."""
        return self._text("SELECT label FROM actions WHERE status = 'undone' ORDER BY id LIMIT 1")

    def state(self, images: Iterable[int]) -> dict[int, ImageState]:
        """What the person thinks of these images now; every id asked for is in the answer."""
        found = {image: ImageState(image) for image in images}
        ids = list(found)
        with explained(self.folder):
            for start in range(0, len(ids), 500):
                some = ids[start : start + 500]
                rows = self._db.execute(
                    f"SELECT image, stars, flag FROM states WHERE image IN ({marks(some)})", some
                )
                found.update((image, ImageState(image, stars, flag)) for image, stars, flag in rows)
        return found

    def learning_events(self) -> tuple[Feedback, ...]:
        """Every rating in order, those taken back left out: what the learner learns from."""
        return tuple(
            Feedback(*row)
            for row in self._rows(
                "SELECT events.image, events.kind, events.value, events.time FROM events"
                " JOIN actions ON actions.id = events.action"
                " WHERE actions.status = 'done' AND events.image IS NOT NULL ORDER BY events.id"
            )
        )

    def counts(self) -> Counts:
        """How many images were rated and shown, in all and since the last kept round."""
        with explained(self.folder):
            event, image, rounds = self._db.execute(
                "SELECT coalesce(max(last_event), 0), coalesce(max(last_image), 0), coalesce(max(round), 0) FROM checkpoints"
            ).fetchone()
            rated, recent = self._db.execute(
                "SELECT count(*), coalesce(sum(event > ?), 0) FROM states WHERE stars > 0 OR flag IS NOT NULL",
                (event,),
            ).fetchone()
            shown, new = self._db.execute(
                "SELECT count(*), coalesce(sum(id > ?), 0) FROM images", (image,)
            ).fetchone()
        return Counts(rated, shown, recent, new, rounds + 1)

    def _put_state(self, state: ImageState, event: int) -> None:
        row = (state.image, state.stars, state.flag, event)
        self._db.execute("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)", row)

    def _step(self, query: str, status: str, kind: str) -> Change | None:
        now = time.time()
        with self._transaction():
            (action,) = self._db.execute(query).fetchone()
            if action is None:
                return None
            self._db.execute("UPDATE actions SET status = ? WHERE id = ?", (status, action))
            self._append(now, kind, None, float(action), None)
            rows = self._db.execute(
                "SELECT DISTINCT image FROM events WHERE action = ?", (action,)
            ).fetchall()
            images = [int(image) for (image,) in rows]
            before = self.state(images)
            for image in images:
                self._put_state(*self._replayed(image))
            of, value, label = self._db.execute(
                "SELECT kind, value, label FROM actions WHERE id = ?", (action,)
            ).fetchone()
        states = self.state(images)
        events = tuple(f for image in images for f in _difference(before[image], states[image], now))
        return Change(tuple(images), states, of, value, label, events)

    def _replayed(self, image: int) -> tuple[ImageState, int]:
        state, last = ImageState(image), 0
        for event, kind, value in self._db.execute(
            "SELECT events.id, events.kind, events.value FROM events JOIN actions ON actions.id = events.action"
            " WHERE events.image = ? AND actions.status = 'done' ORDER BY events.id",
            (image,),
        ):
            state, last = _after(state, kind, value), event
        return state, last


def _after(state: ImageState, kind: str, value: float) -> ImageState:
    if kind in ("stars", "clear"):
        return ImageState(state.image, int(value) if kind == "stars" else 0, state.flag)
    return ImageState(state.image, state.stars, None if kind == "neither" else kind)


def _difference(before: ImageState, after: ImageState, now: float) -> Iterator[Feedback]:
    """What to tell a learner that knows `before`, so that it knows `after`."""
    if after.stars != before.stars:
        yield Feedback(after.image, "stars" if after.stars else "clear", float(after.stars), now)
    if after.flag != before.flag:
        yield Feedback(after.image, after.flag or "neither", 0.0, now)


def _label(kind: str, value: float, images: int) -> str:
    names = {"clear": "clear stars", "like": "like", "reject": "reject", "neither": "clear flag"}
    text = names.get(kind) or f"{int(value)} star{'s' if value > 1 else ''}"
    return text if images <= 1 else f"{text} on {images} images"
