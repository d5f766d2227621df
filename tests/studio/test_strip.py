"""A row of images in a page that scrolls."""

import subprocess
import sys

from pytestqt.qtbot import QtBot

from studio.ui.strip import SLACK, Strip

PAGE = """
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea, QVBoxLayout, QWidget
from studio.ui.strip import Strip

app = QApplication(["page", "-platform", "offscreen"])
body, page = QWidget(), QScrollArea()
column = QVBoxLayout(body)
for _ in range(3):
    column.addWidget(Strip(8, 96))
column.addWidget(QLabel("words " * 40, wordWrap=True))
page.setWidgetResizable(True)
page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
page.setWidget(body)
page.show()
for height in range(200, 420):
    page.resize(600, height)
    app.processEvents()
print("still there")
"""


def test_no_height_of_a_page_brings_its_scroll_bar_and_its_images_into_a_quarrel() -> None:
    """The images grew when the bar went, which brought it back, and so on until the stack was full."""
    done = subprocess.run([sys.executable, "-c", PAGE], capture_output=True, text=True, timeout=60)
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
