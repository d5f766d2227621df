"""The Train view: choose a folder, review its pictures, and train a generator on them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QShowEvent, QUndoStack
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr, whole
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.rounds import time_left
from studio.model.training_access import training_of
from studio.model.training_runs import last_pictures
from studio.theme import icons
from studio.theme.theme import current
from studio.theme.tokens import HEADER
from studio.ui.parts import Card, ElidedLabel, button, named, quiet_note, set_role, text_label
from studio.ui.train_pictures import CropGrid
from studio.ui.train_run import RunPage

_LAST_WIDTH = 360  # of the name of the last folder, in pixels


class DropPage(QWidget):
    """The page shown before a folder is chosen: a large drop target, a button, and another one for the folder of the last run."""

    wanted = Signal(object)  # the folder of the last run

    def __init__(self) -> None:
        super().__init__()
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title = text_label(tr("Drop a folder of pictures here"), "hint")
        self.title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.choose = button(tr("Choose a folder…"), tr("Choose a folder of pictures"), "primary", "train.choose")
        self._last_tip = tr("Read the pictures of the last run again; it can be continued")
        self.last = button(tr("Last time"), self._last_tip, "chip")
        self._last_folder: Path | None = None
        self.last.clicked.connect(lambda: self.wanted.emit(self._last_folder))
        self.note = quiet_note(
            tr(
                "Folders inside it are looked through too. Nothing is changed in it, and nothing leaves this computer. "
                "A few hundred pictures of one kind are a start; from 1,000 on it gets good."
            )
        )
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.error = quiet_note()
        self.error.setAlignment(Qt.AlignmentFlag.AlignCenter)
        set_role(self.error, "bad")
        card = Card()
        card.setMaximumWidth(520)
        column = QVBoxLayout(card)
        column.setContentsMargins(40, 36, 40, 36)
        column.setSpacing(14)
        column.addWidget(self._icon)
        column.addWidget(self.title)
        column.addWidget(self.choose, 0, Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.last, 0, Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.note)
        column.addWidget(self.error)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(card, 4)
        middle.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(middle)
        outer.addStretch(3)
        current().changed.connect(self._tint)
        self._tint()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        folder = self._last_folder = last_pictures()
        self.last.setVisible(folder is not None)
        if folder is not None:
            text = tr("Last time: {folder}", folder=folder.name)
            named(self.last, text, f"{self._last_tip}\n{folder}")
            self.last.setText(self.last.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, _LAST_WIDTH))

    def _tint(self) -> None:
        self._icon.setPixmap(icons.icon("train", current().tokens.quiet, 40).pixmap(QSize(40, 40)))


class TrainView(QWidget):
    """Shows a header, progress, and one of three pages: drop, pictures, run."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.training = training = training_of(actions)
        self.setAcceptDrops(True)
        self.status = ElidedLabel("", "quiet")
        self.exclude = button(tr("Leave out"), tr("Do not train on the selected pictures, or do again"), command="train.exclude")
        self.other = button(tr("Other folder…"), tr("Choose another folder of pictures"), command="train.choose")
        self.stop = button(
            tr("Stop"), tr("End the run; the generator as it is then can be used and trained on"), command="train.stop"
        )
        self.pictures_again = button(tr("Back to the pictures"), tr("Look over the pictures, and train again"))
        self.use = button(tr("Use it"), tr("Open the generator as a new project and rate what it draws"), "primary", "train.use")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        named(self.progress, tr("Progress of the training"), tr("How much is done"))
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addStrut(HEADER)
        header.addWidget(text_label(tr("Train from my pictures"), "title"))
        header.addWidget(self.status, 1)
        for control in (self.exclude, self.pictures_again, self.other, self.stop, self.use):
            header.addWidget(control)

        self.drop, self.grid, self.run = DropPage(), CropGrid(training.pictures), RunPage(training)
        self.pages = QStackedWidget()
        for page in (self.drop, self.grid, self.run):
            self.pages.addWidget(page)
        self.error = quiet_note()
        set_role(self.error, "bad")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(header)
        column.addWidget(self.progress)
        column.addWidget(self.error)
        column.addWidget(self.pages, 1)

        self.drop.choose.clicked.connect(self.choose_folder)
        self.drop.wanted.connect(training.look_at)
        self.other.clicked.connect(self.choose_folder)
        self.exclude.clicked.connect(self.toggle_chosen)
        self.stop.clicked.connect(self.stop_it)
        self.pictures_again.clicked.connect(self.show_pictures)
        self.use.clicked.connect(self._use)
        self.grid.picked.connect(self._picked)
        self.grid.doubleClicked.connect(self.toggle_chosen)
        for name in ("phase", "over", "error", "usable", "folder"):
            bind(training, name, self._follow)
        bind(training, "fraction", self._show_status)
        training.stepped.connect(self._show_status)
        training.drawn.connect(self._follow)
        training.pictures.changed.connect(self._follow)

    def focus_target(self) -> QWidget:
        page = self.pages.currentWidget()
        if page is self.drop and self.training.phase != "looking":
            return self.drop.choose
        return self.grid if page is self.grid else self.stop

    # -- what a person does --------------------------------------------------------------------------------------

    def choose_folder(self) -> None:
        """Ask for a folder of pictures."""
        if self.training.busy:
            return
        before = self.training.folder
        start = str(before.parent if before is not None else Path.home())
        picked = QFileDialog.getExistingDirectory(self, tr("A folder of pictures"), start)
        if picked:
            self.training.look_at(Path(picked))

    def toggle_chosen(self) -> None:
        """Leave out the selected pictures; if all of them are left out already, take them back in."""
        names = self.grid.chosen()
        if self.pages.currentWidget() is self.grid and names:
            self.training.exclude(names, not set(names) <= self.training.pictures.excluded)

    def stop_it(self) -> None:
        """Stop reading the folder, or training."""
        self.training.give_up_looking()
        self.training.stop()

    def show_pictures(self) -> None:
        """Return from a finished run to the pictures."""
        self.training.over = True

    def history(self) -> QUndoStack | None:
        """The undo stack for leaving out pictures, while they are chosen and once there were changes; otherwise None."""
        made = self.training.pictures.history
        return made if self.training.choosing and made.count() else None

    def _use(self) -> None:
        self.training.use_wanted.emit()

    def _picked(self, names: list[str]) -> None:
        if names:
            self.training.ask_whole(names[-1])
        self._follow()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        folder = self._dropped(event)
        if folder is not None:
            event.acceptProposedAction()
            self.training.look_at(folder)

    def _dropped(self, event: QDropEvent) -> Path | None:
        urls = event.mimeData().urls()
        if self.training.busy or len(urls) != 1 or not urls[0].isLocalFile():
            return None
        place = Path(urls[0].toLocalFile())
        return place if place.is_dir() else None

    # -- what follows from the state -----------------------------------------------------------------------------

    def _follow(self, _: object = None) -> None:
        training = self.training
        phase = training.phase
        page: QWidget = self.drop
        if training.choosing:
            page = self.grid
        elif phase in ("training", "stopping", "done"):
            page = self.run
        # These buttons may be about to be hidden. While a dialog closes nothing has the focus, but the window knows what gets it back.
        held = self.window().focusWidget() in (self.drop.choose, self.drop.last, self.stop)
        focused = (held or self.pages.currentWidget() is not page) and self.isVisible()
        self.pages.setCurrentWidget(page)
        on_grid = page is self.grid
        self.exclude.setVisible(on_grid)
        names = self.grid.chosen() if on_grid else []
        self.exclude.setEnabled(bool(names))
        self.exclude.setText(
            tr("Take back in") if names and set(names) <= training.pictures.excluded else tr("Leave out")
        )
        self.exclude.setAccessibleName(self.exclude.text())
        self.other.setVisible(phase in ("ready", "done"))
        self.stop.setVisible(phase in ("looking", "training", "stopping"))
        self.stop.setEnabled(phase != "stopping")
        self.stop.setText(tr("Cancel") if phase == "looking" else tr("Stop"))
        self.stop.setAccessibleName(self.stop.text())
        self.pictures_again.setVisible(phase == "done" and page is self.run)
        self.use.setVisible(phase == "done" and training.bundle is not None)
        self.progress.setVisible(phase in ("looking", "training", "stopping"))
        for control in (self.drop.choose, self.drop.last):
            control.setEnabled(phase != "looking")
        self.drop.title.setText(tr("Reading the pictures…") if phase == "looking" else tr("Drop a folder of pictures here"))
        for label, shown in ((self.drop.error, page is self.drop), (self.error, page is not self.drop)):
            label.setText(tr(training.error))
            label.setVisible(shown and bool(training.error))
        self._show_status()
        if focused:
            self.focus_target().setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_status(self, _: object = None) -> None:
        training, progress = self.training, self.training.progress
        name = training.folder_name
        share, text = training.fraction, name
        if training.phase == "looking":
            text = tr("{name} · {share} % read", name=name, share=round(100 * share))
        elif training.phase == "ready":
            text = tr("{name} · {n} pictures will be used", name=name, n=whole(training.usable))
        elif training.phase in ("training", "stopping") and progress is None:
            text = tr("{name} · starting", name=name)
        elif progress is not None and training.phase in ("training", "stopping", "done"):
            share = progress.fraction
            seen = tr("{n} images seen", n=whole(progress.images))
            if training.phase == "training":
                pace = tr("{n:.0f} images/s", n=progress.images_per_second)
                text = f"{name} · {seen} · {pace} · {time_left(progress.seconds_left)}"
            elif training.phase == "stopping":
                text = f"{name} · {seen} · " + tr("stopping and writing the generator")
            else:
                text = f"{name} · {seen} · " + (tr("done") if training.finished else tr("stopped"))
        self.progress.setValue(round(1000 * share))
        self.status.set_text(text)
