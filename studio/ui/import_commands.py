"""Importing a generator from another program: the command, and dropped files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QWidget

from studio.i18n import tr
from studio.ui.commands import Command
from studio.ui.leaving import leave
from studio.ui.shell import Shell

if TYPE_CHECKING:
    from studio.ui.import_sheet import ImportSheet

# Files of Keras are included because the error message tells what to do with them.
SUFFIXES = (".pkl", ".pt", ".pth", ".ckpt", ".tar", ".bin", ".onnx", ".safetensors", ".pt2", ".h5", ".keras")
EXPORTED = ("generator.onnx", "generator.safetensors", "generator.pth", "generator.pt2")
LOG = "import.log"


def ask_file(parent: QWidget) -> Path | None:
    """Ask for the file of a generator."""
    kinds = " ".join(f"*{suffix}" for suffix in SUFFIXES)
    picked, _ = QFileDialog.getOpenFileName(
        parent,
        tr("Import a generator"),
        str(Path.home()),
        f"{tr('Generators')} ({kinds});;{tr('All files')} (*)",
    )
    return Path(picked) if picked else None


def open_sheet(window: Shell, file: Path) -> ImportSheet:
    """Open the Import sheet on a file."""
    from studio.model.importing import Importing
    from studio.ui.import_sheet import ImportSheet
    from studio.worker.import_client import ImportClient

    client = ImportClient(window.actions_.project.folder / LOG)
    importing = Importing(client)
    sheet = ImportSheet(importing, window)
    client.setParent(sheet)
    importing.setParent(sheet)
    sheet.finished.connect(sheet.deleteLater)
    sheet.another_wanted.connect(lambda: importing.open(found) if (found := ask_file(sheet)) else None)
    sheet.keep_wanted.connect(lambda: leave(window, importing.keep))
    importing.kept.connect(lambda folder: window.project_wanted.emit(None, folder))
    importing.open(file)
    sheet.show()
    return sheet


def table(window: Shell) -> Iterable[Command]:
    """Yield the command. Also makes the window accept dropped files of this kind."""

    def choose() -> None:
        if picked := ask_file(window):
            open_sheet(window, picked)

    def take(file: Path) -> bool:
        if file.is_dir():  # of an export in a format other than a bundle
            file = next((file / name for name in EXPORTED if (file / name).is_file()), file)
        if not file.is_file() or file.suffix.lower() not in SUFFIXES:
            return False
        open_sheet(window, file)
        return True

    window.takers.append(take)
    yield Command(
        "import",
        "project",
        tr("Import a generator…"),
        ("Ctrl+I",),
        tr("Bring in a generator that another program made: StyleGAN, DCGAN, ONNX and others"),
        choose,
        new_group=True,
    )
