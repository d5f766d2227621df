"""Search over everything that was ever shown: filtered and sorted, for a hundred thousand images."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from studio.project.database import Database, marks
from studio.project.opinions import MOST_STARS
from studio.project.records import Guess, ImageState

UNTUNED = 0
"""Stands for the untuned generator where a checkpoint is asked for."""

ORDERS = ("newest", "oldest", "stars", "predicted", "changed")


@dataclass(frozen=True, slots=True)
class Query:
    """What to show. An empty query matches everything, newest first."""

    text: str = ""  # every word must be in a tag, the title or the note, or be the image's number or seed
    stars: int = 0  # at least so many; 0: any
    rated: bool | None = None  # False: without any feedback
    flag: str | None = None  # "like" | "reject" | "none"
    labels: tuple[int, ...] = ()  # any of these colours
    tag: str | None = None
    checkpoint: int | None = None  # that drew it; UNTUNED: the untuned generator; None: any
    order: str = "newest"  # one of ORDERS

    def kept(self) -> dict[str, Any]:
        """The query as JSON values."""
        return asdict(self)

    @classmethod
    def read(cls, kept: object) -> Query:
        """The query that `kept` returned; an empty one if the value is damaged or of another version."""
        fits: dict[str, Callable[[Any], bool]] = {
            "text": _is_text,
            "stars": lambda value: _is_number(value) and 0 <= value <= MOST_STARS,
            "rated": lambda value: value in (None, True, False),
            "flag": lambda value: value in (None, "like", "reject", "none"),
            "labels": lambda value: isinstance(value, list) and all(map(_is_number, value)),
            "tag": lambda value: value is None or _is_text(value),
            "checkpoint": lambda value: value is None or _is_number(value),
            "order": lambda value: value in ORDERS,
        }
        if not isinstance(kept, dict) or not all(key in fits and fits[key](kept[key]) for key in kept):
            return cls()
        return cls(**{**kept, "labels": tuple(kept.get("labels", ()))})


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Seen:
    """An image with what a gallery shows of it."""

    image: int
    kind: str
    seed: int | None
    checkpoint: int | None
    width: int
    height: int
    created: float
    state: ImageState
    guess: Guess | None


class Search(Database):
    """The gallery's queries."""

    def find(self, query: Query) -> array[int]:
        """Ids of the images that match a query, in its order."""
        if replace(query, order="newest") == Query() and query.order in ("newest", "oldest"):
            return self._everything(newest_first=query.order == "newest")
        said = bool(
            query.stars or query.flag in ("like", "reject") or query.labels or query.tag or query.rated
        )
        joins, wheres, values = "", [], []
        if said or query.order == "changed":
            joins += " JOIN states ON states.image = images.id"
        elif query.rated is False or query.flag == "none" or query.text or query.order == "stars":
            joins += " LEFT JOIN states ON states.image = images.id"
        if query.order == "predicted":
            joins += " LEFT JOIN guesses ON guesses.image = images.id"
        for where, value in _conditions(query):
            wheres.append(where)
            values += value
        sql = f"SELECT images.id FROM images{joins}"
        if wheres:
            sql += " WHERE " + " AND ".join(wheres)
        # One value instead of a row per image: ten times as fast. SQLite keeps the order of the inner query.
        found = self._rows(
            f"SELECT json_group_array(id) FROM ({sql} ORDER BY {_ORDER_BY[query.order]})", values
        )
        return array("q", json.loads(found[0][0]))

    def _everything(self, newest_first: bool) -> array[int]:
        count, last = self._rows("SELECT count(*), coalesce(max(id), 0) FROM images")[0]
        if count != last:  # ids are consecutive, unless adding a grid has failed once
            found = self._rows("SELECT json_group_array(id) FROM (SELECT id FROM images ORDER BY +id)")
            ids = array("q", json.loads(found[0][0]))
            return ids[::-1] if newest_first else ids
        return array("q", range(last, 0, -1) if newest_first else range(1, last + 1))

    def seen(self, images: Sequence[int]) -> dict[int, Seen]:
        """What a gallery shows of these images."""
        found: dict[int, Seen] = {}
        for start in range(0, len(images), 500):
            some = list(images[start : start + 500])
            rows = self._rows(
                "SELECT id, kind, seed, checkpoint, width, height, created,"
                " coalesce(states.stars, 0), flag, coalesce(label, 0), coalesce(tags, '[]'), coalesce(note, ''), coalesce(title, ''),"
                " guesses.stars, spread FROM images LEFT JOIN states ON states.image = id"
                f" LEFT JOIN guesses ON guesses.image = id WHERE id IN ({marks(some)})",
                some,
            )
            for row in rows:
                (
                    id,
                    kind,
                    seed,
                    checkpoint,
                    width,
                    height,
                    created,
                    stars,
                    flag,
                    label,
                    tags,
                    note,
                    title,
                    guess,
                    spread,
                ) = row
                state = ImageState(id, stars, flag, label, tuple(json.loads(tags)), note, title)
                expected = None if guess is None else Guess(id, guess, spread)
                found[id] = Seen(id, kind, seed, checkpoint, width, height, created, state, expected)
        return found

    def tags(self) -> list[tuple[str, int]]:
        """All tags with their numbers of images, the most used first."""
        return [
            (str(tag), int(count))
            for tag, count in self._rows(
                "SELECT value, count(*) FROM states, json_each(states.tags) GROUP BY value ORDER BY 2 DESC, 1"
            )
        ]

    def keep_guesses(self, guesses: Iterable[Guess]) -> None:
        """Store the worker's predictions for searching; earlier ones are overwritten."""
        rows = [(guess.image, guess.stars, guess.spread) for guess in guesses]
        if rows:
            with self._transaction():
                self._db.executemany(
                    "INSERT OR REPLACE INTO guesses SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM images WHERE id = ?1)",
                    rows,
                )


_MOST_DIGITS = 18  # of a number that SQLite can hold
_SAID = " || ' ' || ".join(f"coalesce(states.{column}, '')" for column in ("title", "note", "tags"))
_ORDER_BY = {
    # The plus keeps SQLite from scanning the whole table, with its latents, only because it is stored in this order.
    "newest": "+images.id DESC",
    "oldest": "+images.id",
    "stars": "coalesce(states.stars, 0) DESC, +images.id DESC",
    "predicted": "guesses.stars DESC NULLS LAST, +images.id DESC",
    "changed": "states.event DESC, +images.id DESC",
}


def _conditions(query: Query) -> list[tuple[str, list[Any]]]:
    """WHERE clauses with their values."""
    made: list[tuple[str, list[Any]]] = []
    if query.stars:
        made.append(("states.stars >= ?", [query.stars]))
    if query.rated is not None:
        rated = "(coalesce(states.stars, 0) > 0 OR states.flag IS NOT NULL)"
        made.append((rated if query.rated else f"NOT {rated}", []))
    if query.flag == "none":
        made.append(("states.flag IS NULL", []))
    elif query.flag:
        made.append(("states.flag = ?", [query.flag]))
    if query.labels:
        made.append((f"states.label IN ({marks(query.labels)})", list(query.labels)))
    if query.tag:
        made.append(("EXISTS (SELECT 1 FROM json_each(states.tags) WHERE value = ?)", [query.tag]))
    if query.checkpoint == UNTUNED:
        made.append(("images.checkpoint IS NULL", []))
    elif query.checkpoint is not None:
        made.append(("images.checkpoint = ?", [query.checkpoint]))
    for word in query.text.split():
        plain, number = word.casefold(), word.lstrip("#")
        # Of most images nothing was said in words: a call of Python for each would take most of the time.
        words = f"CASE WHEN {_SAID} IN ('  ', '  []') THEN 0 ELSE instr(folded({_SAID}), ?) END"
        if number.isdecimal() and len(number) <= _MOST_DIGITS:
            made.append((f"({words} OR images.id = ? OR images.seed = ?)", [plain, int(number), int(number)]))
        else:
            made.append((words, [plain]))
    return made
