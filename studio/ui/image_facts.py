"""The side panel of views that show single images: what is known of this one, and what the person says of it."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.property import bind
from studio.project.records import Guess, ImageState
from studio.project.search import Seen
from studio.ui.parts import Rows, names_keys, quiet_note, section
from studio.ui.tags_editor import TagsEditor


def said_of(state: ImageState) -> str:
    """Write stars and flag in a few signs: "★★★★☆ · liked"; a dash for nothing."""
    parts = ["★" * state.stars + "☆" * (5 - state.stars)] if state.stars else []
    if state.flag:
        parts.append(tr("liked") if state.flag == "like" else tr("rejected"))
    return " · ".join(parts) or "–"


def expected(guess: Guess | None) -> str:
    """Write a prediction; a dash where there is none."""
    return "–" if guess is None else f"★ {guess.stars:.1f} ± {guess.spread:.1f}"


def why(kind: str) -> str:
    """Say why an image was shown."""
    return {
        "thompson": tr("chosen for your taste"),
        "random": tr("at random"),
        "repeat": tr("shown again"),
        "explore": tr("found in Explore"),
    }.get(kind, kind)


class ImageFacts(QWidget):
    """Follows the selected images."""

    def __init__(self, actions: Actions, keys: str) -> None:
        """`keys`: a text with the names of commands in braces, for their keys."""
        super().__init__()
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        self.title = section(tr("This image"))
        column.addWidget(self.title)
        self.rows = Rows()
        column.addWidget(self.rows)
        column.addSpacing(4)
        self.marks = TagsEditor(actions)
        column.addWidget(self.marks)
        column.addSpacing(12)
        column.addWidget(section(tr("Keys")))
        column.addWidget(names_keys(quiet_note(), keys))
        column.addStretch(1)
        bind(actions.state, "selected", self._show)
        actions.applied.connect(self._show)
        actions.guesses.changed.connect(self._show)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show()

    def _show(self, _: object = None) -> None:
        if not self.isVisible():
            return
        images = self._actions.state.selected
        seen = self._actions.project.seen(images[:1]).get(images[0]) if images else None
        self.title.setText((tr("{n} images", n=len(images)) if len(images) > 1 else tr("This image")).upper())
        self.rows.set_line("rating", tr("Rating"), said_of(seen.state) if seen else "–", "", "")
        guess = self._actions.guesses.of(images[0]) if images else None
        self.rows.set_line("expected", tr("Predicted"), expected(guess))
        self._show_facts(seen)

    def _show_facts(self, seen: Seen | None) -> None:
        version = "–"
        if seen is not None:
            named = {c.id: c.name or tr("round {n}", n=c.round) for c in self._actions.state.checkpoints}
            version = tr("untuned") if seen.checkpoint is None else named.get(seen.checkpoint, "–")
        self.rows.set_line("number", tr("Number"), f"#{seen.image}" if seen else "–")
        self.rows.set_line("seed", tr("Seed"), "–" if seen is None or seen.seed is None else str(seen.seed))
        self.rows.set_line("why", tr("Shown"), why(seen.kind) if seen else "–")
        self.rows.set_line("version", tr("Version"), version)
        self.rows.set_line("size", tr("Size"), f"{seen.width} × {seen.height}" if seen else "–")
        when = "–"
        if seen is not None:
            date = QDateTime.fromSecsSinceEpoch(int(seen.created))
            when = QLocale().toString(date, QLocale.FormatType.ShortFormat)
        self.rows.set_line("when", tr("First seen"), when)
