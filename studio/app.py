"""The studio, wired together: project, worker, actions, window."""

import argparse
import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from studio.display import no_display_reason, only_a_window_is_seen
from studio.project import recent
from studio.project.lock import ProjectInUse
from studio.project.store import Project, ProjectError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from studio.ui.window import StudioWindow

MODEL = "dreamscapes-128"  # what a new project begins with


class Studio:
    """One window at a time, each on a project of its own."""

    def __init__(self) -> None:
        self.window: StudioWindow | None = None

    def open(self, project: Project) -> "StudioWindow":
        """Show `project`, then start its worker: the window never waits for torch."""
        from PySide6.QtCore import Qt

        from studio.model.actions import Actions
        from studio.ui import place
        from studio.ui.window import StudioWindow
        from studio.worker.client import WorkerClient

        actions = Actions(project, WorkerClient())
        window = StudioWindow(actions)
        window.project_wanted.connect(self.switch)
        window.reopen_wanted.connect(self.reopen, Qt.ConnectionType.QueuedConnection)
        window.rename_wanted.connect(self.rename, Qt.ConnectionType.QueuedConnection)
        if self.window is not None:
            place.keep(self.window)  # the next one stands where this one does
        place.restore(window)
        window.show()
        actions.start()
        recent.remember(project.folder)
        previous, self.window = self.window, window
        if previous is not None:
            previous.close()
            previous.deleteLater()
        return window

    def switch(self, folder: Path | None, model: Path | str | None = None) -> None:
        """Open another project in place of the one on show, or say in a dialog why not.

        Without a `folder` it is a new one, on `model`: a bundle, or the name of a bundled generator.
        """
        from studio.i18n import tr

        try:
            self.open(open_project(folder, new=folder is None, model=str(model or MODEL)))
        except ProjectError as error:
            if self.window is not None:
                self.window.complain(tr(str(error)))

    def reopen(self) -> None:
        """Show the same project in a new window, in the language of the preferences."""
        self._anew(lambda folder: folder)

    def rename(self, name: str) -> None:
        """Give the project's folder another name and show it in a new window, or say in a dialog why not."""
        self._anew(lambda folder: recent.rename(folder, name))

    def _anew(self, change: Callable[[Path], Path]) -> None:
        """Close the window, do to its project's folder what nobody may have open, and show it in a new window."""
        if self.window is None:
            return
        from PySide6.QtWidgets import QApplication

        from studio import i18n
        from studio.model import settings

        folder, worker = self.window.actions_.project.folder, self.window.actions_.worker
        QApplication.setQuitOnLastWindowClosed(False)  # there is none between the two
        self.window.close()
        self.window.deleteLater()
        self.window = None
        worker.wait()  # it has files of the project open, which is in the way of a new name on some systems
        reason = ""
        try:
            folder = change(folder)
        except ProjectError as error:
            reason = str(error)
        i18n.load(settings.value("language"))
        try:
            try:
                project = Project(folder, create=False)
            except ProjectError as error:  # moved or opened elsewhere meanwhile
                project, reason = open_last()[0], reason or str(error)
            window = self.open(project)
        except ProjectError as error:  # there is none to show
            tell(str(error))
            QApplication.quit()
            return
        finally:
            QApplication.setQuitOnLastWindowClosed(True)
        if reason:
            window.complain(i18n.tr(reason))

    def tell_of_a_bug(self, log: TextIO, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """Keep what a bug in the window left behind, and say so in one line: the window goes on.

        A project that cannot be read or written is no bug, wherever it is noticed.
        """
        if isinstance(error, ProjectError):
            if self.window is not None:
                self.window.report_trouble(str(error))
            return
        detail = "".join(traceback.format_exception(kind, error, trace))
        log.write(detail)
        log.flush()
        if self.window is not None:
            self.window.report_bug(str(error), detail)


def open_project(folder: Path | None, new: bool = False, model: str = MODEL) -> Project:
    """Open `folder`, the last project, or a new one on the generator `model`. Raises ProjectError."""
    if folder is None and not new:
        folder = recent.last_project()
    if folder is None:  # a generator of the person's own gives its project its name
        from studio.i18n import tr

        folder = recent.new_project_folder(Path(model).name if Path(model).is_absolute() else tr("My taste"))
    return Project(folder, model=model)


def open_last() -> tuple[Project, str]:
    """Open the project that was open last; where it cannot be opened, the one before it, or a new one.

    Returns the project, and why it is not the last one ("" if it is). Raises ProjectError where none can be made, and ProjectInUse
    where the last is open in another Tastemaker: who starts it twice wants no second project.
    """
    reason = ""
    for folder in recent.recent_projects():
        try:
            return Project(folder, model=MODEL), reason
        except ProjectError as error:
            if not reason and isinstance(error, ProjectInUse):
                raise
            reason = reason or str(error)
    return open_project(None, new=True), reason


def main(argv: Sequence[str] | None = None) -> int:
    """Run the studio; returns its exit code."""
    parser = argparse.ArgumentParser("tastemaker", usage=argparse.SUPPRESS)  # studio.cli prints the help: a mistake is one line here
    parser.add_argument("--project", type=Path, metavar="DIR", help="the project to open or to make")
    options = parser.parse_args(argv)
    if reason := no_display_reason():
        print(f"tastemaker: {reason}", file=sys.stderr)
        return 2
    from studio import i18n
    from studio.model import settings

    i18n.load(settings.value("language"))  # a new project has a name in it
    try:
        project, trouble = (open_project(options.project), "") if options.project else open_last()
    except ProjectError as error:
        print(f"tastemaker: {error}", file=sys.stderr)
        if only_a_window_is_seen():
            tell(str(error))
        return 2
    with open_log(project.folder / "crash.log") as log:
        faulthandler.enable(log)
        try:
            return run(project, log, trouble)
        finally:
            faulthandler.disable()


def open_log(path: Path) -> TextIO:
    """Open the log of crashes; a disk that is full is no reason not to start."""
    try:
        return open(path, "a", encoding="utf-8")
    except OSError:
        return open(os.devnull, "a", encoding="utf-8")


def application() -> "QApplication":
    """Return the application in the person's colours and language."""
    from PySide6.QtWidgets import QApplication

    from studio import i18n
    from studio.model import settings
    from studio.theme.theme import Theme

    app = QApplication.instance() or QApplication(["tastemaker"])
    assert isinstance(app, QApplication)
    app.setApplicationName("Tastemaker")
    app.setDesktopFileName("tastemaker")
    Theme(app, settings.value("theme"))
    i18n.load(settings.value("language"))
    return app


def tell(reason: str) -> None:
    """Say in a dialog why the studio does not open."""
    from PySide6.QtWidgets import QMessageBox

    from studio.i18n import tr
    from studio.theme import icons
    from studio.ui.parts import message_box

    app = application()
    app.setWindowIcon(icons.icon("tastemaker", "#000000", 64))
    message_box(tr(reason), QMessageBox.StandardButton.Close).exec()


def run(project: Project, log: TextIO, trouble: str = "") -> int:
    """Show the window on `project` until it is closed; what goes wrong meanwhile is written to `log`.

    `trouble` is why the project that was open last is not the one on show.
    """
    from PySide6.QtCore import QTimer

    from studio.i18n import tr

    app = application()
    studio = Studio()
    window = studio.open(project)
    if trouble:
        window.complain(tr(trouble))
    sys.excepthook = partial(studio.tell_of_a_bug, log)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: app.closeAllWindows())
    awake = QTimer()  # Python hears of a signal only when Qt lets it run
    awake.start(500)
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
