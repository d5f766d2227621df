"""The top bar: the open project and generator at the left, the next actions at the right."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.rounds import version_name
from studio.theme import icons
from studio.theme.theme import current
from studio.theme.tokens import TOP_BAR
from studio.ui.parts import ElidedLabel, key_name, named, tell_keys, text_label

_BRAND_FROM = 900  # width of the window in pixels from which the program's name is shown
_CHIP = 260  # largest width of the names of generator and version, in pixels
PRIMARY_KEY = "#4a3410"  # colour of a shortcut on the accent colour: quieter than the name, but readable


class KeyButton(QPushButton):
    """A button that shows its shortcut after its name, in a quieter colour."""

    def __init__(self, action: QAction, role: str = "") -> None:
        super().__init__()
        self._action = action
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if role:
            self.setProperty("role", role)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 0)
        row.setSpacing(5)
        self._name, self._key = QLabel(self), QLabel(self)
        for label in (self._name, self._key):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            row.addWidget(label)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        current().changed.connect(self._tint)
        self._follow()
        self._tint()

    def _follow(self) -> None:
        self._name.setText(self._action.text())
        self._key.setText(key_name(self._action.shortcut()))
        self.setEnabled(self._action.isEnabled())
        named(self, self._action.text(), self._action.toolTip())
        self._tint()

    def _tint(self) -> None:
        tokens, primary = current().tokens, self.property("role") == "primary"
        if not self.isEnabled():
            text = key = tokens.quiet
        elif primary:
            text, key = tokens.accent_text, PRIMARY_KEY
        else:
            text, key = tokens.text, tokens.quiet
        self._name.setStyleSheet(f"color: {text}; font-weight: {600 if primary else 400}")
        self._key.setStyleSheet(f"color: {key}")

    def sizeHint(self) -> QSize:
        return QSize(self._row.sizeHint().width(), 32)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


class TopBar(QFrame):
    """Shows the names of program, project and generator; New grid and Teach."""

    def __init__(self, actions: Actions, new_grid: QAction, teach: QAction, panel: QAction) -> None:
        super().__init__()
        self._actions = actions
        self.setObjectName("topbar")
        self.setFixedHeight(TOP_BAR)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(14)
        self._brand = text_label("Tastemaker", "title")
        row.addWidget(self._brand)
        self.project = ElidedLabel("", "quiet")
        row.addWidget(self.project)
        self.chip = text_label("", "chip")
        self.chip.setFixedHeight(24)
        row.addWidget(self.chip)
        row.addStretch(1)
        self.panel = QToolButton()
        self.panel.setProperty("role", "flat")
        self.panel.setFixedSize(32, 32)
        self.panel.setIconSize(QSize(20, 20))
        self.panel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.panel.clicked.connect(panel.trigger)
        named(self.panel, panel.text(), panel.toolTip())
        tell_keys(self.panel, panel)
        panel.changed.connect(self._follow_panel)
        self._panel = panel
        row.addWidget(self.panel)
        self.new_grid = KeyButton(new_grid)
        self.teach = KeyButton(teach, "primary")
        row.addWidget(self.new_grid)
        row.addWidget(self.teach)
        state = actions.state
        bind(state, "project_name", self._show_project)
        bind(state, "generator", self._show_chip)
        bind(state, "checkpoint", self._show_chip)
        current().changed.connect(self._tint)
        self._tint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        # In a narrow window the program's name is hidden first.
        self._brand.setVisible(event.size().width() >= _BRAND_FROM)
        super().resizeEvent(event)

    def _follow_panel(self) -> None:
        self.panel.setEnabled(self._panel.isEnabled())

    def _tint(self) -> None:
        self.panel.setIcon(icons.icon("panel", current().tokens.quiet))

    def _show_project(self, name: str) -> None:
        self.project.set_text(name)
        self.project.setToolTip(str(self._actions.project.folder))

    def _show_chip(self, _: object = None) -> None:
        state = self._actions.state
        name = self._actions.model_name
        words = f"{name} · {version_name(state.checkpoint, inside=True)}"
        self.chip.setText(self.chip.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, _CHIP))
        named(self.chip, words, tr("The generator in use and how far it is taught"))
