"""An editor for title, colour label, tags and note of the selected images."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QStringListModel, Qt, QTimer
from PySide6.QtGui import QFocusEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.property import bind
from studio.project.opinions import MOST_LABELS
from studio.project.records import Change, ImageState
from studio.ui.flow import Flow
from studio.ui.labels import LabelButton
from studio.ui.parts import named, stands_for
from studio.ui.title_field import TitleLine

_OWN_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Space)


class NoteEdit(QPlainTextEdit):
    """A note of a few lines; saved on leaving it, with Ctrl+Enter, or when another image is selected."""

    def __init__(self, editor: TagsEditor) -> None:
        super().__init__()
        self._editor = editor
        self.setTabChangesFocus(True)
        self.setFixedHeight(58)
        self.setPlaceholderText(tr("Note"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        done = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if done and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._editor.leave()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._editor.keep_note()


class TagsEditor(QWidget):
    """Shows what the selected images have in common and changes it for all of them."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self._images: tuple[int, ...] = ()
        self._noted = ""  # the note as saved
        self._came_from: QWidget | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.title = TitleLine(actions)
        column.addWidget(self.title)
        self.labels = [LabelButton(label) for label in range(1, MOST_LABELS + 1)]
        line = QHBoxLayout()
        line.setSpacing(6)
        for made in self.labels:
            made.clicked.connect(partial(actions.mark, "label", made.label))
            line.addWidget(made)
        line.addStretch(1)
        column.addLayout(line)
        self.chips = Flow()
        column.addWidget(self.chips)
        self.field = QLineEdit()
        self.field.setPlaceholderText(tr("Add a tag"))
        self.field.setMaxLength(60)
        named(self.field, tr("Add a tag"), tr("A word or two, then Enter; Esc goes back to the images"))
        stands_for(self.field, "tags")
        self.field.returnPressed.connect(self._add)
        self._known = QStringListModel(self)
        completer = QCompleter(self._known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.field.setCompleter(completer)
        column.addWidget(self.field)
        self.note = NoteEdit(self)
        named(self.note, tr("Note"), tr("A few words about the image, kept when you leave it"))
        stands_for(self.note, "note")
        column.addWidget(self.note)
        actions.applied.connect(self._follow)
        bind(actions.state, "selected", self._show)

    def edit_tags(self) -> None:
        """Focus the tag field."""
        self._enter(self.field)

    def edit_note(self) -> None:
        """Focus the note."""
        self._enter(self.note)

    def keep_note(self) -> None:
        """Save the note, if it was changed."""
        text = self.note.toPlainText().strip()
        if self._images and text != self._noted:
            self._noted = text
            self._actions.mark("note", text=text, images=self._images)

    def leave(self) -> None:
        """Return the focus to the images."""
        self.keep_note()
        if self._came_from is not None:
            self._came_from.setFocus(Qt.FocusReason.OtherFocusReason)
            self._came_from = None

    def _enter(self, field: QWidget) -> None:
        now = self.window().focusWidget()
        if now is not None and not self.isAncestorOf(now):
            self._came_from = now
        self._list_known()
        field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show(self._actions.state.selected)

    def event(self, event: QEvent) -> bool:
        # The field handles Enter and Escape itself, although they are shortcuts of the view.
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in _OWN_KEYS
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.field.clear()
        if event.key() == Qt.Key.Key_Escape and self._came_from is not None:
            self.leave()
        else:
            super().keyPressEvent(event)  # it was focused with Tab or a click: the window moves the focus

    def _add(self) -> None:
        text = self.field.text().strip()
        if text:
            self._actions.mark("tag", text=text)
            self._list_known()
        # Later, because a completer puts its choice into the field after this.
        QTimer.singleShot(0, self.field, self.field.clear)

    def _list_known(self) -> None:
        self._known.setStringList([tag for tag, _ in self._actions.reader.tags()])

    def _follow(self, change: Change) -> None:
        if set(change.states) & set(self._images):
            self._show(self._images)

    def _show(self, images: tuple[int, ...]) -> None:
        if images != self._images:
            self.keep_note()
        self._images = images
        if not self.isVisible():
            return
        states = list(self._actions.reader.state(images[:200]).values())
        for made in self.labels:
            made.setChecked(bool(states) and all(state.label == made.label for state in states))
        for part in (*self.labels, self.field, self.note):
            part.setEnabled(bool(states))
        self._show_tags(states)
        notes = {state.note for state in states}
        text = notes.pop() if len(notes) == 1 else ""
        written = self.note.toPlainText().strip()
        being_written, self._noted = written != self._noted, text
        if written != text and not being_written:  # what is being written is saved on leaving it, whatever changed meanwhile
            self.note.setPlainText(text)

    def _show_tags(self, states: list[ImageState]) -> None:
        wanted = list(dict.fromkeys(tag for state in states for tag in state.tags))
        if wanted == [
            chip.property("tag")
            for chip in self.chips.findChildren(QPushButton)
            if chip.isVisibleTo(self.chips)
        ]:
            return
        self.chips.remove_all()
        for tag in wanted:
            chip = QPushButton(f"{tag}  ×")
            chip.setProperty("role", "chip")
            chip.setProperty("tag", tag)
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            named(chip, tr("Remove tag {tag}", tag=tag), tr("Remove tag {tag}", tag=tag))
            chip.clicked.connect(partial(self._actions.mark, "untag", 0, tag))
            self.chips.add(chip)
        self.chips.setVisible(bool(wanted))
