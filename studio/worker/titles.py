"""Messages about titles of images; see `messages`."""

from __future__ import annotations

from dataclasses import dataclass

from studio.project.records import TitleRating


@dataclass(frozen=True, slots=True)
class SuggestTitles:
    """Suggest titles for an image, after learning from earlier ratings. Answered by `TitlesSuggested`; only the latest one."""

    request: int
    image: int
    ratings: tuple[TitleRating, ...] = ()  # all current ones: the worker stores none
    avoid: tuple[str, ...] = ()  # titles shown already
    language: str = "en"
    count: int = 5


@dataclass(frozen=True, slots=True)
class TitlesSuggested:
    """The answer to `SuggestTitles`."""

    request: int
    image: int
    titles: tuple[str, ...]  # as written in that language; fewer, or none, if all were shown
    learnt_from: int  # number of ratings; 0: they hold no evidence yet


Command = SuggestTitles
Event = TitlesSuggested
