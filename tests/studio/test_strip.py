"""A row of images in a page that scrolls."""

import subprocess
import sys

import pytest
from pytestqt.qtbot import QtBot

from studio.ui.strip import SLACK, Strip

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
