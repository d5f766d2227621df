"""The window: bars, rail, the view, and its side panel."""

from __future__ import annotations

import gc
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QGuiApplication, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QMessageBox,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr
from studio.model import preferences
from studio.model.actions import Actions
from studio.model.property import bind
from studio.project.store import is_project
from studio.theme import icons
from studio.theme.theme import current
from studio.theme.tokens import SIDE_PANEL
from studio.ui import commands, views
from studio.ui.rail import Rail
from studio.ui.rate_view import RateView
from studio.ui.status_bar import StatusBar, task_words
from studio.ui.top_bar import TopBar

_NARROW = 900  # below this width the side panel makes room for the images


class StudioWindow(QMainWindow):
    """Shows one project. Opening another is asked for with `project_wanted`."""

    project_wanted = Signal(object)  # Path of an existing project; None: a new one
    closed = Signal()

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.actions_ = actions
        self._entries = {entry.key: entry for entry in views.entries()}
        self._pages: dict[str, tuple[QWidget, QWidget]] = {}
        self._panel_wanted = bool(preferences.read().get("panel", True))
        self.prepared = False  # whether every view is made, or about to be
        self.view = ""
        self.setWindowTitle(f"{actions.state.project_name} – Tastemaker")
        self.setWindowIcon(icons.icon("tastemaker", "#000000", 64))
        self.resize(1440, 900)
        self.setMinimumSize(720, 480)
        self.commands, self.menus = commands.build(self)
        everything = QMenu(self)
        for menu in self.menus:
            everything.addMenu(menu)
        self.top_bar = TopBar(
            actions, self.commands["new_grid"], self.commands["teach"], self.commands["panel"]
        )
        rail_entries = [
            (e.key, e.name, e.icon, f"{e.tip} ({e.shortcut})", True) for e in self._entries.values()
        ]
        rail_entries.append(
            ("export", tr("Export"), "export", tr("Write the tuned generator (Ctrl+E)"), False)
        )
        self.rail = Rail(rail_entries, everything)
        self.rail.chosen.connect(self._chosen)
        self.stack, self.panels = QStackedWidget(), QStackedWidget()
        self.side = QFrame()
        self.side.setObjectName("sidepanel")
        self.side.setFixedWidth(SIDE_PANEL)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.panels)
        held = QVBoxLayout(self.side)
        held.setContentsMargins(1, 0, 0, 0)
        held.addWidget(scroll)
        self.status = StatusBar(actions)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.rail)
        middle.addWidget(self.stack, 1)
        middle.addWidget(self.side)
        ground = QWidget()
        ground.setObjectName("ground")
        column = QVBoxLayout(ground)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addLayout(middle, 1)
        column.addWidget(self.status)
        self.setCentralWidget(ground)
        opener = QAction(tr("Menu"), self)
        opener.setShortcut("F10")
        opener.triggered.connect(self.rail.menu_button.showMenu)
        self.addAction(opener)

        self.commands[f"theme.{current().mode}"].setChecked(True)
        state, round_ = actions.state, actions.round
        for name in ("loaded", "task", "drawing"):
            bind(state, name, self._enable)
        for name in ("undo_label", "redo_label", "checkpoint"):
            bind(state, name, self._enable)
        for name in ("running", "stopping", "paused"):
            bind(round_, name, self._enable)
        bind(state, "auto_advance", self.commands["auto_advance"].setChecked)
        bind(state, "pixel_art", self.commands["pixel_art"].setChecked)
        self.show_view(next(iter(self._entries)))
        self._show_side()

    # -- views ---------------------------------------------------------------------------------------------------

    def page(self, key: str) -> QWidget:
        """Return a view, made on first use."""
        if key not in self._pages:
            entry = self._entries[key]
            view, panel = entry.make(self.actions_), entry.panel(self.actions_)
            self.stack.addWidget(view)
            self.panels.addWidget(panel)
            self._pages[key] = (view, panel)
        return self._pages[key][0]

    def show_view(self, key: str) -> None:
        """Show a view and its side panel, and give it the keys."""
        view = self.page(key)
        self.view = key
        self.stack.setCurrentWidget(view)
        self.panels.setCurrentWidget(self._pages[key][1])
        self.rail.show_chosen(key)
        self._enable()
        views.focus_target(view).setFocus(Qt.FocusReason.OtherFocusReason)

    def _chosen(self, key: str) -> None:
        if key == "export":
            self.export()
        else:
            self.show_view(key)

    @property
    def rate_view(self) -> RateView:
        view = self.page("rate")
        assert isinstance(view, RateView)
        return view

    # -- what commands do ----------------------------------------------------------------------------------------

    def teach(self) -> None:
        """Start a round and show it, or say in the status bar what is missing."""
        self.actions_.teach()
        if self.actions_.round.running:
            self.show_view("teach")

    def toggle_advance(self) -> None:
        """Turn auto-advance on or off."""
        self.actions_.set_option("auto_advance", not self.actions_.state.auto_advance)

    def toggle_pixel_art(self) -> None:
        """Enlarge by whole factors, or smoothly."""
        self.actions_.set_option("pixel_art", not self.actions_.state.pixel_art)

    def zoom(self, steps: int) -> None:
        """Make the images of the grid larger or smaller."""
        self.rate_view.zoom(steps)

    def toggle_panel(self) -> None:
        """Show or hide the side panel."""
        self._panel_wanted = not self.side.isVisible()
        preferences.keep(panel=self._panel_wanted)
        self._show_side(asked=True)

    def set_theme(self, mode: str) -> None:
        """Use dark, light or the system's colours, now and at the next start."""
        current().set_mode(mode)
        preferences.keep(theme=mode)

    def export(self) -> None:
        """Open the Export dialog."""
        from studio.ui.export_dialog import ExportDialog

        self._open(ExportDialog(self.actions_, self))

    def show_shortcuts(self) -> None:
        """Open the sheet of all shortcuts."""
        from studio.ui.shortcut_sheet import ShortcutSheet

        self._open(ShortcutSheet(commands.table(self), self))

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def new_project(self) -> None:
        """Ask for a new project in a window of its own."""
        self.project_wanted.emit(None)

    def choose_project(self) -> None:
        """Ask which project to open."""
        start = str(self.actions_.project.folder.parent)
        picked = QFileDialog.getExistingDirectory(self, tr("Open a project"), start)
        if not picked:
            return
        if is_project(Path(picked)):
            self.project_wanted.emit(Path(picked))
        else:
            self.complain(tr("{folder} is not a Tastemaker project.", folder=picked))

    def complain(self, text: str) -> None:
        """Say in a dialog why something could not be done."""
        box = QMessageBox(QMessageBox.Icon.NoIcon, "Tastemaker", text, QMessageBox.StandardButton.Close, self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def report_bug(self, reason: str, detail: str) -> None:
        """Say that something went wrong here; `detail` is for "Copy debug info"."""
        text = tr(
            "Something went wrong: {reason}. Help > Copy debug info tells more.", reason=reason.rstrip(".")
        )
        self.actions_.say(text, bad=True, detail=detail)

    def copy_debug_info(self) -> None:
        """Put on the clipboard what a bug report needs; no image and no rating."""
        state = self.actions_.state
        message = state.message
        lines = [
            f"generator: {self.actions_.model_name} {state.generator.hash}, {state.generator.resolution} px",
            f"device: {state.device}",
            f"worker: {task_words(state.task)}",
            f"ratings: {state.counts.rated}, rounds: {len(state.checkpoints)}",
            f"last message: {message.text if message else '-'}",
            message.detail if message else "",
        ]
        QGuiApplication.clipboard().setText("\n".join(lines).rstrip())
        self.actions_.say(tr("Copied"))

    # -- what follows from the state -----------------------------------------------------------------------------

    def _enable(self, _: object = None) -> None:
        state, round_ = self.actions_.state, self.actions_.round
        free = state.loaded and not round_.running
        rating = self.view == "rate"
        for key in commands.RATING:
            self.commands[key].setEnabled(rating)
        self.commands["undo"].setEnabled(state.undo_label is not None)
        self.commands["redo"].setEnabled(state.redo_label is not None)
        self.commands["undo"].setText(_with_label(tr("Undo"), state.undo_label))
        self.commands["redo"].setText(_with_label(tr("Redo"), state.redo_label))
        self.commands["new_grid"].setEnabled(free)
        # Teach stays enabled while ratings are missing: pressing it says how many.
        self.commands["teach"].setEnabled(state.task != "failed" and not round_.running)
        self.commands["pause"].setText(tr("Resume") if round_.paused else tr("Pause"))
        for key in ("pause", "stop"):
            self.commands[key].setEnabled(round_.running and not round_.stopping)
        running = round_.running and not round_.stopping
        self.commands["revert"].setEnabled(running or (free and state.checkpoint is not None))
        if free and not state.drawing and not self.prepared:
            self.prepared = True
            QTimer.singleShot(300, self._prepare)

    def _prepare(self) -> None:
        """Make the views that were not asked for yet, while nobody waits for anything."""
        if not self.isVisible():
            return  # closed meanwhile
        missing = [key for key in self._entries if key not in self._pages]
        if missing:
            self.page(missing[0])
            QTimer.singleShot(50, self._prepare)
        else:
            # What is made by now lives as long as the window: without this, each full garbage collection looks through all of it
            # and holds up the window for two frames.
            gc.collect()
            gc.freeze()

    def _show_side(self, asked: bool = False) -> None:
        visible = self._panel_wanted and (asked or self.width() >= _NARROW)
        self.side.setVisible(visible)
        self.commands["panel"].setChecked(visible)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (event.oldSize().width() >= _NARROW) != (event.size().width() >= _NARROW):
            self._show_side()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        views.focus_target(self.page(self.view)).setFocus(Qt.FocusReason.OtherFocusReason)

    def closeEvent(self, event: QCloseEvent) -> None:
        for dialog in self.findChildren(QDialog):
            dialog.close()
        self.hide()
        QApplication.processEvents()
        self.actions_.close()
        event.accept()
        self.closed.emit()


def _with_label(verb: str, label: str | None) -> str:
    return verb if label is None else f"{verb}: {tr(label)}"
