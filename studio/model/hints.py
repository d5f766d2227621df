"""First-run hints: one at a time; each ends for good once the person has done what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject

from studio.i18n import tr
from studio.model import preferences, settings
from studio.model.actions import Actions
from studio.model.property import Property, bind
from studio.model.state import GRID_VIEWS

_DONE = "hints_done"


@dataclass(frozen=True)
class Hint:
    """What to do next, where and when to show it, and what ends it."""

    key: str
    text: str  # names of commands in braces are replaced by their keys
    due: Callable[[Actions], bool]
    done: Callable[[Actions], bool]
    views: tuple[str, ...]  # where the person can do it at once, by key


def hints() -> list[Hint]:
    """Return the hints in the order in which they are shown. To add a hint, add it here."""
    return [
        Hint(
            "rate",
            tr("Hover an image and click a star, or press 1 to 5. What do you like?"),
            lambda a: a.state.counts.shown > 0,
            lambda a: a.state.counts.rated > 0,
            ("rate", "gallery"),
        ),
        Hint(
            "go_on",
            tr("Go on: the arrows move, {undo} takes back, {new_grid} shows new images."),
            lambda a: a.state.counts.rated > 0,
            lambda a: a.state.counts.rated >= 12,
            ("rate",),
        ),
        Hint(
            "teach",
            tr("Enough to begin: press {teach} to teach the generator what you like."),
            lambda a: a.state.counts.rated >= 24,
            lambda a: bool(a.state.checkpoints) or a.round.running,
            (*GRID_VIEWS, "gallery", "teach", "taste"),
        ),
        Hint(
            "timeline",
            tr("Every round is kept. The timeline compares them and goes back to any ({view.timeline})."),
            lambda a: bool(a.state.checkpoints) and not a.round.running,
            lambda a: a.state.view == "timeline" or len(a.state.checkpoints) > 1,
            (*GRID_VIEWS, "gallery", "teach", "taste"),
        ),
    ]


class Hints(QObject):
    """`shown` is the hint that is due, or None if there is none or it does not fit the view on show."""

    shown: Property[Hint | None] = Property(None)

    def __init__(self, actions: Actions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._hints = hints()
        for name in ("counts", "checkpoints", "view"):
            bind(actions.state, name, self._look)
        bind(actions.round, "running", self._look)
        preferences.watcher().changed.connect(self._preferred)

    def dismiss(self) -> None:
        """Dismiss the shown hint for good."""
        if self.shown is not None:
            self._end(self.shown)
            self._look(None)

    def _preferred(self, name: str, _: object) -> None:
        if name == "hints":
            self._look(None)

    def _look(self, _: object) -> None:
        if not settings.value("hints"):
            self.shown = None
            return
        ended = _ended()
        for hint in self._hints:
            if hint.key in ended:
                continue
            if hint.done(self._actions):
                self._end(hint)
            elif hint.due(self._actions):
                self.shown = hint if self._actions.state.view in hint.views else None
                return
        self.shown = None

    @staticmethod
    def _end(hint: Hint) -> None:
        preferences.keep(**{_DONE: sorted(_ended() | {hint.key})})


def _ended() -> set[str]:
    found = preferences.read().get(_DONE)
    return {key for key in found if isinstance(key, str)} if isinstance(found, list) else set()
