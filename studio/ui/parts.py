"""Small widgets and helpers that several views share."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFontMetrics, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from studio.i18n import tr
from studio.theme.theme import current

# Properties of widgets from which `tell_all_keys` fills in the keys of commands.
_COMMAND = "command"  # names of the commands that a control stands for, separated by spaces
_TEMPLATE = "template"  # a text with names of commands in braces
_NAMED = re.compile(r"\{([\w.]+)\}")
Named = TypeVar("Named", QLabel, QPushButton)
_ARROWS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}
_WITH_WORD = re.compile(_NAMED.pattern + "( ?)")


def text_label(text: str = "", role: str = "", parent: QWidget | None = None) -> QLabel:
    """Return a plain-text label; `role` selects its style in the stylesheet."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        label.setProperty("role", role)
    return label


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget another style of the stylesheet."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def quiet_note(text: str = "") -> QLabel:
    """Return a word-wrapped label in the quiet style."""
    label = text_label(text, "quiet")
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label


def message_box(
    text: str, buttons: QMessageBox.StandardButton = QMessageBox.StandardButton.NoButton, parent: QWidget | None = None
) -> QMessageBox:
    """Return a dialog of one text, without an icon and without the room that Qt leaves for one."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Tastemaker", text, buttons, parent)
    grid, label = box.layout(), box.findChild(QLabel, "qt_msgbox_label")
    if isinstance(grid, QGridLayout) and label is not None:
        grid.setHorizontalSpacing(0)
        grid.setColumnStretch(1, 1)  # the text's; the buttons span both
        room = grid.itemAtPosition(0, 0)
        gap = room.spacerItem() if room is not None else None
        if gap is not None:
            gap.changeSize(0, 0)
            grid.invalidate()
        label.setIndent(0)
    return box


def section(title: str) -> QLabel:
    """Return the heading of a group, as in side panels."""
    label = text_label(title.upper(), "section")
    font = label.font()
    font.setLetterSpacing(font.SpacingType.AbsoluteSpacing, 0.6)
    label.setFont(font)
    label.setAccessibleName(title)
    return label


def named(widget: QWidget, name: str, tip: str) -> None:
    """Set the accessible name and the tooltip of a widget."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip)


def name_all(view: QWidget, name: str) -> None:
    """Set the accessible names of a view, unless it has one, and of the clear buttons inside its line edits."""
    if not view.accessibleName():
        view.setAccessibleName(name)
    for field in view.findChildren(QLineEdit):
        for clear in field.findChildren(QToolButton):
            named(clear, tr("Clear"), tr("Empty the field"))


def button(text: str, tip: str, role: str = "", command: str = "") -> QPushButton:
    """Return a push button that does not take the focus when clicked.

    `command` : name of the command that it stands for, whose keys are then added to the tooltip (see `tell_all_keys`).
    """
    made = QPushButton(text)
    named(made, text, tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if role:
        made.setProperty("role", role)
    if command:
        stands_for(made, command)
    return made


def stands_for(control: QWidget, *commands: str) -> None:
    """Add the keys of commands to the tooltip of a control, once `tell_all_keys` is called on its view."""
    control.setProperty(_COMMAND, " ".join(commands))


def names_keys(shown: Named, text: str) -> Named:
    """Set a text in which "{name}" stands for the current key of the command of that name; filled in by `tell_all_keys`."""
    shown.setProperty(_TEMPLATE, text)
    return shown


class ElidedLabel(QLabel):
    """A single-line label that ends in an ellipsis if its text does not fit."""

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__()
        self._full = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(24)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Show `text`. The full text is the accessible name, and also the tooltip if it does not fit and there is no other one."""
        if text == self._full:
            return
        if self.toolTip() == self._full:
            self.setToolTip("")  # it was the full text, which has changed
        self._full = text
        self.setAccessibleName(text)
        self._fit()
        self.updateGeometry()

    def full_text(self) -> str:
        return self._full

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self._full) + 4, hint.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def resizeEvent(self, event: QEvent) -> None:  # type: ignore[override]
        self._fit()

    def _fit(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._full, Qt.TextElideMode.ElideRight, self.width())
        self.setText(shown)
        if self.toolTip() in ("", self._full):  # no other tooltip was set
            self.setToolTip("" if shown == self._full else self._full)


class KeyLegend(QLabel):
    """A legend of keys, "P like · X reject", which wraps between items and drops the dot there."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._full = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)  # for single items that are wider than a line
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.setProperty("role", "quiet")
        names_keys(self, text)

    def setText(self, text: str) -> None:
        self._full = text
        self._fit()

    def resizeEvent(self, event: QEvent) -> None:  # type: ignore[override]
        self._fit()

    def _fit(self) -> None:
        lines: list[str] = []
        for paragraph in self._full.split("\n"):
            line = ""
            for item in paragraph.split(" · "):
                longer = f"{line} · {item}" if line else item
                if line and self.fontMetrics().horizontalAdvance(longer) > self.width():
                    lines.append(line)
                    longer = item
                line = longer
            lines.append(line)
        if "\n".join(lines) != self.text():
            super().setText("\n".join(lines))


class Rows(QWidget):
    """Lines with a name at the left and a value at the right."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(5)
        self._grid.setHorizontalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self._lines: dict[str, tuple[QLabel, ElidedLabel]] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def set_line(self, key: str, name: str, value: str, role: str = "", name_role: str = "quiet") -> None:
        """Add or change the line `key`."""
        if key not in self._lines:
            left, right = text_label(), ElidedLabel()
            right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            right.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            row = len(self._lines)
            self._grid.addWidget(left, row, 0)
            self._grid.addWidget(right, row, 1)
            self._lines[key] = (left, right)
        left, right = self._lines[key]
        left.setText(name)
        set_role(left, name_role)
        right.set_text(value)
        set_role(right, role)

    def set_lines(self, lines: Sequence[tuple[str, str, str, str]]) -> None:
        """Show exactly these lines: (name, value, role of the value, role of the name), with keys "0", "1", ...; reuses existing labels."""
        for place in range(len(lines), len(self._lines)):
            self._remove(str(place))
        for place, (name, value, role, name_role) in enumerate(lines):
            self.set_line(str(place), name, value, role, name_role)

    def value(self, key: str) -> str:
        """Return the value of the line `key`."""
        return self._lines[key][1].full_text()

    def keys(self) -> list[str]:
        return list(self._lines)

    def clear(self) -> None:
        """Remove all lines."""
        for key in list(self._lines):
            self._remove(key)

    def _remove(self, key: str) -> None:
        for label in self._lines.pop(key):
            self._grid.removeWidget(label)
            label.hide()
            label.deleteLater()


class Meter(QWidget):
    """A bar, 6 px high, that shows a share."""

    def __init__(self) -> None:
        super().__init__()
        self._share: float | None = None
        self._useful = True
        self.setFixedHeight(6)

    def set_share(self, share: float | None, useful: bool) -> None:
        """Show `share` (0..1; None: not known), in grey unless `useful`."""
        self._share, self._useful = share, useful
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.groove))
        painter.drawRoundedRect(QRectF(self.rect()), 3, 3)
        if self._share:
            painter.setBrush(QColor(tokens.accent if self._useful else tokens.quiet))
            width = max(6.0, self.width() * min(1.0, self._share))
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), 3, 3)


class _Still(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel:
            event.ignore()  # leaves it to the scroll area around the control
            return True
        return False


def hold_still(control: QWidget) -> None:
    """Keep the wheel from changing a control on a scrolling page, where it would change every control that passes under the pointer."""
    control.installEventFilter(_Still(control))


def key_name(keys: QKeySequence) -> str:
    """Return a shortcut as the platform writes it, with the Return key called Enter."""
    return keys.toString(QKeySequence.SequenceFormat.NativeText).replace("Return", "Enter")


class _KeysOf(QObject):
    """Calls `write`, which writes keys into a widget, now and whenever a key or a tooltip of one of the actions changes."""

    def __init__(self, widget: QWidget, actions: Iterable[QAction], write: Callable[[], None]) -> None:
        super().__init__(widget)  # deleted with the widget, which disconnects `_again`
        self._write, self._actions = write, tuple(actions)
        self._written: list[tuple[QKeySequence, str]] = []
        for action in self._actions:
            action.changed.connect(self._again)
        self._again()

    def _again(self) -> None:
        # Actions change far more often than their keys: with every image, some are enabled and others are not.
        wanted = [(action.shortcut(), action.toolTip()) for action in self._actions]
        if wanted != self._written:
            self._written = wanted
            self._write()


def tell_keys(widget: QWidget, action: QAction, tip: str = "", *others: QAction) -> None:
    """Set the tooltip of a widget, by default the action's, followed by the keys of all the actions; it follows changes of the keys."""
    actions = (action, *others)

    def tell() -> None:
        keys, words = ", ".join(filter(None, map(_first_key, actions))), tip or action.toolTip()
        widget.setToolTip(f"{words} ({keys})" if keys else words)

    _KeysOf(widget, actions, tell)


def with_keys(text: str, action_of: Callable[[str], QAction]) -> str:
    """Replace names of commands in braces by their keys, a dash for none, each followed by a no-break space instead of a space."""
    return _WITH_WORD.sub(lambda found: (_first_key(action_of(found[1])) or "–") + ("\N{NO-BREAK SPACE}" if found[2] else ""), text)


def tell_all_keys(view: QWidget, action_of: Callable[[str], QAction]) -> None:
    """Fill in the keys of commands in a view: in tooltips (`stands_for`) and in texts (`names_keys`)."""
    for widget in (view, *view.findChildren(QWidget)):
        if commands := widget.property(_COMMAND):
            first, *others = map(action_of, commands.split())
            tell_keys(widget, first, widget.toolTip(), *others)
        if isinstance(widget, QLabel | QPushButton) and (text := widget.property(_TEMPLATE)):
            actions = map(action_of, dict.fromkeys(_NAMED.findall(text)))
            _KeysOf(widget, list(actions), partial(_write_keys, widget, text, action_of))


def _write_keys(shown: QLabel | QPushButton, text: str, action_of: Callable[[str], QAction]) -> None:
    if isinstance(shown, QLabel):
        shown.setText(with_keys(text, action_of))
        return
    # On a button, the name of a command without a key is removed.
    shown.setText(_NAMED.sub(lambda found: _sign(action_of(found[1])), text).strip())


def _first_key(action: QAction) -> str:
    return key_name(action.shortcut())


def _sign(action: QAction) -> str:
    """The key of an action, with arrow keys as arrows rather than by their translated names."""
    return _ARROWS.get(action.shortcut().toString(QKeySequence.SequenceFormat.PortableText)) or _first_key(action)


class Card(QFrame):
    """A frame with a border and round corners."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
