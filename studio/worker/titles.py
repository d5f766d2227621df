"""What the window and the worker say to each other about titles of images; see `messages`."""

from __future__ import annotations

from dataclasses import dataclass

from studio.project.records import TitleRating


@dataclass(frozen=True, slots=True)
class SuggestTitles:
    """Suggest titles for an image, learning first from what was said of others. Answered by `TitlesSuggested`; the newest alone."""

    request: int
    image: int
    ratings: tuple[TitleRating, ...] = ()  # every one that stands: the worker keeps none
    avoid: tuple[str, ...] = ()  # titles that were seen
    language: str = "en"
    count: int = 5


@dataclass(frozen=True, slots=True)
class TitlesSuggested:
    """The answer to `SuggestTitles`."""

    request: int
    image: int
    titles: tuple[str, ...]  # as the language writes them; fewer, or none, where all were seen
    learnt_from: int  # ratings; 0: they say nothing yet


Command = SuggestTitles
Event = TitlesSuggested
