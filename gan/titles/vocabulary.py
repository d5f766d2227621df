"""The words of titles: adjectives and nouns in two languages, each with its leaning towards image measures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import torch
from torch import Tensor

from gan.errors import UserError
from gan.taste.words import MEASURES

LANGUAGES = ("en", "zh_CN")
THEMES = ("scenes", "characters", "")  # of nouns: kinds of procedural data, or "" for any picture
_JOINTS = {"en": " ", "zh_CN": ""}


@dataclass(frozen=True)
class Word:
    """One word.

    `leans` says which pictures the word fits: one number for each of `gan.taste.words.MEASURES`, positive if it fits pictures with more of
    it; a vector of length 1, or 0 for a word that fits any picture.
    """

    en: str
    zh_CN: str
    leans: tuple[float, ...]
    theme: str = ""

    def written(self, language: str) -> str:
        """The word in a language ("zh_CN", anything else is English)."""
        return self.zh_CN if language == "zh_CN" else self.en.title()


@dataclass(frozen=True)
class Title:
    """An adjective and a noun, by their indices in the vocabulary."""

    adjective: int
    noun: int


class Vocabulary:
    """All words; converts titles to text and back.

    Parameters
    ----------
    adjectives, nouns : no two adjectives, and no two nouns, may be alike in either language.
    """

    def __init__(self, adjectives: tuple[Word, ...], nouns: tuple[Word, ...]) -> None:
        self.adjectives, self.nouns = adjectives, nouns
        self.adjective_leans = torch.tensor([word.leans for word in adjectives])  # (A, measures)
        self.noun_leans = torch.tensor([word.leans for word in nouns])  # (N, measures)

    @cached_property
    def _places(self) -> dict[str, Title]:
        return {
            self.write(title, language).casefold(): title
            for language in LANGUAGES
            for title in (Title(a, n) for a in range(len(self.adjectives)) for n in range(len(self.nouns)))
        }

    def write(self, title: Title, language: str = "en") -> str:
        """A title as text, such as "Misty Valley".

        Raises
        ------
        UserError
            There are no words in that language.
        """
        if language not in LANGUAGES:
            raise UserError(f"there are no titles in {language!r}: use one of {', '.join(LANGUAGES)}")
        words = (self.adjectives[title.adjective], self.nouns[title.noun])
        return _JOINTS[language].join(word.written(language) for word in words)

    def read(self, text: str) -> Title | None:
        """The title that a text stands for, in either language and any case; None if its words are not in the vocabulary."""
        return self._places.get(" ".join(text.split()).casefold())

    def noun_themes(self) -> Tensor:
        """Theme of each noun: (N, len(THEMES)) of 0 and 1."""
        return torch.tensor([[float(word.theme == theme) for theme in THEMES] for word in self.nouns])

    def alliterates(self) -> Tensor:
        """Whether each adjective and noun start with the same English letter: (A, N) of 0 and 1."""
        first, second = ([ord(word.en[0]) for word in words] for words in (self.adjectives, self.nouns))
        return (torch.tensor(first)[:, None] == torch.tensor(second)[None, :]).float()


@cache
def vocabulary() -> Vocabulary:
    """The bundled vocabulary."""
    found = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
    return Vocabulary(*(tuple(map(_word, found[kind])) for kind in ("adjectives", "nouns")))


def _word(entry: dict[str, object]) -> Word:
    said = entry["leans"]
    assert isinstance(said, dict) and said.keys() <= MEASURES.keys(), entry
    leans = torch.tensor([float(said.get(measure, 0.0)) for measure in MEASURES])
    leans = leans / leans.norm().clamp_min(1.0)
    return Word(str(entry["en"]), str(entry["zh_CN"]), tuple(leans.tolist()), str(entry.get("theme", "")))
