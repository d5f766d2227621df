"""The Help view: first steps, the purpose of each view, shortcuts, and the versions of the program and its parts."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import cast

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.theme import icons
from studio.theme.theme import current
from studio.theme.tokens import HEADER
from studio.ui import views
from studio.ui.columns import WIDTH, scrolled
from studio.ui.parts import Card, button, named, quiet_note, section, text_label
from studio.ui.shell import Shell
from studio.ui.shortcut_sheet import key_words

LICENCES = (
    ("Qt, PySide6", "LGPL-3.0"),
    ("PyTorch", "BSD-3-Clause"),
    ("NumPy", "BSD-3-Clause"),
    ("Pillow", "MIT-CMU"),
    ("safetensors", "Apache-2.0"),
    ("ONNX", "Apache-2.0"),
    ("ONNX Runtime, ONNX Script", "MIT"),
    ("platformdirs", "MIT"),
)
"""What the studio is built on."""


def studio_version() -> str:
    """Return the installed version, or "" if the program runs from a folder."""
    try:
        return version("tastemaker-studio")
    except PackageNotFoundError:
        return ""


def steps(keys_of: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return the first steps as (what to do, what happens), with the current keys of commands."""
    return [
        (
            tr("Rate what you see"),
            tr(
                "Hover an image and click a star, or press 1 to 5. {like} likes, {reject} rejects. Go with your eyes: a second is enough.",
                like=keys_of("like"),
                reject=keys_of("reject"),
            ),
        ),
        (
            tr("Watch it guess"),
            tr("From about fifty ratings on, the meter at the right says how often it guesses your choice."),
        ),
        (
            tr("Teach"),
            tr(
                "Press {key}. The generator moves towards your taste while the guard keeps its images varied and real.",
                key=keys_of("teach"),
            ),
        ),
        (
            tr("Look at the next grid, and go on"),
            tr(
                "Every round is kept on the timeline: compare, go back, branch. Nothing you rated is ever lost."
            ),
        ),
        (
            tr("Take it with you"),
            tr("Export writes the taught generator as files that other programs can run."),
        ),
    ]


class Icon(QLabel):
    """An icon in the colours of the current theme."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.setFixedSize(20, 20)
        current().changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        self.setPixmap(
            icons.icon(self._name, current().tokens.quiet).pixmap(QSize(20, 20), self.devicePixelRatioF())
        )


class HelpView(QWidget):
    """A page of help."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        body = QWidget()
        body.setMaximumWidth(WIDTH)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 8, 16)
        column.setSpacing(8)
        column.addWidget(section(tr("First steps")))
        self._steps: list[QLabel] = []  # the descriptions
        self._keys: dict[str, QLabel] = {}  # by view
        column.addWidget(self._make_steps())
        column.addSpacing(12)
        column.addWidget(section(tr("What each view is for")))
        column.addWidget(self._make_views())
        column.addSpacing(12)
        column.addWidget(section(tr("Keys")))
        line = QHBoxLayout()
        line.addWidget(quiet_note(tr("Every action has a key, and every key can be changed in Settings.")), 1)
        self.sheet = button(tr("All shortcuts"), tr("Every key on one sheet"))
        self.sheet.clicked.connect(lambda: self.window().show_shortcuts())  # type: ignore[attr-defined]
        line.addWidget(self.sheet)
        column.addLayout(line)
        column.addSpacing(12)
        column.addWidget(section(tr("About")))
        column.addWidget(self._about())
        column.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 12, 16, 12)
        outer.setSpacing(12)
        title = text_label(tr("Help"), "title")
        title.setFixedHeight(HEADER)
        outer.addWidget(title)
        self.page = scrolled(body)
        self.page.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so that the arrow keys scroll it
        named(self.page, tr("Help"), "")
        outer.addWidget(self.page, 1)

    def focus_target(self) -> QWidget:
        return self.page

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tell_keys()  # they may have changed since it was last shown

    def _key(self, command: str) -> str:
        keys = cast(Shell, self.window()).commands.keys(command)
        return key_words(keys[:1]) or tr("none")

    def _tell_keys(self) -> None:
        for label, (_, why) in zip(self._steps, steps(self._key), strict=True):
            label.setText(why)
        for key, label in self._keys.items():
            label.setText(self._key(f"view.{key}"))

    def _make_steps(self) -> QWidget:
        card = Card()
        grid = QGridLayout(card)
        grid.setContentsMargins(16, 14, 16, 14)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        grid.setColumnStretch(1, 1)
        for number, (what, _) in enumerate(steps(lambda _: ""), start=1):
            words = QVBoxLayout()
            words.setSpacing(2)
            words.addWidget(text_label(what, "title"))
            why = quiet_note()
            self._steps.append(why)
            words.addWidget(why)
            grid.addWidget(text_label(str(number), "strong"), number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addLayout(words, number, 1)
        return card

    def _make_views(self) -> QWidget:
        card = Card()
        grid = QGridLayout(card)
        grid.setContentsMargins(16, 14, 16, 14)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(2, 1)
        for row, entry in enumerate(views.entries()):
            grid.addWidget(Icon(entry.icon), row, 0)
            grid.addWidget(text_label(entry.name, "strong"), row, 1)
            grid.addWidget(quiet_note(entry.tip), row, 2)
            keys = self._keys[entry.key] = text_label("", "quiet")
            grid.addWidget(keys, row, 3)
        return card

    @staticmethod
    def _about() -> QWidget:
        card = Card()
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(6)
        column.addWidget(text_label(f"Tastemaker {studio_version()}".rstrip(), "title"))
        column.addWidget(
            quiet_note(
                tr(
                    "Free software under the Apache License 2.0. Everything runs on this machine: no account, no cloud, no telemetry."
                )
            )
        )
        column.addWidget(quiet_note(tr("Built on:") + " " + ", ".join(f"{n} ({of})" for n, of in LICENCES)))
        return card
