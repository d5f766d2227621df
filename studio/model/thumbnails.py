"""The timeline's pictures: the same seeds drawn by each version, kept as one PNG file beside its checkpoint."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

from studio.model import pictures
from studio.project import png
from studio.project.store import Project


def strip_file(project: Project, checkpoint: int | None) -> Path:
    """Return where the strip of a version is kept; None is the untuned generator."""
    if checkpoint is None:
        return project.folder / "checkpoints" / "untuned.png"
    return project.checkpoint(checkpoint).path.with_suffix(".png")


def keep_strip(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 (N, H, W, 3) images side by side. A picture that cannot be written is drawn again another time."""
    row = np.ascontiguousarray(np.concatenate(list(pixels), axis=1))
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        part.write_bytes(png.encode(row.tobytes(), row.shape[1], row.shape[0]))
        os.replace(part, path)


def read_strip(path: Path) -> list[QImage]:
    """Read the images of a strip; an empty list if there are none."""
    row = QImage(str(path)) if path.is_file() else QImage()
    side = row.height()
    return [row.copy(x, 0, side, side) for x in range(0, row.width() - side + 1, side)] if side else []


def keep_images(path: Path, images: Sequence[QImage]) -> None:
    """Write images of one size side by side."""
    if images:
        keep_strip(path, np.stack([pictures.to_array(image) for image in images]))
