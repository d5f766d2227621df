"""The Export dialog: format, folder, options and progress."""

import os.path
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr, whole
from studio.model import preferences
from studio.model.actions import Actions
from studio.model.exports import favourites
from studio.model.property import bind
from studio.model.readiness import unless_failed
from studio.model.rounds import version_name
from studio.model.state import Generator
from studio.ui.columns import FRAME, downwards
from studio.ui.export_formats import Way, unfit, ways
from studio.ui.export_options import Options
from studio.ui.parts import Card, ElidedLabel, Rows, button, named, quiet_note, section, set_role

_LIST = 184  # width in pixels
_SIZE, _LEAST = QSize(760, 540), QSize(640, 320)  # of the dialog; on small screens or with large text its middle scrolls
_KEY = Qt.ItemDataRole.UserRole


def own_folder(actions: Actions) -> Path:
    """Return the folder for a project's exports, used until the person names another."""
    return actions.project.folder / "exports"


def suggested_folder(actions: Actions, way: str = "bundle") -> Path:
    """Return a folder that does not exist yet, beside the last export or in the project's own folder for exports."""
    parent = Path(preferences.read().get("export_folder") or own_folder(actions))
    checkpoint = actions.state.checkpoint
    version = f"round-{checkpoint.round}" if checkpoint else "untuned"
    kinds = {"images": "favourites", "sheet": "sheet", "video": "film", "dataset": "ratings"}
    name = f"{actions.model_name}-{kinds.get(way, version)}-{datetime.now():%Y-%m-%d}"
    if way not in kinds and way != "bundle":
        name += f"-{way.replace('_', '-')}"
    folder, number = parent / name, 1
    while os.path.exists(folder):  # unlike Path.exists, it raises nothing where the last export's folder may not be read any more
        number += 1
        folder = parent / f"{name}-{number}"
    return folder


def _written_path(text: str) -> Path:
    """A path as typed, with "~" expanded; that of a user who does not exist stays as it is."""
    return Path(os.path.expanduser(text))


def _is_full(folder: Path) -> bool:
    """Whether it is a folder that holds anything. One that cannot be read does not count: the export then says why."""
    try:
        return any(folder.iterdir())
    except OSError:
        return False


class WayList(QListWidget):
    """The list of formats, with headings."""

    def moveCursor(self, action: QListWidget.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Skip headings: without this, Home and Page Up would do nothing, because the first item is a heading, which cannot be selected."""
        found = super().moveCursor(action, modifiers)
        while found.isValid() and not found.flags() & Qt.ItemFlag.ItemIsEnabled:
            found = found.siblingAtRow(found.row() + 1)
        return found


class ExportDialog(QDialog):
    """Asks for format and folder, shows the progress, and finally offers to open the folder."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._ways = {way.key: way for way in ways()}
        self.setWindowTitle(tr("Export"))
        room = self.screen().availableSize() - FRAME
        self.setMinimumSize(_LEAST.boundedTo(room))
        self.resize(_SIZE.boundedTo(room))
        self.list = WayList()
        self.list.setProperty("role", "choices")
        self.list.setFixedWidth(_LIST)
        named(self.list, tr("What to export"), tr("Formats of the generator, and of your favourites"))
        self._fill_list()
        self.folder = QLineEdit()
        named(self.folder, tr("Folder to write"), tr("The export becomes this folder"))
        self.choose = button(tr("Choose…"), tr("Pick where the export goes (Alt+C)"))
        self.choose.setShortcut("Alt+C")
        self.options = Options(actions.state.pixel_art)
        self.fp16 = self.options.fp16
        self.subject = ElidedLabel("", "title")
        self.about = quiet_note()
        self.rows = Rows()
        card = Card()
        inside = QVBoxLayout(card)
        inside.setContentsMargins(16, 12, 16, 12)
        inside.addWidget(self.rows)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        named(self.progress, tr("Progress of the export"), tr("How much is written"))
        self.status = quiet_note()
        self.start = button(tr("Export"), tr("Write it (Enter)"), "primary")
        self.stop = button(tr("Stop"), tr("End the export; nothing is left of it (Alt+S)"))
        self.stop.setShortcut("Alt+S")
        self.show_folder = button(tr("Show folder"), tr("Open the folder that was written"))
        self.end = button(tr("Close"), tr("Close this window (Esc); an export that runs goes on"))
        self._lay_out(card)

        self._touched = False  # whether the person has named the folder
        self._wrote: dict[str, Any] = {}  # the settings of the last export
        self._held: QWidget | None = None  # the widget that had the focus when the export began
        self.choose.clicked.connect(self._choose)
        self.start.clicked.connect(self._start)
        self.stop.clicked.connect(actions.cancel_export)
        self.list.currentRowChanged.connect(self._show_way)
        self.options.changed.connect(self._change_options)
        self.folder.textEdited.connect(self._name_folder)
        self.show_folder.clicked.connect(self._show_folder)
        self.end.clicked.connect(self.reject)
        exports = actions.exports
        if not exports.running:
            exports.folder, exports.error, exports.text, exports.fraction = "", "", "", 0.0
        self.choose_way("bundle")
        bind(actions.state, "generator", self._fit_list)
        for name in ("running", "folder", "error", "text", "fraction"):
            bind(exports, name, self._follow)
        for name in ("loaded", "task", "checkpoint"):
            bind(actions.state, name, self._follow)
        bind(actions.round, "running", self._follow)
        bind(exports, "running", self._give_back)

    def _lay_out(self, card: Card) -> None:
        where = QHBoxLayout()
        where.setSpacing(8)
        where.addWidget(self.folder, 1)
        where.addWidget(self.choose)
        ends = QHBoxLayout()
        ends.setSpacing(8)
        for one in (self.show_folder, self.stop):
            ends.addWidget(one)
        ends.addStretch(1)
        ends.addWidget(self.end)
        ends.addWidget(self.start)
        asked = QWidget()
        inside = QVBoxLayout(asked)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(10)
        inside.addWidget(self.about)
        inside.addSpacing(2)
        inside.addWidget(section(tr("Folder")))
        inside.addLayout(where)
        inside.addWidget(self.options)
        inside.addSpacing(2)
        inside.addWidget(section(tr("What is written")))
        inside.addWidget(card)
        inside.addStretch(1)
        self.page = downwards(asked)
        column = QVBoxLayout()
        column.setSpacing(10)
        column.addWidget(self.subject)
        column.addWidget(self.page, 1)
        column.addWidget(self.progress)
        column.addWidget(self.status)
        column.addLayout(ends)
        halves = QHBoxLayout(self)
        halves.setContentsMargins(12, 18, 20, 18)
        halves.setSpacing(20)
        halves.addWidget(self.list)
        halves.addLayout(column, 1)
        self.start.setDefault(True)

    # -- what to export ------------------------------------------------------------------------------------------

    def _fill_list(self) -> None:
        for images, title in ((False, tr("Generator")), (True, tr("Images"))):
            heading = QListWidgetItem(title.upper())
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            font = heading.font()
            font.setPixelSize(11)
            font.setBold(True)
            heading.setFont(font)
            self.list.addItem(heading)
            for way in self._ways.values():
                if way.of_images == images:
                    item = QListWidgetItem(way.name)
                    item.setData(_KEY, way.key)
                    self.list.addItem(item)

    def _fit_list(self, generator: Generator) -> None:
        """Enable the formats in which the generator can be written; the tooltips of the others say why not."""
        for row in range(self.list.count()):
            item = self.list.item(row)
            if way := self._ways.get(item.data(_KEY)):
                reason = unfit(way, generator)
                enabled = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
                item.setFlags(Qt.ItemFlag.NoItemFlags if reason else enabled)
                item.setToolTip(reason or way.about)

    @property
    def way(self) -> Way:
        """The chosen format."""
        return self._ways[self.list.currentItem().data(_KEY)]

    def choose_way(self, key: str) -> None:
        """Choose a format."""
        rows = {self.list.item(row).data(_KEY): row for row in range(self.list.count())}
        self.list.setCurrentRow(rows[key])

    def _show_way(self, _: int = 0) -> None:
        way = self.way
        self.about.setText(way.about)
        self.rows.clear()
        self.options.show_for(way)
        if not self._touched or self._written:
            self._suggest()
        if not self._actions.exports.running:
            self._actions.exports.error = ""
        self._follow()
        self._grow()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._grow()

    def _grow(self) -> None:
        """Grow to the height that the format needs, up to that of the screen; the rest scrolls."""
        page = self.page.widget()
        asked = page.layout() if page is not None else None
        if not self.isVisible() or asked is None:
            return
        seen = self.page.viewport().size()
        needed = max(asked.totalHeightForWidth(seen.width()), asked.totalMinimumSize().height())
        if needed > seen.height():
            room = self.screen().availableSize() - FRAME
            self.resize(self.width(), min(self.height() + needed - seen.height(), room.height()))

    # -- where to ------------------------------------------------------------------------------------------------

    @property
    def _written(self) -> bool:
        """Whether the named folder is the one that was written last."""
        written = self._actions.exports.folder
        return bool(written) and written == self.folder.text().strip()

    def _suggest(self) -> None:
        self._touched = False
        self.folder.setText(str(suggested_folder(self._actions, self.way.key)))
        self.folder.setCursorPosition(len(self.folder.text()))

    def _change_options(self) -> None:
        if self._written:
            self._suggest()
        self._follow()

    def _name_folder(self, _: str) -> None:
        self._touched = True
        self._follow()

    def _choose(self) -> None:
        start = _written_path(self.folder.text())
        picked = QFileDialog.getExistingDirectory(self, tr("Where to put the export"), str(start.parent))
        if picked:
            self.folder.setText(str(Path(picked) / start.name))
            self._touched = True
            self._follow()

    def _start(self) -> None:
        text = self.folder.text().strip()
        folder = _written_path(text)
        if not text or not folder.is_absolute():
            self._say(tr("Name a folder by its full path."), "bad")
        elif os.path.isfile(folder):
            self._say(tr("That is a file, not a folder."), "bad")
        elif _is_full(folder):
            self._say(tr("That folder is not empty; nothing was written. Name another."), "bad")
        else:
            # A project's own folder for exports is not remembered: exports of other projects must not go there.
            own = folder.parent == own_folder(self._actions)
            preferences.keep(export_folder="" if own else str(folder.parent))
            self._held = self.focusWidget()
            self._wrote = self.options.settings(self.way)
            self.folder.setText(str(folder))
            self._actions.export(folder, **self._wrote)

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._actions.exports.folder))

    # -- what follows from the state -----------------------------------------------------------------------------

    def _follow(self, _: object = None) -> None:
        actions, exports, way = self._actions, self._actions.exports, self.way
        checkpoint = actions.state.checkpoint
        version = version_name(checkpoint, inside=True)
        self.subject.set_text(
            way.name
            if way.of_images
            else tr("Export {name}, {version}", name=actions.model_name, version=version)
        )
        settings = self.options.settings(way)
        for name, what in way.written(actions.state.generator.graph):
            self.rows.set_line(name, name.format_map(settings).replace("jpeg", "jpg"), what, "quiet", "")
        missing = self._missing()
        done = self._written and self._wrote == settings
        able = actions.state.loaded and not actions.round.running and not exports.running and not done
        self.start.setEnabled(able and not missing)
        for control in (self.folder, self.choose, self.options, self.list):
            control.setEnabled(not exports.running)
        # The progress of an export in another format or to another folder does not concern this one.
        self.progress.setValue(round(1000 * exports.fraction) if exports.running or done else 0)
        self.show_folder.setVisible(bool(exports.folder))
        self.stop.setVisible(exports.running)
        if exports.error:
            self._say(exports.error, "bad")
        elif done:
            self._say(tr("Done: {folder}", folder=exports.folder), "good")
        elif exports.running:
            self._say(exports.text, "quiet")
        elif actions.round.running:
            self._say(tr("A round is running; export when it is done."), "quiet")
        elif not actions.state.loaded:
            self._say(unless_failed(actions.state, tr("The generator is still loading.")), "quiet")
        else:
            self._say(missing or self._ready_words(), "quiet")

    def _give_back(self, running: bool) -> None:
        """Return the focus to the widget that had it before the export disabled it."""
        held, self._held = self._held, self._held if running else None
        if held is not None and not running:
            (held if held.isEnabled() else self.list).setFocus(Qt.FocusReason.OtherFocusReason)
        elif running and self.focusWidget() is None:  # it was in the options, which were disabled as a whole
            self.end.setFocus(Qt.FocusReason.OtherFocusReason)

    def _missing(self) -> str:
        """Why the chosen format cannot be written now, in one line; "" if it can."""
        if not self.way.of_images or self.way.key == "dataset":
            return ""
        count = len(favourites(self._actions.project, self.options.least_stars))
        if count == 0:
            return tr("There are no favourites yet: give stars, or like images.")
        if self.way.key == "video" and count == 1:
            return tr("A film needs at least two favourites.")
        return ""

    def _ready_words(self) -> str:
        if not self.way.of_images or self.way.key == "dataset":
            words = tr("Ready to write.")
        else:
            count = len(favourites(self._actions.project, self.options.least_stars))
            words = (
                tr("{n} favourites, ready to write.", n=whole(count))
                if count > 1
                else tr("1 favourite, ready to write.")
            )
        if self.way.key == "video" and self.options.without_mp4:
            words += " " + self.options.without_mp4
        return words

    def _say(self, text: str, role: str) -> None:
        self.status.setText(text)
        self.status.setAccessibleName(text)
        set_role(self.status, role)
