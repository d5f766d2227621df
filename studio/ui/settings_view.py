"""The Settings view: one row for each setting of `studio.model.settings`, and a page of keys."""

from __future__ import annotations

from typing import Any, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr
from studio.model import preferences, settings
from studio.model.actions import Actions
from studio.model.property import bind
from studio.model.settings import Setting
from studio.theme.tokens import HEADER
from studio.ui.columns import WIDTH, scrolled
from studio.ui.parts import Card, hold_still, named, quiet_note, section, text_label
from studio.ui.settings_keys import KeysPage
from studio.ui.shell import Shell

_CONTROL = 220


class SettingRow(QWidget):
    """A setting: its name and description at the left, its control at the right."""

    def __init__(self, setting: Setting, actions: Actions) -> None:
        super().__init__()
        self.setting, self._actions = setting, actions
        self._number = text_label("", "quiet")
        self.control = self._make()
        named(self.control, setting.name, setting.tip)
        hold_still(self.control)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(text_label(setting.name))
        words.addWidget(quiet_note(setting.tip))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 6, 0, 6)
        row.setSpacing(24)
        row.addLayout(words, 1)
        row.addWidget(self._number)
        row.addWidget(self.control, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if setting.project:
            bind(actions.state, setting.key, self.show_value)
        else:
            self.show_value(settings.value(setting.key))

    def _make(self) -> QCheckBox | QComboBox | QSlider:
        setting = self.setting
        if setting.choices:
            box = QComboBox()
            for value, words in setting.choices:
                box.addItem(words, value)
            box.setFixedWidth(_CONTROL)
            box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            box.activated.connect(lambda place: self.choose(box.itemData(place)))
            return box
        if setting.most:
            slider = QSlider(Qt.Orientation.Horizontal)
            slider.setRange(setting.least // setting.step, setting.most // setting.step)
            slider.setFixedWidth(_CONTROL - 60)
            slider.valueChanged.connect(lambda steps: self.choose(steps * setting.step))
            return slider
        switch = QCheckBox()
        switch.setProperty("role", "bare")  # without text, which is at the left
        switch.clicked.connect(self.choose)
        return switch

    def choose(self, value: Any) -> None:
        """Save the value that the person chose."""
        if self.setting.project:
            self._actions.set_option(self.setting.key, value)
        elif value != settings.value(self.setting.key):
            preferences.keep(**{self.setting.key: value})
        self._say(value)

    def show_value(self, value: Any) -> None:
        """Show the current value, without changing the setting."""
        control = self.control
        control.blockSignals(True)
        if isinstance(control, QComboBox):
            control.setCurrentIndex(max(0, control.findData(value)))
        elif isinstance(control, QSlider):
            control.setValue(int(value) // self.setting.step)
        else:
            control.setChecked(bool(value))
        control.blockSignals(False)
        self._say(value)

    def _say(self, value: Any) -> None:
        if self.setting.most:
            self._number.setText(f"{value} {self.setting.unit}")
            self.control.setAccessibleDescription(self._number.text())


class SettingsView(QWidget):
    """Two pages: the settings, and the keys (made on first use)."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.rows: dict[str, SettingRow] = {}
        self.pages = QStackedWidget()
        self.pages.addWidget(self._general())
        self.keys: KeysPage | None = None
        chips, self._chips = QHBoxLayout(), QButtonGroup(self)
        chips.setSpacing(8)
        chips.addStrut(HEADER)
        chips.addWidget(text_label(tr("Settings"), "title"))
        chips.addSpacing(12)
        for number, (name, tip) in enumerate(
            ((tr("General"), tr("Look, rating, learning, this machine")), (tr("Keys"), tr("Change any key")))
        ):
            chip = QPushButton(name)
            chip.setProperty("role", "chip")
            chip.setCheckable(True)
            chip.setChecked(number == 0)
            named(chip, name, tip)
            self._chips.addButton(chip, number)
            chips.addWidget(chip)
        chips.addStretch(1)
        self._chips.idClicked.connect(self.show_page)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(chips)
        column.addWidget(self.pages, 1)
        preferences.watcher().changed.connect(self._follow)

    def focus_target(self) -> QWidget:
        return self.rows["theme"].control

    def history(self) -> QUndoStack | None:
        """Return the undo stack of the page of keys while that is shown, otherwise None."""
        return self.keys.history if self.keys and self.pages.currentWidget() is self.keys else None

    def show_page(self, number: int) -> None:
        """Show the settings (0) or the keys (1)."""
        commands = cast(Shell, self.window()).commands
        if number == 1 and self.keys is None:
            self.keys = KeysPage(commands)
            self.pages.addWidget(self.keys)
        self.pages.setCurrentIndex(number)
        commands.refresh()  # updates undo and redo
        button = self._chips.button(number)
        button.setChecked(True)

    def _general(self) -> QWidget:
        body = QWidget()
        body.setMaximumWidth(WIDTH)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        cards: dict[str, QVBoxLayout] = {}
        for setting in settings.settings():
            if setting.section not in cards:
                card = Card()
                inner = cards[setting.section] = QVBoxLayout(card)
                inner.setContentsMargins(16, 8, 16, 8)
                inner.setSpacing(0)
                column.addSpacing(8)
                column.addWidget(section(setting.section))
                column.addWidget(card)
            row = self.rows[setting.key] = SettingRow(setting, self._actions)
            cards[setting.section].addWidget(row)
        column.addStretch(1)
        return scrolled(body)

    def _follow(self, name: str, _: object) -> None:
        row = self.rows.get(name)
        if row is not None and not row.setting.project:
            row.show_value(settings.value(name))
