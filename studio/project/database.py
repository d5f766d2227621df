"""The SQLite file of a project: transactions, settings, the event log; and readable errors."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path
from typing import Any, Self, TypeVar

from studio.project.lock import FolderLock
from studio.project.opinions import UNDOABLE_KINDS
from studio.project.records import Event, ProjectError

DATABASE = "project.sqlite"
_PATIENCE = 0.25  # seconds to wait for another program's lock; short, since the window is blocked meanwhile
T = TypeVar("T")


class Database:
    """An open database, locked against other programs. The parts of a `Project` are built on it."""

    def __init__(self, folder: Path) -> None:
        """Open or create `project.sqlite` in `folder`; the caller creates its tables."""
        self.folder = folder
        self.session = uuid.uuid4().hex
        with explained(folder):
            if folder.exists() and not folder.is_dir():
                raise ProjectError(f"{folder} is a file, not a folder.")
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
            try:
                self._db = _connect(folder / DATABASE)
                self._file = _identity(folder / DATABASE)
            except BaseException:
                self._lock.release()
                raise

    def close(self) -> None:
        """Close the files; a second call has no effect."""
        with suppress(sqlite3.Error):  # everything is durable already
            self._db.close()
        self._lock.release()

    def meta(self, key: str, default: Any = None) -> Any:
        """The JSON value stored under `key`."""
        with explained(self.folder):
            row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_meta(self, **values: Any) -> None:
        """Store JSON values."""
        with self._transaction():
            self._put_meta(**values)

    def record(self, kind: str, image: int | None = None, value: float = 0.0, **extra: Any) -> int:
        """Append an event that cannot be undone (such as a round or an export) to the log; returns its id."""
        if kind in UNDOABLE_KINDS:
            raise ValueError(f"{kind!r} can be undone: use rate() or the like")
        with self._transaction():
            return self._append(time.time(), kind, image, value, None, extra)

    def log(self, after: int = 0, kinds: Sequence[str] | None = None) -> tuple[Event, ...]:
        """Events after an id, of some kinds or of all, including undone ratings and their undoing."""
        chosen = "" if kinds is None else f" AND kind IN ({marks(kinds)})"
        rows = self._rows(
            f"SELECT id, time, session, kind, image, value, extra FROM events WHERE id > ?{chosen} ORDER BY id",
            (after, *(kinds or ())),
        )
        return tuple(
            Event(id, at, session, kind, image, value, json.loads(extra))
            for id, at, session, kind, image, value, extra in rows
        )

    def read_elsewhere(self, read: Callable[[Self], T]) -> Callable[[], T]:
        """Prepare reading the current state on any thread, while the project is used here. The result is to be called once."""
        view = copy(self)
        with explained(self.folder):
            view._db = _snapshot(self.folder / DATABASE)

        def work() -> T:
            try:
                return read(view)
            finally:
                view._db.close()

        return work

    def check_place(self) -> None:
        """Raise ProjectError if the folder was moved or deleted, or another copy of it is in its place.

        SQLite would continue to write to the files it opened, wherever they are now, even if they are deleted.
        """
        with explained(self.folder):
            try:
                file = _identity(self.folder / DATABASE)
            except (FileNotFoundError, NotADirectoryError):
                raise ProjectError(
                    f"The project is no longer in {self.folder}: it was moved or deleted. Put it back; until then nothing more is saved."
                ) from None
        if file != self._file:
            raise ProjectError(
                f"Another copy of the project lies in {self.folder} now. Start Tastemaker again; until then nothing more is saved."
            )

    @contextmanager
    def _transaction(self, patience: float = _PATIENCE) -> Iterator[None]:
        """One change, written completely or not at all. `patience` : seconds to wait for another program's lock."""
        with explained(self.folder):
            self.check_place()
            self._db.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # with a full disk, SQLite has rolled back by itself
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with explained(self.folder):
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


def marks(values: Sequence[object]) -> str:
    """Placeholders for the values of a query."""
    return ",".join("?" * len(values))


def _snapshot(path: Path) -> sqlite3.Connection:
    """A separate, read-only connection that does not see later changes."""
    database = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA query_only = ON")  # mode=ro would leave the log file behind if it is closed last
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM meta").fetchone()  # the snapshot is taken at the first read
    except BaseException:
        database.close()
        raise
    return database


def _identity(path: Path) -> tuple[int, int] | None:
    """Identity of the file at that path; None if the file system does not number its files."""
    found = os.stat(path)
    return (found.st_dev, found.st_ino) if found.st_ino else None


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    database.create_function("folded", 1, str.casefold, deterministic=True)  # SQLite's own lower() leaves É as it is
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
def explained(folder: Path) -> Iterator[None]:
    """Turn errors of the database and the file system into one line for people."""
    try:
        yield
    except sqlite3.Error as error:
        raise ProjectError(_reason(error, folder)) from error
    except OSError as error:
        raise ProjectError(f"Cannot use the project folder {folder}: {error.strerror or error}.") from error


def _reason(error: sqlite3.Error, folder: Path) -> str:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the primary error code
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
