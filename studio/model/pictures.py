"""Conversion of pixels from the worker and from files to QImages."""

from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage


def to_image(pixels: np.ndarray) -> QImage:
    """Copy one uint8 (H, W, 3) array into a QImage."""
    height, width = pixels.shape[:2]
    return QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def to_images(pixels: np.ndarray) -> list[QImage]:
    """Copy a uint8 (N, H, W, 3) array into QImages."""
    return [to_image(one) for one in pixels]


def to_bytes(image: QImage) -> bytes:
    """Return the pixels of an image as rows of RGB without padding."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows, used = bytes(rgb.constBits()), 3 * rgb.width()
    step = rgb.bytesPerLine()
    return b"".join(rows[y * step : y * step + used] for y in range(rgb.height()))


def read_image(path: Path) -> QImage | None:
    """Read a PNG file of the project; None if it is missing or unreadable."""
    if not path.is_file():
        return None
    image = QImage(str(path))
    return None if image.isNull() else image


def to_array(image: QImage) -> np.ndarray:
    """Copy a QImage into a uint8 (H, W, 3) array."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()
