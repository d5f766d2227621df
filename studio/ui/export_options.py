"""The options of an export; only those of the chosen format are shown."""

from importlib.util import find_spec
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from studio.i18n import tr
from studio.ui.export_formats import Way
from studio.ui.parts import named


class Options(QWidget):
    """The options of all formats; `show_for` shows those of one."""

    changed = Signal()

    def __init__(self, pixel_art: bool) -> None:
        super().__init__()
        self.fp16 = QCheckBox(tr("Half the size (16-bit weights)"))
        named(self.fp16, self.fp16.text(), tr("Images differ by less than one grey level in most pixels"))
        self.sidecar = QCheckBox(tr("A sidecar file (.xmp) beside each"))
        named(
            self.sidecar, self.sidecar.text(), tr("For programs that do not look for ratings inside pictures")
        )
        stars = [(n, tr("{n} stars and more, and likes", n=n)) for n in (2, 3, 4)]
        self.boxes = {
            "least_stars": _box([*stars, (5, tr("5 stars, and likes"))], 4),
            "image_format": _box([("png", "PNG"), ("webp", tr("WebP, lossless")), ("jpeg", "JPEG")], "png"),
            "video_format": _box([("mp4", "MP4"), ("gif", "GIF"), ("webp", "WebP")], "mp4"),
            "seconds": _box(
                [(s, tr("{n} seconds", n=f"{s:g}")) for s in (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)], 1.5
            ),
            "fps": _box([(n, tr("{n} a second", n=n)) for n in (12, 24, 30, 60)], 24),
            "scale": _box([(n, tr("{n} times", n=n) if n > 1 else tr("as drawn")) for n in (1, 2, 4, 8)], 1),
        }
        named(
            self.boxes["least_stars"],
            tr("Favourites"),
            tr("Which images are favourites; rejected ones never are"),
        )
        named(
            self.boxes["image_format"],
            tr("Format"),
            tr("JPEG is the smallest, and what most programs read ratings from"),
        )
        named(self.boxes["video_format"], tr("Format"), tr("MP4 is the smallest; GIF plays everywhere"))
        named(
            self.boxes["seconds"],
            tr("From one to the next"),
            tr("How long the way between two favourites takes"),
        )
        named(self.boxes["fps"], tr("Frames"), tr("More are smoother and larger"))
        named(self.boxes["scale"], tr("Enlarge"), tr("By whole factors: every pixel becomes a square"))
        if pixel_art:
            self._choose("scale", 4)
        self.without_mp4 = "" if find_spec("av") else tr("MP4 needs the package av (pip install av).")
        if self.without_mp4:
            self._take_away("video_format", "mp4", self.without_mp4)
            self._choose("video_format", "gif")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        self._labels: dict[str, QLabel] = {}
        for row, (key, box) in enumerate(self.boxes.items()):
            label = QLabel(box.accessibleName())
            label.setBuddy(box)
            self._labels[key] = label
            grid.addWidget(label, row, 0)
            grid.addWidget(box, row, 1)
            box.currentIndexChanged.connect(self.changed)
        grid.addWidget(self.fp16, len(self.boxes), 0, 1, 2)
        grid.addWidget(self.sidecar, len(self.boxes) + 1, 0, 1, 2)
        for tick in (self.fp16, self.sidecar):
            tick.toggled.connect(self.changed)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def show_for(self, way: Way) -> None:
        """Show the options of a format."""
        for key, box in self.boxes.items():
            box.setVisible(key in way.options)
            self._labels[key].setVisible(key in way.options)
        self.fp16.setVisible("fp16" in way.options)
        self.sidecar.setVisible("sidecar" in way.options)
        self.setVisible(bool(way.options))

    def settings(self, way: Way) -> dict[str, Any]:
        """The chosen settings, as keywords for `gan.formats.exports.ExportSettings`."""
        chosen: dict[str, Any] = {
            key: box.currentData() for key, box in self.boxes.items() if key in way.options
        }
        for key, tick in (("fp16", self.fp16), ("sidecar", self.sidecar)):
            if key in way.options:
                chosen[key] = tick.isChecked()
        return {"format": way.key, **chosen}

    @property
    def least_stars(self) -> int:
        """Number of stars from which an image is a favourite."""
        return int(self.boxes["least_stars"].currentData())

    def _choose(self, key: str, value: object) -> None:
        self.boxes[key].setCurrentIndex(self.boxes[key].findData(value))

    def _take_away(self, key: str, value: object, why: str) -> None:
        box = self.boxes[key]
        row, model = box.findData(value), box.model()
        assert isinstance(model, QStandardItemModel)
        model.item(row).setEnabled(False)
        box.setItemData(row, why, Qt.ItemDataRole.ToolTipRole)


def _box(choices: list[tuple[Any, str]], chosen: object) -> QComboBox:
    made = QComboBox()
    for value, text in choices:
        made.addItem(text, value)
    made.setCurrentIndex(made.findData(chosen))
    return made
