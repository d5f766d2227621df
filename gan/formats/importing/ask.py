"""Turns ranked answers into questions; a question stays open unless one answer is nearly certain."""

import math
from collections.abc import Iterable, Mapping

from gan.formats.importing.result import Option, Question

_CERTAIN = 0.75  # probability from which an answer is taken without asking
_HOPELESS = 0.004  # less probable answers are not offered
_MOST_OPTIONS = 6


def rank(
    key: str, text: str, weighed: Iterable[tuple[str, str, float, str]], choices: Mapping[str, str]
) -> tuple[Question | None, str, bool]:
    """Make a question from weighted answers.

    Parameters
    ----------
    weighed : one or more (value, label, log-probability up to a constant, evidence).
    choices : answers already given, {question's key: option's value}; the chosen one is offered however improbable it is.

    Returns
    -------
    The question (None if only one answer is plausible and `choices` has none for it), the answer taken, and whether the question is open.
    """
    options = sorted(weighed, key=lambda option: -option[2])
    top = options[0][2]
    total = sum(math.exp(option[2] - top) for option in options)
    chances = [math.exp(option[2] - top) / total for option in options]
    kept = [
        (option, chance)
        for option, chance in zip(options[:_MOST_OPTIONS], chances, strict=False)
        if chance >= _HOPELESS or option[0] == choices.get(key)
    ]
    if len(kept) < 2 and key not in choices:  # an answer to a question that would not be asked is accepted all the same
        return None, options[0][0], False
    question = Question(
        key, text, tuple(Option(value, label, says) for (value, label, _, says), _ in kept), options[0][0]
    )
    return question, question.answer(choices), chances[0] < _CERTAIN


def label_question(classes: int) -> Question:
    """The question which of `classes` classes to draw."""
    every = Option("latent", "every class", "the latent chooses, so that tuning can learn which are liked")
    single = (Option(str(number), f"only class {number}") for number in range(classes))
    return Question("label", "Which class of images?", (every, *single), "latent")
