"""A field for the title of the selected images."""

from __future__ import annotations

from PySide6.QtGui import QFocusEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.property import bind
from studio.project.records import Change
from studio.ui.parts import button, named
from studio.ui.title_sheet import LONGEST, open_sheet


class TitleField(QLineEdit):
    """Shows the title that the selected images share; changes are saved with Enter or on leaving the field."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self._images: tuple[int, ...] = ()
        self._kept = ""
        self.setMaxLength(LONGEST)
        self.setPlaceholderText(tr("Title"))
        named(self, tr("Title"), tr("A title, kept with Enter or when you leave it"))
        self.returnPressed.connect(self.keep)
        actions.applied.connect(self._follow)
        bind(actions.state, "selected", self._show)

    def keep(self) -> None:
        """Save the title, if it was changed."""
        text = self._text()
        if self._images and text != self._kept:
            self._kept = text
            self._actions.mark("title", text=text, images=self._images)

    def _text(self) -> str:
        return " ".join(self.text().split())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.keep()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show(self._actions.state.selected)

    def _follow(self, change: Change) -> None:
        if set(change.states) & set(self._images):
            self._show(self._images)

    def _show(self, images: tuple[int, ...]) -> None:
        if images != self._images:
            self.keep()
        self._images = images
        if not self.isVisible():
            return
        titles = {state.title for state in self._actions.reader.state(images[:200]).values()}
        being_written, self._kept = self._text() != self._kept, titles.pop() if len(titles) == 1 else ""
        self.setEnabled(bool(images))
        if self.text() != self._kept and not being_written:  # what is being written is saved on leaving the field
            self.setText(self._kept)
            if not self.hasFocus():
                self.setCursorPosition(0)  # shows the beginning of a long title


class TitleLine(QWidget):
    """The title field, and a button that suggests titles."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.field = TitleField(actions)
        self.suggest = button(tr("Suggest"), tr("Suggest titles for the selected image"), "chip", "title")
        self.suggest.clicked.connect(lambda _=False: open_sheet(actions, self.window()))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.field, 1)
        line.addWidget(self.suggest)
        bind(actions.state, "selected", self._follow)

    def _follow(self, images: tuple[int, ...]) -> None:
        self.suggest.setEnabled(bool(images))
