"""A row of images in a page that scrolls."""

import subprocess
import sys

import pytest
from PySide6.QtGui import QColor, QImage, QPaintEvent
from pytestqt.qtbot import QtBot

from studio.model.scaling import scaled
from studio.ui.strip import GAP, SLACK, Strip

PAGE = """
import sys
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea, QVBoxLayout, QWidget
from studio.ui.strip import Strip
from studio.ui.train_pictures import WholePicture
from studio.ui.train_run import Pairs

app = QApplication(["page", "-platform", "offscreen"])
image = QImage(64, 48, QImage.Format.Format_RGB32)
body, page = QWidget(), QScrollArea()
column = QVBoxLayout(body)
for _ in range(3):
    match sys.argv[1]:
        case "strip":
            column.addWidget(Strip(8, 96))
        case "pairs":
            column.addWidget(pairs := Pairs())
            pairs.show_pairs([image] * 12, [image] * 12, [False] * 12)
        case "whole":
            column.addWidget(whole := WholePicture())
            whole.show_image(image)
column.addWidget(QLabel("words " * 40, wordWrap=True))
page.setWidgetResizable(True)
page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
page.setWidget(body)
page.show()
for height in range(150, 900, 2):
    page.resize(600, height)
    app.processEvents()
print("still there")
"""


@pytest.mark.parametrize("kind", ["strip", "pairs", "whole"])
def test_no_height_of_a_page_brings_its_scroll_bar_and_its_images_into_a_quarrel(kind: str) -> None:
    """The images grew when the bar went, which brought it back, and so on until the stack was full."""
    done = subprocess.run([sys.executable, "-c", PAGE, kind], capture_output=True, text=True, timeout=60)
    assert done.stdout == "still there\n", done.returncode


def test_images_follow_the_width_but_for_the_room_of_a_scroll_bar(qtbot: QtBot) -> None:
    strip = Strip(8, 96)
    qtbot.addWidget(strip)
    strip.show()

    def height(width: int) -> int:
        strip.resize(width, strip.height())
        return strip.height()

    narrow = height(400)
    assert height(400 + SLACK - 1) == narrow < height(400 + 4 * SLACK)
    assert height(399) < narrow + 1 and height(300) < narrow


def _image(shade: int) -> QImage:
    image = QImage(16, 16, QImage.Format.Format_RGB32)
    image.fill(QColor(shade, shade, shade))
    return image


def test_a_paint_enlarges_a_few_images_and_the_other_places_stay_as_they_were(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight images in one paint took 20 ms of a round's time with the window."""
    made: list[int] = []

    def counted(image: QImage, room: int, ratio: float, pixel_art: bool) -> QImage:
        made[-1] += 1
        return scaled(image, room, ratio, pixel_art)

    paint = Strip.paintEvent

    def painted(self: Strip, event: QPaintEvent) -> None:
        made.append(0)
        paint(self, event)

    monkeypatch.setattr("studio.ui.strip.scaled", counted)
    monkeypatch.setattr(Strip, "paintEvent", painted)
    strip = Strip(8, 40)
    qtbot.addWidget(strip)
    strip.resize(8 * 40 + 7 * GAP, 40)

    def shades() -> list[int]:
        image = strip.grab().toImage()
        step = (40 + GAP) * image.devicePixelRatio()
        return [image.pixelColor(int(20 + place * step), 20).red() for place in range(8)]

    strip.show_images([_image(100 + place) for place in range(8)])
    grey = shades()[-1]
    assert shades() == [*range(100, 108)] and grey not in range(100, 108)
    strip.show_images([_image(200 + place) for place in range(8)])
    assert shades() == [*range(200, 204), *range(104, 108)]
    strip.resize(8 * 40 + 7 * GAP - 1, 40)  # as wide an image as before, less a pixel
    strip.show()
    qtbot.waitUntil(lambda: shades() == [*range(200, 208)])
    assert max(made) == 4
