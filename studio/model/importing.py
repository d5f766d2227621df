"""Importing a foreign generator: the state on show, and the person's actions."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from studio.i18n import tr
from studio.model.pictures import to_images
from studio.model.property import Property
from studio.project.recent import data_folder
from studio.worker import imports
from studio.worker.import_client import ImportClient


class Importing(QObject):
    """One file at a time: empty, reading, ready, keeping, failed."""

    phase: Property[str] = Property("empty")
    file: Property[Path | None] = Property(None)
    found: Property[imports.FileRead | None] = Property(None)
    error: Property[str] = Property("")
    kept = Signal(Path)  # the bundle that was written

    def __init__(self, client: ImportClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self.preview: list[QImage] = []
        self._choices: dict[str, str] = {}
        client.read.connect(self._read)
        client.kept.connect(self._kept)
        client.failed.connect(self._fail)

    def open(self, file: Path) -> None:
        """Read a file."""
        self._choices, self.preview = {}, []
        self.file, self.found = file, None
        self._ask()

    def choose(self, key: str, value: str) -> None:
        """Answer a question; the file is read again with the answer."""
        if self._choices.get(key) != value:
            self._choices[key] = value
            self._ask()

    def keep(self) -> None:
        """Write the generator to the folder of generators; `kept` follows."""
        if self.phase == "ready" and self.file is not None:
            self.phase = "keeping"
            self._client.keep(unused_place(self.file))

    def close(self) -> None:
        """End the process."""
        self._client.close()

    def _ask(self) -> None:
        assert self.file is not None
        self.error, self.phase = "", "reading"
        self._client.read_file(self.file, self._choices)

    def _read(self, found: imports.FileRead, pixels: object) -> None:
        self.preview = to_images(pixels)  # type: ignore[arg-type]  # a signal carries any object
        self.found, self.phase = found, "ready"

    def _kept(self, folder: Path) -> None:
        self.phase = "ready"
        self.kept.emit(folder)

    def _fail(self, reason: str, detail: str) -> None:
        self.error, self.phase = reason, "failed"


def unused_place(file: Path) -> Path:
    """Return a folder for a generator from `file` that does not exist yet."""
    plain = re.sub(r'[<>:"/\\|?*\x00-\x1f]', " ", file.stem).strip(" .") or tr("Generator")
    folder, number = data_folder() / "Generators" / plain, 1
    while folder.exists():
        number += 1
        folder = folder.with_name(f"{plain} {number}")
    return folder
