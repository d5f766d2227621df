"""The same seeds drawn by two versions of the generator, in two rows or in one with a wipe."""

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.state import StripImages
from studio.ui.parts import Card, named, text_label
from studio.ui.strip import Strip
from studio.ui.wipe import Wipe


class SeedsCard(Card):
    """Shows two strips or a `Wipe`, chosen with two chips; a single strip if there is nothing to compare."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.now, self.wipe = Strip(), Strip(), Wipe()
        tip = tr("The same eight seeds drawn by two versions of the generator")
        named(self.before, tr("Before"), tip)
        named(self.now, tr("Now"), tip)
        named(self.wipe, tr("Before and now"), tr("Drag the line, or press Left and Right"))
        self.before_label, self.now_label = text_label("", "quiet"), text_label("", "quiet")
        self._chips = QButtonGroup(self)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(text_label(tr("Same seeds"), "title"))
        head.addStretch(1)
        for number, (name, why) in enumerate(
            ((tr("Rows"), tr("One version above the other")), (tr("Wipe"), tr("One version over the other")))
        ):
            chip = QPushButton(name)
            chip.setProperty("role", "chip")
            chip.setCheckable(True)
            chip.setChecked(number == 0)
            named(chip, name, why)
            self._chips.addButton(chip, number)
            head.addWidget(chip)
        self._way = 0
        self._alone = False  # whether there is only one version
        self._rows = QWidget()
        rows = QVBoxLayout(self._rows)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(6)
        for label, strip in ((self.before_label, self.before), (self.now_label, self.now)):
            rows.addWidget(label)
            rows.addWidget(strip)
        self._over = QWidget()
        self._ends = text_label("", "quiet")
        over = QVBoxLayout(self._over)
        over.setContentsMargins(0, 0, 0, 0)
        over.setSpacing(6)
        over.addWidget(self._ends)
        over.addWidget(self.wipe)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 14)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._rows)
        column.addWidget(self._over)
        self._chips.idClicked.connect(self.show_way)
        self.show_way(0)

    def show_way(self, way: int) -> None:
        """Show rows (0) or the wipe (1)."""
        self._way = way
        self._chips.button(way).setChecked(True)
        self._arrange()

    def _arrange(self) -> None:
        rows = self._way == 0 or self._alone
        self._rows.setVisible(rows)
        self._over.setVisible(not rows)
        for made in (*self._chips.buttons(), self.now, self.now_label):
            made.setVisible(not self._alone)

    def show_strip(self, strip: StripImages) -> None:
        """Show the images and names of two versions, or of only one if both are the same."""
        self._alone = strip.before_name == strip.after_name and strip.before == strip.after  # different versions may share a name
        self._arrange()
        self.before.show_images(strip.before)
        self.now.show_images(strip.after)
        self.wipe.show_both(strip.before, strip.after)
        before = tr("Now: {version}", version=strip.before_name) if self._alone else tr("Before: {version}", version=strip.before_name)
        self.before_label.setText(before if strip.before else "")
        self.before.setAccessibleName(tr("Now") if self._alone else tr("Before"))
        self.now_label.setText(tr("Now: {version}", version=strip.after_name) if strip.after else "")
        ends = tr("{before} left of the line, {after} right of it", before=strip.before_name, after=strip.after_name)
        self._ends.setText(ends[:1].upper() + ends[1:] if strip.before else "")

    def show_scaling(self, pixel_art: bool) -> None:
        """Enlarge the images by whole factors (`pixel_art`) or smoothly."""
        for strip in (self.before, self.now, self.wipe):
            strip.pixel_art = pixel_art
            strip.update()
