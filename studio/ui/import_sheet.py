"""The Import sheet: what a file contains, questions that it leaves open, and samples of its generator."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr
from studio.model.importing import Importing
from studio.model.property import bind
from studio.ui.columns import FRAME, downwards
from studio.ui.parts import Card, ElidedLabel, button, hold_still, named, quiet_note, section, set_role
from studio.ui.strip import GAP, Strip
from studio.worker import imports

ROWS, COLUMNS = 3, 8  # of the preview
QUESTION = 320  # width of a question in pixels; longer ones wrap
ANSWER = 120  # minimum width of its list of answers in pixels; on a small screen only the answers are cut off


class ImportSheet(QDialog):
    """Shows what was read from a file, asks what it does not tell, and ends with a new project on the generator."""

    another_wanted = Signal()  # another file, because this one cannot be read
    keep_wanted = Signal()  # a new project with this generator

    def __init__(self, importing: Importing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._importing = importing
        self._asked: tuple[str, ...] = ()
        self.setWindowTitle(tr("Import a generator"))
        self.setMinimumWidth(640)
        self.title = ElidedLabel("", "title")
        self.what = quiet_note()
        self.notes = quiet_note()
        self.licence = quiet_note()
        set_role(self.licence, "warn")
        self.error = quiet_note()
        set_role(self.error, "bad")
        self.working = QProgressBar()
        self.working.setRange(0, 0)
        self.working.setTextVisible(False)
        named(self.working, tr("Progress of the import"), tr("The file is being read"))
        self.strips = [Strip(COLUMNS, 96) for _ in range(ROWS)]
        for strip in self.strips:
            named(strip, tr("Preview"), tr("What the generator draws with these answers"))
        self.questions = QWidget()
        self._form = QFormLayout(self.questions)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setSpacing(8)
        self.keep = button(
            tr("Open as a new project"), tr("Keep the generator and rate what it draws (Enter)"), "primary"
        )
        self.keep.setDefault(True)
        self.another = button(tr("Another file…"), tr("Choose another file to bring in (Enter)"), "primary")
        self.cancel = button(tr("Cancel"), tr("Close this window (Esc); nothing is kept"))
        self.cancel.setAutoDefault(False)  # Enter is for the other button, wherever the focus is
        self._lay_out()
        self.keep.clicked.connect(self.keep_wanted)
        self.another.clicked.connect(self.another_wanted)
        self.cancel.clicked.connect(self.reject)
        importing.kept.connect(self._done)
        for name in ("phase", "found", "error"):
            bind(importing, name, self._follow)

    def _lay_out(self) -> None:
        self.card = card = Card()
        inside = QVBoxLayout(card)
        inside.setContentsMargins(12, 12, 12, 12)
        inside.setSpacing(GAP)
        for strip in self.strips:
            inside.addWidget(strip)
        ends = QHBoxLayout()
        ends.setSpacing(8)
        ends.addStretch(1)
        ends.addWidget(self.cancel)
        ends.addWidget(self.keep)
        ends.addWidget(self.another)
        self.open_points = section("")
        body = QWidget()
        self._said = said = QVBoxLayout(body)
        said.setContentsMargins(0, 0, 8, 0)
        said.setSpacing(10)
        for widget in (
            self.what,
            self.working,
            card,
            self.error,
            self.licence,
            self.notes,
            self.open_points,
            self.questions,
        ):
            said.addWidget(widget)
        said.addStretch(1)
        self.page = downwards(body)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        column.addWidget(self.title)
        column.addWidget(self.page, 1)
        column.addLayout(ends)

    def _grow(self, again: bool = True) -> None:
        """Resize to the contents, up to the size of the screen, around the same centre; the rest scrolls."""
        room = self.screen().availableGeometry().size() - FRAME
        around = self.size() - self.page.viewport().size()
        wide = self._said.sizeHint().width()
        high = max(self._said.totalHeightForWidth(wide), self._said.totalMinimumSize().height())
        least = self.minimumSizeHint() if self._importing.error else self.size()  # an error needs no room for images
        wanted = (QSize(wide, high) + around).boundedTo(room).expandedTo(least).expandedTo(self.minimumSize())
        if wanted != self.size():
            spare = self.size() - wanted
            self.resize(wanted)
            corner = self.screen().availableGeometry().topLeft()
            self.move(max(corner.x(), self.x() + spare.width() // 2), max(corner.y(), self.y() + spare.height() // 2))
            if again:  # at another width, the images have another height
                QTimer.singleShot(0, self, lambda: self._grow(False))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._grow()

    def _follow(self, _: object = None) -> None:
        importing = self._importing
        found = importing.found
        name = importing.file.name if importing.file else ""
        self.title.set_text(name)
        self.title.setVisible(name not in importing.error)  # most errors begin with it
        self.working.setVisible(importing.phase in ("reading", "keeping"))
        self.error.setText(tr(importing.error) if importing.error else "")
        self.error.setVisible(bool(importing.error))
        reading = "" if importing.error else tr("Looking at what is in the file. Nothing in it is executed.")
        # The description is a list of facts, each of which is translated separately.
        facts = tr(", ").join(tr(fact) for fact in found.what.split(", ")) if found else ""
        self.what.setText(facts or reading)
        self.what.setVisible(bool(self.what.text()))
        lines = list(found.notes) if found else []
        self.notes.setText("\n".join(f"• {tr(line)}" for line in lines))
        self.notes.setVisible(bool(lines))
        self.licence.setText(tr(found.licence) if found and found.licence else "")
        self.licence.setVisible(bool(self.licence.text()))
        images = importing.preview
        for row, strip in enumerate(self.strips):
            strip.show_images(images[row * COLUMNS : (row + 1) * COLUMNS])
        self.card.setVisible(bool(images) or not importing.error)
        self._ask(found.questions if found else ())
        if self.isVisible():
            QTimer.singleShot(0, self, self._grow)  # after the layout
        failed = importing.phase == "failed"
        self.keep.setVisible(not failed)
        self.another.setVisible(failed)
        self.keep.setEnabled(importing.phase == "ready")
        verb = self.another if failed else self.keep
        if verb.isEnabled() and self.focusWidget() in (None, self.cancel):
            verb.setFocus(Qt.FocusReason.OtherFocusReason)

    def _ask(self, questions: tuple[imports.Question, ...]) -> None:
        """Show one combo box per question; they stay while another answer is tried out."""
        if self._importing.phase == "reading" and self._asked:
            return
        titles = {False: tr("What the file does not say"), True: tr("Read off the file; can be overruled")}
        if questions:
            self.open_points.setText(titles[questions[0].settled].upper())
            self.open_points.setAccessibleName(titles[questions[0].settled])
        self.open_points.setVisible(bool(questions))
        self.questions.setVisible(bool(questions))
        while self._form.rowCount():
            self._form.removeRow(0)
        self._asked = tuple(question.key for question in questions)
        for before, question in zip((None, *questions), questions, strict=False):
            if before is not None and question.settled and not before.settled:
                self._form.addRow(section(titles[True]))
            box = QComboBox()
            hold_still(box)
            box.setMinimumWidth(ANSWER)
            for place, option in enumerate(question.options):
                box.addItem(tr(option.label), option.value)
                box.setItemData(place, tr(option.evidence), Qt.ItemDataRole.ToolTipRole)
            box.setCurrentIndex(max(0, box.findData(question.value)))
            chosen = question.options[max(0, box.currentIndex())]
            named(box, tr(question.text), tr(chosen.evidence or question.text))
            box.activated.connect(
                lambda _, key=question.key, box=box: self._importing.choose(key, str(box.currentData()))
            )
            label = QLabel(tr(question.text))
            label.setWordWrap(True)
            label.setFixedWidth(
                QUESTION
            )  # without it, a form layout gives a wrapped label the height that it needs at its narrowest
            label.setBuddy(box)
            self._form.addRow(label, box)

    def _done(self, folder: Path) -> None:
        self.accept()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._importing.close()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        self._importing.close()
        super().done(result)
