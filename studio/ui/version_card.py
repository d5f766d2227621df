"""A card for one version on the timeline: its name, measurements, eight fixed seeds, and buttons."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout

from studio.i18n import tr
from studio.model.rounds import measured, version_name, what_is_measured
from studio.project.records import Checkpoint
from studio.ui.parts import Card, ElidedLabel, button, named, stands_for, text_label
from studio.ui.strip import Strip


class NameEdit(QLineEdit):
    """An editor for a name; Enter or leaving it saves the name, Escape discards it."""

    kept = Signal(str)
    left = Signal()  # Escape was pressed

    def __init__(self) -> None:
        super().__init__()
        self.setMaxLength(60)
        self.setFixedWidth(220)
        named(self, tr("Name of the version"), tr("Enter keeps the name; Esc leaves it as it was"))
        self.editingFinished.connect(self.keep)

    def begin(self, name: str) -> None:
        """Show the editor with a name to change."""
        self.setText(name)
        self.show()
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def event(self, event: QEvent) -> bool:
        # The editor handles these keys itself, although they are shortcuts of the view.
        own = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Delete)
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in own
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def keep(self) -> None:
        """Emit the name, if one is being written."""
        if self.isVisible():
            self.hide()
            self.kept.emit(self.text())


class VersionCard(Card):
    """Shows a version, set by `show_version`; its buttons are connected by the Timeline view."""

    pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.version: Checkpoint | None = None
        self.title = text_label("", "title")
        self.edit = NameEdit()
        self.edit.hide()
        self.words = ElidedLabel("", "quiet")
        self.strip = Strip(8, 128)
        self.compare = QPushButton(tr("Compare"))
        self.compare.setProperty("role", "chip")
        self.compare.setToolTip(tr("Choose two versions to see the same seeds of both"))
        stands_for(self.compare, "timeline.compare")
        self.compare.setCheckable(True)
        self.compare.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.rename = button(tr("Name"), tr("Give this version a name"), "chip", "timeline.rename")
        self.branch = button(
            tr("Branch"),
            tr("Begin another line here, beside the rounds that follow"),
            "chip",
            "timeline.branch",
        )
        self.delete = button(
            tr("Delete"), tr("Take it off the timeline; undo brings it back"), "chip", "timeline.delete"
        )
        self.restore = button("", "")
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.title)
        line.addWidget(self.edit)
        line.addStretch(1)
        for made in (self.compare, self.rename, self.branch, self.delete, self.restore):
            line.addWidget(made)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 12, 12)
        column.setSpacing(6)
        column.addLayout(line)
        column.addWidget(self.words)  # on a separate line, since a narrow window would cut it off beside five buttons
        column.addWidget(self.strip)

    def show_version(
        self, version: Checkpoint | None, parent: Checkpoint | None, in_use: bool, free: bool
    ) -> None:
        """Show a version. `parent` : only if it is not the version below. `free` : whether the worker could restore a version now."""
        self.version = version
        name = version_name(version)
        self.title.setText(name)
        words = tr("the generator as it came")
        if version is not None:
            said = [tr("round {n}", n=version.round)] if version.name else []
            if parent is not None:
                said.append(tr("after {version}", version=version_name(parent)))
            values = measured(version.metrics)
            self.words.set_text(" · ".join([*said, values or tr(version.reason)]))
            self.words.setToolTip(f"{self.words.full_text()}\n\n{what_is_measured()}" if values else "")
        else:
            self.words.set_text(words)
            self.words.setToolTip("")
        self.restore.setText(tr("In use") if in_use else tr("Restore"))
        tip = (
            tr("This is the version in use")
            if in_use
            else tr("Go back to {name}; nothing is deleted", name=name)
        )
        named(
            self.restore,
            tr("{name} is in use", name=name) if in_use else tr("Restore {name}", name=name),
            tip,
        )
        self.restore.setEnabled(free and not in_use)
        for made, verb in (
            (self.compare, tr("Compare {name}", name=name)),
            (self.rename, tr("Name {name}", name=name)),
            (self.branch, tr("Branch from {name}", name=name)),
            (self.delete, tr("Delete {name}", name=name)),
        ):
            made.setAccessibleName(verb)
            made.setVisible(made is self.compare or version is not None)
        self.branch.setEnabled(free)
        self.delete.setEnabled(not in_use)
        named(self.strip, tr("{name}, eight images", name=name), tr("The same eight seeds in every version"))

    def show_images(self, images: Sequence[QImage], pixel_art: bool) -> None:
        """Show the images that the version draws from the seeds."""
        self.strip.pixel_art = pixel_art
        self.strip.show_images(images)

    def mark(self, chosen: bool) -> None:
        """Set whether the card has the border of the version that keys apply to."""
        if self.property("current") != chosen:
            self.setProperty("current", chosen)
            self.style().unpolish(self)
            self.style().polish(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()
        event.accept()
