"""The main window: bars, rail, the current view, and its side panel."""

from __future__ import annotations

import gc

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QVBoxLayout,
)

from studio.i18n import language, meant, tr
from studio.model import preferences, settings
from studio.model.actions import Actions
from studio.model.auto_teach import AutoTeach
from studio.model.property import bind
from studio.theme import icons
from studio.theme.theme import current
from studio.ui import leaving, place, views
from studio.ui.announcer import Announcer
from studio.ui.columns import Ground
from studio.ui.command_table import table
from studio.ui.commands import Commands
from studio.ui.hints_bar import HintsBar
from studio.ui.parts import named
from studio.ui.rail import Rail
from studio.ui.rate_view import RateView
from studio.ui.shell import Shell
from studio.ui.status_bar import StatusBar
from studio.ui.top_bar import TopBar
from studio.ui.window_files import WindowFiles

_FRAME = QSize(0, 40)  # approximate size of a window manager's frame, in pixels
_STATE = (
    *("loaded", "task", "drawing", "undo_label", "redo_label", "checkpoint"),
    *("auto_advance", "pixel_art", "selected"),
)


def _is_enter(event: QKeyEvent) -> bool:
    plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return plain and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class StudioWindow(Shell):
    """A `Shell` with its commands, bars and rail."""

    def __init__(self, actions: Actions) -> None:
        super().__init__(actions)
        self._ended = False
        self.prepared = False  # whether making the remaining views was started
        place.select(actions)
        self.files = WindowFiles(self)
        self.setWindowTitle(f"{actions.state.project_name} – Tastemaker")
        self.setWindowIcon(icons.icon("tastemaker", "#000000", 64))
        self.setAcceptDrops(True)
        self.resize(QSize(1440, 900).boundedTo(self.screen().availableSize() - _FRAME))
        self.setMinimumSize(720, 480)
        self.commands = Commands(table(self, self.files), lambda: self.view, self)
        everything = QMenu(self)
        for menu in self.commands.menus.values():
            everything.addMenu(menu)
            self.menuBar().addMenu(menu)
        for extension in self.menuBar().findChildren(QToolButton):
            named(extension, tr("More menus"), tr("The menus that do not fit into the window"))
        self._show_menu_bar(bool(settings.value("menu_bar")))
        action = self.commands.__getitem__
        self.top_bar = TopBar(actions, action("new_grid"), action("teach"), action("panel"))
        entries = self.pages.entries.values()
        self.rail = Rail(entries, [("export", action("export"))], everything, action)
        self.rail.chosen.connect(self.show_view)
        self.status = StatusBar(actions, action("start_again"), action("locate"))
        self._lay_out()
        self.announcer = Announcer(self)
        AutoTeach(actions, self)

        for name in _STATE:
            bind(actions.state, name, self._follow)
        for name in ("running", "stopping", "paused"):
            bind(actions.round, name, self._follow)
        for chooser in (actions.duels, actions.surveys):
            bind(chooser, "shown", self._follow)
        actions.view_wanted.connect(self.show_view)
        current().changed.connect(self._follow)
        preferences.watcher().changed.connect(self._preferred)
        self.show_view(self.entry_keys()[0])

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.rail)
        middle.addWidget(self.stack, 1)
        middle.addWidget(self.side)
        ground = Ground()
        ground.escaped.connect(lambda: self.show_view(self.view))
        column = QVBoxLayout(ground)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addLayout(middle, 1)
        column.addWidget(HintsBar(self.actions_, self.commands.__getitem__))
        column.addWidget(self.status)
        self.setCentralWidget(ground)

    @property
    def rate_view(self) -> RateView:
        view = self.page("rate")
        assert isinstance(view, RateView)
        return view

    # -- what follows from the state -----------------------------------------------------------------------------

    def _follow(self, _: object = None) -> None:
        self.commands.refresh()
        state = self.actions_.state
        if state.loaded and not self.actions_.round.running and not state.drawing and not self.prepared:
            self.prepared = True
            QTimer.singleShot(300, self._prepare)

    def _preferred(self, name: str, value: object) -> None:
        if name == "theme":
            current().set_mode(str(value))
        elif name == "menu_bar":
            self._show_menu_bar(bool(value))
        elif name == "device":
            if self.actions_.round.running or self.actions_.exports.running:  # the worker that does it would be ended
                self.actions_.say(tr("Something is running: the other device is used from the next start on"))
            else:
                self.actions_.start()
        elif name == "implicit":
            self.actions_.worker.use_signals(bool(value))
        elif name == "language" and meant(str(value)) != language():
            if leaving.at_stake(self):
                self.actions_.say(tr("Something is running: the other language is used from the next start on"))
            else:
                self.reopen_wanted.emit()

    def _show_menu_bar(self, wanted: bool) -> None:
        self.menuBar().setVisible(wanted or self.menuBar().isNativeMenuBar())

    def _prepare(self) -> None:
        """Make the views that were not needed yet, one by one, while nothing else is going on."""
        if not self.isVisible():
            return  # it was closed meanwhile
        missing = self.pages.missing()
        if missing:
            self.page(missing[0])
            QTimer.singleShot(50, self._prepare)
        else:
            # All these objects live as long as the window. Without this, each full garbage collection would scan them all and block the
            # window for two frames.
            gc.collect()
            gc.freeze()

    def event(self, event: QEvent) -> bool:
        # Space and Enter press the focused button, even if they are shortcuts.
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and (event.key() == Qt.Key.Key_Space or _is_enter(event))
            and isinstance(self.focusWidget(), QAbstractButton)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pressed = self.focusWidget()
        if _is_enter(event) and isinstance(pressed, QAbstractButton) and not event.isAutoRepeat():
            pressed.click()  # in Qt, Enter presses only the default button, which only dialogs have
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and self.files.can_take(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.files.take(event.mimeData())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        views.focus_target(self.page(self.view)).setFocus(Qt.FocusReason.OtherFocusReason)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._ended or leaving.stays(self, event):  # `_ended` : it was closed already
            return
        self._ended = True
        place.keep(self)
        for dialog in self.findChildren(QDialog):
            dialog.close()
        # Later changes of preferences are for other windows.
        preferences.watcher().changed.disconnect(self._preferred)
        self.hide()
        QApplication.processEvents()
        self.actions_.close()
        gc.unfreeze()  # the objects that `_prepare` froze are garbage now
        event.accept()
        self.closed.emit()
