"""The sheet that suggests titles for an image, to rate, choose or edit."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QPixmap, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.readiness import unless_failed
from studio.model.scaling import scaled
from studio.model.titles import TitleSuggestions
from studio.ui.parts import Card, button, named, quiet_note, set_role, tell_keys, text_label
from studio.ui.star_row import StarRow

LONGEST = 80  # characters of a title
_ROWS = 5
_SIDE = 184  # of the image, in logical pixels


def open_sheet(actions: Actions, window: QWidget) -> None:
    """Suggest titles for the first selected image, if there is one."""
    if actions.state.selected:
        again: QAction = window.commands["title"]  # type: ignore[attr-defined]  # of the window, which imports this
        sheet = TitleSheet(actions, actions.state.selected[0], again, window)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.open()


class TitleChoice(QPushButton):
    """A button that takes a title. Leaves Up and Down to the sheet, as they would move to the stars."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "title-choice")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()
        else:
            super().keyPressEvent(event)


class TitleRow(QWidget):
    """One suggested title and its stars."""

    def __init__(self) -> None:
        super().__init__()
        self.title = TitleChoice()
        self.stars = StarRow()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.title, 1)
        line.addWidget(self.stars)

    def show_title(self, text: str, stars: int) -> None:
        """Show a title and its stars; for "", the line stays empty, at the same height."""
        self.title.setText(text)
        named(
            self.title,
            tr("Take the title {title}", title=text),
            tr("Make this the title (Enter); 1–5 rate it"),
        )
        tip = tr("Say how good this title is (1–5); the same again clears. The next titles learn from it")
        self.stars.show_stars(text, stars, text, tip)
        for part in (self.title, self.stars):
            part.setVisible(bool(text))


class TitleSheet(QDialog):
    """Shows the titles of a `TitleSuggestions`; closing it loses nothing. The keys that opened it (of `again`) ask for other titles."""

    def __init__(self, actions: Actions, image: int, again: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Suggest a title"))
        self._state = actions.state
        self.suggestions = TitleSuggestions(actions, image, self)
        self.picture = QLabel()
        self.picture.setFixedSize(_SIDE, _SIDE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        named(self.picture, tr("Image {n}", n=image), "")
        if (pixels := actions.images.image(image)) is not None:
            shown = scaled(pixels, _SIDE, self.devicePixelRatioF(), actions.state.pixel_art)
            self.picture.setPixmap(QPixmap.fromImage(shown))
        self.rows = [TitleRow() for _ in range(_ROWS)]
        self.said = quiet_note()
        self.field = QLineEdit()
        self.field.setMaxLength(LONGEST)
        self.field.setPlaceholderText(tr("A title of your own"))
        named(self.field, tr("Title"), tr("Write a title, or change one, then press Enter"))
        self.others = button(tr("Other titles"), "")
        tell_keys(self.others, again, tr("Suggest others, learning from your stars"))
        self.close_button = button(tr("Close"), tr("Close this window (Esc); ratings stay"))
        self.keep = button(
            tr("Keep title"), tr("Make what is written the title of the image (Enter)"), "primary"
        )
        self.keep.setDefault(True)
        self._lay_out()
        for number, row in enumerate(self.rows):
            row.title.clicked.connect(partial(self._take, number))
            row.stars.chosen.connect(partial(self._rate, number))
        self.others.clicked.connect(self.suggestions.ask)
        self.close_button.clicked.connect(self.reject)
        self.keep.clicked.connect(self._keep)
        self.suggestions.failed.connect(self._complain)
        once_more = QShortcut(self)
        once_more.setKeys(again.shortcuts())
        once_more.activated.connect(self.suggestions.ask)
        bind(self.suggestions, "title", self.field.setText)
        for name in ("titles", "stars", "waiting", "learnt_from"):
            bind(self.suggestions, name, self._follow)
        bind(actions.state, "loaded", self._begin)
        bind(actions.state, "task", self._follow)

    def _lay_out(self) -> None:
        card = Card()
        inside = QVBoxLayout(card)
        inside.setContentsMargins(8, 8, 8, 8)
        inside.setSpacing(2)
        for row in self.rows:
            row.setFixedHeight(34)
            inside.addWidget(row)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(card)
        right.addWidget(self.said)
        right.addStretch(1)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        middle.addLayout(right, 1)
        ends = QHBoxLayout()
        ends.setSpacing(8)
        ends.addWidget(self.others)
        ends.addStretch(1)
        ends.addWidget(self.close_button)
        ends.addWidget(self.keep)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(12)
        column.addWidget(text_label(tr("Suggest a title"), "title"))
        column.addLayout(middle)
        column.addWidget(self.field)
        column.addLayout(ends)
        self.setFixedWidth(620)

    # -- hands -------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        at, key = self._row_at_hand(), event.key()
        moves = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if at >= 0 and Qt.Key.Key_0 <= key <= Qt.Key.Key_5:
            self._rate(at, key - Qt.Key.Key_0)
        elif (step := moves.get(Qt.Key(key))) is not None:
            self._go_to(at + step)
        elif at >= 0 and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(at)
        else:
            super().keyPressEvent(event)

    def _row_at_hand(self) -> int:
        now = self.focusWidget()
        return next((n for n, row in enumerate(self.rows) if now in (row.title, row.stars)), -1)

    def _go_to(self, row: int) -> None:
        titles = len(self.suggestions.titles)
        if titles:
            self.rows[min(max(row, 0), titles - 1)].title.setFocus(Qt.FocusReason.TabFocusReason)

    def _rate(self, row: int, stars: int) -> None:
        if row < len(self.suggestions.titles):
            title = self.suggestions.titles[row]
            self.suggestions.rate(title, stars or self.suggestions.stars.get(title, 0))

    def _take(self, row: int) -> None:
        if row < len(self.suggestions.titles):
            self.suggestions.take(self.suggestions.titles[row])
            self.accept()

    def _keep(self) -> None:
        self.suggestions.take(self.field.text())
        self.accept()

    # -- what follows from the state ---------------------------------------------------------------------------------

    def _begin(self, loaded: bool) -> None:
        if loaded and not self.suggestions.titles:
            self.suggestions.ask()
        self._follow()

    def _follow(self, _: object = None) -> None:
        suggestions = self.suggestions
        first_shown = not self.rows[0].title.text()
        for number, row in enumerate(self.rows):
            text = suggestions.titles[number] if number < len(suggestions.titles) else ""
            row.show_title(text, suggestions.stars.get(text, 0))
        self.others.setEnabled(not suggestions.all_seen)
        set_role(self.said, "quiet")
        self.said.setText(self._words())
        if first_shown and suggestions.titles and not self.field.isModified():
            self._go_to(0)

    def _words(self) -> str:
        suggestions = self.suggestions
        if suggestions.waiting:
            return tr("Looking at the image")
        if suggestions.all_seen:
            return tr("There are no other titles left")
        if not suggestions.titles:
            return unless_failed(self._state, tr("The generator is still loading"))
        if suggestions.learnt_from:
            return tr("Learnt from {n} titles that you rated", n=suggestions.learnt_from)
        return tr("Star what fits: the next titles learn from it")

    def _complain(self, text: str) -> None:
        set_role(self.said, "bad")
        self.said.setText(tr(text))
