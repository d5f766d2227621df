"""Reading from the project while a view is painted or comes on show.

Qt calls those methods, and an exception in one of them leaves Qt in a state that may end the program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from studio.project.opinions import Choice
from studio.project.records import ImageState, ProjectError
from studio.project.search import Seen
from studio.project.store import Image, Project

_AGAIN = 30.0  # seconds until the same reason is told again

T = TypeVar("T")


class Reader(QObject):
    """What cannot be read is as if nothing were known of it; `failed` tells why, once and not at once."""

    failed = Signal(str)  # one line for display

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._told, self._told_at = "", -_AGAIN

    def read(self, work: Callable[[Project], T], otherwise: T) -> T:
        """Return what `work` reads from the project, or `otherwise` if it cannot be read."""
        try:
            return work(self._project)
        except ProjectError as error:
            if str(error) != self._told or monotonic() - self._told_at > _AGAIN:
                self._told, self._told_at = str(error), monotonic()
                QTimer.singleShot(0, self, partial(self.failed.emit, self._told))
            return otherwise

    def state(self, images: Sequence[int]) -> dict[int, ImageState]:
        """Return the current state of these images; every id is in the result."""
        return self.read(lambda project: project.state(images), {image: ImageState(image) for image in images})

    def seen(self, images: Sequence[int]) -> dict[int, Seen]:
        """Return what a gallery shows of these images."""
        return self.read(lambda project: project.seen(images), {})

    def images(self, ids: Sequence[int]) -> tuple[Image, ...]:
        """Return images by id, in that order."""
        nothing: tuple[Image, ...] = ()
        return self.read(lambda project: project.images(ids), nothing)

    def choices(self) -> Sequence[Choice]:
        """Return all duels and surveys that count, the first one first."""
        nothing: Sequence[Choice] = ()
        return self.read(lambda project: project.choices(), nothing)

    def tags(self) -> list[tuple[str, int]]:
        """Return all tags with their numbers of images, the most used first."""
        return self.read(lambda project: project.tags(), [])
