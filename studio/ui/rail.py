"""The left rail: one entry for each view, and the menu at its foot."""

from collections.abc import Iterable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QMenu, QToolButton, QVBoxLayout

from studio.i18n import tr
from studio.theme import icons
from studio.theme.theme import current
from studio.theme.tokens import CORNER_CONTROL, RAIL
from studio.ui.parts import named


class RailButton(QAbstractButton):
    """An icon above a small word; a filled ground says that its view is shown."""

    def __init__(self, name: str, icon: str, tip: str) -> None:
        super().__init__()
        self._icon = icon
        self.setText(name)
        self.setFixedSize(46, 44)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        named(self, name, tip)

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
            painter.setPen(QPen(QColor(tokens.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(shape, CORNER_CONTROL, CORNER_CONTROL)
        colour = tokens.text if self.isChecked() else tokens.quiet
        icons.paint(painter, self._icon, QRectF((self.width() - 20) / 2, 5, 20, 20), colour)
        font = self.font()
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(QRectF(0, 26, self.width(), 14), Qt.AlignmentFlag.AlignCenter, self.text())


class Rail(QFrame):
    """Emits the key of the entry that was chosen."""

    chosen = Signal(str)

    def __init__(self, entries: Iterable[tuple[str, str, str, str, bool]], menu: QMenu | None) -> None:
        """Take (key, name, icon, tooltip, whether it is a view and stays chosen) for each entry."""
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(RAIL)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 8, 5, 8)
        column.setSpacing(4)
        self.buttons: dict[str, RailButton] = {}
        for key, name, icon, tip, is_view in entries:
            made = RailButton(name, icon, tip)
            made.setCheckable(is_view)
            made.clicked.connect(lambda _=False, key=key: self.chosen.emit(key))
            self.buttons[key] = made
            column.addWidget(made)
        column.addStretch(1)
        if menu is not None:
            self.menu_button = QToolButton()
            self.menu_button.setProperty("role", "flat")
            self.menu_button.setFixedSize(46, 36)
            self.menu_button.setIconSize(QSize(20, 20))
            self.menu_button.setMenu(menu)
            self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            self.menu_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            named(self.menu_button, tr("Menu"), tr("Every action of the studio (F10)"))
            column.addWidget(self.menu_button)
            current().changed.connect(self._tint)
            self._tint()

    def _tint(self) -> None:
        self.menu_button.setIcon(icons.icon("menu", current().tokens.quiet))

    def show_chosen(self, key: str) -> None:
        """Mark one view as shown."""
        for name, made in self.buttons.items():
            if made.isCheckable():
                made.setChecked(name == key)
                made.setAccessibleDescription(tr("shown") if name == key else "")
