"""The left rail: one entry for each view, and the menu at its foot."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QMenu, QToolButton, QVBoxLayout

from studio.i18n import tr
from studio.theme import icons
from studio.theme.theme import current
from studio.theme.tokens import CORNER_CONTROL, RAIL
from studio.ui.parts import tell_keys
from studio.ui.views import ViewEntry

_TALL, _SHORT, _LEAST = 44, 32, 24  # height of an entry in pixels: with its word, without, and the minimum
_MENU, _EDGE, _GAP = 36, 8, 4


class RailButton(QAbstractButton):
    """An icon above a small word, which is hidden if there is no room; a filled background marks the current view."""

    def __init__(self, name: str, icon: str) -> None:
        super().__init__()
        self._icon = icon
        self.setText(name)
        self.setCheckable(True)
        self.setFixedSize(46, _TALL)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return self.size()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or self.underMouse():
            painter.setBrush(QColor(tokens.chosen if self.isChecked() else tokens.control))
            painter.drawRoundedRect(shape, CORNER_CONTROL, CORNER_CONTROL)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.focus), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(shape, CORNER_CONTROL, CORNER_CONTROL)
        colour = tokens.text if self.isChecked() else tokens.quiet
        worded = self.height() >= _TALL
        top = 5.0 if worded else (self.height() - 20) / 2
        icons.paint(painter, self._icon, QRectF((self.width() - 20) / 2, top, 20, 20), colour)
        if worded:
            font = self.font()
            font.setPixelSize(10)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            painter.drawText(QRectF(0, 26, self.width(), 14), Qt.AlignmentFlag.AlignCenter, self.text())


class Rail(QFrame):
    """The left rail. Emits the key of the chosen entry."""

    chosen = Signal(str)

    def __init__(
        self,
        entries: Iterable[ViewEntry],
        doings: Iterable[tuple[str, QAction]],
        menu: QMenu,
        action_of: Callable[[str], QAction],
    ) -> None:
        """`doings` : (icon, action) of entries that are no views. `action_of` : returns the action of a command by its key."""
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(RAIL)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, _EDGE, 5, _EDGE)
        column.setSpacing(_GAP)
        self.buttons: dict[str, RailButton] = {}
        listed = list(entries)
        for entry in (e for e in listed if not e.foot):
            column.addWidget(self._make(entry, action_of))
        for icon, action in doings:
            doing = RailButton(action.text().removesuffix("…"), icon)
            tell_keys(doing, action)
            doing.setCheckable(False)
            doing.clicked.connect(action.trigger)
            self.buttons[icon] = doing
            column.addWidget(doing)
        column.addStretch(1)
        for entry in (e for e in listed if e.foot):
            column.addWidget(self._make(entry, action_of))
        self.menu_button = QToolButton()
        self.menu_button.setProperty("role", "flat")
        self.menu_button.setFixedSize(46, _MENU)
        self.menu_button.setIconSize(QSize(20, 20))
        self.menu_button.setMenu(menu)
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.menu_button.setAccessibleName(tr("Menu"))
        tell_keys(self.menu_button, action_of("menu"))
        column.addWidget(self.menu_button)
        current().changed.connect(self._tint)
        self._tint()

    def _make(self, entry: ViewEntry, action_of: Callable[[str], QAction]) -> RailButton:
        made = RailButton(entry.name, entry.icon)
        tell_keys(made, action_of(f"view.{entry.key}"))
        made.clicked.connect(lambda _=False, key=entry.key: self.chosen.emit(key))
        self.buttons[entry.key] = made
        return made

    def _tint(self) -> None:
        self.menu_button.setIcon(icons.icon("menu", current().tokens.quiet))

    def minimumSizeHint(self) -> QSize:
        return QSize(RAIL, len(self.buttons) * (_LEAST + _GAP) + _MENU + 2 * _EDGE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        count = max(1, len(self.buttons))
        room = (event.size().height() - _MENU - 2 * _EDGE) // count - _GAP
        for button in self.buttons.values():
            button.setFixedHeight(_TALL if room >= _TALL else max(_LEAST, min(_SHORT, room)))
        super().resizeEvent(event)

    def show_chosen(self, key: str) -> None:
        """Mark the current view."""
        for name, made in self.buttons.items():
            made.setChecked(name == key)
            made.setAccessibleDescription(tr("shown") if name == key else "")
