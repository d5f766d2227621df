"""The tables of a project, and migrations of older ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from studio.project import durable
from studio.project.records import ProjectError

APPLICATION_ID = 0x54534D4B  # "TSMK"
VERSION = 3

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY, parent INTEGER REFERENCES checkpoints(id), round INTEGER NOT NULL, path TEXT NOT NULL UNIQUE,
    created REAL NOT NULL, metrics TEXT NOT NULL, name TEXT NOT NULL, kept INTEGER NOT NULL, reason TEXT NOT NULL,
    last_event INTEGER NOT NULL, last_image INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT, latent BLOB NOT NULL, kind TEXT NOT NULL, seed INTEGER,
    checkpoint INTEGER REFERENCES checkpoints(id), width INTEGER NOT NULL, height INTEGER NOT NULL, created REAL NOT NULL);
CREATE TABLE grids (id INTEGER PRIMARY KEY, checkpoint INTEGER REFERENCES checkpoints(id), created REAL NOT NULL);
CREATE TABLE grid_images (
    grid INTEGER NOT NULL REFERENCES grids(id), position INTEGER NOT NULL, image INTEGER NOT NULL REFERENCES images(id),
    PRIMARY KEY (grid, position)) WITHOUT ROWID;
CREATE TABLE actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, value REAL NOT NULL, label TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'done' CHECK (status IN ('done', 'undone', 'dropped')));
CREATE INDEX actions_by_status ON actions(status, id);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, session TEXT NOT NULL, kind TEXT NOT NULL,
    image INTEGER REFERENCES images(id), value REAL NOT NULL, action INTEGER REFERENCES actions(id), extra TEXT NOT NULL);
CREATE INDEX events_by_image ON events(image, id);
CREATE INDEX events_by_action ON events(action);
CREATE TABLE states (
    image INTEGER PRIMARY KEY REFERENCES images(id), stars INTEGER NOT NULL, flag TEXT, event INTEGER NOT NULL,
    label INTEGER NOT NULL DEFAULT 0, tags TEXT NOT NULL DEFAULT '[]', note TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '');
CREATE TABLE guesses (image INTEGER PRIMARY KEY REFERENCES images(id), stars REAL NOT NULL, spread REAL NOT NULL);
CREATE INDEX images_by_checkpoint ON images(checkpoint);
CREATE INDEX guesses_by_stars ON guesses(stars);
CREATE INDEX states_rated ON states(event, stars, flag) WHERE stars > 0 OR flag IS NOT NULL;
"""
# `actions` is the undo stack: 'undone' ones can be redone until a new action marks them as 'dropped'.
# `events` is append-only; `states` is derived from it in the same transaction. `guesses` caches the worker's latest predictions.
# images_by_checkpoint lets the gallery list a hundred thousand images without reading their latents.

MIGRATIONS: dict[int, str] = {
    1: """
ALTER TABLE checkpoints ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states ADD COLUMN label INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE states ADD COLUMN note TEXT NOT NULL DEFAULT '';
CREATE TABLE guesses (image INTEGER PRIMARY KEY REFERENCES images(id), stars REAL NOT NULL, spread REAL NOT NULL);
CREATE INDEX images_by_checkpoint ON images(checkpoint);
CREATE INDEX guesses_by_stars ON guesses(stars);
CREATE INDEX states_rated ON states(event, stars, flag) WHERE stars > 0 OR flag IS NOT NULL;
""",
    2: "ALTER TABLE states ADD COLUMN title TEXT NOT NULL DEFAULT '';",
}
"""SQL that brings version n to n + 1."""


def prepare(database: sqlite3.Connection, path: Path) -> None:
    """Create the tables in an empty file, or migrate older ones.

    Raises ProjectError for a file of another program or of a newer Tastemaker.
    """
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    application = int(database.execute("PRAGMA application_id").fetchone()[0])
    tables = int(database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if tables == 0 and version == 0:
        _run(database, SCHEMA, VERSION)
        return
    if application != APPLICATION_ID:
        raise ProjectError(f"{path} is a database of another program, not a Tastemaker project.")
    if version > VERSION:
        raise ProjectError(
            f"{path.parent} was made by a newer Tastemaker (project version {version}; this one reads up to {VERSION})."
        )
    if version < VERSION:
        keep_copy(database, path.with_name(f"{path.name}.v{version}.bak"))
        for step in range(version, VERSION):
            _run(database, MIGRATIONS[step], step + 1)


def keep_copy(database: sqlite3.Connection, copy: Path) -> None:
    """Write a consistent copy (including what is still in the write-ahead log), completely or not at all."""
    part = copy.with_name(copy.name + ".part")
    part.unlink(missing_ok=True)
    target = sqlite3.connect(part)
    try:
        database.backup(target)
    finally:
        target.close()
    durable.replace(part, copy)


def _run(database: sqlite3.Connection, script: str, version: int) -> None:
    # One transaction changes the tables and the version: after a crash, both are old or both are new.
    database.executescript(
        f"BEGIN IMMEDIATE;\n{script}\nPRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {version};\nCOMMIT;"
    )
