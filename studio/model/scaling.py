"""Enlarging small images: smoothly, or by whole factors for pixel art."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPixmap

_LEAST = 32  # pixels; smaller images are not examined for squares


def whole_factor(source: int, room: int) -> int:
    """Return how many times `source` pixels fit into `room` pixels, at least 1."""
    return max(1, room // max(1, source))


def scaled(image: QImage, room: int, ratio: float, pixel_art: bool) -> QImage:
    """Scale a square image for `room` logical pixels on a screen with `ratio` device pixels each.

    Pixel art is enlarged by the largest whole factor that fits, relative to its squares of one colour. Other images fill the room, with
    Pillow's bicubic filter, which is visibly sharper than Qt's bilinear one at 2x and more.
    """
    wanted = max(1, round(room * ratio))
    if pixel_art and image.width() <= wanted:
        image = _squares(image)
        size = image.width() * whole_factor(image.width(), wanted)
        made = image.scaled(
            size, size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.FastTransformation
        )
    elif image.width() == wanted:
        made = image.copy()
    else:
        made = _smooth(image, wanted)
    made.setDevicePixelRatio(ratio)
    return made


def centred(pixmap: QPixmap, area: QRectF) -> QPointF:
    """Return where to draw `pixmap` in the middle of `area`, which pixel art need not fill."""
    size = pixmap.deviceIndependentSize()
    return area.topLeft() + QPointF((area.width() - size.width()) / 2, (area.height() - size.height()) / 2)


def _squares(image: QImage) -> QImage:
    """Return pixel art with one pixel per square of one colour, if it consists of such squares."""

    def at(picture: QImage, side: int) -> QImage:
        return picture.scaled(
            side, side, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.FastTransformation
        )

    while (side := image.width()) >= _LEAST and side % 2 == 0:
        half = at(image, side // 2)
        if at(half, side) != image:
            break
        image = half
    return image


def _smooth(image: QImage, size: int) -> QImage:
    from PIL import Image  # here: the first window need not wait 60 ms for it

    rgb = image.convertToFormat(QImage.Format.Format_RGB32)  # no image here is transparent
    source = Image.frombuffer(
        "RGB", (rgb.width(), rgb.height()), bytes(rgb.constBits()), "raw", "BGRX", rgb.bytesPerLine(), 1
    )
    grown = source.resize((size, size), Image.Resampling.BICUBIC)
    return QImage(grown.tobytes(), size, size, 3 * size, QImage.Format.Format_RGB888).convertToFormat(QImage.Format.Format_RGB32)
