"""Suggested titles for one image, their ratings, and the title that it is given."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from studio.i18n import language
from studio.model.actions import Actions
from studio.model.property import Property
from studio.project.records import Change
from studio.worker import messages as m


class TitleSuggestions(QObject):
    """Requests titles of one image from the worker; ratings and the title itself are stored at once."""

    titles: Property[tuple[str, ...]] = Property(())
    stars: Property[dict[str, int]] = Property({})  # of titles of this image, including earlier sessions
    title: Property[str] = Property("")  # the title of the image
    waiting: Property[bool] = Property(False)
    learnt_from: Property[int] = Property(0)  # number of ratings
    failed = Signal(str)  # one line for display

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
        """Whether no other titles are left."""
        return self._asked > 0 and not self.waiting and not self.titles

    def ask(self) -> None:
        """Request titles other than those already shown."""
        if not self.waiting and self._actions.state.loaded:
            self.waiting = True
            self._asked = self._actions.worker.suggest_titles(self.image, self._seen, language())

    def rate(self, text: str, stars: int) -> None:
        """Give a title 1..5 stars; the same number again removes them."""
        self._actions.rate_title(self.image, text, 0 if self.stars.get(text) == stars else stars)

    def take(self, text: str) -> None:
        """Make this the title of the image; an empty one removes it."""
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
        self.waiting = False  # the new worker has no pending request

    def _follow(self, change: Change) -> None:
        if self.image in change.images:
            self._read()

    def _read(self) -> None:
        project = self._actions.project
        self.stars = project.title_stars(self.image)
        self.title = project.state([self.image])[self.image].title
