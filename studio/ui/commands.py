"""What an action of the studio is, and the QActions, menus and keys made from a list of them.

The list itself is `studio.ui.command_table`, together with what each view adds in `studio.ui.views`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from studio.i18n import tr
from studio.model import keymap

MENUS = ("project", "edit", "image", "generator", "view", "help")


def menu_title(menu: str) -> str:
    """Name one of `MENUS` in the person's language."""
    return {
        "project": tr("Project"),
        "edit": tr("Edit"),
        "image": tr("Image"),
        "generator": tr("Generator"),
        "view": tr("View"),
        "help": tr("Help"),
    }[menu]


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Command:
    """One action: where it is found, its keys, what it does, and when it can be done."""

    key: str  # its name in preferences and in code; never translated
    menu: str  # one of MENUS
    text: str
    keys: tuple[str, ...]  # as the studio comes; a person can choose others
    tip: str
    run: Callable[[], object]
    new_group: bool = False  # a line above it in its menu
    enabled: Callable[[], bool] = _always
    checked: Callable[[], bool] | None = None  # None: it cannot be checked
    choice: str = ""  # of the commands with one such name, one is checked
    label: Callable[[], str] | None = None  # a text that changes
    views: tuple[str, ...] = ()  # the views in which it works; none: in all of them


def overlap(one: Command, other: Command) -> bool:
    """Whether there is a view in which both commands listen to the keyboard."""
    return not one.views or not other.views or bool(set(one.views) & set(other.views))


def normal(key: str) -> str:
    """Write a key sequence in the one way that compares equal."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


class Commands:
    """The actions of one window. `refresh` makes them follow the state; `remap` gives one other keys."""

    def __init__(self, table: Iterable[Command], view: Callable[[], str], window: QWidget) -> None:
        self.table = {command.key: command for command in table}
        self._view = view
        self._chosen = keymap.read()
        self.actions: dict[str, QAction] = {}
        self.menus: dict[str, QMenu] = {}
        groups: dict[str, QActionGroup] = {}
        for menu in MENUS:
            self.menus[menu] = QMenu(menu_title(menu), window)
        for command in self.table.values():
            action = self.actions[command.key] = QAction(command.text, window)
            action.setToolTip(command.tip)
            action.setStatusTip(command.tip)
            action.setCheckable(command.checked is not None)
            action.triggered.connect(lambda _=False, run=command.run: run())
            if command.choice:
                groups.setdefault(command.choice, QActionGroup(window)).addAction(action)
            shown_in = self.menus[command.menu]
            if command.new_group:
                shown_in.addSeparator()
            shown_in.addAction(action)
            window.addAction(action)
            self._give_keys(command)

    def __getitem__(self, key: str) -> QAction:
        return self.actions[key]

    def refresh(self) -> None:
        """Enable, check and name every action as the state says now."""
        view = self._view()
        for key, command in self.table.items():
            action = self.actions[key]
            action.setEnabled((not command.views or view in command.views) and command.enabled())
            if command.checked is not None:
                action.setChecked(command.checked())
            if command.label is not None:
                action.setText(command.label())

    # -- keys ----------------------------------------------------------------------------------------------------

    def keys(self, key: str) -> tuple[str, ...]:
        """Return the key sequences of a command: those the person chose, or its own."""
        return self._chosen.get(key, self.table[key].keys)

    def clashes(self, key: str, sequence: str) -> list[Command]:
        """Return the other commands that listen to `sequence` where command `key` does."""
        wanted, command = normal(sequence), self.table[key]
        return [
            other
            for other in self.table.values()
            if other.key != key
            and overlap(command, other)
            and wanted in {normal(taken) for taken in self.keys(other.key)}
        ]

    def remap(self, key: str, sequences: Sequence[str]) -> list[Command]:
        """Give a command these keys and keep them; where another has one, change nothing and return the others."""
        clashing = [other for sequence in sequences for other in self.clashes(key, sequence)]
        if clashing:
            return clashing
        self._chosen[key] = tuple(normal(sequence) for sequence in sequences)
        if self._chosen[key] == tuple(map(normal, self.table[key].keys)):
            del self._chosen[key]
        keymap.keep(self._chosen)
        self._give_keys(self.table[key])
        return []

    @property
    def chosen_keys(self) -> dict[str, tuple[str, ...]]:
        """The keys of the commands that have others than they came with."""
        return dict(self._chosen)

    def choose_keys(self, chosen: Mapping[str, tuple[str, ...]]) -> None:
        """Give these commands these keys and every other the ones it came with, and keep that."""
        self._chosen = dict(chosen)
        keymap.keep(self._chosen)
        for command in self.table.values():
            self._give_keys(command)

    def _give_keys(self, command: Command) -> None:
        self.actions[command.key].setShortcuts([QKeySequence(key) for key in self.keys(command.key)])
