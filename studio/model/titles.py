"""Titles that are suggested for one image, what is thought of them, and the one that it gets."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from studio.i18n import language
from studio.model.actions import Actions
from studio.model.property import Property
from studio.project.records import Change
from studio.worker import messages as m


class TitleSuggestions(QObject):
    """Asks the worker for titles of one image; every rating and the title itself are written down at once."""

    titles: Property[tuple[str, ...]] = Property(())
    stars: Property[dict[str, int]] = Property({})  # of titles of this image, those of earlier days included
    title: Property[str] = Property("")  # the one that the image has
    waiting: Property[bool] = Property(False)
    learnt_from: Property[int] = Property(0)  # ratings
    failed = Signal(str)  # one line for people

    def __init__(self, actions: Actions, image: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions, self.image = actions, image
        self._seen: list[str] = []
        self._asked = 0
        actions.worker.titled.connect(self._show)
        actions.worker.failed.connect(self._failed)
        actions.worker.restarted.connect(self._restarted)
        actions.applied.connect(self._follow)
        self._read()

    @property
    def all_seen(self) -> bool:
        """Whether there are no other titles left."""
        return self._asked > 0 and not self.waiting and not self.titles

    def ask(self) -> None:
        """Ask for titles, others than those that were shown."""
        if not self.waiting and self._actions.state.loaded:
            self.waiting = True
            self._asked = self._actions.worker.suggest_titles(self.image, self._seen, language())

    def rate(self, text: str, stars: int) -> None:
        """Give a title 1..5 stars; the same again takes them away."""
        self._actions.rate_title(self.image, text, 0 if self.stars.get(text) == stars else stars)

    def take(self, text: str) -> None:
        """Make this the title of the image; an empty one takes it away."""
        self._actions.mark("title", text=text, images=(self.image,))

    def _show(self, found: m.TitlesSuggested) -> None:
        if self.waiting and found.request == self._asked:
            self._seen += found.titles
            self.waiting, self.learnt_from, self.titles = False, found.learnt_from, found.titles

    def _failed(self, command: str, text: str, detail: str) -> None:
        if self.waiting and command in ("SuggestTitles", "Worker"):
            self.waiting = False
            self.failed.emit(text)

    def _restarted(self, _: str) -> None:
        self.waiting = False  # the new worker was asked nothing

    def _follow(self, change: Change) -> None:
        if self.image in change.images:
            self._read()

    def _read(self) -> None:
        project = self._actions.project
        self.stars = project.title_stars(self.image)
        self.title = project.state([self.image])[self.image].title
