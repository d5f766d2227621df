"""Shared parts of the Duel and the Survey view: a header with the progress and the source of the images."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from studio.i18n import tr, whole
from studio.model.actions import Actions
from studio.model.choosing import NEW, SEEN, Chooser
from studio.model.property import bind
from studio.theme.tokens import HEADER
from studio.ui.parts import ElidedLabel, named, text_label


def chip(text: str, tip: str) -> QPushButton:
    """Return a small checkable button."""
    made = QPushButton(text)
    made.setProperty("role", "chip")
    made.setCheckable(True)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    named(made, text, tip)
    return made


class ChoiceHeader(QWidget):
    """Title, progress, and the source of the images."""

    def __init__(self, actions: Actions, chooser: Chooser, title: str) -> None:
        super().__init__()
        self._actions, self._chooser = actions, chooser
        self.progress = ElidedLabel("", "quiet")
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 0, 0, 0)
        self.line.setSpacing(8)
        self.line.addStrut(HEADER)
        self.line.addWidget(text_label(title, "title"))
        self.line.addSpacing(4)
        self.line.addWidget(self.progress, 1)
        self.sources = {
            NEW: chip(tr("New images"), tr("Ask about the images of the grid, then about a new grid")),
            SEEN: chip(tr("Seen before"), tr("Ask about images of the whole project")),
        }
        self._group = QButtonGroup(self)
        for source, made in self.sources.items():
            made.clicked.connect(partial(chooser.take_from, source))
            self._group.addButton(made)
            self.line.addWidget(made)
        for name in ("done", "total"):
            bind(chooser, name, self._show)
        bind(chooser, "source", self._show_source)

    def _show(self, _: object) -> None:
        done, total = self._chooser.done, self._chooser.total
        here = tr("1 answered now") if done == 1 else tr("{n} answered now", n=whole(done))
        self.progress.set_text(tr("{here} · {total} in this project", here=here, total=whole(total)))

    def _show_source(self, source: str) -> None:
        self.sources[source].setChecked(True)


def waiting_words(actions: Actions, chooser: Chooser) -> str:
    """Return a hint that says why there is nothing to choose from, and what to do."""
    state = actions.state
    if state.task == "failed":
        return tr("The worker could not start; the line below says why.")
    if chooser.source == SEEN:
        return tr("Too few images have been seen. “New grid” draws more.")
    if actions.round.running:
        return tr("New images come when the round is over. Choose “Seen before” to go on now.")
    return tr("New images are on their way…")
