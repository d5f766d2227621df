"""A policy over titles: a GRU that chooses an adjective, then a noun, given measures of an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan.titles.vocabulary import THEMES, Vocabulary

_FITTING = 1.4  # nats that a word gains per standard deviation of the image along the word's leaning
_THEME = 3.0  # nats that nouns of the generator's own theme gain over those of other themes
_ANY = 1.5  # nats that nouns for any picture gain over those of other themes
_WIDTH = 64


class TitlePolicy:
    """pi(adjective, noun | look), with exact log-probabilities and KL.

    A word's logit is the product of its leaning with the look of the image (`fitting`, fixed) plus the GRU's output. The GRU's output
    layers start at zero: untrained, titles fit their images as well as the vocabulary knows, and this is the reference policy of the KL.

    To and from the GRU, a word is a vector of known facts (leanings, first letter, theme) and a one-hot index, so that what is learnt about
    a word carries over to similar ones.

    Parameters
    ----------
    words : the vocabulary.
    theme : of the generator's pictures, one of `THEMES`; any other counts as "".
    """

    def __init__(self, words: Vocabulary, theme: str = "") -> None:
        self.adjectives, self.nouns = len(words.adjectives), len(words.nouns)
        self._adjective_leans, self._noun_leans = words.adjective_leans, words.noun_leans
        themes = words.noun_themes()
        gains = torch.tensor([_ANY if kind == "" else _THEME if kind == theme else 0.0 for kind in THEMES])
        self._theme = themes @ gains  # (N,)
        known_adjectives = _known([word.en for word in words.adjectives], words.adjective_leans)
        known_nouns = _known([word.en for word in words.nouns], words.noun_leans, themes)
        self.network = _Network(words.adjective_leans.shape[1], known_adjectives, known_nouns)

    def parameters(self) -> list[nn.Parameter]:
        return list(self.network.parameters())

    def _fitting(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Logits from fitting: of adjectives (S, A), of nouns (S, N)."""
        looks = _FITTING * states
        return looks @ self._adjective_leans.t(), looks @ self._noun_leans.t() + self._theme

    def _begin(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities of adjectives (S, A), fitting logits of nouns (S, N), the GRU's state (S, H)."""
        adjectives, nouns = self._fitting(states)
        hidden = self.network.begin(states)
        return (adjectives + self.network.adjective_logits(hidden)).log_softmax(dim=-1), nouns, hidden

    def _go_on(self, hidden: Tensor, adjectives: Tensor, fitting: Tensor) -> Tensor:
        """Log-probabilities of nouns (S, C, N) after adjectives (S, C)."""
        states, children = adjectives.shape
        after = self.network.after(hidden.repeat_interleave(children, dim=0), adjectives.flatten())
        logits = self.network.noun_logits(after).unflatten(0, (states, children))
        return (fitting[:, None] + logits).log_softmax(dim=-1)

    def log_prob(self, states: Tensor, actions: Tensor) -> Tensor:
        """Log-probabilities of titles (S, C, 2), indices of adjective and noun, for looks (S, measures): (S, C), summed over both words."""
        first, fitting, hidden = self._begin(states)
        second = self._go_on(hidden, actions[..., 0], fitting)
        return first.gather(1, actions[..., 0]) + second.gather(2, actions[..., 1:]).squeeze(2)

    def joint(self, states: Tensor) -> Tensor:
        """Log-probabilities of all titles: (S, measures) -> (S, A, N)."""
        first, fitting, hidden = self._begin(states)
        every = torch.arange(self.adjectives).expand(len(states), -1)
        return first[:, :, None] + self._go_on(hidden, every, fitting)

    def kl(self, states: Tensor) -> Tensor:
        """KL to the untrained policy in nats, exact, summed over all titles. (S, measures) -> (S,)."""
        adjectives, nouns = (logits.log_softmax(dim=-1) for logits in self._fitting(states))
        now = self.joint(states)
        return (now.exp() * (now - adjectives[:, :, None] - nouns[:, None, :])).sum(dim=(1, 2))

    def evaluate(self, states: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """`log_prob` and `kl`: (S, C) and (S,)."""
        return self.log_prob(states, actions), self.kl(states)

    @torch.no_grad()
    def act(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """`children` titles for each look, drawn with replacement: (S, measures) -> (S, children, 2) int64."""
        first, fitting, hidden = self._begin(states)
        adjectives = torch.multinomial(first.exp(), children, replacement=True, generator=generator)
        second = self._go_on(hidden, adjectives, fitting).exp()
        nouns = torch.multinomial(second.flatten(0, 1), 1, generator=generator).unflatten(0, adjectives.shape)
        return torch.stack([adjectives, nouns.squeeze(2)], dim=2)


class _Network(nn.Module):
    """The GRU. Words are input and output as their `known` vectors; the two output layers start at zero."""

    known_adjectives: Tensor
    known_nouns: Tensor

    def __init__(self, measures: int, known_adjectives: Tensor, known_nouns: Tensor) -> None:
        super().__init__()
        self.register_buffer("known_adjectives", known_adjectives)
        self.register_buffer("known_nouns", known_nouns)
        self.look = nn.Linear(measures, _WIDTH)
        self.hear = nn.Linear(known_adjectives.shape[1], _WIDTH)
        self.start = nn.Parameter(torch.zeros(_WIDTH))  # input in place of a word before the first
        self.cell = nn.GRUCell(_WIDTH, _WIDTH)
        self.say_adjective = nn.Parameter(torch.zeros(known_adjectives.shape[1], _WIDTH))
        self.say_noun = nn.Parameter(torch.zeros(known_nouns.shape[1], _WIDTH))

    def begin(self, states: Tensor) -> Tensor:
        """State after the start symbol: (S, measures) -> (S, H)."""
        hidden: Tensor = self.cell(self.start.expand(len(states), -1), torch.tanh(self.look(states)))
        return hidden

    def after(self, hidden: Tensor, adjectives: Tensor) -> Tensor:
        """State after an adjective: (M, H), (M,) -> (M, H)."""
        heard: Tensor = self.cell(self.hear(self.known_adjectives)[adjectives], hidden)
        return heard

    def adjective_logits(self, hidden: Tensor) -> Tensor:
        return hidden @ (self.known_adjectives @ self.say_adjective).t()

    def noun_logits(self, hidden: Tensor) -> Tensor:
        return hidden @ (self.known_nouns @ self.say_noun).t()


def _known(words: list[str], *facts: Tensor) -> Tensor:
    """Vectors of words (W, D): facts, first letter, and a one-hot index."""
    letters = torch.zeros(len(words), 26)
    letters[torch.arange(len(words)), torch.tensor([ord(word[0]) - ord("a") for word in words])] = 1.0
    return torch.cat([*facts, letters, torch.eye(len(words))], dim=1)
