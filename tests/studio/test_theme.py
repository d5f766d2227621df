"""Tokens, the stylesheet, the palettes and the icons."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFontInfo, QGuiApplication, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QHBoxLayout, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from studio.i18n import tr, whole
from studio.theme import icons
from studio.theme.stylesheet import stylesheet
from studio.theme.theme import Theme, current, palette
from studio.theme.tokens import DARK, LIGHT, Tokens, contrast
from studio.ui.top_bar import PRIMARY_KEY

BOTH = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
ICONS = Path(icons.__file__).with_name("icons")


@BOTH
def test_text_can_be_read(tokens: Tokens) -> None:
    for behind in (tokens.ground, tokens.panel, tokens.control):
        assert contrast(tokens.text, behind) >= 7
    for behind in (tokens.ground, tokens.panel, tokens.control):
        assert contrast(tokens.quiet, behind) >= 4.5
    for behind in (tokens.ground, tokens.panel):
        for words in (tokens.good, tokens.bad):
            assert contrast(words, behind) >= 4.5
    for behind in (tokens.accent, tokens.accent_hover):
        assert contrast(tokens.accent_text, behind) >= 4.5
        assert contrast(PRIMARY_KEY, behind) >= 4.5
    for behind in (tokens.control_hover, tokens.control_down, tokens.chosen):
        assert contrast(tokens.text, behind) >= 4.5


@BOTH
def test_focus_is_seen(tokens: Tokens) -> None:
    for behind in (tokens.ground, tokens.panel, tokens.control):
        assert contrast(tokens.focus, behind) >= 3


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_the_primary_button_shows_that_it_has_the_keyboard(qtbot: QtBot, theme: Theme, mode: str) -> None:
    theme.set_mode(mode)
    ground = QWidget()
    ground.setObjectName("ground")
    buttons = [QPushButton("Teach", ground), QPushButton("Teach", ground)]
    row = QHBoxLayout(ground)
    for button in buttons:
        button.setProperty("role", "primary")
        row.addWidget(button)
    qtbot.addWidget(ground)
    with qtbot.waitActive(ground):
        ground.show()
        ground.activateWindow()
    buttons[0].setFocus()
    image = ground.grab().toImage()
    behind, *edges = (
        image.pixelColor(place).name()
        for place in (QPoint(2, 2), *(button.geometry().center() - QPoint(0, button.height() // 2 - 1) for button in buttons))
    )
    assert contrast(edges[0], behind) >= 7 and edges[0] != edges[1]
    assert buttons[0].sizeHint() == buttons[1].sizeHint()


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_a_chip_looks_as_what_it_does(qtbot: QtBot, theme: Theme, mode: str) -> None:
    theme.set_mode(mode)
    ground = QWidget()
    ground.setObjectName("ground")
    row = QHBoxLayout(ground)
    chips = {name: QPushButton("Name", ground) for name in ("acts", "cannot act", "off", "on")}
    for name, chip in chips.items():
        chip.setProperty("role", "chip")
        chip.setCheckable(name in ("off", "on"))
        chip.setChecked(name == "on")
        chip.setEnabled(name != "cannot act")
        row.addWidget(chip)
    qtbot.addWidget(ground)
    ground.show()
    inside, words = {}, {}
    for name, chip in chips.items():
        image = ground.grab(chip.geometry()).toImage()
        inside[name] = image.pixelColor(6, image.height() // 2).name()
        drawn = {image.pixelColor(x, y).name() for x in range(12, image.width() - 12) for y in range(6, image.height() - 6)}
        words[name] = max(contrast(colour, inside[name]) for colour in drawn)
    assert min(words["acts"], words["off"], words["on"]) > words["cannot act"] + 2
    assert inside["on"] == theme.tokens.chosen != inside["off"]


def test_the_keyboard_s_ring_is_the_only_sign_of_focus(qtbot: QtBot, theme: Theme) -> None:
    ground = QWidget()
    row = QHBoxLayout(ground)
    boxes = [QCheckBox("Hints", ground), QCheckBox("Hints", ground)]
    for box in boxes:
        row.addWidget(box)
    qtbot.addWidget(ground)
    with qtbot.waitActive(ground):
        ground.show()
        ground.activateWindow()
    QTest.keyClick(ground, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() in boxes
    grabbed = [box.grab().toImage() for box in boxes]
    words = QRect(20, 0, grabbed[0].width() - 20, grabbed[0].height())  # right of the square
    assert grabbed[0].copy(words) == grabbed[1].copy(words)
    assert grabbed[0] != grabbed[1]


@BOTH
def test_curves_stand_out(tokens: Tokens) -> None:
    for curve in (tokens.taste, tokens.realism, tokens.variety, tokens.distance):
        assert contrast(curve, tokens.panel) >= 3


def test_contrast_is_the_standard_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1.0


@BOTH
def test_the_stylesheet_is_complete_and_uses_tokens_only(tokens: Tokens) -> None:
    sheet = stylesheet(tokens, "/tick.svg")
    assert "$" not in sheet
    assert sheet.count("{") == sheet.count("}")
    known = {getattr(tokens, field.name) for field in fields(tokens)}
    assert set(re.findall(r"#[0-9a-f]{6}\b", sheet)) <= known


def test_dark_light_and_the_systems(theme: Theme, qapp: QApplication) -> None:
    told: list[str] = []
    theme.changed.connect(lambda: told.append(theme.tokens.ground))
    theme.set_mode("light")
    theme.set_mode("dark")
    assert told == [LIGHT.ground, DARK.ground]
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK.ground
    assert DARK.accent in qapp.styleSheet()
    theme.set_mode("system")
    QGuiApplication.styleHints().colorSchemeChanged.emit(QGuiApplication.styleHints().colorScheme())
    assert theme.tokens in (DARK, LIGHT)
    with pytest.raises(ValueError, match="sepia"):
        theme.set_mode("sepia")
    assert current() is theme


@BOTH
def test_the_palette_reaches_what_the_stylesheet_does_not(tokens: Tokens) -> None:
    made = palette(tokens)
    assert made.color(QPalette.ColorRole.Highlight).name() == tokens.accent
    assert made.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text).name() == tokens.quiet


@pytest.mark.parametrize("name", sorted(path.stem for path in ICONS.glob("*.svg")))
def test_icons_are_drawn_sharp_at_every_scale(qapp: QApplication, name: str) -> None:
    made = icons.icon(name, "#9a9aa2", 20)
    assert {size.width() for size in made.availableSizes()} >= {20}
    for ratio in (1, 2, 3):
        image = made.pixmap(QSize(20, 20), ratio).toImage()
        assert image.width() == 20 * ratio
        solid = sum(
            image.pixelColor(x, y).alpha() > 200 for x in range(image.width()) for y in range(image.height())
        )
        assert solid > 4 * ratio * ratio


def test_the_body_text_is_13_pixels_with_digits_of_one_width(theme: Theme, qapp: QApplication) -> None:
    assert QFontInfo(qapp.font()).pixelSize() == 13
    assert qapp.font().featureTags()


def test_text_and_numbers() -> None:
    assert tr("Round {n}", n=3) == "Round 3"
    assert tr("{half") == "{half"  # nothing to fill in, nothing to trip over
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
    assert whole(18204) == "18,204"
    QLocale.setDefault(QLocale.c())


def test_a_mode_that_changes_no_colour_styles_nothing_anew(theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    """Qt takes a tenth of a second for it, with every window that opens."""
    styled: list[str] = []
    monkeypatch.setattr(QApplication, "setStyleSheet", lambda app, sheet: styled.append(sheet))
    theme.set_mode("dark")
    assert not styled
    theme.set_mode("light")
    theme.set_mode("dark")
    assert len(styled) == 2
