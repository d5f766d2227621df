"""The `Command` dataclass, and the QActions, menus and shortcuts made from a list of commands.

The list itself is in `studio.ui.command_table`; each view adds its own in `studio.ui.views`.
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
    """Return the translated title of one of `MENUS`."""
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
    """One action: its menu, its keys, what it does, and when it is enabled."""

    key: str  # its name in preferences and in code; never translated
    menu: str  # one of MENUS
    text: str
    keys: tuple[str, ...]  # the defaults; a person can choose others
    tip: str
    run: Callable[[], object]
    new_group: bool = False  # whether there is a separator above it in its menu
    enabled: Callable[[], bool] = _always
    checked: Callable[[], bool] | None = None  # None: not checkable
    choice: str = ""  # name of an exclusive group, of which one command is checked
    label: Callable[[], str] | None = None  # returns the current text, if that changes
    views: tuple[str, ...] = ()  # the views in which it works; empty: all of them


def overlap(one: Command, other: Command) -> bool:
    """Whether there is a view in which the shortcuts of both commands work."""
    return not one.views or not other.views or bool(set(one.views) & set(other.views))


def normal(key: str) -> str:
    """Return a key sequence in a canonical form, for comparisons."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


class Commands:
    """The actions of one window. `refresh` updates them from the state; `remap` changes the keys of one."""

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
        """Update all actions from the state: enabled, checked, text."""
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
        """Return the key sequences of a command: those that the person chose, or its defaults."""
        return self._chosen.get(key, self.table[key].keys)

    def clashes(self, key: str, sequence: str) -> list[Command]:
        """Return the other commands that have the shortcut `sequence` in a view in which command `key` works."""
        wanted, command = normal(sequence), self.table[key]
        return [
            other
            for other in self.table.values()
            if other.key != key
            and overlap(command, other)
            and wanted in {normal(taken) for taken in self.keys(other.key)}
        ]

    def remap(self, key: str, sequences: Sequence[str]) -> list[Command]:
        """Give a command these keys and save them. If other commands have any of them, change nothing and return those commands."""
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
        """The keys that differ from the defaults, by command."""
        return dict(self._chosen)

    def choose_keys(self, chosen: Mapping[str, tuple[str, ...]]) -> None:
        """Give these commands these keys and all others their defaults, and save that."""
        self._chosen = dict(chosen)
        keymap.keep(self._chosen)
        for command in self.table.values():
            self._give_keys(command)

    def _give_keys(self, command: Command) -> None:
        self.actions[command.key].setShortcuts([QKeySequence(key) for key in self.keys(command.key)])
