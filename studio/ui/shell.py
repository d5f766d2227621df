"""The main window as its commands know it: views with side panels, and what can be done with them.

`studio.ui.window` builds the window upon this and makes its commands, which need to know no more of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QDialog, QFrame, QMainWindow, QMessageBox, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model import preferences
from studio.model.actions import Actions
from studio.model.state import GRID_VIEWS
from studio.theme.tokens import SIDE_PANEL
from studio.ui import views
from studio.ui.columns import CurrentStack, ViewStack, downwards
from studio.ui.commands import Commands
from studio.ui.debug_info import debug_info
from studio.ui.pages import Pages
from studio.ui.parts import message_box
from studio.ui.rail import Rail
from studio.ui.top_bar import TopBar

_NARROW = 900  # width in pixels below which the side panel is hidden, unless it was asked for

Taker = Callable[[Path], bool]
"""Takes what was dropped and returns True, or returns False where it is none of its business."""


class Shell(QMainWindow):
    """Shows one project. Emits `project_wanted` to open another.

    Attributes
    ----------
    view : key of the view on show; "" before the first.
    commands, rail, top_bar : set by `studio.ui.window`, which makes the commands for this window.
    takers : tried in order before a drop is refused.
    """

    # The folder, or None for a new project; and the bundle folder or bundled name for a new one, or None.
    project_wanted = Signal(object, object)
    reopen_wanted = Signal()  # open the same project again, in another language
    rename_wanted = Signal(str)  # the same project under another name
    closed = Signal()
    job_ended = Signal(str, str)  # what to announce, and the key of the view that shows the result

    commands: Commands
    rail: Rail
    top_bar: TopBar

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.actions_ = actions
        self.view = ""
        self.takers: list[Taker] = []
        self.stack, self.panels = ViewStack(), CurrentStack()
        self.pages = Pages(views.entries(), actions, self.stack, self.panels, lambda key: self.commands[key])
        self._panel_wanted = bool(preferences.read().get("panel", True))
        self._asked = False  # whether the panel was toggled at this width, which overrides `_NARROW`
        self.side = QFrame()
        self.side.setObjectName("sidepanel")
        self.side.setFixedWidth(SIDE_PANEL)
        held = QVBoxLayout(self.side)
        held.setContentsMargins(1, 0, 0, 0)
        held.addWidget(downwards(self.panels))

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
        self.commands.refresh()
        views.focus_target(view).setFocus(Qt.FocusReason.OtherFocusReason)

    def entry_keys(self) -> list[str]:
        """Return the keys of all views, in the order of their entries."""
        return list(self.pages.entries)

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
        self.commands.refresh()

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

    def report_trouble(self, reason: str) -> None:
        """Show in the status bar why the project cannot be read or written, unless it is shown already."""
        message = self.actions_.state.message
        if message is None or message.text != tr(reason):
            self.actions_.say(reason, bad=True)

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

    def _show_side(self) -> None:
        has_panel = self.pages.has_panel(self.view)
        self.side.setVisible(has_panel and self._panel_wanted and (self._asked or self.width() >= _NARROW))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (event.oldSize().width() >= _NARROW) != (event.size().width() >= _NARROW):
            self._asked = False
            self._show_side()
            self.commands.refresh()
