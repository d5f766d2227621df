"""The sheet of all shortcuts, made from the menus."""

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QHBoxLayout, QMenu, QScrollArea, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.ui.parts import Rows, button, section, text_label


def key_words(keys: Iterable[QKeySequence]) -> str:
    """Write the shortcuts of one action as on this machine's keyboard."""
    return "  or  ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in keys)


class ShortcutSheet(QDialog):
    """Menus side by side, each a list of its keys."""

    def __init__(self, menus: Iterable[QMenu], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("All shortcuts"))
        columns = QHBoxLayout()
        columns.setSpacing(28)
        lists: list[tuple[str, Rows, int]] = []
        for menu in menus:
            rows = Rows()
            count = 0
            for action in menu.actions():
                if action.shortcuts():
                    rows.set_line(action.text(), action.text(), key_words(action.shortcuts()), "", "quiet")
                    count += 1
            lists.append((menu.title(), rows, count))
        moves = Rows()
        for name, keys in (
            (tr("Move"), tr("arrows")),
            (tr("First, last"), "Home, End"),
            (tr("A page up, down"), "PgUp, PgDn"),
            (tr("Between controls"), "Tab"),
        ):
            moves.set_line(name, name, keys, "", "quiet")
        lists.append((tr("Moving"), moves, 4))
        total, filled = sum(count + 2 for _, _, count in lists), 0
        column = QVBoxLayout()
        for title, rows, count in lists:
            if filled and filled + (count + 2) / 2 > total / 2 and columns.count() == 0:
                column.addStretch(1)
                columns.addLayout(column, 1)
                column = QVBoxLayout()
            column.addWidget(section(title))
            column.addWidget(rows)
            column.addSpacing(12)
            filled += count + 2
        column.addStretch(1)
        columns.addLayout(column, 1)
        body = QWidget()
        body.setLayout(columns)
        columns.setContentsMargins(0, 0, 8, 0)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        end = button(tr("Close"), tr("Close this sheet (Esc)"))
        end.clicked.connect(self.accept)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(20, 18, 20, 18)
        outer.setSpacing(12)
        outer.addWidget(text_label(tr("All shortcuts"), "title"))
        outer.addWidget(scroll, 1)
        outer.addWidget(end, 0, Qt.AlignmentFlag.AlignRight)
        self.resize(720, 620)
