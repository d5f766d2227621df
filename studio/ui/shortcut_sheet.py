"""The sheet of all shortcuts, with the current keys."""

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.ui.columns import downwards
from studio.ui.commands import MENUS, Commands, menu_title
from studio.ui.parts import Rows, button, key_name, named, section, text_label
from studio.ui.views import entries

_AROUND = 120  # height of title, button and margins, in pixels


def key_words(keys: Iterable[str]) -> str:
    """Return the shortcuts of one action as the platform writes them."""
    shown = dict.fromkeys(key_name(QKeySequence(key)) for key in keys if not key.endswith("="))
    return f" {tr('or')} ".join(shown)


def groups(commands: Commands) -> dict[str, list[tuple[str, str]]]:
    """Return (action, keys) by menu, or by view for commands that work in one view only.

    The five star keys are combined into one line, and commands without a key are left out.
    """
    found: dict[str, list[tuple[str, str]]] = {menu_title(menu): [] for menu in MENUS}
    names = {entry.key: entry.name for entry in entries()}
    for command in commands.table.values():
        keys = commands.keys(command.key)
        place = names[command.views[0]] if len(command.views) == 1 else menu_title(command.menu)
        lines = found.setdefault(place, [])
        if command.key == "stars1" and keys == ("1",):
            lines.append((tr("Stars; the same again clears"), "1 – 5"))
        elif command.key == "advance1" and keys == ("Shift+1",):
            lines.append((tr("Stars, then the next image"), f"{key_name(QKeySequence('Shift+1'))} – 5"))
        elif keys and not _in_a_row(commands, command.key):
            lines.append((command.text.removesuffix("…"), key_words(keys)))
    found[tr("Moving")] = [
        (tr("Move"), tr("arrows")),
        (tr("First or last image"), tr("Home or End")),
        (tr("A page up or down"), tr("PgUp or PgDn")),
        (tr("Between controls"), "Tab"),
    ]
    return {title: lines for title, lines in found.items() if lines}


def _in_a_row(commands: Commands, key: str) -> bool:
    """Whether a command is one of the five in a line "1 – 5"."""
    kind, number = key[:-1], key[-1]
    prefix = {"stars": "", "advance": "Shift+"}.get(kind)
    return prefix is not None and commands.keys(key) == (f"{prefix}{number}",)


class ShortcutSheet(QDialog):
    """A dialog with two columns of shortcuts."""

    def __init__(self, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("All shortcuts"))
        found = groups(commands)
        total, filled = sum(len(lines) + 2 for lines in found.values()), 0
        body = QWidget()
        columns = QHBoxLayout(body)
        columns.setContentsMargins(0, 0, 8, 0)
        columns.setSpacing(32)
        sides = [QVBoxLayout(), QVBoxLayout()]
        for side in sides:
            side.setSpacing(0)
        for title, lines in found.items():
            side = sides[0 if filled + len(lines) / 2 < total / 2 else 1]
            rows = Rows()
            for name, keys in lines:
                rows.set_line(name, name, keys, "", "quiet")
            side.addWidget(section(title))
            side.addSpacing(6)
            side.addWidget(rows)
            side.addSpacing(20)
            filled += len(lines) + 2
        for side in sides:
            side.addStretch(1)
            columns.addLayout(side, 1)
        scroll = downwards(body)
        scroll.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so that keys scroll it
        named(scroll, tr("All shortcuts"), "")
        end = button(tr("Close"), tr("Close this sheet (Esc)"))
        end.clicked.connect(self.accept)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(20, 18, 20, 18)
        outer.setSpacing(12)
        outer.addWidget(text_label(tr("All shortcuts"), "title"))
        outer.addWidget(scroll, 1)
        outer.addWidget(end, 0, Qt.AlignmentFlag.AlignRight)
        for key in commands.keys("keys"):  # the shortcut that opens it also closes it
            QShortcut(QKeySequence(key), self, self.accept)
        room = self.screen().availableSize()
        self.resize(min(760, room.width()), min(body.sizeHint().height() + _AROUND, room.height() * 9 // 10))
