"""Checkpoints: rows about files that were written before them."""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

from studio.project.database import Database, explained
from studio.project.records import Checkpoint, ProjectError


class Timeline(Database):
    """The tree of tuned states, and which of them is in use."""

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
        with explained(self.folder):
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
