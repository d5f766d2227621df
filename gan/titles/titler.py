"""The single interface for titles: look at images, suggest, add ratings, learn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gan.errors import UserError
from gan.networks import latents
from gan.policy.estimators import grouped_rloo, scale
from gan.policy.update import UpdateConfig, update
from gan.rewards.drawer import Drawer
from gan.taste.events import STAR_EDGES, STAR_SCORES
from gan.taste.kernel import Contrasts, Features
from gan.taste.model import TasteModel
from gan.taste.words import measures
from gan.titles.policy import TitlePolicy
from gan.titles.vocabulary import Title, Vocabulary, vocabulary

if TYPE_CHECKING:
    from gan.model import Model
    from gan.session import TuningSession

_REFERENCE = 256  # images that the measures are standardised by
_FURTHEST = 3.0  # standard deviations; values are clamped to this


@dataclass(frozen=True)
class TitleRating:
    """A rating of a title for one image. ValueError unless it has 1 to 5 stars."""

    look: Tensor = field(repr=False)  # (measures,) of the image, from `Titler.look`
    title: Title
    stars: int  # 1..5

    def __post_init__(self) -> None:
        if self.stars not in range(1, 6):
            raise ValueError(f"{self.stars} is not a number of stars from 1 to 5")


@dataclass(frozen=True)
class TitleConfig:
    """Hyperparameters for learning titles."""

    batches: int = 40  # at most so many
    states: int = 8  # images per batch
    children: int = 12  # titles sampled for each
    learning_rate: float = 1e-2  # of Adam
    kl_weight: float = 0.15  # reward paid per nat of KL to the untrained policy
    kl_limit: float = 3.0  # nats; learning stops there, so that many titles stay likely
    advantage_floor: float = 0.5  # standard deviations of liking; with little variation in liking, steps stay small
    caution: float = 0.5  # how many standard deviations of doubt are subtracted from the expected liking
    fewest: int = 4  # number of ratings below which nothing is learnt
    update: UpdateConfig = field(default_factory=lambda: UpdateConfig(minibatches=2))


class Titler:
    """Suggests titles for images, and learns from stars which ones a person likes.

    It knows an image only by its look: measures in standard deviations over the generator's own images.

    Parameters
    ----------
    reference : (M, measures), raw measures of images of the generator.
    theme : kind of its pictures, "scenes" or "characters"; anything else is neither.
    drawer : draws images for `look`; None if looks are computed elsewhere.
    seed : of all randomness.
    """

    def __init__(
        self,
        reference: Tensor,
        theme: str = "",
        drawer: Drawer | None = None,
        seed: int = 0,
        config: TitleConfig | None = None,
    ) -> None:
        self.words: Vocabulary = vocabulary()
        self.config = config or TitleConfig()
        self._drawer, self._theme, self._seed = drawer, theme, seed
        self._centre, self._spread = reference.mean(dim=0), reference.std(dim=0).clamp_min(1e-6)
        self._reference = self.standardised(reference)
        self._random = torch.Generator().manual_seed(seed)
        self._ratings: list[TitleRating] = []
        self.model: TasteModel | None = None
        self._rated: tuple[Tensor, Tensor, Tensor]  # looks, titles and scores that the model was fitted to
        self.policy = self._untrained()

    @classmethod
    def of(cls, source: TuningSession | Model, seed: int = 0) -> Titler:
        """One for the images of a session or a model."""
        from gan.insight import plain_measures
        from gan.session import TuningSession

        if isinstance(source, TuningSession):
            card, drawer, reference = source.model.card, source.scorer.drawer, plain_measures(source)
        else:
            card, drawer = source.card, Drawer(source)
            reference = _measured(drawer, latents(range(_REFERENCE), source.z_dim))
        data = card.get("data")
        theme = str(data.get("kind", "")) if isinstance(data, dict) else ""
        return cls(reference, theme, drawer, seed)

    # ------------------------------------------------------------------ looking and suggesting

    def look(self, points: np.ndarray | Tensor) -> Tensor:
        """Looks of the images of latents (N, z_dim): (N, measures). UserError if it was made without a drawer."""
        if self._drawer is None:
            raise UserError("this titler cannot draw: it was made without a generator")
        z = torch.as_tensor(points, dtype=torch.float32)
        if z.ndim != 2:
            raise ValueError(f"latents have the shape {tuple(z.shape)}, not (N, z_dim)")
        return self.standardised(_measured(self._drawer, z))

    def standardised(self, raw: Tensor) -> Tensor:
        """Raw measures (N, measures) from `gan.taste.words.measures` -> standard deviations, clamped to +-3."""
        return ((raw - self._centre) / self._spread).nan_to_num(0.0).clamp(-_FURTHEST, _FURTHEST)

    @torch.no_grad()
    def suggest(self, look: Tensor, count: int = 5, avoid: Iterable[Title] = ()) -> list[Title]:
        """Titles for an image, sampled from the policy: none of `avoid`, and no word twice.

        Parameters
        ----------
        look : (measures,), one row of what `look` returns.
        count : at most so many.
        """
        if look.ndim != 1:
            raise ValueError(f"titles are for one image at a time: a row of `look`, not {tuple(look.shape)}")
        scores = self.policy.joint(look[None])[0]
        # The largest values perturbed by Gumbel noise are a sample without replacement (Kool et al. 2019, arXiv 1903.06059).
        uniform = torch.rand(scores.shape, generator=self._random).clamp_min(1e-12)
        scores = scores - (-uniform.log()).log()
        for title in avoid:
            scores[title.adjective, title.noun] = -torch.inf
        found: list[Title] = []
        for _ in range(min(count, *scores.shape)):
            best = int(scores.argmax())
            title = Title(*divmod(best, scores.shape[1]))
            if not torch.isfinite(scores[title.adjective, title.noun]):
                break
            found.append(title)
            scores[title.adjective], scores[:, title.noun] = -torch.inf, -torch.inf
        return found

    # ------------------------------------------------------------------ learning

    def feedback(self, ratings: Iterable[TitleRating]) -> None:
        """Add ratings, in order; a later one of the same image and title replaces an earlier one."""
        self._ratings.extend(ratings)

    def replace(self, ratings: Iterable[TitleRating]) -> None:
        """Replace all earlier ratings by these (after an undo)."""
        self._ratings = list(ratings)

    def learn(self) -> bool:
        """Learn from scratch from all ratings; returns False, and titles are as untrained, if they hold no evidence.

        The same ratings always give the same policy, so only they need to be stored.
        """
        self.policy, self.model = self._untrained(), None
        last = {(tuple(rating.look.tolist()), rating.title): rating for rating in self._ratings}
        ratings = list(last.values())
        # Equal ratings do not say which title is better.
        if len(ratings) < self.config.fewest or len({rating.stars for rating in ratings}) < 2:
            return False
        looks = torch.stack([rating.look for rating in ratings])
        said = torch.tensor([[rating.title.adjective, rating.title.noun] for rating in ratings])
        scores = torch.tensor([STAR_SCORES[rating.stars - 1] for rating in ratings])
        self.model = TasteModel(
            Contrasts(self._features(looks, said)),
            torch.tensor([STAR_EDGES[rating.stars - 1] for rating in ratings]),
            torch.tensor([STAR_EDGES[rating.stars] for rating in ratings]),
            scores,
        )
        self._rated = looks, said, scores
        self._climb(torch.cat([self._reference, looks]))
        return True

    @torch.no_grad()
    def liking(self, looks: Tensor, titles: Tensor) -> Tensor:
        """Expected liking, less some of its doubt, of titles (S, C, 2) for looks (S, measures): (S, C); zero without a model.

        If the person has rated exactly this title for exactly this look, their rating replaces the prediction.
        """
        if self.model is None:
            return torch.zeros(titles.shape[:2])
        every = looks.repeat_interleave(titles.shape[1], dim=0)
        mean, doubt = self.model.predict(self._features(every, titles.flatten(0, 1)))
        liking = (mean - self.config.caution * doubt).float().unflatten(0, titles.shape[:2])
        rated, said, scores = self._rated
        same = (rated[:, None] == looks).all(dim=-1)[:, :, None] & (said[:, None, None] == titles).all(dim=-1)  # (ratings, S, C)
        return torch.where(same.any(dim=0), scores[same.int().argmax(dim=0)], liking)

    def _untrained(self) -> TitlePolicy:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            return TitlePolicy(self.words, self._theme)

    def _climb(self, looks: Tensor) -> None:
        config, random = self.config, torch.Generator().manual_seed(self._seed)
        optimizer = torch.optim.Adam(self.policy.parameters(), lr=config.learning_rate, betas=(0.9, 0.99))
        for _ in range(config.batches):
            states = looks[torch.randint(len(looks), (config.states,), generator=random)]
            titles = self.policy.act(states, config.children, random)
            advantages = scale(grouped_rloo(self.liking(states, titles)), config.advantage_floor)
            update(
                self.policy, optimizer, states, titles, advantages, config.kl_weight, config.update, random
            )
            with torch.no_grad():
                if float(self.policy.kl(states).mean()) > config.kl_limit:
                    break

    def _features(self, looks: Tensor, titles: Tensor) -> Features:
        """Features of titles (n, 2) for looks (n, measures), with mean square about 1: each word itself, the mood of both, how they fit the
        image, how they sound."""
        words = self.words
        adjective, noun = titles.unbind(dim=1)
        leans = torch.cat([words.adjective_leans[adjective], words.noun_leans[noun]], dim=1)
        fit = leans * looks.repeat(1, 2)
        sound = 2.0 * words.alliterates()[adjective, noun][:, None] - 1.0
        return (
            _one_of(adjective, len(words.adjectives)),
            _one_of(noun, len(words.nouns)),
            leans * leans.shape[1] ** 0.5,
            fit * fit.shape[1] ** 0.5,
            torch.cat([words.noun_themes()[noun], sound], dim=1),
        )


def _one_of(places: Tensor, count: int) -> Tensor:
    return torch.nn.functional.one_hot(places, count).float() * count**0.5


@torch.no_grad()
def _measured(drawer: Drawer, points: Tensor) -> Tensor:
    return torch.cat([measures(drawer.draw(part)) for part in points.split(drawer.chunk)])
