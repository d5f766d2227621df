"""The main interface of the library: a session that teaches a generator a person's taste.

>>> session = TuningSession(gan.load("dreamscapes"))
>>> proposals = session.propose(24)
>>> session.add({i: p.latent for i, p in enumerate(proposals)})
>>> session.feedback([Feedback(image=0, kind="stars", value=5), ...])
>>> session.fit()
>>> for progress in session.run_round():
...     print(progress)
>>> session.save_checkpoint("round-1.safetensors")   # session.restore loads it again
>>> session.export("mine")
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan.errors import UserError
from gan.formats.checkpoint import load_checkpoint, save_checkpoint
from gan.formats.foreseen import bundled_foresight
from gan.model import Model, digest
from gan.networks import latents, to_uint8
from gan.networks.adapter import Adapter, Choice, ChoiceConfig
from gan.policy.foresight import Foresight
from gan.policy.rounds import Round, RoundConfig, RoundProgress, RoundResult
from gan.preparing import Preparation, Reading, affordable, copied, fresh_adapter, reaching
from gan.proposing import Chosen, Proposal, Proposer
from gan.rewards import MOVING_WEIGHTS, RewardWeights
from gan.rewards.drawer import Drawer
from gan.rewards.outside import ScoreImages, ask, find
from gan.rewards.pool import Pool, cache_name
from gan.rewards.prediction import Prediction, predictions
from gan.rewards.scorer import Scorer, Scores
from gan.taste import Feedback, Signal, Tag, TasteLearner, TasteSummary

if TYPE_CHECKING:
    from gan.formats.exports import Format

__all__ = ["Chosen", "Feedback", "Prediction", "Proposal", "RoundConfig", "RoundProgress", "RoundResult", "Signal", "TuningSession"]
__all__ += ["Reading", "Tag", "predictions"]


_ASKED_AT_ONCE = 64  # images, of a scorer from outside


class TuningSession:
    """Tunes one generator to one person's taste.

    Parameters
    ----------
    model : the model to tune; it is moved to `device`. If it was tuned before, the session starts with its adapter; "untuned" means
        without it.
    device : "auto", "cpu", "cuda", "cuda:N" or "mps".
    seed : of all random numbers. On a CPU, the same calls in the same order give the same results, on the same machine with the same
        library versions and number of threads. Two things depend on the clock: how much a slow generator's pool holds before a round
        (see `Pool`; what `prepare` has read counts), and whether bfloat16 is found to be faster.
    config : settings of the rounds.
    cache : folder in which the features of the untuned generator's images are stored for later sessions; None stores nothing.
    retrained : whether `restore` accepts checkpoints that were made before the generator was trained further.

    Raises
    ------
    UserError
        The device does not exist here.
    TypeError, ValueError
        `model` is not a `Model`, `config` is not a `RoundConfig`, or the seed is no whole number of 64 bits.
    """

    def __init__(
        self,
        model: Model,
        device: str = "auto",
        seed: int = 0,
        config: RoundConfig | None = None,
        cache: Path | str | None = None,
        retrained: bool = False,
    ) -> None:
        if not isinstance(model, Model):
            raise TypeError(f"a session teaches a Model, such as gan.load gives for a name, not {type(model).__name__}")
        if config is not None and not isinstance(config, RoundConfig):
            raise TypeError(f"config is a RoundConfig, not {type(config).__name__}")
        seed = index(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"seed is a whole number of 64 bits, not {seed}")
        self.model = model.to(device)
        self._untuned = Model(model.name, model.generator, None, model.discriminator, device=model.device)
        self.config = config or RoundConfig()
        self.random = torch.Generator().manual_seed(seed)
        self.adapter = self._begun() if model.adapter is None else copied(model.adapter, model)
        self.rounds = 0
        self.last_round: RoundResult | None = None
        self._teaching = False  # whether a round is under way
        self._foreseen = sys.maxsize  # images of the foresight that the current choice last started from; maxsize if not known
        self._weights = MOVING_WEIGHTS if self.config.policy == "shift" else RewardWeights()
        self._scorer: Scorer | None = None
        self._learner: TasteLearner | None = None
        self._latents: dict[int, np.ndarray] = {}
        self._pending: list[int] = []  # known images whose features were not needed yet
        self.plain_measures: Tensor | None = None  # cache of `gan.insight.plain_measures`
        self._tuned_features: tuple[tuple[Adapter, tuple[int, ...]], Tensor] | None = None
        self._logits: dict[int, float] = {}  # the discriminator's, of known images; empty without one
        self._pool: Pool | None = None
        self._cache = None if cache is None else Path(cache)
        self._retrained = retrained
        self._preparation = Preparation(
            partial(getattr, self, "pool"), partial(getattr, self, "scorer"), self._choice_config(), self._given_foresight
        )  # no lambdas: those of a copied session would prepare the original
        self._proposer = Proposer(model.z_dim, self.random)

    def _choice_config(self) -> ChoiceConfig | None:
        if self.config.policy == "shift":
            return None
        return ChoiceConfig(self.model.z_dim, self.model.generator.embed_dim, self.config.candidates)

    def _begun(self) -> Adapter:
        return fresh_adapter(self.model, self._choice_config())

    @cached_property
    def _digest(self) -> str:
        return digest(self._untuned.tensors(), self._untuned.unweighed())

    def _given_foresight(self) -> Foresight | None:
        choice = self._choice_config()
        return None if choice is None else bundled_foresight(self._digest, choice, self.model.device)

    @property
    def scorer(self) -> Scorer:
        """The scorer of images; made on first use, because a first grid needs no reference set and should not wait for it."""
        return self._scored()[0]

    def _scored(self) -> tuple[Scorer, TasteLearner]:
        if self._scorer is None or self._learner is None:
            self._scorer = Scorer(self.model, self.pool, leaves_prior=self.config.policy == "shift")
            self._scorer.set_weights(self._weights)
            self._learner = TasteLearner(self._scorer.standardise)
        return self._scorer, self._learner

    @property
    def pool(self) -> Pool:
        """The pool of the untuned generator's images."""
        if self._pool is None:
            kept = None
            if self._cache is not None:
                kept = self._cache / cache_name(self._digest, self.config.pool)
            self._pool = Pool(Drawer(self.model), self.config.pool, kept)
        return self._pool

    @property
    def foresight(self) -> Foresight | None:
        """The foresight that choices start from; None if the policy is no choice, or, for generators that ship none, until it is learnt."""
        return self._preparation.foresight

    @property
    def learner(self) -> TasteLearner:
        """The learner of the taste; computes the features of images added since the last access."""
        learner = self._scored()[1]
        while self._pending:
            self._read_pending(256)
        return learner

    def _read_pending(self, count: int) -> None:
        (scorer, learner), ids = self._scored(), self._pending[:count]
        raw, logits = scorer.drawer.look(self._stack(ids))
        learner.add(ids, raw)
        if logits is not None:
            self._logits.update(zip(ids, logits.tolist(), strict=True))
        del self._pending[:count]

    @property
    def reading(self) -> Reading | None:
        """What `feedback`, `fit`, `score` and a round would first draw and read, all at once; None: nothing."""
        images = self.pool.until_it_refers() + len(self._pending)
        return Reading(self.pool.reference, images, images / self.pool.speed) if images else None

    def seconds_to_prepare(self) -> float:
        """About how long a round that began now would draw and read before its first step."""
        return (max(self.pool.until_it_refers(), self._preparation.missing()) + len(self._pending)) / self.pool.speed

    def read(self) -> Reading | None:
        """Do a fraction of a second of that work. Returns what is left; None: nothing, and those calls answer at once.

        A script need not call it. It is for those who want to show progress, since with a slow generator it takes minutes.
        """
        if not self.pool.refers:
            self.pool.grow()
        elif self._pending:
            self._read_pending(self.pool.piece)
        return self.reading

    def _stack(self, ids: Sequence[int]) -> Tensor:
        return torch.from_numpy(np.stack([self._latents[i] for i in ids]))

    def _points(self, points: np.ndarray) -> Tensor:
        z = torch.from_numpy(np.array(points, dtype=np.float32))
        if z.ndim != 2 or z.shape[1] != self.model.z_dim:
            raise ValueError(f"latents have the shape {np.shape(points)}, not (N, {self.model.z_dim})")
        return z

    @torch.no_grad()
    def _tuned(self, z: Tensor) -> Tensor:
        return self.adapter(z.to(self.model.device))

    def draw(self, points: np.ndarray) -> np.ndarray:
        """Images of stored latents, float32 (N, z_dim) -> uint8 (N, H, W, 3), as the untuned generator draws them.

        Raises
        ------
        ValueError
            The latents have another shape, or values that are not finite.
        """
        chunk = self.model.at_once if self._scorer is None else min(self.model.at_once, self._scorer.drawer.chunk)
        return np.concatenate([to_uint8(self._untuned.draw(part)) for part in self._points(points).split(chunk)])

    def strip(self, seeds: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Images of the same seeds (0 .. 2**32 - 1), untuned and as tuned now: two arrays uint8 (N, H, W, 3)."""
        z = latents(seeds, self.model.z_dim)
        return self.draw(z.numpy()), self.draw(self._tuned(z).cpu().numpy())

    def tuned_features(self, seeds: Sequence[int]) -> Tensor:
        """Standardised features (N, d) of the images of seeds as tuned now; the last result is cached. ValueError without seeds."""
        if not len(seeds):
            raise ValueError("no seeds were given")
        self.read_tuned(seeds, len(seeds))
        return self._known_tuned(seeds)

    @torch.no_grad()
    def read_tuned(self, seeds: Sequence[int], count: int) -> bool:
        """Draw and read up to `count` of the images that `tuned_features` of these seeds still needs. Returns False if it needs none."""
        known = self._known_tuned(seeds)
        rest = seeds[len(known) :][:count]
        if not rest:
            return False
        raw, _ = self.scorer.drawer.look(self._tuned(latents(rest, self.model.z_dim)))
        read = torch.cat(self.scorer.standardise(raw), dim=1)
        self._tuned_features = (self.adapter, tuple(seeds)), torch.cat([known, read]) if len(known) else read
        return True

    def tuned_features_known(self, seeds: Sequence[int]) -> bool:
        """Whether `tuned_features` of these seeds needs no drawing."""
        return len(self._known_tuned(seeds)) == len(seeds)

    def _known_tuned(self, seeds: Sequence[int]) -> Tensor:
        """What is known of `tuned_features`: the first rows, or none."""
        if self._tuned_features is not None:
            (adapter, of), known = self._tuned_features
            if adapter is self.adapter and of == tuple(seeds):
                return known
        return torch.empty(0)

    # ------------------------------------------------------------------ proposing and listening

    def propose(self, count: int = 24) -> list[Proposal]:
        """Images to rate next: those of `choose`, drawn. `count` and errors are as there."""
        chosen = self.choose(count)
        pixels = self.draw(np.stack([choice.latent for choice in chosen]))
        return [Proposal(choice.latent, choice.why, drawn) for choice, drawn in zip(chosen, pixels, strict=True)]

    def choose(self, count: int = 24) -> list[Chosen]:
        """Latents to rate next, in random order: most of them informative, a fifth drawn from the current generator, a few repeats.

        Before there is a taste, all are from the generator. No pixels are drawn: `draw` does that, for all of them or in parts.

        Parameters
        ----------
        count : 1 or more.

        Raises
        ------
        ValueError
            `count` is below 1.
        """
        known, rated = None, list[np.ndarray]()
        if self._learner is not None:
            rated = [self._latents[image] for image in dict.fromkeys(o.image for o in self._learner.standing())]
            known = None if self._learner.model is None else (self._learner.model, self.scorer)
        # Half untuned: if the tuned generator's images are nearly all liked, their ratings teach little and hardly test the predictions.
        return self._proposer.choose(count, rated, self._tuned, self.rounds > 0, known)

    def prepare(self) -> bool:
        """Do a little of the work that the next round needs; to be called while nobody waits. Returns False if nothing is left to do."""
        return self._preparation.piece()

    def add(self, images: Mapping[int, np.ndarray]) -> None:
        """Register images by ids that the caller chooses: {id: latent float32 (z_dim,)}. Known ids are ignored.

        Raises
        ------
        ValueError
            A latent has another shape, or values that are not finite; nothing was added.
        """
        new = {image: np.array(latent, dtype=np.float32) for image, latent in images.items() if image not in self._latents}
        for image, latent in new.items():
            if latent.shape != (self.model.z_dim,):
                raise ValueError(f"latent of image {image}: the shape ({self.model.z_dim},) is needed, {latent.shape} was given")
            if not np.isfinite(latent).all():
                raise ValueError(f"latent of image {image} holds values that are not finite")
        self._latents.update(new)
        self._pending.extend(new)

    def feedback(self, events: Iterable[Feedback]) -> None:
        """Add feedback events on known images, in order.

        Raises
        ------
        KeyError
            One is about an image that was not added; none is kept.
        """
        self.learner.feedback(events)

    def signals(self, signals: Iterable[Signal]) -> None:
        """Add implicit signals: known images that were looked at, enlarged, copied or saved (`gan.taste.signals`).

        Raises
        ------
        KeyError
            One is about an image that was not added; those before it are kept.
        """
        self.learner.signals(signals)

    def tags(self, tags: Iterable[Tag]) -> None:
        """Add tags given to known images or removed from them (`gan.taste.tags`). Errors are those of `signals`."""
        self.learner.tags(tags)

    def replace_feedback(self, events: Iterable[Feedback]) -> None:
        """Replace all earlier events by these (after an undo). If one is about an unknown image, raises KeyError and replaces nothing."""
        self.learner.replace(events)

    def fit(self) -> TasteSummary:
        """Fit the taste model to all feedback so far; with fewer than `gan.taste.USEFUL_FROM` opinions there is none."""
        summary = self.learner.fit()
        self.scorer.set_taste(self.learner.model)
        return summary

    def set_weights(self, weights: RewardWeights) -> None:
        """Use these reward weights from the next round on. TypeError if they are no `RewardWeights`."""
        if not isinstance(weights, RewardWeights):
            raise TypeError(f"weights are RewardWeights, not {type(weights).__name__}")
        self._weights = weights
        if self._scorer is not None:
            self._scorer.set_weights(weights)

    def use_scorer(self, name: str, scorer: ScoreImages | None = None) -> float:
        """Call an outside scorer on the 1,024 reference images, so that `RewardWeights.outside` can give it a weight.

        Parameters
        ----------
        name : its name; without `scorer`, one of `gan.rewards.outside.installed()`, which rounds call by themselves.
        scorer : maps uint8 images (N, H, W, 3) to N finite numbers, higher being better.

        Returns
        -------
        Leave-one-out correlation of its values with their prediction from features. Rounds use the prediction, so the weight can achieve
        only as much as this.

        Raises
        ------
        UserError
            There is no scorer of that name, or it fails or returns something else.
        """
        for _ in self._asking(name, scorer or find(name)):
            pass
        return self.scorer.agreement(name)

    def _asking(
        self,
        name: str,
        scorer: ScoreImages,
        cancel: Callable[[], bool] = lambda: False,
        wait: Callable[[], None] = lambda: None,
    ) -> Iterator[RoundProgress]:
        """Score the reference images, a few at a time. Yields progress at step 0. If cancelled, the scorer remains without effect."""
        latents_, said = self.scorer.latents, list[np.ndarray]()
        begun, asked = time.monotonic(), 0
        for part in latents_.split(_ASKED_AT_ONCE):
            wait()
            if cancel():
                return
            said.append(ask(name, scorer, self.draw(part.numpy())))
            asked += len(part)
            yield RoundProgress(
                step=0,
                steps=self.config.steps,
                seconds_left=(time.monotonic() - begun) / asked * (len(latents_) - asked),
                note=f"asking {name} about what the generator draws: {asked:,} of {len(latents_):,} images",
            )
        self.scorer.learn_outside(name, torch.from_numpy(np.concatenate(said)))

    def score(self, points: np.ndarray) -> Scores:
        """Reward terms of the images of finite latents (N, z_dim). Before the first fit the taste term is constant.

        Raises
        ------
        ValueError
            There are no latents, or they have another shape or values that are not finite.
        """
        z = self._points(points)
        if not len(z):
            raise ValueError("no latents were given")
        if not torch.isfinite(z).all():
            raise ValueError("latents hold values that are not finite")
        return self.scorer.with_doubt(self.scorer.score_latents(z))

    def score_known(self, images: Sequence[int]) -> Scores:
        """Like `score`, for known images, which are not redrawn. ValueError without any, KeyError if one was not added."""
        if not len(images):
            raise ValueError("no images were given")
        features = self.learner.features_of(images)
        logits = torch.tensor([self._logits[i] for i in images]) if self._logits else None
        return self.scorer.with_doubt(self.scorer.score_standardised(features, logits))

    def predict(self, points: np.ndarray) -> list[Prediction]:
        """Predictions for the images of latents (N, z_dim): stars and reward terms. Errors are those of `score`."""
        return predictions(self.score(points))

    def run_round(
        self,
        steps: int | None = None,
        cancel: Callable[[], bool] = lambda: False,
        wait: Callable[[], None] = lambda: None,
        strength: float = 0.5,
    ) -> Iterator[RoundProgress]:
        """Run a round of policy-gradient updates on the taste as last fitted. Yields after every step; `last_round` holds the result.

        If the iteration is abandoned (`break`, an exception), the generator stays as it was.

        Parameters
        ----------
        steps : largest number of steps; by default `RoundConfig.steps`.
        cancel : called between steps; true ends the round and keeps the best version so far.
        wait : called between steps; may block to pause the round.
        strength : in [0, 1]; how far the round may go from the untuned generator.

        Raises
        ------
        UserError
            No taste shows in the feedback (see `TasteLearner.convinced`), or an outside scorer is missing or fails.
        ValueError
            `steps` or `strength` is out of range, or another round of this session has begun and its iterator was neither finished nor
            closed.
        """
        self._check_idle()
        self._teaching = True
        try:
            yield from self._run_round(None if steps is None else index(steps), cancel, wait, strength)
        finally:
            self._teaching = False

    def _check_idle(self) -> None:
        if self._teaching:
            raise ValueError("a round of this session is under way: finish or close its iterator first")

    def _run_round(
        self, steps: int | None, cancel: Callable[[], bool], wait: Callable[[], None], strength: float
    ) -> Iterator[RoundProgress]:
        if steps is not None and steps < 1:
            raise ValueError(f"steps must be at least 1, not {steps}")
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"strength must lie in [0, 1], not {strength}")
        before, rival = self.adapter, None
        held = before.config.candidates if isinstance(before, Choice) and not before.idle else 0
        config = reaching(replace(self.config, steps=steps or self.config.steps), strength, self.learner.convinced(), held)
        for name, weight in self._weights.outside.items():
            if weight and not self.scorer.knows_outside(name):
                yield from self._asking(name, find(name), cancel, wait)
        if isinstance(before, Choice):
            config = affordable(config, self.pool.speed)
            yield from self._preparation.rest(config, cancel, wait)
        try:
            if isinstance(before, Choice):
                self.adapter = copied(before, self.model, candidates=config.candidates)
                if self.foresight is not None and (before.idle or self.foresight.images > self._foreseen):
                    # At first, and whenever the foresight has become better, a fresh choice starts from it; the choice so far is its rival.
                    rival, self.adapter = self.adapter, copied(self._begun(), self.model, candidates=config.candidates)
                    assert isinstance(self.adapter, Choice)
                    self.foresight.give(self.adapter)
            else:
                self.adapter = copied(before, self.model)
            this_round = Round(self.adapter, self.scorer, config, self.random, rival)
            yield from this_round.run(cancel, wait)
        except BaseException:
            self.adapter = before
            raise
        finally:
            self._tuned_features = None  # if computed between two steps, they are of the half-trained adapter
        self.last_round = this_round.result
        assert self.last_round is not None
        self._foreseen = 0 if self.foresight is None else self.foresight.images
        if not self.last_round.kept:
            self.adapter = before
        self.rounds += 1

    # ------------------------------------------------------------------ keeping

    def save_checkpoint(self, path: Path | str, facts: dict[str, Any] | None = None) -> None:
        """Write the adapter and `facts` (plain JSON), replacing the file at `path`. OSError if it cannot be written.

        Feedback is not included: keep the events and pass them to `feedback` again.
        """
        own = {"model": self.model.hash, "untuned": self._untuned.hash, "rounds": self.rounds, "foreseen": self._foreseen}
        save_checkpoint(Path(path), self.adapter, {**(facts or {}), **own})

    def restore(self, path: Path | str | None) -> dict[str, Any]:
        """Load the adapter of a checkpoint; None goes back to the untuned generator. Feedback is kept. Returns the checkpoint's facts.

        Raises
        ------
        UserError
            The file is missing, damaged, or of another generator (see `retrained`); nothing was changed.
        ValueError
            A round is under way; it would replace what was restored.
        """
        self._check_idle()
        adapter, facts = self._begun(), dict[str, Any]()
        if path is not None:
            adapter, facts = load_checkpoint(Path(path), self.model.z_dim)
            other_mapping = isinstance(adapter, Choice) and adapter.config.inputs != self.model.generator.embed_dim
            untuned = self._untuned.hash
            if other_mapping or (not self._retrained and facts.get("untuned", untuned) != untuned):  # older ones do not say
                raise UserError(f"{Path(path).name} belongs to another generator than {self.model.name}")
        self.adapter = adapter.to(self.model.device).attach(self.model.generator)
        self.rounds, self.last_round = int(facts.get("rounds", 0)), None
        self._foreseen = int(facts.get("foreseen", sys.maxsize))
        return facts

    def tuned_model(self, name: str | None = None) -> Model:
        """The generator as tuned now, independent of the session; its card records how it was made."""
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
            adapter=copied(self.adapter, self.model),
            discriminator=self.model.discriminator,
            card=card,
            device=self.model.device,
        )

    def export(
        self,
        folder: Path | str,
        progress: Callable[[float, str], None] | None = None,
        cancel: Callable[[], bool] = lambda: False,
        dtype: Literal["float32", "float16"] = "float32",
        format: "Format" = "bundle",
    ) -> Path:
        """Export the tuned generator, by default as a bundle with ONNX, sampling script and card. A wrapped module needs `format="onnx"`.

        For images and other settings, call `gan.formats.exports.export(session.tuned_model(), folder, settings)`; errors are as there.
        """
        from gan.formats.exports import ExportSettings, export  # onnx takes a second to import

        if dtype not in ("float32", "float16"):
            raise ValueError(f"dtype must be float32 or float16, not {dtype!r}")
        folder, settings = Path(folder), ExportSettings(format, fp16=dtype == "float16")
        return export(self.tuned_model(folder.resolve().name), folder, settings, progress=progress, cancel=cancel)
