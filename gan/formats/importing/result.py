"""The result of an import: the model, its description, and questions that the file does not answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gan.errors import UserError
from gan.model import Model


@dataclass(frozen=True)
class Option:
    """One answer to a question."""

    value: str  # what `choices` takes
    label: str  # shown to people
    evidence: str = ""  # for its rank, as a clause


@dataclass(frozen=True)
class Question:
    """A property that the file does not tell. The model is built with `choices[key]` if given, otherwise with `best`."""

    key: str
    text: str
    options: tuple[Option, ...]  # the most likely first
    best: str  # value of the first option

    def answer(self, choices: Mapping[str, str]) -> str:
        """The value that was chosen, otherwise `best`.

        Raises
        ------
        UserError
            The choice is not among the options.
        """
        value = choices.get(self.key, self.best)
        known = [option.value for option in self.options]
        if value not in known:
            raise UserError(f"{self.key} cannot be {value!r:.40}; it can be {', '.join(known)}")
        return value


@dataclass
class Imported:
    """An imported generator, ready to draw."""

    model: Model
    what: str  # one line: "DCGAN, 64 px, colour, 100 latents, 3.6 million weights"
    notes: list[str] = field(default_factory=list)  # sentences on what is missing, left out or special
    licence: str | None = None  # a warning about the licence of the weights, or the licence that the file states
    questions: list[Question] = field(default_factory=list)
    settled: list[Question] = field(
        default_factory=list
    )  # questions with a nearly certain or a safe answer; `choices` can overrule it
