"""Translation: the one function that every visible text goes through."""

from PySide6.QtCore import QCoreApplication, QLocale

CONTEXT = "studio"


def tr(text: str, **values: object) -> str:
    """Return `text` in the person's language, with `{name}` fields filled from `values`."""
    translated = QCoreApplication.translate(CONTEXT, text)
    return translated.format(**values) if values else translated


def whole(number: int) -> str:
    """Write a whole number with the groups of the person's locale."""
    return QLocale().toString(number)


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign and a true minus."""
    text = f"{value:+.{digits}f}"
    if float(text) == 0:
        text = text.replace("-", "+")
    return text.replace("-", "−")
