"""The one stylesheet of the studio, written from tokens."""

from string import Template

from studio.theme import tokens as t
from studio.theme.tokens import Tokens

_SHEET = Template("""
* { font-size: ${body}px; }
QMainWindow, QDialog, #ground { background: $ground; }
QWidget { color: $text; }
QLabel { background: transparent; }
#topbar { background: $panel; border-bottom: 1px solid $line; }
#rail { background: $panel; border-right: 1px solid $line; }
#sidepanel { background: $panel; border-left: 1px solid $line; }
#statusbar { background: $panel; border-top: 1px solid $line; }
#hints { background: $control; border-top: 1px solid $line; }
#toast { background: $panel; border: 1px solid $quiet; border-radius: ${card_r}px; }
#toast[bad="true"] { border-color: $bad; }
#statusbar QLabel { font-size: ${small}px; }
#qt_msgbox_label { padding: 8px 0; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }

QLabel[role="title"] { font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="quiet"] { color: $quiet; }
QLabel[role="small"] { color: $quiet; font-size: ${small}px; }
QLabel[role="good"] { color: $good; }
QLabel[role="bad"] { color: $bad; }
QLabel[role="section"] { color: $quiet; font-size: ${tiny}px; font-weight: 600; }
QLabel[role="chip"] { color: $quiet; border: 1px solid $line; border-radius: 12px; padding: 0 11px; }
QLabel[role="hint"] { color: $quiet; font-size: 15px; }

QPushButton, QCheckBox { outline: none; }
QPushButton, QToolButton[role="button"] {
  background: $control; color: $text; border: 1px solid transparent; border-radius: ${control_r}px;
  padding: 0 14px; min-height: 30px; }
QPushButton:hover { background: $control_hover; }
QPushButton:pressed { background: $control_down; }
QPushButton:focus { border-color: $focus; }
QPushButton:disabled { color: $quiet; }
QPushButton[role="primary"] { background: $accent; color: $accent_text; font-weight: 600; }
QPushButton[role="primary"]:hover { background: $accent_hover; }
QPushButton[role="primary"]:focus { border: 2px solid $text; padding: 0 13px; min-height: 28px; }
QPushButton[role="primary"]:disabled { background: $control; color: $quiet; }
QPushButton[role="quiet"] { background: transparent; color: $text; min-height: 24px; padding: 0 8px; }
QPushButton[role="quiet"]:hover { background: $control_hover; }
QPushButton[role="quiet"]:focus { border-color: $focus; }
QPushButton[role="slim"] { min-height: 20px; padding: 0 8px; }
QPushButton[role="title-choice"] { background: transparent; text-align: left; padding: 0 10px; }
QPushButton[role="title-choice"]:hover { background: $control; }
QPushButton[role="title-choice"]:focus { border-color: $focus; }
QPushButton[role="chip"] {
  background: transparent; color: $text; border: 1px solid $line; border-radius: 13px; min-height: 24px; padding: 0 11px; }
QPushButton[role="chip"]:checked { background: $chosen; }
QPushButton[role="chip"]:hover { background: $control; }
QPushButton[role="chip"]:checked:hover { background: $control_hover; }
QPushButton[role="chip"]:disabled { color: $quiet; background: transparent; }
QPushButton[role="chip"]:focus { border-color: $focus; }
QToolButton[role="flat"] { background: transparent; border: 1px solid transparent; border-radius: ${control_r}px; }
QToolButton[role="flat"]:hover { background: $control; }
QToolButton[role="flat"]:focus { border-color: $focus; }
QToolButton[role="flat"]::menu-indicator { image: none; }

QFrame[role="card"] { background: $panel; border: 1px solid $line; border-radius: ${card_r}px; }
QFrame[role="card"][current="true"] { border-color: $accent; }

QSlider:horizontal { min-height: 20px; background: transparent; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $groove; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $quiet; }
QSlider[role="two-way"]::sub-page:horizontal { background: $groove; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; background: $knob; }
QSlider::handle:horizontal:focus { border: 2px solid $focus; width: 12px; height: 12px; margin: -6px 0; border-radius: 8px; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: $line; }

QProgressBar { background: $groove; border: none; border-radius: 2px; min-height: 4px; max-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QLineEdit { background: $control; border: 1px solid $line; border-radius: ${control_r}px; min-height: 30px; padding: 0 8px;
  selection-background-color: $accent; selection-color: $accent_text; }
QPlainTextEdit { background: $control; border: 1px solid $line; border-radius: ${control_r}px; padding: 2px 4px;
  selection-background-color: $accent; selection-color: $accent_text; }
QLineEdit:focus, QPlainTextEdit:focus { border-color: $focus; }
QComboBox { background: $control; border: 1px solid $line; border-radius: ${control_r}px; min-height: 28px; padding: 0 10px; }
QComboBox:hover { background: $control_hover; }
QComboBox:focus { border-color: $focus; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url("$arrow"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $panel; color: $text; border: 1px solid $line; padding: 4px; outline: none;
  selection-background-color: $control_hover; selection-color: $text; }
QCheckBox { background: transparent; spacing: 8px; }
QCheckBox[role="bare"] { spacing: 0; }
QCheckBox::indicator { width: 16px; height: 16px; border-radius: 4px; border: 1px solid $quiet; background: $control; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url("$tick"); }
QCheckBox::indicator:focus { border: 2px solid $focus; width: 14px; height: 14px; }
QCheckBox::indicator:checked:focus { border-color: $text; }

QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }

QMenuBar { background: $panel; }
QMenuBar::item { background: transparent; padding: 4px 8px; }
QMenuBar::item:selected { background: $control; border-radius: 4px; }
QMenu { background: $panel; border: 1px solid $line; border-radius: ${card_r}px; padding: 4px; }
QMenu::item { padding: 5px 28px 5px 24px; border-radius: 4px; }
QMenu[role="pictures"] { icon-size: 40px; }
QMenu[role="pictures"]::item { padding: 3px 28px 3px 8px; }
QMenu::item:selected { background: $control_hover; }
QMenu::item:disabled { color: $quiet; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QToolTip { background: $panel; color: $text; border: 1px solid $line; padding: 4px 6px; font-size: ${small}px; }

QScrollBar:vertical { width: 10px; background: transparent; margin: 0; }
QScrollBar::handle:vertical { background: $groove; border-radius: 3px; min-height: 24px; margin: 2px; }
QScrollBar:horizontal { height: 10px; background: transparent; margin: 0; }
QScrollBar::handle:horizontal { background: $groove; border-radius: 3px; min-width: 24px; margin: 2px; }
QScrollBar::handle:hover { background: $quiet; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QListView { background: transparent; border: none; outline: none; }
.QListView { background: $panel; color: $text; border: 1px solid $line;
  selection-background-color: $control_hover; selection-color: $text; }
.QListView::item { padding: 4px 8px; }
QListView[role="choices"] { background: transparent; border: none; }
QListView[role="choices"]::item { padding: 0 10px; min-height: 30px; border: 1px solid transparent;
  border-radius: ${control_r}px; color: $text; }
QListView[role="choices"]::item:hover { background: $control; }
QListView[role="choices"]::item:disabled { background: transparent; color: $quiet; }
QListView[role="choices"]::item:selected { background: $chosen; }
QListView[role="choices"]::item:focus { border: 1px solid $accent; }
""")


def stylesheet(tokens: Tokens, tick: str = "", arrow: str = "") -> str:
    """Write the stylesheet of one colour scheme; `tick` and `arrow` are paths of images."""
    sizes = {
        "body": t.BODY,
        "small": t.SMALL,
        "tiny": t.TINY,
        "control_r": t.CORNER_CONTROL,
        "card_r": t.CORNER_CARD,
        "tick": tick,
        "arrow": arrow,
    }
    return _SHEET.substitute(vars(tokens), **sizes)
