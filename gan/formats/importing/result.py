"""What an import says: the model, what it is, and what could not be read off the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gan.errors import UserError
from gan.model import Model


@dataclass(frozen=True)
class Option:
    """One answer to a question."""

    value: str  # what `choices` takes
    label: str  # for people
    evidence: str = ""  # why it is ranked where it is, in one clause


@dataclass(frozen=True)
class Question:
    """Something that a file does not say. The model is built with `choices[key]` where given, else with `best`."""

    key: str
    text: str
    options: tuple[Option, ...]  # the likeliest first
    best: str  # value of the first option

    def answer(self, choices: Mapping[str, str]) -> str:
        """What was chosen, else the best.

        Raises
        ------
        UserError
            The choice is none of the options.
        """
        value = choices.get(self.key, self.best)
        known = [option.value for option in self.options]
        if value not in known:
            raise UserError(f"{self.key} cannot be {value!r:.40}; it can be {', '.join(known)}")
        return value


@dataclass
class Imported:
    """A foreign generator, ready to draw."""

    model: Model
    what: str  # one line: "DCGAN, 64 px, colour, 100 latents, 3.6 million weights"
    notes: list[str] = field(default_factory=list)  # what is missing or was left out, a sentence each
    licence: str | None = None  # a warning where the weights' licence is known to travel with them
    questions: list[Question] = field(default_factory=list)
    settled: list[Question] = field(
        default_factory=list
    )  # the file all but answers these; `choices` can overrule it
