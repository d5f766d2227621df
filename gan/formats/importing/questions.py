"""The questions of an import as they arise, and those that every chain of layers and every residual generator leaves open."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gan.formats.importing.ask import rank
from gan.formats.importing.result import Question

ACTIVATIONS = {
    "relu": "ReLU", "leaky_relu:0.2": "Leaky ReLU, slope 0.2", "leaky_relu:0.01": "Leaky ReLU, slope 0.01",
    "leaky_relu:0.1": "Leaky ReLU, slope 0.1", "leaky_relu:0.3": "Leaky ReLU, slope 0.3",
    "elu": "ELU", "gelu": "GELU", "silu": "SiLU", "selu": "SELU", "tanh": "tanh",
}  # fmt: skip
PRIORS = {"normal": "normal, N(0, 1)", "uniform": "uniform, from -1 to 1"}
UPSAMPLINGS = {"nearest": "by repeating pixels", "bilinear": "smoothly (bilinear)"}
ACTIVATION = "Which function bends its hidden layers?"
PRIOR = "From which random numbers did it learn to draw?"
EPSILON = "Which epsilon do its batch normalisations add?"
UPSAMPLING = "How are its images enlarged between layers?"


class Open:
    """Collects the questions of an import as they arise."""

    def __init__(self, choices: Mapping[str, str]) -> None:
        self.choices = choices
        self.questions: list[Question] = []
        self.settled: list[Question] = []

    def ask(self, key: str, text: str, weighed: Iterable[tuple[str, str, float, str]]) -> Any:
        """The answer taken to a question; arguments as for `rank`."""
        question, answer, is_open = rank(key, text, weighed, self.choices)
        if question is not None:
            (self.questions if is_open else self.settled).append(question)
        return answer

    def output(self, plain: float, says: str) -> Any:
        """What follows the last layer; `plain`, `says` : of an output without activation, as of `evidence.bare_output`."""
        return self.ask(
            "output", "What follows its last layer?",
            [
                ("tanh", "tanh: pixels from -1 to 1", math.log(0.85), "the most common"),
                ("sigmoid", "sigmoid: pixels from 0 to 1", math.log(0.1), "common where pixels run from 0 to 1"),
                ("none", "nothing: the numbers are pixels from -1 to 1", math.log(plain), says),
            ],
        )  # fmt: skip

    def order(self) -> Any:
        """The order of the three colours."""
        return self.ask(
            "order", "In which order are its colours?",
            [("rgb", "red, green, blue", math.log(0.95), "the most common"),
             ("bgr", "blue, green, red", math.log(0.05), "where OpenCV read its pictures")],
        )  # fmt: skip

    def measured(self) -> bool:
        """Whether batch normalisation uses the statistics of its own images rather than the stored ones."""
        source = self.ask(
            "statistics", "Which statistics do its batch normalisations use?",
            [("stored", "those stored in the file", math.log(0.95), "a network switched to evaluation"),
             ("measured", "those of its own images, measured now", math.log(0.05), "a network that draws as it trains")],
        )  # fmt: skip
        return bool(source == "measured")
