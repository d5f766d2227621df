"""The one front door: everything between a generator and a person's taste.

>>> session = TuningSession(gan.load("dreamscapes"))
>>> proposals = session.propose(24)
>>> session.add({i: p.latent for i, p in enumerate(proposals)})
>>> session.feedback([Feedback(image=0, kind="stars", value=5), ...])
>>> session.fit()
>>> for progress in session.run_round(): print(progress)
>>> session.export(Path("mine"))
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan.adversarial.precision import resolve_device
from gan.errors import UserError
from gan.formats.checkpoint import load_checkpoint, save_checkpoint
from gan.model import Model
from gan.networks import latents, to_uint8
from gan.policy.adapter import Adapter, AdapterConfig
from gan.policy.rounds import Round, RoundConfig, RoundProgress, RoundResult
from gan.rewards import RewardWeights
from gan.rewards.scorer import Scorer, Scores
from gan.taste import Feedback, TasteLearner, TasteSummary, stars_from
from gan.taste.ahead import Ahead, Hand
from gan.taste.model import Features
from gan.taste.selection import Shares, Why, quotas, shuffled

__all__ = ["Feedback", "Prediction", "Proposal", "RoundConfig", "RoundProgress", "RoundResult", "TuningSession"]

_CHUNK = 64  # images drawn at once


@dataclass(frozen=True)
class Proposal:
    """An image to be rated."""

    latent: np.ndarray  # float32 (z_dim,): the untuned generator draws it, whatever tuning proposed it
    why: Why
    pixels: np.ndarray  # uint8 (H, W, 3)


@dataclass(frozen=True)
class Prediction:
    """What is thought of one image. Terms in standard deviations of the untuned generator's images."""

    stars: float  # 1 to 5
    spread: float  # one standard deviation of the doubt, in stars
    taste: float
    realism: float | None  # None: no discriminator
    reward: float
    gated: bool  # too unreal to earn a reward


class TuningSession:
    """One generator being taught one taste.

    Parameters
    ----------
    model : what to tune. Its own adapter, if it was tuned before, is where this session begins; "untuned" means without it.
    device : "auto", "cpu", "cuda", "cuda:N" or "mps".
    seed : decides everything random here; on a CPU a session is reproducible.
    """

    def __init__(self, model: Model, device: str = "auto", seed: int = 0, config: RoundConfig | None = None) -> None:
        self.model = model.to(resolve_device(device))
        self.config = config or RoundConfig()
        self.random = torch.Generator().manual_seed(seed)
        self.adapter = self._fresh_adapter()
        if model.adapter is not None:
            self.adapter.load_state_dict(model.adapter.state_dict())
        self.rounds = 0
        self.last_round: RoundResult | None = None
        self.shares = Shares()
        self._seed = seed
        self._weights = RewardWeights()
        self._scorer: Scorer | None = None
        self._learner: TasteLearner | None = None
        self._latents: dict[int, np.ndarray] = {}
        self._pending: list[int] = []  # known images whose features nobody needed yet
        self.plain_measures: Tensor | None = None  # of reference images, once `gan.taste.insight` has looked
        self._logits: dict[int, float] = {}  # of known images, where there is a discriminator
        self._ahead = Ahead(model.z_dim, 3 * model.resolution**2, self.random)

    def _fresh_adapter(self) -> Adapter:
        config = AdapterConfig(z_dim=self.model.z_dim)
        if self.model.adapter is not None:
            config = self.model.adapter.config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return Adapter(config).to(self.model.device)

    # ------------------------------------------------------------------ drawing

    @property
    def scorer(self) -> Scorer:
        """Made on first use: a first grid needs no reference sample, and should not wait for one."""
        if self._scorer is None:
            self._scorer = Scorer(self.model, self._seed)
            self._scorer.set_weights(self._weights)
            self._learner = TasteLearner(self._scorer.standardise)
        return self._scorer

    @property
    def learner(self) -> TasteLearner:
        """The taste being learnt, with every known image's features."""
        scorer = self.scorer
        assert self._learner is not None
        if self._pending:
            for start in range(0, len(self._pending), 256):
                ids = self._pending[start : start + 256]
                raw, logits = scorer.drawer.look(self._stack(ids))
                self._learner.add(ids, raw)
                if logits is not None:
                    self._logits.update(zip(ids, logits.tolist(), strict=True))
            self._pending = []
        return self._learner

    def _stack(self, ids: Sequence[int]) -> Tensor:
        return torch.from_numpy(np.stack([self._latents[i] for i in ids]))

    @torch.no_grad()
    def _tuned(self, z: Tensor) -> Tensor:
        return self.adapter(z.to(self.model.device))

    @torch.no_grad()
    def draw(self, points: np.ndarray) -> np.ndarray:
        """Images of stored latents, float32 (N, z_dim) -> uint8 (N, H, W, 3), as the untuned generator draws them."""
        z = torch.from_numpy(np.ascontiguousarray(points, dtype=np.float32)).to(self.model.device)
        chunk = max(1, _CHUNK // max(1, (self.model.resolution // 128) ** 2))
        if self._scorer is not None:
            chunk = min(chunk, self._scorer.drawer.chunk)
        parts = [to_uint8(self.model.generator(part).clamp(-1.0, 1.0)) for part in z.split(chunk)]
        return np.concatenate(parts)

    def strip(self, seeds: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """The same seeds untuned and as tuned now: two uint8 (N, H, W, 3)."""
        z = latents(seeds, self.model.z_dim)
        return self.draw(z.numpy()), self.draw(self._tuned(z).cpu().numpy())

    # ------------------------------------------------------------------ proposing and listening

    def propose(self, count: int = 24, patience: float | None = None) -> list[Proposal]:
        """Images to rate next: Thompson's choice, a fifth straight from the current generator, a few repeats; in random order.

        patience : seconds to spend on drawing candidates where `prepare` has not drawn enough; None draws all of them, so that what is
            proposed does not depend on the machine's speed.
        """
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        taste = self._learner.model if self._learner is not None else None
        rated = list({o.image for o in self._learner.standing()}) if self._learner is not None else []
        by_taste, at_random, again = quotas(count, self.shares, taste is not None, len(rated))
        ahead, hand = self._ahead, self._hand()
        images = ahead.honest(hand, at_random)
        why: list[Why] = ["random"] * at_random
        if by_taste and taste is not None:
            images += ahead.choose(hand, taste, by_taste, patience)
            why += ["thompson"] * by_taste
        if again:
            picks = torch.randperm(len(rated), generator=self.random)[:again].tolist()
            images += [(torch.from_numpy(self._latents[rated[i]]), None) for i in picks]
            why += ["repeat"] * again
        stacked = torch.stack([latent for latent, _ in images]).numpy().astype(np.float32)
        pixels = [drawn for _, drawn in images]
        undrawn = [i for i, drawn in enumerate(pixels) if drawn is None]
        if undrawn:
            for i, drawn in zip(undrawn, self.draw(stacked[undrawn]), strict=True):
                pixels[i] = drawn
        order = shuffled(range(count), self.random)
        return [Proposal(stacked[i], why[i], np.asarray(pixels[i])) for i in order]

    def prepare(self) -> bool:
        """Draw a few of the images that the next `propose` will choose from, while nobody waits; False when there are enough."""
        return self._ahead.prepare(self._hand(), reads=self._scorer is not None)

    def _hand(self) -> Hand:
        def read(latents: Tensor) -> Features:
            return self.scorer.standardise(self.scorer.drawer.look(latents)[0])

        def read_pixels(pixels: np.ndarray) -> Features:
            images = torch.from_numpy(pixels).to(self.model.device).permute(0, 3, 1, 2).float() / 127.5 - 1.0
            return self.scorer.standardise(self.scorer.drawer.read(images)[0])

        return Hand(lambda z: self._tuned(z).cpu(), self.draw, read, read_pixels)

    def add(self, images: Mapping[int, np.ndarray]) -> None:
        """Make images known by an id of the caller's: {id: latent float32 (z_dim,)}. Known ids are left as they are."""
        for image, latent in images.items():
            if image in self._latents:
                continue
            if latent.shape != (self.model.z_dim,):
                raise ValueError(f"latent of image {image} has shape {latent.shape}, not ({self.model.z_dim},)")
            self._latents[image] = np.asarray(latent, dtype=np.float32)
            self._pending.append(image)

    def feedback(self, events: Iterable[Feedback]) -> None:
        """Take in events on known images, in order."""
        self.learner.feedback(events)

    def replace_feedback(self, events: Iterable[Feedback]) -> None:
        """Take these events instead of all earlier ones (after an undo)."""
        self.learner.replace(events)

    def fit(self) -> TasteSummary:
        """Learn the taste from everything said so far."""
        summary = self.learner.fit()
        self.scorer.set_taste(self.learner.model)
        return summary

    def set_weights(self, weights: RewardWeights) -> None:
        """Use these reward weights from the next round on."""
        self._weights = weights
        if self._scorer is not None:
            self._scorer.set_weights(weights)

    def score(self, points: np.ndarray) -> Scores:
        """Reward terms of the images of latents (N, z_dim); the taste term is flat before the first fit."""
        return self.scorer.score_latents(torch.from_numpy(np.asarray(points, dtype=np.float32)))

    def score_known(self, images: Sequence[int]) -> Scores:
        """As `score`, of known images: nothing is drawn again."""
        features = self.learner.features_of(images)
        logits = torch.tensor([self._logits[i] for i in images]) if self._logits else None
        return self.scorer.score_standardised(features, logits)

    def predict(self, points: np.ndarray) -> list[Prediction]:
        """What is thought of the images of latents (N, z_dim)."""
        return predictions(self.score(points))

    # ------------------------------------------------------------------ teaching

    def run_round(
        self,
        steps: int | None = None,
        cancel: Callable[[], bool] = lambda: False,
        wait: Callable[[], None] = lambda: None,
        strength: float = 0.5,
    ) -> Iterator[RoundProgress]:
        """One round of policy-gradient updates on the taste as last fitted; yields after every step.

        `cancel()` is asked between steps (the best version so far is kept); `wait()` is called between steps and may block, for a
        pause. `strength` in [0, 1] sets how far a round may go from the untuned generator: 0.5 is the default.

        Raises
        ------
        UserError
            Too few ratings to learn a taste from.
        """
        if self.learner.model is None:
            raise UserError("there are too few ratings to teach from: rate at least a grid of images first")
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"strength must lie in [0, 1], not {strength}")
        factor = 4.0 ** (2.0 * strength - 1.0)  # a quarter to four times
        config = replace(
            self.config,
            steps=steps or self.config.steps,
            kl_limit=self.config.kl_limit * factor,
            kl_weight=self.config.kl_weight / factor,
        )
        self._ahead.clear()
        this_round = Round(self.adapter, self.scorer, config, self.random)
        yield from this_round.run(cancel, wait)
        self._ahead.clear()
        self.last_round = this_round.result
        self.rounds += 1

    # ------------------------------------------------------------------ keeping

    def save_checkpoint(self, path: Path, facts: dict[str, Any] | None = None) -> None:
        """Write the tuned part, with `facts` (plain JSON) beside it."""
        save_checkpoint(path, self.adapter, {**(facts or {}), "model": self.model.hash, "rounds": self.rounds})

    def restore(self, path: Path | None) -> dict[str, Any]:
        """Take over a checkpoint's tuning, or None for the untuned generator; ratings stay. Returns the checkpoint's facts."""
        self._ahead.clear()
        if path is None:
            self.adapter = self._fresh_adapter()
            self.rounds = 0
            return {}
        adapter, facts = load_checkpoint(path, self.model.z_dim)
        self.adapter = adapter.to(self.model.device)
        self.rounds = int(facts.get("rounds", 0))
        return facts

    def tuned_model(self, name: str | None = None) -> Model:
        """The generator as it is now, self-contained, with what made it on its card."""
        adapter = Adapter(self.adapter.config)
        adapter.load_state_dict(self.adapter.state_dict())
        card = dict(self.model.card)
        if self._learner is not None:
            summary = self._learner.summary()
            card["tuning"] = {
                "from": self.model.hash,
                "ratings": summary.count,
                "rounds": self.rounds,
                "guesses_right": summary.accuracy,
                "last_round": asdict(self.last_round) if self.last_round else None,
            }
        return Model(
            name=name or f"{self.model.name}-tuned",
            generator=self.model.generator,
            adapter=adapter.to(self.model.device),
            discriminator=self.model.discriminator,
            card=card,
            device=self.model.device,
        )

    def export(
        self,
        folder: Path,
        progress: Callable[[float, str], None] | None = None,
        cancel: Callable[[], bool] = lambda: False,
        dtype: Literal["float32", "float16"] = "float32",
    ) -> Path:
        """Write the tuned generator as a bundle with ONNX, sampler, test vector and card; see `gan.formats.export`."""
        from gan.formats.export import export_bundle  # onnx takes a second to import

        return export_bundle(self.tuned_model(folder.resolve().name), folder, progress, cancel, dtype)


def predictions(scores: Scores) -> list[Prediction]:
    """Scores in words that a person knows: stars, and the terms of the reward."""
    stars = stars_from(scores.liking)
    spread = (stars_from(scores.liking + scores.doubt) - stars_from(scores.liking - scores.doubt)) / 2.0
    realism = scores.terms.realism
    return [
        Prediction(
            stars=float(stars[i]),
            spread=float(spread[i]),
            taste=float(scores.terms.taste[i]),
            realism=None if realism is None else float(realism[i]),
            reward=float(scores.reward[i]),
            gated=bool(scores.terms.gated[i]),
        )
        for i in range(len(stars))
    ]
