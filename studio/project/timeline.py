"""Checkpoints: rows about files that are written before them."""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

from studio.project import durable, recovered
from studio.project.database import explained
from studio.project.history import History
from studio.project.opinions import EDIT_KINDS
from studio.project.records import Change, Checkpoint, Going, ProjectError

_IN_USE = "The version in use cannot be deleted; restore another one first."
_ROUND_PATIENCE = 3.0  # seconds to wait for a lock before a round, which took longer, is lost


class Timeline(History):
    """The tree of versions, and which of them is in use."""

    def new_checkpoint_path(self) -> Path:
        """A path for the next round, with a name that no file has. Raises ProjectError if the project's folder is gone."""
        self.check_place()
        self.adopt_checkpoints()  # otherwise an unrecorded one could have the same number
        return (
            self.folder
            / "checkpoints"
            / f"round-{self._last_round() + 1:03d}-{uuid.uuid4().hex[:8]}.safetensors"
        )

    def round_facts(self) -> dict[str, Any]:
        """Facts to store in the file of a round that begins now, so that it can be placed even if its end is never reported."""
        event, image = self._rows("SELECT (SELECT max(id) FROM events), (SELECT max(id) FROM images)")[0]
        return {"parent": self.meta("checkpoint"), "last_event": event or 0, "last_image": image or 0}

    def add_checkpoint(
        self,
        path: Path,
        metrics: dict[str, Any] | None = None,
        name: str = "",
        kept: bool = True,
        reason: str = "",
        taught: dict[str, Any] | None = None,
    ) -> Checkpoint:
        """Record a checkpoint that is already on disk, as a child of the current one, and make it current.

        `taught`, facts about its round, goes into the log in the same transaction. A round cannot be undone, and neither can restores
        before it any more.
        """
        with explained(self.folder):
            inside = Path(path).absolute().relative_to(self.folder)
            if not (self.folder / inside).exists():
                raise ProjectError(f"The checkpoint {path} is not on disk.")
        number = self._last_round() + 1
        with self._transaction(_ROUND_PATIENCE):
            if taught is not None:
                self._append(time.time(), "taught", None, 0.0, None, taught)
            new = self._insert_checkpoint(
                inside, number, metrics or {}, name, kept, reason, self.meta("checkpoint")
            )
            self._use(new)
            self._end_restores()
        return self.checkpoint(new)

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """All checkpoints, oldest first, including deleted ones."""
        rows = self._rows(
            "SELECT id, parent, round, path, created, metrics, name, kept, reason, deleted FROM checkpoints ORDER BY id"
        )
        return tuple(
            Checkpoint(
                id,
                parent,
                number,
                self.folder / path,
                created,
                json.loads(metrics),
                name,
                bool(kept),
                reason,
                bool(deleted),
            )
            for id, parent, number, path, created, metrics, name, kept, reason, deleted in rows
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
        """Switch to a checkpoint, or to the untuned generator: an action that can be undone. Nothing is deleted."""
        if checkpoint is not None:
            self.checkpoint(checkpoint)
        before = self.meta("checkpoint")
        if checkpoint == before:
            return
        with self._transaction():
            self._put_meta(checkpoint=checkpoint)
            value = float(checkpoint or 0)
            action = self._act("restore", value, "restore version")
            ends = {"before": before, "after": checkpoint}
            self._append(time.time(), "restore", None, value, action, ends)

    def lose_checkpoint(self) -> None:
        """Switch to the untuned generator because the current version cannot be read; this is not an action, so it cannot be undone."""
        with self._transaction():
            self._use(None)
            self._end_restores()

    def standing(self, checkpoint: int | None) -> int | None:
        """The checkpoint, or if it is deleted its nearest ancestor that is not; None: the untuned generator."""
        while checkpoint is not None and (found := self.checkpoint(checkpoint)).deleted:
            checkpoint = found.parent
        return checkpoint

    def going(self, back: bool) -> Going | None:
        """The switch that the next undo (`back`) or redo requires; None if the version stays the same.

        The generator must switch first; `go_to` then replaces `undo` or `redo` in the project.
        """
        action = self.next_action(back)
        return None if action is None else self._going(action, done=not back)

    def pass_over(self, action: int) -> None:
        """Exclude an action from undo and redo, since the version that it leads to cannot be read.

        Other restores on that path lead to that version, or start from it, so they are excluded too.
        """
        with self._transaction():
            row = self._db.execute("SELECT status FROM actions WHERE id = ?", (action,)).fetchone()
            self._db.execute(
                "UPDATE actions SET status = 'dropped' WHERE id = ? OR (kind = 'restore' AND status = ?)",
                (action, *row),
            )

    def rename_checkpoint(self, checkpoint: int, name: str) -> Change:
        """Give a checkpoint a name for display; an empty one removes it."""
        before, name = self.checkpoint(checkpoint).name, " ".join(name.split())
        if name == before:
            return Change((), {}, "rename", 0.0, "")
        return self._edit("rename", checkpoint, "name version", {"before": before, "after": name})

    def delete_checkpoint(self, checkpoint: int) -> Change:
        """Hide a checkpoint from the timeline. Its file is kept, so that this can be undone at any time.

        Raises ProjectError for the checkpoint in use.
        """
        found = self.checkpoint(checkpoint)
        if self.meta("checkpoint") == checkpoint:
            raise ProjectError(_IN_USE)
        if found.deleted:
            return Change((), {}, "delete", 0.0, "")
        return self._edit("delete", checkpoint, "delete version", {})

    def branch_checkpoint(self, checkpoint: int, name: str) -> Checkpoint:
        """Copy a checkpoint under a new name, as its child: the start of another branch.

        It becomes current with `go_to`, as a part of the same action.
        """
        source = self.checkpoint(checkpoint)
        inside = Path("checkpoints") / f"branch-{uuid.uuid4().hex[:12]}.safetensors"
        with explained(self.folder):
            durable.copy(source.path, self.folder / inside)
        reason = f"Branched from round {source.round}."
        with self._transaction():
            new = self._insert_checkpoint(
                inside, source.round, source.metrics, " ".join(name.split()), True, reason, checkpoint
            )
            action = self._act("branch", float(new), "branch")
            extra = {"from": checkpoint, "before": self.meta("checkpoint")}
            self._append(time.time(), "branch", None, float(new), action, extra)
        return self.checkpoint(new)

    def _edit(self, kind: str, checkpoint: int, label: str, extra: dict[str, Any]) -> Change:
        with self._transaction():
            action = self._act(kind, float(checkpoint), label)
            self._append(time.time(), kind, None, float(checkpoint), action, extra)
            self._repeat_edit(action, True)
        return Change((), {}, kind, float(checkpoint), label, checkpoint=checkpoint)

    def _repeat_edit(self, action: int, done: bool) -> int | None:
        """Apply or revert the action's edit of a checkpoint; returns its id, or None if the action is no such edit.

        Actions are undone from the last to the first, so the state before each of them is the one in its event.
        """
        row = self._db.execute("SELECT kind, value, extra FROM events WHERE action = ?", (action,)).fetchone()
        if row is None or row[0] not in EDIT_KINDS:
            return None
        kind, checkpoint, extra = row[0], int(row[1]), json.loads(row[2])
        if going := self._going(action, done):
            self._put_meta(checkpoint=going.checkpoint)
        if kind == "rename":
            name = extra["after"] if done else extra["before"]
            self._db.execute("UPDATE checkpoints SET name = ? WHERE id = ?", (name, checkpoint))
        elif kind != "restore":
            deleted = done == (kind == "delete")
            if deleted and self.meta("checkpoint") == checkpoint:
                raise ProjectError(_IN_USE)
            self._db.execute("UPDATE checkpoints SET deleted = ? WHERE id = ?", (deleted, checkpoint))
        return checkpoint

    def _ends(self, action: int) -> tuple[int | None, int | None] | None:
        """The versions in use before and after an action that switches; None for any other action."""
        row = self._db.execute(
            "SELECT value, extra FROM events WHERE action = ? AND kind IN ('restore', 'branch')", (action,)
        ).fetchone()
        if row is None:
            return None
        extra = json.loads(row[1])
        if "after" in extra:
            return extra["before"], extra["after"]
        return extra.get("before", extra["from"]), int(row[0])  # early branches do not record what was in use

    def _going(self, action: int, done: bool) -> Going | None:
        if (ends := self._ends(action)) is None:
            return None
        source, target = ends if done else ends[::-1]
        if self.meta("checkpoint") != source:  # a round has continued from there
            return None
        return Going(action, target if done else self.standing(target))

    def _use(self, checkpoint: int | None) -> None:
        self._put_meta(checkpoint=checkpoint)
        self._append(time.time(), "checkpoint", None, float(checkpoint or 0), None)

    def _end_restores(self) -> None:
        self._db.execute("UPDATE actions SET status = 'dropped' WHERE kind = 'restore'")

    def _leave_deleted(self) -> None:
        """Switch to the nearest version that is not deleted, if an earlier Tastemaker left a deleted one in use."""
        current = self.meta("checkpoint")
        if (standing := self.standing(current)) != current:
            with self._transaction():
                self._use(standing)

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
        last: tuple[int | None, int | None] = (None, None),
    ) -> int:
        row = (parent, number, inside.as_posix(), time.time(), json.dumps(metrics), name, kept, reason, *last)
        return int(
            self._db.execute(
                "INSERT INTO checkpoints"
                " (parent, round, path, created, metrics, name, kept, reason, last_event, last_image)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
                " coalesce(?, (SELECT max(id) FROM events), 0), coalesce(?, (SELECT max(id) FROM images), 0))",
                row,
            ).lastrowid
            or 0
        )

    def adopt_checkpoints(self) -> None:
        """Record rounds whose file was written but whose row a crash prevented; they do not become current."""
        known = {path for (path,) in self._rows("SELECT path FROM checkpoints")}
        for path in sorted((self.folder / "checkpoints").glob("round-*.safetensors")):
            inside = path.relative_to(self.folder)
            number = re.match(r"round-(\d+)", path.name)
            if number and inside.as_posix() not in known:
                self._adopt(inside, int(number[1]), recovered.facts(path))

    def _adopt(self, inside: Path, number: int, facts: dict[str, Any]) -> None:
        made = {checkpoint.id for checkpoint in self.checkpoints()}
        parent = facts.get("parent", -1)  # None is the untuned generator
        if parent is not None and parent not in made:
            parent = self.meta("checkpoint")
        with self._transaction():
            self._insert_checkpoint(
                inside,
                max(number, self._last_round() + 1),
                facts.get("metrics", {}),
                "",
                True,
                "Recovered after a crash.",
                parent,
                (facts.get("last_event"), facts.get("last_image")),
            )
