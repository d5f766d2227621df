"""The worker's latest predictions for images, stored in the project with a short delay, for searching."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from PySide6.QtCore import QObject, QTimer, Signal

from studio.model.reading import Reader
from studio.project.records import Guess, ProjectError
from studio.project.store import Project
from studio.worker.client import WorkerClient
from studio.worker.messages import Taste

_KEEP_MS = 3000


class Guesses(QObject):
    """Stores every prediction, and requests more in addition to those of the grid."""

    changed = Signal()

    def __init__(
        self,
        project: Project,
        reader: Reader,
        worker: WorkerClient,
        grid: Callable[[], Iterable[int]],
        parent: QObject | None = None,
    ) -> None:
        """`grid` : returns the images that are predicted in any case."""
        super().__init__(parent)
        self._project, self._reader, self._worker, self._grid = project, reader, worker, grid
        self._known: dict[int, Guess | None] = {}
        self._unkept: dict[int, Guess] = {}
        self._keeping = QTimer(self)
        self._keeping.setSingleShot(True)
        self._keeping.setInterval(_KEEP_MS)
        self._keeping.timeout.connect(self.keep)
        worker.taste.connect(self._take)

    def of(self, image: int) -> Guess | None:
        """Return the prediction for an image, if there is one that can be read."""
        if image not in self._known:
            seen = self._reader.seen([image]).get(image)
            if seen is None:  # it cannot be read, and is predicted again
                return None
            self._known[image] = seen.guess
        return self._known[image]

    def ask(self, images: Iterable[int]) -> None:
        """Request predictions for images that have none."""
        if unknown := [image for image in images if self.of(image) is None]:
            self._worker.predict([*self._grid(), *unknown])

    def keep(self) -> None:
        """Write new predictions. They are a cache: if it cannot be written, they are predicted again."""
        self._keeping.stop()
        new, self._unkept = self._unkept, {}
        with suppress(ProjectError):
            self._project.keep_guesses(new.values())

    def _take(self, taste: Taste) -> None:
        for prediction in taste.predictions:
            guess = Guess(prediction.image, prediction.stars, prediction.spread)
            self._known[guess.image] = self._unkept[guess.image] = guess
        if taste.predictions:
            self._keeping.start()
            self.changed.emit()
