"""What the worker expects of images, as it was said last; kept with the project, a moment later, for searching."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from PySide6.QtCore import QObject, QTimer, Signal

from studio.project.records import Guess, ProjectError
from studio.project.store import Project
from studio.worker.client import WorkerClient
from studio.worker.messages import Taste

_KEEP_MS = 3000


class Guesses(QObject):
    """Remembers every prediction; asks for more without giving up those of the grid."""

    changed = Signal()

    def __init__(
        self,
        project: Project,
        worker: WorkerClient,
        grid: Callable[[], Iterable[int]],
        parent: QObject | None = None,
    ) -> None:
        """`grid` gives the images that are to be predicted in any case."""
        super().__init__(parent)
        self._project, self._worker, self._grid = project, worker, grid
        self._known: dict[int, Guess | None] = {}
        self._unkept: dict[int, Guess] = {}
        self._keeping = QTimer(self)
        self._keeping.setSingleShot(True)
        self._keeping.setInterval(_KEEP_MS)
        self._keeping.timeout.connect(self.keep)
        worker.taste.connect(self._take)

    def of(self, image: int) -> Guess | None:
        """Return what is expected of an image, as far as anything was said."""
        if image not in self._known:
            seen = self._project.seen([image]).get(image)
            self._known[image] = seen.guess if seen else None
        return self._known[image]

    def ask(self, images: Iterable[int]) -> None:
        """Have images predicted that never were."""
        if unknown := [image for image in images if self.of(image) is None]:
            self._worker.predict([*self._grid(), *unknown])

    def keep(self) -> None:
        """Write down what is new. A cache: where it cannot be written, it is predicted again."""
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
