"""Images of the timeline: the same seeds drawn by each version, stored as one PNG file beside its checkpoint."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

from studio.model import pictures
from studio.project import png
from studio.project.store import Project


class Strips:
    """The strips of a project's versions (ids; None is the untuned generator), in memory and, with a short delay, on disk."""

    def __init__(self, project: Project, later: Callable[[Callable[[], None]], None]) -> None:
        """`later` : runs small tasks on another thread, on which files are written so that the window never waits for a disk."""
        self._project, self._later = project, later
        self._images: dict[int | None, list[QImage]] = {}

    def file(self, version: int | None) -> Path:
        """Return the path of a version's strip."""
        if version is None:
            return self._project.folder / "checkpoints" / "untuned.png"
        return self._project.checkpoint(version).path.with_suffix(".png")

    def keep(self, version: int | None, pixels: np.ndarray) -> None:
        """Store uint8 (N, H, W, 3) images of a version."""
        self._images[version] = pictures.to_images(pixels)
        self._later(partial(write_strip, self.file(version), pixels))

    def keep_images(self, version: int | None, images: Sequence[QImage]) -> None:
        """Store images of a version, all of the same size."""
        if images:
            self.keep(version, np.stack([pictures.to_array(image) for image in images]))

    def read(self, version: int | None) -> list[QImage]:
        """Return the images of a version; empty if there are none."""
        if version not in self._images:
            images = read_strip(self.file(version))
            if not images:
                return []  # they may be written later
            self._images[version] = images
        return list(self._images[version])


def write_strip(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 (N, H, W, 3) images side by side. If that fails, the strip is drawn again another time."""
    row = np.ascontiguousarray(np.concatenate(list(pixels), axis=1))
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        part.write_bytes(png.encode(row.tobytes(), row.shape[1], row.shape[0]))
        os.replace(part, path)


def read_strip(path: Path) -> list[QImage]:
    """Read the images of a strip; empty if there are none."""
    row = QImage(str(path)) if path.is_file() else QImage()
    side = row.height()
    return [row.copy(x, 0, side, side) for x in range(0, row.width() - side + 1, side)] if side else []
