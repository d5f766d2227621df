"""A project folder: `project.sqlite`, `checkpoints/`, `images/`.

Ratings are events, each appended in a durable transaction and never overwritten. The undo stack is in the same database, so that it
survives restarts. If a method raises ProjectError, with one line for people, it has changed nothing. Use a `Project` only on the thread
that created it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from studio.project import schema
from studio.project.database import DATABASE, explained
from studio.project.opinions import Feedback
from studio.project.pictures import Pictures
from studio.project.records import (
    Change,
    Checkpoint,
    Counts,
    Event,
    Grid,
    Image,
    ImageState,
    NewImage,
    ProjectError,
)
from studio.project.search import Search
from studio.project.undo import Undo

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
    "is_project",
]


def is_project(folder: Path) -> bool:
    """Whether a folder holds a project."""
    return (Path(folder) / DATABASE).is_file()


def _refuse_what_lost_its_ratings(folder: Path) -> None:
    """Raise ProjectError for checkpoints or images without a database: that is not a new project.

    To be called before SQLite creates the file, or deletes the log beside an empty one.
    """
    database = folder / DATABASE
    if database.exists() and database.stat().st_size:
        return
    if any(folder.glob("checkpoints/round-*")) or any(folder.glob("images/*.png")):
        raise ProjectError(
            f"The project in {folder} has lost its ratings: project.sqlite is empty or missing."
            " Put a copy of it there; one named .bak beside it may be good."
        )


class Project(Undo, Pictures, Search):
    """An open project. Close it, or use it as a context manager."""

    def __init__(
        self, folder: Path, create: bool = True, model: str = "dreamscapes", seed: int | None = None
    ) -> None:
        """Open the project in `folder`, or create one there with this generator (a bundled name or a bundle folder).

        Raises
        ------
        ProjectError
            It is not a project and `create` is false, is in use by another program, of a newer version, damaged, or not writable.
        """
        folder = Path(folder).expanduser().absolute()
        if not create and not is_project(folder):
            raise ProjectError(f"{folder} is not a Tastemaker project.")
        with explained(folder):
            _refuse_what_lost_its_ratings(folder)
        super().__init__(folder)
        try:
            with explained(folder):
                (folder / "checkpoints").mkdir(exist_ok=True)
                (folder / "images").mkdir(exist_ok=True)
                schema.prepare(self._db, folder / DATABASE)
                if self.meta("model") is None:  # new, or its creation was interrupted
                    if seed is None:
                        seed = int.from_bytes(os.urandom(3), "little")
                    self.set_meta(model=model, seed=seed, created=time.time())
                self.adopt_checkpoints()
                self._leave_deleted()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def model(self) -> str:
        """The generator that is tuned: a bundled name or a bundle folder."""
        return str(self.meta("model"))

    @property
    def seed(self) -> int:
        """Seed of all random choices of the learner."""
        return int(self.meta("seed"))
