"""Announces the end of long jobs: in the window if another view is shown, by a system notification if the window is not active.

Also shows the progress of a running job in the window's title, and on the taskbar of Linux desktops that support it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from studio.i18n import tr
from studio.model import settings
from studio.model.property import bind
from studio.model.state import Message, PastRound
from studio.model.training_access import training_of
from studio.ui.shell import Shell
from studio.ui.toasts import Toasts


class Announcer(QObject):
    """Listens to rounds, exports and failures of one window."""

    def __init__(self, window: Shell) -> None:
        super().__init__(window)
        self._window = window
        self.toasts = Toasts(window, (window.side, window.stack))
        window.stack.currentChanged.connect(self.toasts.place_anew)
        window.job_ended.connect(self.announce)
        self._tray: QSystemTrayIcon | None = None
        self._fraction: float | None = None
        actions = window.actions_
        bind(actions.round, "outcome", self._round_ended)
        bind(actions.exports, "folder", self._exported)
        bind(actions.state, "message", self._said)
        bind(actions.state, "task", self._began)
        bind(actions.round, "refusal", self._refused)
        self._training = training_of(actions)
        for state, name in ((actions.round, "running"), (actions.round, "progress"), (self._training, "progress")):
            bind(state, name, self._progress)
        bind(self._training, "phase", self._progress)
        for name in ("running", "fraction"):
            bind(actions.exports, name, self._progress)

    def announce(self, text: str, view: str) -> None:
        """Announce that a job has ended. Unless `view` is already shown, a toast offers to show it."""
        if not self._window.isActiveWindow():
            self.notify(text)
        if self._window.view != view:
            self.toasts.show(text, verb=tr("Show"), run=lambda: self._window.show_view(view))

    def _open_folder(self, folder: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(folder))

    def notify(self, text: str) -> None:
        """Show a system notification, unless it is turned off; for a person who is in another window."""
        if not settings.value("notify"):
            return
        QApplication.alert(self._window)
        if QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages():
            if self._tray is None:
                self._tray = QSystemTrayIcon(self._window.windowIcon(), self)
                self._tray.messageClicked.connect(self._come_forward)
            self._tray.show()
            self._tray.showMessage("Tastemaker", text, self._window.windowIcon())

    def _come_forward(self) -> None:
        self._window.raise_()
        self._window.activateWindow()

    def _round_ended(self, outcome: PastRound | None) -> None:
        if outcome is not None:
            verdict = tr("kept") if outcome.kept else tr("reverted")
            self.announce(
                tr("Round {n} · {verdict}", n=outcome.number, verdict=verdict) + f"\n{tr(outcome.reason)}",
                "teach",
            )

    def _exported(self, folder: str) -> None:
        if folder:
            text = tr("Exported to {folder}", folder=Path(folder).name)  # the status bar says the whole path
            if not self._window.isActiveWindow():
                self.notify(text)
            self.toasts.show(text, verb=tr("Show folder"), run=partial(self._open_folder, folder))

    def _said(self, message: Message | None) -> None:
        # The header of the Teach view already says why no round was taught, so no toast covers it.
        if message is None:
            return
        of_round = message.text == self._window.actions_.round.refusal
        if message.kind != "bad":
            if of_round:  # it was too early for a round, which is not an error
                self.announce(message.text, "teach")
        elif (locate := self._window.commands["locate"]).isEnabled():
            self.toasts.show(message.text, bad=True, verb=tr("Locate…"), run=locate.trigger)
        elif not (of_round and self._window.view == "teach"):
            self.toasts.show(message.text, bad=True)

    def _began(self, task: str) -> None:
        if task == "starting":
            self._take_back()  # a toast that says why the worker stopped: it runs again

    def _refused(self, why: str) -> None:
        if not why:
            self._take_back()  # a toast that says why no round was taught: one may be possible now

    def _take_back(self) -> None:
        if self.toasts.shown is not None and self.toasts.shown.property("bad"):
            self.toasts.shown.close()

    # -- progress ------------------------------------------------------------------------------------------------

    def _progress(self, _: object) -> None:
        round_, exports = self._window.actions_.round, self._window.actions_.exports
        fraction: float | None = None
        if round_.running:
            fraction = round_.progress.step / max(1, round_.progress.steps) if round_.progress else 0.0
        elif exports.running:
            fraction = exports.fraction
        elif self._training.busy:
            fraction = self._training.progress.fraction if self._training.progress else 0.0
        if fraction is not None:
            fraction = round(fraction, 2)  # a long run has many thousand steps, but the title need not change that often
        if fraction == self._fraction:
            return
        self._fraction = fraction
        name = f"{self._window.actions_.state.project_name} – Tastemaker"
        self._window.setWindowTitle(name if fraction is None else f"{round(100 * fraction)} % · {name}")
        if sys.platform.startswith("linux"):
            launcher_progress(fraction)


def launcher_progress(fraction: float | None) -> None:
    """Show progress (0..1, None: none) in the docks of Linux desktops that implement Unity's LauncherEntry interface."""
    with suppress(ImportError):
        from PySide6.QtDBus import QDBusConnection, QDBusMessage

        bus = QDBusConnection.sessionBus()
        if bus.isConnected():
            message = QDBusMessage.createSignal("/tastemaker", "com.canonical.Unity.LauncherEntry", "Update")
            state = {"progress": fraction or 0.0, "progress-visible": fraction is not None}
            message.setArguments(["application://tastemaker.desktop", state])
            bus.send(message)
