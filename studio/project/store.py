"""A project folder: `project.sqlite`, `checkpoints/`, `images/`.

Ratings are events, appended in one durable transaction each and never overwritten. Undo lives in the same database, so
that it works across restarts. Every method raises ProjectError, one line for people, and changes nothing when it does.
Use a `Project` on the thread that made it.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from studio.project import png, schema
from studio.project.lock import FolderLock
from studio.project.records import (
    RATING_KINDS,
    Change,
    Checkpoint,
    Counts,
    Event,
    Feedback,
    Grid,
    Image,
    ImageState,
    NewImage,
    ProjectError,
)

__all__ = [
    "Change",
    "Checkpoint",
    "Counts",
    "Event",
    "Feedback",
    "Grid",
    "Image",
    "ImageState",
    "NewImage",
    "Project",
    "ProjectError",
]

DATABASE = "project.sqlite"
MOST_STARS = 5


def is_project(folder: Path) -> bool:
    """Whether a folder holds a project."""
    return (Path(folder) / DATABASE).is_file()


class Project:
    """An open project. Close it, or use it as a context manager."""

    def __init__(
        self, folder: Path, create: bool = True, model: str = "dreamscapes", seed: int | None = None
    ) -> None:
        """Open the project in `folder`, or make one there with this generator (a bundled name or a bundle folder)."""
        self.folder = Path(folder).expanduser().absolute()
        self.session = uuid.uuid4().hex
        path = self.folder / DATABASE
        if not create and not path.is_file():
            raise ProjectError(f"{self.folder} is not a Tastemaker project.")
        with _explained(self.folder):
            if self.folder.exists() and not self.folder.is_dir():
                raise ProjectError(f"{self.folder} is a file, not a folder.")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(self.folder)
            try:
                self._db = _connect(path)
            except BaseException:
                self._lock.release()
                raise
        try:
            with _explained(self.folder):
                (self.folder / "checkpoints").mkdir(exist_ok=True)
                (self.folder / "images").mkdir(exist_ok=True)
                if schema.prepare(self._db, path):
                    if seed is None:
                        seed = int.from_bytes(os.urandom(3), "little")
                    self.set_meta(model=model, seed=seed, created=time.time())
                self._adopt_checkpoints()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the files; a second call does nothing."""
        with suppress(sqlite3.Error):  # everything is already durable
            self._db.close()
        self._lock.release()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------------------------
    # Settings of the project

    @property
    def model(self) -> str:
        """The generator that is tuned: a bundled name or a bundle folder."""
        return str(self.meta("model"))

    @property
    def seed(self) -> int:
        """From which the learner's own choices follow."""
        return int(self.meta("seed"))

    def meta(self, key: str, default: Any = None) -> Any:
        """A JSON value kept under `key`."""
        with _explained(self.folder):
            row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_meta(self, **values: Any) -> None:
        """Keep JSON values."""
        with self._transaction():
            self._put_meta(**values)

    # ------------------------------------------------------------------------------------------------------------------
    # Ratings

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
        with _explained(self.folder):
            for start in range(0, len(ids), 500):
                some = ids[start : start + 500]
                rows = self._db.execute(
                    f"SELECT image, stars, flag FROM states WHERE image IN ({_marks(some)})", some
                )
                found.update((image, ImageState(image, stars, flag)) for image, stars, flag in rows)
        return found

    def record(self, kind: str, image: int | None = None, value: float = 0.0, **extra: Any) -> int:
        """Append something that is not a rating (a round, a zoom, an export) to the log; its id."""
        if kind in RATING_KINDS:
            raise ValueError(f"{kind!r} is a rating: use rate()")
        with self._transaction():
            return self._append(time.time(), kind, image, value, None, extra)

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

    def log(self, after: int = 0) -> tuple[Event, ...]:
        """The whole log after an event id, undone ratings and the undoings included."""
        rows = self._rows(
            "SELECT id, time, session, kind, image, value, extra FROM events WHERE id > ? ORDER BY id",
            (after,),
        )
        return tuple(
            Event(id, at, session, kind, image, value, json.loads(extra))
            for id, at, session, kind, image, value, extra in rows
        )

    def counts(self) -> Counts:
        """How many images were rated and shown, in all and since the last kept round."""
        with _explained(self.folder):
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

    # ------------------------------------------------------------------------------------------------------------------
    # Images and grids

    def add_grid(self, images: Sequence[NewImage]) -> Grid:
        """Give ids to images and make them the current grid."""
        now = time.time()
        checkpoint = self.meta("checkpoint")
        with self._transaction():
            ids = []
            for image in images:
                row = (
                    bytes(image.latent),
                    image.kind,
                    image.seed,
                    checkpoint,
                    image.width,
                    image.height,
                    now,
                )
                ids.append(
                    self._db.execute(
                        "INSERT INTO images (latent, kind, seed, checkpoint, width, height, created)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?)",
                        row,
                    ).lastrowid
                )
            grid = self._db.execute(
                "INSERT INTO grids (checkpoint, created) VALUES (?, ?)", (checkpoint, now)
            ).lastrowid
            self._db.executemany(
                "INSERT INTO grid_images VALUES (?, ?, ?)",
                [(grid, place, image) for place, image in enumerate(ids)],
            )
        return Grid(int(grid or 0), tuple(int(image or 0) for image in ids), checkpoint, now)

    def current_grid(self) -> Grid | None:
        """The grid shown last; None before the first."""
        return self.grid(None)

    def grid(self, grid: int | None) -> Grid | None:
        """A grid by id; the last one for None."""
        with _explained(self.folder):
            row = self._db.execute(
                "SELECT id, checkpoint, created FROM grids WHERE id = coalesce(?, (SELECT max(id) FROM grids))",
                (grid,),
            ).fetchone()
        if row is None:
            return None
        images = self._rows("SELECT image FROM grid_images WHERE grid = ? ORDER BY position", (row[0],))
        return Grid(row[0], tuple(image for (image,) in images), row[1], row[2])

    def images(self, ids: Sequence[int] | None = None) -> tuple[Image, ...]:
        """Images by id, in that order (unknown ids left out); all of them, oldest first, for None."""
        query = "SELECT id, latent, kind, seed, checkpoint, width, height, created FROM images"
        if ids is None:
            return tuple(Image(*row) for row in self._rows(query + " ORDER BY id"))
        found: dict[int, Image] = {}
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            for row in self._rows(f"{query} WHERE id IN ({_marks(some)})", some):
                found[row[0]] = Image(*row)
        return tuple(found[image] for image in ids if image in found)

    def image_file(self, image: int) -> Path:
        """Where an image's PNG file is, if it was written: a cache, since every image can be drawn again."""
        return self.folder / "images" / f"{image:08d}.png"

    def save_pixels(self, image: int, pixels: bytes | memoryview, width: int, height: int) -> None:
        """Write an image's PNG file. Touches no database, so any thread may call it."""
        path = self.image_file(image)
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with _explained(self.folder):
            try:
                part.write_bytes(png.encode(pixels, width, height))
                os.replace(part, path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise

    # ------------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def new_checkpoint_path(self) -> Path:
        """Where the next round is to be written: a name that no file has."""
        return (
            self.folder
            / "checkpoints"
            / f"round-{self._last_round() + 1:03d}-{uuid.uuid4().hex[:8]}.safetensors"
        )

    def add_checkpoint(
        self,
        path: Path,
        metrics: dict[str, Any] | None = None,
        name: str = "",
        kept: bool = True,
        reason: str = "",
    ) -> Checkpoint:
        """Note a checkpoint that is already on disk, as a child of the current one, and make it current."""
        with _explained(self.folder):
            inside = Path(path).absolute().relative_to(self.folder)
            if not (self.folder / inside).exists():
                raise ProjectError(f"The checkpoint {path} is not on disk.")
        number = self._last_round() + 1
        with self._transaction():
            new = self._insert_checkpoint(
                inside, number, metrics or {}, name, kept, reason, self.meta("checkpoint")
            )
            self._put_meta(checkpoint=new)
            self._append(time.time(), "checkpoint", None, float(new), None)
        return self.checkpoint(new)

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """All checkpoints, oldest first."""
        rows = self._rows(
            "SELECT id, parent, round, path, created, metrics, name, kept, reason FROM checkpoints ORDER BY id"
        )
        return tuple(
            Checkpoint(
                id, parent, number, self.folder / path, created, json.loads(metrics), name, bool(kept), reason
            )
            for id, parent, number, path, created, metrics, name, kept, reason in rows
        )

    def checkpoint(self, checkpoint: int) -> Checkpoint:
        """A checkpoint by id."""
        for found in self.checkpoints():
            if found.id == checkpoint:
                return found
        raise ProjectError(f"The project has no checkpoint {checkpoint}.")

    def current_checkpoint(self) -> Checkpoint | None:
        """The checkpoint in use; None: the untuned generator."""
        current = self.meta("checkpoint")
        return None if current is None else self.checkpoint(int(current))

    def set_current_checkpoint(self, checkpoint: int | None) -> None:
        """Go to a checkpoint, or to the untuned generator. Nothing is deleted."""
        if checkpoint is not None:
            self.checkpoint(checkpoint)
        with self._transaction():
            self._put_meta(checkpoint=checkpoint)
            self._append(time.time(), "checkpoint", None, float(checkpoint or 0), None)

    def rename_checkpoint(self, checkpoint: int, name: str) -> None:
        """Give a checkpoint a name for people."""
        with self._transaction():
            self._db.execute("UPDATE checkpoints SET name = ? WHERE id = ?", (name, checkpoint))

    # ------------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _explained(self.folder):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with _explained(self.folder):
            return self._db.execute(query, values).fetchall()

    def _text(self, query: str) -> str | None:
        rows = self._rows(query)
        return str(rows[0][0]) if rows else None

    def _put_meta(self, **values: Any) -> None:
        rows = [(key, json.dumps(value)) for key, value in values.items()]
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def _append(
        self, now: float, kind: str, image: int | None, value: float, action: int | None, extra: Any = None
    ) -> int:
        row = (now, self.session, kind, image, value, action, json.dumps(extra or {}))
        return int(
            self._db.execute(
                "INSERT INTO events (time, session, kind, image, value, action, extra) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            ).lastrowid
            or 0
        )

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

    def _last_round(self) -> int:
        return int(self._rows("SELECT coalesce(max(round), 0) FROM checkpoints")[0][0])

    def _insert_checkpoint(
        self,
        inside: Path,
        number: int,
        metrics: dict[str, Any],
        name: str,
        kept: bool,
        reason: str,
        parent: int | None,
    ) -> int:
        row = (parent, number, inside.as_posix(), time.time(), json.dumps(metrics), name, kept, reason)
        return int(
            self._db.execute(
                "INSERT INTO checkpoints"
                " (parent, round, path, created, metrics, name, kept, reason, last_event, last_image)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
                " (SELECT coalesce(max(id), 0) FROM events), (SELECT coalesce(max(id), 0) FROM images))",
                row,
            ).lastrowid
            or 0
        )

    def _adopt_checkpoints(self) -> None:
        """Note rounds whose file was written but whose row a crash prevented; they do not become current."""
        known = {path for (path,) in self._rows("SELECT path FROM checkpoints")}
        for path in sorted((self.folder / "checkpoints").glob("round-*.safetensors")):
            inside = path.relative_to(self.folder)
            number = re.match(r"round-(\d+)", path.name)
            if number and inside.as_posix() not in known:
                with self._transaction():
                    self._insert_checkpoint(
                        inside,
                        int(number[1]),
                        {},
                        "",
                        True,
                        "Recovered after a crash.",
                        self.meta("checkpoint"),
                    )


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


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=2.0, isolation_level=None)
    try:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError("database disk image is malformed")
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn errors of the database and of the file system into one line for people."""
    try:
        yield
    except sqlite3.Error as error:
        raise ProjectError(_reason(error, folder)) from error
    except OSError as error:
        raise ProjectError(f"Cannot use the project folder {folder}: {error.strerror or error}.") from error


def _reason(error: sqlite3.Error, folder: Path) -> str:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the primary result code
    if code == sqlite3.SQLITE_FULL:
        return f"The disk with {folder} is full; nothing was lost, but nothing more can be saved."
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"The project in {folder} cannot be written: the folder or its files are read-only."
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"The project in {folder} is in use by another program."
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "malformed" in str(error):
        return (
            f"{folder / DATABASE} is damaged and was left as it is; a copy named .bak beside it may be good."
        )
    return f"The project in {folder} cannot be used: {error}."
