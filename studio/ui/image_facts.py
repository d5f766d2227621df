"""The side panel of views with single images: facts about the selected ones, and the person's rating, tags and note."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.i18n import moment, tr, whole
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.rounds import version_name
from studio.project.records import Checkpoint, Guess, ImageState
from studio.project.search import Seen
from studio.ui.parts import KeyLegend, Rows, section
from studio.ui.tags_editor import TagsEditor

_MOST = 500  # selected images that are compared for common facts


def said_of(state: ImageState) -> str:
    """Return stars and flag in short form, "★★★★☆ · liked"; a dash if there are none."""
    parts = ["★" * state.stars + "☆" * (5 - state.stars)] if state.stars else []
    if state.flag:
        parts.append(tr("liked") if state.flag == "like" else tr("rejected"))
    return " · ".join(parts) or "–"


def expected(guess: Guess | None) -> str:
    """Return a prediction as text; a dash if there is none."""
    return "–" if guess is None else f"★ {guess.stars:.1f} ± {guess.spread:.1f}"


def why(kind: str) -> str:
    """Return the reason for showing an image, in words."""
    return {
        "informative": tr("chosen to learn your taste"),
        "thompson": tr("chosen for your taste"),  # in projects from before "informative"
        "random": tr("at random"),
        "repeat": tr("shown again"),
        "explore": tr("found in Explore"),
    }.get(kind, kind)


class ImageFacts(QWidget):
    """Shows facts about the selected images, and controls to change them."""

    def __init__(self, actions: Actions, keys: str) -> None:
        """`keys` : a text in which names of commands in braces stand for their keys."""
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
        column.addWidget(KeyLegend(keys))
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
        many = len(images) > 1
        self.title.setText((tr("{n} images", n=whole(len(images))) if many else tr("This image")).upper())
        seen = [*self._actions.reader.seen(images[:_MOST]).values()]
        lines = _facts([*self._actions.state.checkpoints], any(one.seed is not None for one in seen))
        if self.rows.keys() != ["rating", "expected", *lines]:
            self.rows.clear()
        self.rows.set_line("rating", tr("Rating"), _common(said_of(one.state) for one in seen), "", "")
        guesses = (expected(self._actions.guesses.of(image)) for image in images[:_MOST])
        self.rows.set_line("expected", tr("Predicted"), _common(guesses))
        for key, (name, fact) in lines.items():
            self.rows.set_line(key, name, _common(map(fact, seen)))


def _facts(versions: Sequence[Checkpoint], seeds: bool) -> dict[str, tuple[str, Callable[[Seen], str]]]:
    """Return the facts shown about images, {line: (name, text of an image)}. `seeds` : whether any image has a seed; most have none."""
    names = {version.id: version_name(version, inside=True) for version in versions}
    seed: tuple[str, Callable[[Seen], str]] = (tr("Seed"), lambda one: "–" if one.seed is None else str(one.seed))
    return {
        "number": (tr("Number"), lambda one: f"#{one.image}"),
        **({"seed": seed} if seeds else {}),
        "why": (tr("Shown"), lambda one: why(one.kind)),
        "version": (tr("Version"), lambda one: _version(one.checkpoint, names)),
        "size": (tr("Size"), lambda one: f"{one.width} × {one.height}"),
        "when": (tr("First seen"), lambda one: moment(one.created)),
    }


def _version(checkpoint: int | None, names: Mapping[int, str]) -> str:
    return tr("untuned") if checkpoint is None else names.get(checkpoint, "–")


def _common(facts: Iterable[str]) -> str:
    """The text that all images share; a dash if they differ."""
    found = set(facts)
    return tr("various") if len(found) > 1 else next(iter(found), "–")
