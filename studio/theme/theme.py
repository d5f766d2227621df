"""Dark or light: follow the system or the person, and tell whoever paints."""

from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from studio.theme.stylesheet import stylesheet
from studio.theme.tokens import BODY, DARK, LIGHT, Tokens

_ICONS = Path(__file__).with_name("icons")
_FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "Cantarell", "DejaVu Sans")


class Theme(QObject):
    """The scheme in use. `mode` is "system", "dark" or "light"; `changed` follows each change of colours."""

    changed = Signal()

    def __init__(self, app: QApplication, mode: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._mode = mode
        self.tokens: Tokens = DARK
        self._applied = False
        app.setStyle("Fusion")
        app.setFont(body_font())
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Use "dark", "light", or what the "system" says."""
        if mode not in ("system", "dark", "light"):
            raise ValueError(f"a theme is system, dark or light, not {mode!r}")
        self._mode = mode
        self._apply()

    @property
    def dark(self) -> bool:
        """Whether the scheme in use is the dark one (also when the system does not say)."""
        if self._mode == "system":
            return QGuiApplication.styleHints().colorScheme() != Qt.ColorScheme.Light
        return self._mode == "dark"

    def _apply(self) -> None:
        tokens = DARK if self.dark else LIGHT
        if self._applied and tokens is self.tokens:
            return  # Qt would style every widget anew, for a tenth of a second
        self.tokens, self._applied = tokens, True
        self._app.setPalette(palette(self.tokens))
        arrow = _ICONS / f"arrow-{'dark' if self.dark else 'light'}.svg"
        self._app.setStyleSheet(stylesheet(self.tokens, (_ICONS / "tick.svg").as_posix(), arrow.as_posix()))
        self.changed.emit()


def current() -> Theme:
    """Return the application's theme, made on first use."""
    app = cast(QApplication, QApplication.instance())
    found = app.findChild(Theme)
    return found if found is not None else Theme(app)


def body_font() -> QFont:
    """Return the system's sans at 13 px, or the first good one here, with digits of one width."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if QFontInfo(font).family() in ("", "Sans", "Sans Serif", "DejaVu Sans", "Bitstream Vera Sans"):
        installed = set(QFontDatabase.families())
        named = [family for family in _FAMILIES if family in installed]
        if named:
            font = QFont(named[0])
    font.setPixelSize(BODY)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def palette(tokens: Tokens) -> QPalette:
    """Map tokens onto Qt's roles, for what the stylesheet does not reach."""
    role = QPalette.ColorRole
    made = QPalette()
    colours = {
        role.Window: tokens.ground,
        role.WindowText: tokens.text,
        role.Base: tokens.panel,
        role.AlternateBase: tokens.ground,
        role.Text: tokens.text,
        role.Button: tokens.control,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.text,
        role.ToolTipBase: tokens.panel,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.quiet,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.accent_text,
        role.Link: tokens.realism,
        role.Light: tokens.control_hover,
        role.Midlight: tokens.control,
        role.Mid: tokens.line,
        role.Dark: tokens.line,
        role.Shadow: "#000000",
    }
    for which, colour in colours.items():
        made.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(tokens.quiet))
    return made
