"""The page of Settings on which the keys of all commands can be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QKeyCombination, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QUndoCommand, QUndoStack
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.theme.tokens import HEADER
from studio.ui.columns import WIDTH, scrolled
from studio.ui.commands import MENUS, Command, Commands, menu_title
from studio.ui.parts import button, named, quiet_note, section, set_role, text_label, with_keys
from studio.ui.shortcut_sheet import key_words

_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


class KeyButton(QPushButton):
    """Shows the keys of a command; once pressed, it makes the next key the command's only one. Backspace removes the key, Esc cancels."""

    def __init__(self, command: Command, page: KeysPage) -> None:
        super().__init__()
        self.command, self._page = command, page
        self._listening = False
        self.setFixedWidth(200)
        self.clicked.connect(self.listen)
        self.show_keys()

    def show_keys(self) -> None:
        """Show the current keys."""
        keys = self._page.commands.keys(self.command.key)
        self.setText(key_words(keys) or tr("none"))
        named(
            self,
            tr("{action}: {keys}", action=self.command.text.removesuffix("…"), keys=self.text()),
            tr("Press, then press the new key; Backspace takes the key away, Esc keeps it"),
        )

    def listen(self) -> None:
        """Wait for a key press."""
        self._listening = True
        self.setText(tr("Press a key…"))

    def event(self, event: QEvent) -> bool:
        if self._listening and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # the key is for this button, not a shortcut
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._listening:
            super().keyPressEvent(event)
            return
        if event.key() in _MODIFIERS:
            return
        self._listening = False
        if event.key() == Qt.Key.Key_Escape and not event.modifiers():
            self.show_keys()
        elif event.key() == Qt.Key.Key_Backspace and not event.modifiers():
            self._page.give(self, ())
        else:
            # A key that is typed with Shift ("?") is stored without it, like the default keys.
            modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if event.text().isprintable() and event.text() and not event.text().isalnum():
                modifiers &= ~Qt.KeyboardModifier.ShiftModifier
            sequence = QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key())))
            self._page.give(self, (sequence.toString(QKeySequence.SequenceFormat.PortableText),))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._listening:
            self._listening = False
            self.show_keys()
        super().focusOutEvent(event)


class _KeysChange(QUndoCommand):
    """Undoable change of keys; made after the new ones are in use."""

    def __init__(self, page: KeysPage, before: dict[str, tuple[str, ...]], words: str) -> None:
        super().__init__(words)
        self._page, self._before, self._after = page, before, page.commands.chosen_keys
        self._done = True

    def undo(self) -> None:
        self._page.use_keys(self._before)
        self._done = False

    def redo(self) -> None:
        if not self._done:
            self._page.use_keys(self._after)
        self._done = True


class KeysPage(QWidget):
    """A line for each command, by menu; a field to filter them; a button to reset all keys to the defaults."""

    def __init__(self, commands: Commands) -> None:
        super().__init__()
        self.commands = commands
        self.history = QUndoStack(self)
        self.history.indexChanged.connect(self._history_moved)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Find an action"))
        self.search.setMaximumWidth(320)
        named(
            self.search, tr("Find an action"), tr("Show only the actions whose name or key has these letters")
        )
        self.reset = button(tr("Reset all keys"), tr("Give every action the key it came with"))
        self.note = quiet_note()
        self._say("")
        self.take = button(tr("Use it here"), tr("Take the key from the other action"))
        self.take.hide()
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self.search, 1)
        line.addStretch(1)
        line.addWidget(self.reset)
        said = QHBoxLayout()
        said.addStrut(HEADER)  # the height of the button `take`, so that nothing moves when it appears
        said.addWidget(self.note, 1)
        said.addWidget(self.take)
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        self.buttons: dict[str, KeyButton] = {}
        self._lines: list[tuple[str, QWidget, KeyButton]] = []
        self._heads: dict[str, QWidget] = {}
        for menu in MENUS:
            chosen = [c for c in self.commands.table.values() if c.menu == menu]
            if not chosen:
                continue
            head = self._heads[menu] = section(menu_title(menu))
            head.setContentsMargins(0, 12, 0, 4)
            grid.addWidget(head, grid.rowCount(), 0, 1, 2)
            for command in chosen:
                name, made = text_label(command.text.removesuffix("…")), KeyButton(command, self)
                name.setToolTip(command.tip)
                row = grid.rowCount()
                grid.addWidget(name, row, 0)
                grid.addWidget(made, row, 1)
                self.buttons[command.key] = made
                self._lines.append((menu, name, made))
        grid.setRowStretch(grid.rowCount(), 1)
        body.setMaximumWidth(WIDTH)
        top = QWidget()  # as wide as the lines below
        top.setMaximumWidth(WIDTH - 8)
        above = QVBoxLayout(top)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(8)
        above.addLayout(line)
        above.addLayout(said)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(top)
        column.addWidget(scrolled(body), 1)
        self.search.textChanged.connect(self._filter)
        self.reset.clicked.connect(self._reset)
        self.take.clicked.connect(self._take)
        self._wanted: tuple[KeyButton, tuple[str, ...]] | None = None

    def give(self, at: KeyButton, keys: tuple[str, ...]) -> None:
        """Give a command other keys; if another command has them already, say so and offer to take them."""
        before = self.commands.chosen_keys
        clashing = self.commands.remap(at.command.key, keys)
        self._offer_to_take(at, keys, clashing)
        if not clashing:
            self._changed(before, at)

    def use_keys(self, chosen: Mapping[str, tuple[str, ...]]) -> None:
        """Give all commands the keys that are chosen for them, or their defaults."""
        self.commands.choose_keys(chosen)
        self._show_keys()
        self._say("")

    def _history_moved(self) -> None:
        self.commands.refresh()

    def _offer_to_take(self, at: KeyButton, keys: tuple[str, ...], clashing: Sequence[Command]) -> None:
        self._wanted = (at, keys) if clashing else None
        at.show_keys()
        self.take.setVisible(bool(clashing))
        if clashing:
            self.setTabOrder(at, self.take)  # the next Tab reaches the offer, wherever it is shown
            other = clashing[0].text.removesuffix("…")
            self._say(tr("{keys} is the key of “{other}”.", keys=key_words(keys), other=other), "bad")

    def _take(self) -> None:
        if self._wanted is None:
            return
        at, keys = self._wanted
        before = self.commands.chosen_keys
        for key in keys:
            for other in self.commands.clashes(at.command.key, key):
                left = tuple(kept for kept in self.commands.keys(other.key) if kept not in keys)
                self.commands.remap(other.key, left)
                self.buttons[other.key].show_keys()
        self.commands.remap(at.command.key, keys)
        if self.take.hasFocus():
            at.setFocus(Qt.FocusReason.OtherFocusReason)
        self._offer_to_take(at, keys, ())
        self._changed(before, at)

    def _changed(self, before: dict[str, tuple[str, ...]], at: KeyButton) -> None:
        action = at.command.text.removesuffix("…")
        if self.commands.chosen_keys != before:
            self.history.push(_KeysChange(self, before, tr("key of “{action}”", action=action)))
        self._say(tr("{action}: {keys}", action=action, keys=at.text()))

    def _reset(self) -> None:
        before = self.commands.chosen_keys
        self.use_keys({})
        if before:
            self.history.push(_KeysChange(self, before, tr("every key as it came")))
        undo = with_keys("{undo}", self.commands.__getitem__)
        self._say(
            tr("Every action has the key it came with. {key} brings yours back.", key=undo)
            if before
            else tr("Every action has the key it came with.")
        )

    def _show_keys(self) -> None:
        for made in self.buttons.values():
            made.show_keys()
        self._wanted = None
        self.take.hide()

    def _say(self, text: str, role: str = "quiet") -> None:
        set_role(self.note, role)
        self.note.setText(text or tr("Press a key's button, then the new key."))

    def _filter(self, letters: str) -> None:
        wanted, seen = letters.casefold().strip(), set()
        for menu, name, made in self._lines:
            shown = wanted in made.accessibleName().casefold()
            name.setVisible(shown)
            made.setVisible(shown)
            if shown:
                seen.add(menu)
        for menu, head in self._heads.items():
            head.setVisible(menu in seen)
