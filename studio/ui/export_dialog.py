"""The Export dialog: where to, how exact, what will be written, and how far it is."""

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr
from studio.model import preferences
from studio.model.actions import Actions
from studio.model.property import bind
from studio.ui.parts import Card, ElidedLabel, Rows, button, named, quiet_note, section, set_role

WRITTEN = (
    "model.safetensors",
    "config.json",
    "generator.onnx",
    "sample.py",
    "test_vector.npz",
    "samples.png",
    "README.md",
)


def written_words(name: str) -> str:
    """Say what one file of the bundle is for."""
    return {
        "model.safetensors": tr("the weights"),
        "config.json": tr("what the weights are"),
        "generator.onnx": tr("runs in any program"),
        "sample.py": tr("draws images without Tastemaker"),
        "test_vector.npz": tr("lets sample.py check itself"),
        "samples.png": tr("a sheet of images"),
        "README.md": tr("the model's card"),
    }[name]


def suggested_folder(actions: Actions) -> Path:
    """Return a folder that does not exist yet, beside the last export or inside the project's."""
    parent = Path(preferences.read().get("export_folder", actions.project.folder / "exports"))
    checkpoint = actions.state.checkpoint
    version = f"round-{checkpoint.round}" if checkpoint else "untuned"
    name = f"{actions.model_name}-{version}-{datetime.now():%Y-%m-%d}"
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder


class ExportDialog(QDialog):
    """Asks where to, shows progress, and ends with the way to the folder."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self.setWindowTitle(tr("Export"))
        self.setMinimumWidth(580)
        self.folder = QLineEdit(str(suggested_folder(actions)))
        named(self.folder, tr("Folder to write"), tr("The bundle becomes this folder"))
        self.choose = button(tr("Choose…"), tr("Pick where the bundle goes (Alt+C)"))
        self.choose.setShortcut("Alt+C")
        self.fp16 = QCheckBox(tr("Half the size (16-bit weights)"))
        named(self.fp16, self.fp16.text(), tr("Images differ by less than one grey level in most pixels"))
        self.subject = ElidedLabel("", "title")
        rows = Rows()
        for name in WRITTEN:
            rows.set_line(name, name, written_words(name), "quiet", "")
        card = Card()
        inside = QVBoxLayout(card)
        inside.setContentsMargins(14, 12, 14, 12)
        inside.addWidget(rows)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        named(self.progress, tr("Progress of the export"), tr("How much is written"))
        self.status = quiet_note()
        self.start = button(tr("Export"), tr("Write the bundle (Enter)"), "primary")
        self.show_folder = button(tr("Show folder"), tr("Open the folder that was written"))
        self.end = button(tr("Close"), tr("Close this window (Esc); an export that runs goes on"))

        where = QHBoxLayout()
        where.setSpacing(8)
        where.addWidget(self.folder, 1)
        where.addWidget(self.choose)
        ends = QHBoxLayout()
        ends.setSpacing(8)
        ends.addWidget(self.show_folder)
        ends.addStretch(1)
        ends.addWidget(self.end)
        ends.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 18)
        column.setSpacing(10)
        column.addWidget(self.subject)
        column.addWidget(
            quiet_note(tr("A folder that any other program can use, with nothing of Tastemaker needed."))
        )
        column.addSpacing(2)
        column.addWidget(section(tr("Folder")))
        column.addLayout(where)
        column.addWidget(self.fp16)
        column.addSpacing(2)
        column.addWidget(section(tr("What is written")))
        column.addWidget(card)
        column.addWidget(self.progress)
        column.addWidget(self.status)
        column.addStretch(1)
        column.addLayout(ends)
        self.start.setDefault(True)
        self.folder.setCursorPosition(len(self.folder.text()))

        self.choose.clicked.connect(self._choose)
        self.start.clicked.connect(self._start)
        self.folder.textEdited.connect(self._follow)
        self.show_folder.clicked.connect(self._show_folder)
        self.end.clicked.connect(self.reject)
        exports = actions.exports
        exports.folder, exports.error, exports.fraction = "", "", 0.0
        for name in ("running", "folder", "error", "text", "fraction"):
            bind(exports, name, self._follow)
        bind(actions.state, "loaded", self._follow)
        bind(actions.state, "checkpoint", self._follow)
        bind(actions.round, "running", self._follow)

    def _choose(self) -> None:
        start = Path(self.folder.text()).expanduser()
        picked = QFileDialog.getExistingDirectory(self, tr("Where to put the bundle"), str(start.parent))
        if picked:
            self.folder.setText(str(Path(picked) / start.name))

    def _start(self) -> None:
        text = self.folder.text().strip()
        folder = Path(text).expanduser()
        if not text or not folder.is_absolute():
            self._say(tr("Name a folder by its full path."), "bad")
        elif folder.is_file():
            self._say(tr("That is a file, not a folder."), "bad")
        elif folder.is_dir() and any(folder.iterdir()):
            self._say(tr("That folder is not empty; nothing was written. Name another."), "bad")
        else:
            preferences.keep(export_folder=str(folder.parent))
            self._actions.export(folder, fp16=self.fp16.isChecked())

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._actions.exports.folder))

    def _follow(self, _: object = None) -> None:
        actions, exports = self._actions, self._actions.exports
        checkpoint = actions.state.checkpoint
        version = tr("round {n}", n=checkpoint.round) if checkpoint else tr("untuned")
        self.subject.set_text(tr("Export {name}, {version}", name=actions.model_name, version=version))
        done = bool(exports.folder) and exports.folder == self.folder.text().strip()
        able = actions.state.loaded and not actions.round.running and not exports.running and not done
        self.start.setEnabled(able)
        for control in (self.folder, self.choose, self.fp16):
            control.setEnabled(not exports.running)
        self.progress.setValue(round(1000 * exports.fraction))
        self.show_folder.setVisible(bool(exports.folder))
        if exports.error:
            self._say(exports.error, "bad")
        elif exports.folder:
            self._say(tr("Done: {folder}", folder=exports.folder), "good")
        elif exports.running:
            self._say(exports.text, "quiet")
        elif actions.round.running:
            self._say(tr("A round is running; export when it is done."), "quiet")
        elif not actions.state.loaded:
            self._say(tr("The generator is still loading."), "quiet")
        else:
            self._say(tr("Ready to write."), "quiet")

    def _say(self, text: str, role: str) -> None:
        self.status.setText(text)
        self.status.setAccessibleName(text)
        set_role(self.status, role)
