"""Starts a round by itself whenever enough images were rated since the last one, if the person wishes it."""

from PySide6.QtCore import QObject

from studio.model import settings
from studio.model.actions import Actions
from studio.model.property import changed


class AutoTeach(QObject):
    """Counts ratings, and starts rounds."""

    def __init__(self, actions: Actions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._taught_at = actions.state.counts.rated - actions.state.counts.rated_in_round
        changed(actions.state, "counts").connect(self._look)
        changed(actions.round, "running").connect(self._look)

    def _look(self, _: object) -> None:
        actions = self._actions
        rated = actions.state.counts.rated
        if actions.round.running:
            self._taught_at = rated  # also after a round that was not kept, so that it does not start again at once
            return
        every = settings.value("auto_teach")
        free = actions.state.loaded and not actions.state.task
        if every and free and rated - self._taught_at >= every and not actions.missing_ratings:
            actions.teach()
