"""The main window: bars, rail, the current view, and its side panel."""

from __future__ import annotations

import gc

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QMessageBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import language, meant, tr
from studio.model import preferences, settings
from studio.model.actions import Actions
from studio.model.auto_teach import AutoTeach
from studio.model.property import bind
from studio.model.state import GRID_VIEWS
from studio.theme import icons
from studio.theme.theme import current
from studio.theme.tokens import SIDE_PANEL
from studio.ui import leaving, place, views
from studio.ui.announcer import Announcer
from studio.ui.columns import CurrentStack, Ground, ViewStack, downwards
from studio.ui.command_table import table
from studio.ui.commands import Commands
from studio.ui.debug_info import debug_info
from studio.ui.hints_bar import HintsBar
from studio.ui.pages import Pages
from studio.ui.parts import message_box, named
from studio.ui.rail import Rail
from studio.ui.rate_view import RateView
from studio.ui.status_bar import StatusBar
from studio.ui.top_bar import TopBar
from studio.ui.window_files import WindowFiles

_FRAME = QSize(0, 40)  # approximate size of a window manager's frame, in pixels
_NARROW = 900  # width in pixels below which the side panel is hidden, unless it was asked for
_STATE = (
    *("loaded", "task", "drawing", "undo_label", "redo_label", "checkpoint"),
    *("auto_advance", "pixel_art", "selected"),
)


def _is_enter(event: QKeyEvent) -> bool:
    plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return plain and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class StudioWindow(QMainWindow):
    """Shows one project. Emits `project_wanted` to open another."""

    # The folder, or None for a new project; and the bundle folder or bundled name for a new one, or None.
    project_wanted = Signal(object, object)
    reopen_wanted = Signal()  # open the same project again, in another language
    rename_wanted = Signal(str)  # the same project under another name
    closed = Signal()

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.actions_ = actions
        self.stack, self.panels = ViewStack(), CurrentStack()
        self.pages = Pages(views.entries(), actions, self.stack, self.panels, lambda key: self.commands[key])
        self._panel_wanted = bool(preferences.read().get("panel", True))
        self._asked = False  # whether the panel was toggled at this width, which overrides `_NARROW`
        self._ended = False
        self.prepared = False  # whether making the remaining views was started
        self.view = ""
        place.select(actions)
        self.files = WindowFiles(self)
        self.setWindowTitle(f"{actions.state.project_name} – Tastemaker")
        self.setWindowIcon(icons.icon("tastemaker", "#000000", 64))
        self.setAcceptDrops(True)
        self.resize(QSize(1440, 900).boundedTo(self.screen().availableSize() - _FRAME))
        self.setMinimumSize(720, 480)
        self.commands = Commands(table(self), lambda: self.view, self)
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
        self.status = StatusBar(actions, action("start_again"))
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
        self.side = QFrame()
        self.side.setObjectName("sidepanel")
        self.side.setFixedWidth(SIDE_PANEL)
        scroll = downwards(self.panels)
        held = QVBoxLayout(self.side)
        held.setContentsMargins(1, 0, 0, 0)
        held.addWidget(scroll)
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

    # -- views ---------------------------------------------------------------------------------------------------

    def page(self, key: str) -> QWidget:
        """Return a view, made on first use."""
        return self.pages.view(key)

    def show_view(self, key: str) -> None:
        """Show a view and its side panel, and focus it."""
        view = self.page(key)
        self.view = self.actions_.state.view = key
        if key in GRID_VIEWS:
            self.actions_.state.unseen = False
            self.actions_.look_at_grid()
        self.stack.setCurrentWidget(view)
        panel = self.pages.panel(key)
        if panel is not None:
            self.panels.setCurrentWidget(panel)
        self.rail.show_chosen(key)
        self._show_side()
        self._follow()
        views.focus_target(view).setFocus(Qt.FocusReason.OtherFocusReason)

    def entry_keys(self) -> list[str]:
        """Return the keys of all views, in the order of their entries."""
        return list(self.pages.entries)

    @property
    def rate_view(self) -> RateView:
        view = self.page("rate")
        assert isinstance(view, RateView)
        return view

    # -- what commands do ----------------------------------------------------------------------------------------

    def rate(self, kind: str, value: int = 0, advance: bool = False) -> None:
        """Rate the selected image of the current view."""
        view = self.page(self.view)
        if isinstance(view, views.RatingView):
            view.rate(kind, value, advance)
        else:
            self.actions_.rate(kind, value, advance=advance)

    def zoom(self, steps: int) -> None:
        """Zoom the images of the current view in (1), out (-1), or to fit (0)."""
        view = self.page(self.view)
        if isinstance(view, views.ZoomingView):
            view.zoom(steps)

    def new_grid(self) -> None:
        """Request a new grid, unless a round has left one that was not seen yet; show it, unless the current view uses the grid too."""
        if not self.actions_.state.unseen:
            self.actions_.new_grid()
        if self.view not in GRID_VIEWS:
            self.show_view("rate")

    def teach(self) -> None:
        """Start a round and show it; if ratings are missing, the status bar says so."""
        self.actions_.teach()
        if self.actions_.round.running:
            self.show_view("teach")

    def toggle_advance(self) -> None:
        """Turn auto-advance on or off."""
        self.actions_.set_option("auto_advance", not self.actions_.state.auto_advance)

    def toggle_pixel_art(self) -> None:
        """Toggle whether images are enlarged by whole factors or smoothly."""
        self.actions_.set_option("pixel_art", not self.actions_.state.pixel_art)

    def panel_is_shown(self) -> bool:
        """Whether the side panel is shown."""
        return self.side.isVisibleTo(self)

    def toggle_panel(self) -> None:
        """Show or hide the side panel."""
        self._panel_wanted = not self.panel_is_shown()
        self._asked = True
        preferences.keep(panel=self._panel_wanted)
        self._show_side()
        self._follow()

    def set_theme(self, mode: str) -> None:
        """Use dark, light or the system's colours, from now on and at later starts."""
        preferences.keep(theme=mode)

    def show_shortcuts(self) -> None:
        """Open the sheet of all shortcuts."""
        from studio.ui.shortcut_sheet import ShortcutSheet

        self.open_dialog(ShortcutSheet(self.commands, self))

    def export(self) -> None:
        """Open the Export dialog."""
        from studio.ui.export_dialog import ExportDialog

        self.open_dialog(ExportDialog(self.actions_, self))

    @staticmethod
    def open_dialog(dialog: QDialog) -> None:
        """Open a dialog, which is deleted when it is closed."""
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def open_menu(self) -> None:
        """Open the menu of all actions."""
        self.rail.menu_button.showMenu()

    def complain(self, text: str) -> None:
        """Show a dialog that says why something could not be done."""
        self.open_dialog(message_box(text, QMessageBox.StandardButton.Close, self))

    def report_bug(self, reason: str, detail: str) -> None:
        """Report an error of the program itself in the status bar. `detail` : included in "Copy debug info"."""
        text = tr(
            "Something went wrong: {reason}. Help > Copy debug info tells more.", reason=reason.rstrip(".")
        )
        self.actions_.say(text, bad=True, detail=detail)

    def copy_debug_info(self) -> None:
        """Copy the information for a bug report to the clipboard, without any image or rating."""
        QGuiApplication.clipboard().setText(debug_info(self.actions_))
        self.actions_.say(tr("Copied"))

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

    def _show_side(self) -> None:
        has_panel = self.pages.has_panel(self.view)
        self.side.setVisible(has_panel and self._panel_wanted and (self._asked or self.width() >= _NARROW))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (event.oldSize().width() >= _NARROW) != (event.size().width() >= _NARROW):
            self._asked = False
            self._show_side()
            self.commands.refresh()

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
