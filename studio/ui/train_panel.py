"""The side panel of the Train view: facts about the folder, one whole picture, and options of the training."""

from __future__ import annotations

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from studio.i18n import tr, whole
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.training import MINUTES, RANDOM, SIZES
from studio.model.training_access import training_of
from studio.ui.parts import Rows, button, hold_still, named, quiet_note, section, set_role
from studio.ui.train_pictures import WholePicture

_LISTED = 8  # skipped files that are listed; the rest are only counted


def duration(minutes: int) -> str:
    """Return a duration in words."""
    if minutes < 60:
        return tr("{n} minutes", n=minutes)
    hours = minutes / 60
    return tr("1 hour") if hours == 1 else tr("{n:g} hours", n=hours)


class TrainPanel(QWidget):
    """Shows counts and reasons, the crop of the selected picture, and three options."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.training = training = training_of(actions)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)

        column.addWidget(section(tr("Pictures")))
        self.counts = Rows()
        column.addWidget(self.counts)
        self.pixels = quiet_note()
        column.addWidget(self.pixels)
        self.warning = quiet_note()
        column.addWidget(self.warning)
        self.keep_copies = QCheckBox(tr("Use pictures found twice"))
        named(
            self.keep_copies,
            self.keep_copies.text(),
            tr("Otherwise the largest of equal pictures is used, and the others are left out"),
        )
        column.addWidget(self.keep_copies)

        self.whole = WholePicture()
        self.whole_name = quiet_note()
        column.addSpacing(8)
        column.addWidget(self.whole)
        column.addWidget(self.whole_name)

        column.addSpacing(8)
        column.addWidget(section(tr("Training")))
        choices = QGridLayout()
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setVerticalSpacing(8)
        choices.setColumnStretch(1, 1)
        self.size_box = self._combo(choices, tr("Size"), tr("Width and height of what it will draw; larger is much slower"))
        for size in SIZES:
            self.size_box.addItem(tr("{n} pixels", n=size), size)
        self.time_box = self._combo(choices, tr("Time"), tr("How long to train; you can stop at any moment and use what is there"))
        for minutes in MINUTES:
            self.time_box.addItem(duration(minutes), minutes)
        self.start_box = self._combo(
            choices, tr("Start from"), tr("A generator that can draw already learns your pictures much faster")
        )
        column.addLayout(choices)
        self.train = button(tr("Train"), tr("Start training"), "primary", "train.start")
        self.go_on = button(tr("Go on from last time"), tr("Train a copy of the last run's generator further"))
        column.addSpacing(4)
        column.addWidget(self.train)
        column.addWidget(self.go_on)
        self.where = quiet_note()
        column.addWidget(self.where)

        self.skipped_title = section(tr("Not readable"))
        column.addSpacing(8)
        column.addWidget(self.skipped_title)
        self.skipped = Rows()
        column.addWidget(self.skipped)
        column.addStretch(1)

        self.keep_copies.toggled.connect(training.set_keep_copies)
        self.size_box.activated.connect(lambda _: training.set_size(self.size_box.currentData()))
        self.time_box.activated.connect(lambda _: setattr(training, "minutes", self.time_box.currentData()))
        self.start_box.activated.connect(lambda _: training.choose_start(self.start_box.currentData()))
        self.train.clicked.connect(lambda _: training.train())
        self.go_on.clicked.connect(lambda _: training.train(go_on=True))
        training.pictures.changed.connect(self._follow)
        for name in ("phase", "usable", "keep_copies"):
            bind(training, name, self._follow)
        for name in ("starts", "start", "size", "minutes"):
            bind(training, name, self._show_choices)
        bind(training, "looked_whole", self._show_whole)

    def _combo(self, grid: QGridLayout, name: str, tip: str) -> QComboBox:
        made = QComboBox()
        named(made, name, tip)
        hold_still(made)
        label = QLabel(name)
        label.setBuddy(made)
        row = grid.rowCount()
        grid.addWidget(label, row, 0)
        grid.addWidget(made, row, 1)
        return made

    def _show_choices(self, _: object = None) -> None:
        training = self.training
        wanted = [(start.name, f"{start.name} · {start.resolution} px") for start in training.starts]
        if not wanted:  # the process that reports them has not been started yet
            wanted = [(training.start, training.start)]
        wanted.append((RANDOM, tr("Random weights")))
        if [self.start_box.itemData(row) for row in range(self.start_box.count())] != [data for data, _ in wanted]:
            self.start_box.clear()
            for data, words in wanted:
                self.start_box.addItem(words, data)
        for combo, value in ((self.start_box, training.start), (self.size_box, training.size), (self.time_box, training.minutes)):
            combo.setCurrentIndex(max(0, combo.findData(value)))

    def _follow(self, _: object = None) -> None:
        training, pictures = self.training, self.training.pictures
        known = training.phase in ("ready", "training", "stopping", "done")
        dash = "–"
        self.counts.set_line("used", tr("Used"), whole(training.usable) if known else dash)
        self.counts.set_line("out", tr("Left out by you"), whole(pictures.left_out) if known else dash)
        self.counts.set_line("copies", tr("Found twice"), whole(pictures.copies) if known else dash)
        self.counts.set_line("skipped", tr("Not readable"), whole(len(training.skipped)) if known else dash)
        self._say_pixels(known)
        self._warn(known)
        self.keep_copies.setVisible(known and pictures.copies > 0)
        self.keep_copies.setChecked(training.keep_copies)
        self.keep_copies.setEnabled(not training.busy)
        self._list_skipped(known)
        for control in (self.size_box, self.time_box, self.start_box):
            control.setEnabled(not training.busy)
        self.train.setEnabled(training.can_train)
        set_role(self.train, "" if training.phase == "done" else "primary")  # after a run, the primary action is to use its result
        earlier = training.earlier() if training.can_train else None
        self.go_on.setVisible(earlier is not None)
        self.where.setText(tr("It is written to {folder}", folder=training.out) if training.busy or training.phase == "done" else "")
        self.where.setVisible(bool(self.where.text()))
        if training.phase != "ready":
            self.whole.show_image(QImage())
            self.whole_name.hide()

    def _say_pixels(self, known: bool) -> None:
        art = known and self.training.pixel_art
        side = self.training.size // self.training.pixel
        self.pixels.setText(tr("Pixel art of {n} × {n} pixels: it is enlarged with hard edges.", n=side) if art else "")
        self.pixels.setVisible(art)

    def _warn(self, known: bool) -> None:
        training = self.training
        text = ""
        if known and not training.usable:
            text = tr("No picture is left to train on.")
        elif known and training.usable < training.few:
            text = tr(
                "Fewer than {n} pictures: some may be learnt by heart. While it trains, "
                "each image is shown beside the nearest of your pictures.",
                n=whole(training.few),
            )
        self.warning.setText(text)
        self.warning.setVisible(bool(text))
        set_role(self.warning, "" if training.usable else "bad")

    def _list_skipped(self, known: bool) -> None:
        skipped = self.training.skipped if known else ()
        self.skipped.clear()
        for number, (name, why) in enumerate(skipped[:_LISTED]):
            self.skipped.set_line(str(number), name.rsplit("/", 1)[-1], tr(why))
        if len(skipped) > _LISTED:
            self.skipped.set_line("more", tr("and {n} more", n=whole(len(skipped) - _LISTED)), "")
        for widget in (self.skipped_title, self.skipped):
            widget.setVisible(bool(skipped))

    def _show_whole(self, found: tuple[str, QImage] | None) -> None:
        if found is None or self.training.phase != "ready":
            return
        name, image = found
        self.whole.show_image(image)
        row = next((row for row, picture in enumerate(self.training.pictures.pictures) if picture.name == name), None)
        self.whole_name.setText(self.training.pictures.words(row) if row is not None else name)
        self.whole_name.show()
