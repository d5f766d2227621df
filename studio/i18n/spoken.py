"""Sentences that come from elsewhere: what the library, the store and the worker say, with values in them.

`sentences.txt` lists them; `translated` finds the one that a text was made from, and puts the same values into its translation.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_LIST = Path(__file__).with_name("sentences.txt")
_FIELD = re.compile(r"\{(\w+)\}")
_NUMBER = r"[-+−]?\d[\d.,e+-]*%?|inf|nan"
_SHAPES = {"n": _NUMBER, "kind": r"\S+"}  # what a field can be; any other can be anything
_WORDS = ("what", "why")  # fields that are sentences themselves; all others are somebody's names and numbers


def translated(text: str, catalogue: dict[str, str]) -> str | None:
    """Return `text` in the catalogue's language, or None where no sentence fits."""
    for sentence, words in _by_words():
        if not catalogue.get(sentence) or not all(word in text for word in words):
            continue
        match = _pattern(sentence).fullmatch(text)
        if match:
            values = {
                name: (translated(value, catalogue) or value) if name in _WORDS else value
                for name, value in match.groupdict().items()
            }
            return catalogue[sentence].format(**values)
    return None


def sentences() -> tuple[str, ...]:
    """Return every sentence of the list, as it is written there: {fields} where values stand."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("# "))


@cache
def _by_words() -> tuple[tuple[str, list[str]], ...]:
    """Sentences with the words between their fields.

    Where several fit a text, the one that knows more of its words comes first, then the one around another.
    """

    def place(sentence: str) -> tuple[int, bool]:
        return -len(_FIELD.sub("", sentence)), not any(f"{{{word}}}" in sentence for word in _WORDS)

    return tuple((sentence, _FIELD.split(sentence)[::2]) for sentence in sorted(sentences(), key=place))


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    """What a text made from a sentence looks like. Made when the words are there: all at once, the window would stutter."""
    parts = _FIELD.split(sentence)
    shaped = (
        f"(?P<{part}>{_SHAPES.get(part, '.+?')})" if place % 2 else re.escape(part)
        for place, part in enumerate(parts)
    )
    return re.compile("".join(shaped), re.DOTALL)
