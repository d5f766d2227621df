"""Translation: the one function that every visible text goes through.

A language is one JSON file beside this one, English text -> translation. `packaging/translations.py` lists what is missing and what
is stale in it, and a test fails on either.
"""

import json
from functools import cache
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDateTime, QLibraryInfo, QLocale, QTranslator

from studio.i18n import spoken

LANGUAGES = ("en", "zh_CN")
_FOLDER = Path(__file__).parent
_catalogue: dict[str, str] = {}
_language = "en"
_qt: list[QTranslator] = []  # of Qt's own dialogs


def tr(text: str, **values: object) -> str:
    """Return `text` in the person's language, with `{name}` fields filled from `values`.

    A sentence of the store or the worker, made elsewhere with its values in it, is found in `studio.i18n.spoken`.
    """
    if not _catalogue:
        return text.format(**values) if values else text
    found = _catalogue.get(text) or (None if values else spoken.translated(text, _catalogue)) or text
    return found.format(**values) if values else found


def meant(language: str) -> str:
    """Return which of `LANGUAGES` a choice means here: "system" is what the system says, and what we lack is English."""
    if language == "system":
        language = "zh_CN" if QLocale.system().language() == QLocale.Language.Chinese else "en"
    return language if language in LANGUAGES else "en"


def load(language: str = "system") -> str:
    """Use a language from now on ("system" is what the system says, where we have it); returns its name.

    What is on screen already stays as it is.
    """
    global _catalogue, _language  # one language for the whole process, like Qt's own
    language = meant(language)
    _language, _catalogue = language, {} if language == "en" else catalogue(language)
    QLocale.setDefault(QLocale(language))  # not the system's: a date or a number stands among this language's words
    while _qt:
        QCoreApplication.removeTranslator(_qt.pop())
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if language != "en" and QCoreApplication.instance():
        translator = QTranslator()
        if translator.load(f"qtbase_{language}", folder):
            _qt.append(translator)
        _qt.append(_QtLacks())
        for one in _qt:
            QCoreApplication.installTranslator(one)
    return language


class _QtLacks(QTranslator):
    """What Qt's own catalogues leave in English."""

    def __init__(self) -> None:
        super().__init__()
        self._texts = {
            ("QFileDialog", "&Look in:"): tr("&Look in:"),
            ("QFileDialog", "Files of &type:"): tr("Files of &type:"),
            ("QAbstractFileIconProvider", "Folder"): tr("Folder"),
        }

    def isEmpty(self) -> bool:
        return False  # Qt installs no translator that says it is

    def translate(  # type: ignore[override]
        self, context: str, source: str, disambiguation: str | None = None, n: int = -1
    ) -> str | None:
        """Return None for what the other translators are to be asked for."""
        return self._texts.get((context, source))


def language() -> str:
    """Return which of `LANGUAGES` is in use."""
    return _language


@cache
def catalogue(language: str) -> dict[str, str]:
    """Read a language's file: English -> translation."""
    found: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


def whole(number: int) -> str:
    """Write a whole number in groups, as the language does."""
    return QLocale(_language).toString(number)


def moment(seconds: float) -> str:
    """Write a day and a time, given in Unix seconds, as the language does, in the time of this place."""
    return QLocale(_language).toString(QDateTime.fromSecsSinceEpoch(int(seconds)), tr("d MMM yyyy HH:mm"))


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign and a true minus."""
    text = f"{value:+.{digits}f}"
    if float(text) == 0:
        text = text.replace("-", "+")
    return text.replace("-", "−")
