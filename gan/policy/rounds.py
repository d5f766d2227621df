"""One round of tuning: sample actions, draw, score, update, evaluate; stop at a limit and keep the best version."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Literal, cast, get_args

import torch
from torch import Tensor

from gan.guard import MOVING, Guard, Limits, Look, mean_pairwise_distance
from gan.networks.adapter import Adapter, Choice
from gan.policy.base import LatentPolicy
from gan.policy.categorical import CategoricalPolicy
from gan.policy.climb import Climb, ClimbConfig
from gan.policy.estimators import ESTIMATORS, Estimator, scale
from gan.policy.gaussian import GaussianPolicy
from gan.policy.pathwise import MovingPolicy, pathwise_update
from gan.policy.styles import StylePolicy, StyleShift
from gan.policy.update import UpdateConfig, update
from gan.rewards import MOVING_WEIGHTS, RewardWeights, favour_novelty, novelty
from gan.rewards.head import chosen_shares
from gan.rewards.scorer import Scorer, Scores
from gan.rewards.seen import Seen
from gan.rewards.variety import Variety


@dataclass(frozen=True)
class RoundConfig:
    """Settings of a round; the defaults were chosen on the learning benchmark's tuning raters."""

    policy: Literal["choice", "shift"] = "choice"  # choose among latents of the prior, or move each latent
    estimator: Estimator = "rloo"  # how gradients are estimated from drawn images; "pathwise" needs the policy "shift"
    steps: int = 16  # batches
    states: int = 16  # latents per batch
    children: int = 8  # actions sampled for each latent
    advantage_floor: float = 0.1  # lower bound of the deviation that advantages are divided by (`scale`), in untuned SD
    look_every: int = 4  # batches between two evaluations by the guard
    look_images: int = 128
    limits: Limits | None = None  # None: the defaults for the policy
    update: UpdateConfig = field(default_factory=UpdateConfig)
    discriminator_ridge: float = 0.0  # ridge of the discriminator's head, 0.1 to 0.3; 0: it does not learn (no gain is sure)
    # choice
    pool: int = 24576  # images of the prior that a choice is fitted to: as many of them as have been read when a round begins
    candidates: int = 48  # at medium strength
    temperature: float = 0.3  # of the softmax over preferences, which are on the scale of rewards
    entropy_weight: float = 0.3  # reward (untuned SD) paid per nat of KL to the untuned policy
    draw_rate: float = 2e-4  # learning rate for the updates from drawn images
    climb: ClimbConfig = field(default_factory=ClimbConfig)
    # shift
    sigma: float = 0.4  # how far an action strays from the mean, in standard deviations of the prior
    learning_rate: float = 3e-3  # of Adam on the adapter
    kl_weight: float = 0.015  # reward (untuned SD) paid per nat of KL to the untuned policy
    kl_limit: float = 45.0  # nats; beyond it the weight grows until the policy comes back

    def __post_init__(self) -> None:
        for name, known in (("policy", ("choice", "shift")), ("estimator", get_args(Estimator))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}")
        for name, least in (("steps", 1), ("states", 1), ("children", 2), ("look_every", 1), ("candidates", 1), ("pool", 32)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name} is a whole number from {least}, not {value!r}")
            object.__setattr__(self, name, int(value))  # torch's schedules refuse numpy's integers
        for name in ("temperature", "entropy_weight"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)!r}")


@dataclass(frozen=True)
class RoundProgress:
    """What is reported after one step. SD are standard deviations of the untuned generator's images."""

    step: int  # counted from 1; 0 while images are read before the first step: then the other fields have no meaning yet
    steps: int
    seconds_left: float
    reward: float = 0.0  # mean over the batch's actions, SD
    taste: float = 0.0  # mean, SD
    realism: float = 0.0  # mean, SD; 0 without a discriminator
    kl: float = 0.0  # to the untuned policy, nats
    kl_limit: float = 0.0  # for a choice the largest possible KL, or the limit beyond which the KL weight grows, nats
    diversity: float = 1.0  # at the last evaluation, relative to the best fifth of the untuned generator's images
    diversity_limit: float = 0.0
    images_per_second: float = 0.0  # scored per second, including images that were already drawn
    note: str = ""  # the limit that the guard found broken, if any
    start_taste: float = 0.0  # mean before the first step, SD


@dataclass(frozen=True)
class RoundResult:
    """How a round ended."""

    kept: bool  # whether the generator changed
    reason: str  # one sentence
    start: Look
    best: Look
    kl: float
    steps: int
    seconds: float
    images: int  # scored: sampled in batches, or evaluated by the guard
    drawn: int  # of these, the images that had to be drawn; the others were repeats


class Round:
    """Runs once, by `run()`; `result` is set when it has ended.

    Parameters
    ----------
    adapter : changed in place; after the round it is the best version found, or as it was. Its type decides the policy.
    scorer : with a taste set; it draws what the adapter returns (for a `StyleShift`, see `Scorer.drawing` and `Synthesis`).
    generator : source of all randomness: on a CPU a round is reproducible as far as a session is (see `TuningSession`).
    rival : if `adapter` starts afresh, the adapter that it has to beat; None: itself, as it is at the start.

    Raises
    ------
    ValueError
        The pathwise estimator with a choice, which has no gradient.
    """

    def __init__(
        self, adapter: Adapter, scorer: Scorer, config: RoundConfig, generator: torch.Generator, rival: Adapter | None = None
    ) -> None:
        self.adapter, self.scorer, self.config, self.random = adapter, scorer, config, generator
        self._rival = rival
        self._seen = Seen(scorer.drawer)
        self.device = scorer.drawer.device
        self.result: RoundResult | None = None
        self._yardstick = scorer  # used for evaluation: its discriminator does not learn, so that the measure stays fixed during the round
        self._climb: Climb | None = None
        self._narrowed = ""  # the limit for which the number of candidates was last reduced
        self._variety: Variety | None = None
        if isinstance(adapter, Choice) and config.estimator == "pathwise":
            raise ValueError("the pathwise estimator needs a policy that moves: a choice has no slope")
        self.policy: LatentPolicy
        if isinstance(adapter, Choice):
            self.policy = CategoricalPolicy(adapter, config.temperature)
            known = scorer.known_scores()
            self._variety = Variety.of(known.features, chosen_shares(known.reward, adapter.config.candidates))
            self._embedded = scorer.known_latents()
            if self._learns_realism:
                self.scorer = scorer.learning()
                known = self._learn_realism()
            self._climb = Climb(
                self.policy,
                self._embedded,
                self._rewards(known),
                config.entropy_weight,
                config.steps,
                config.climb,
                generator,
                scorer.drawer.autocast,
            )
        elif isinstance(adapter, StyleShift):
            self.policy = StylePolicy(adapter, config.sigma)
        else:
            self.policy = GaussianPolicy(adapter, config.sigma)
        self.limits = config.limits or (Limits() if self._climb is not None else MOVING)
        # With default weights the taste alone decides which version is kept. Others ask for more than taste, which costs some of it.
        weights = replace(scorer.weights, outside={name: weight for name, weight in scorer.weights.outside.items() if weight})
        self._turned = weights != (RewardWeights() if self._climb is not None else MOVING_WEIGHTS)
        self._held_out = torch.randn(config.look_images, adapter.config.z_dim, generator=generator).to(self.device)
        self._choices: Tensor | None = None  # the candidates of `_held_out`, embedded
        self._fair = scorer.best_fifth()
        self._fair_diversity = max(mean_pairwise_distance(self._fair.features), 1e-6)  # 0 if all images are the same

    @property
    def _learns_realism(self) -> bool:
        return self.scorer.has_realism and self.config.discriminator_ridge > 0.0

    @torch.no_grad()
    def _learn_realism(self) -> Scores:
        """Train the discriminator's head to tell what is chosen now from real images. Returns the pool's scores with that head."""
        assert isinstance(self.adapter, Choice)
        preferences = self.adapter.preference(self._embedded).cpu()
        shares = chosen_shares(preferences, self.adapter.config.candidates)
        self.scorer.learn_realism(self.scorer.known_scores(), shares, self.config.discriminator_ridge)
        return self.scorer.known_scores()

    def _rewards(self, scores: Scores) -> Tensor:
        """Rewards (N,), for a choice including what each image adds to variety."""
        if self._variety is None:
            return scores.reward
        added = self.scorer.weights.novelty * self._variety(scores.features)
        return torch.where(scores.terms.gated, scores.reward, scores.reward + added)

    def _scores(self, latents: Tensor) -> Scores:
        return self.scorer.score_features(*self._seen.look(latents))

    @torch.no_grad()
    def look(self, step: int, adapter: Adapter | None = None) -> Look:
        """Evaluate the adapter, or another one, as it would be exported (no noise), on latents that no update sees."""
        scores = self._yardstick.score_features(*self._seen.look(self._points(adapter or self.adapter)))
        realism = scores.terms.realism
        return Look(
            step=step,
            taste=float(scores.terms.taste.mean()),
            realism=0.0 if realism is None else float(realism.mean()) - self._fair.realism,
            diversity=mean_pairwise_distance(scores.features) / self._fair_diversity,
            typicality=float(scores.terms.typicality.mean()) - self._fair.typicality,
            reward=float(self._rewards(scores).nanmean()) if self._turned else None,
        )

    def _points(self, adapter: Adapter) -> Tensor:
        """What an adapter makes of the held-out latents."""
        if not isinstance(adapter, Choice):
            return adapter(self._held_out)
        if self._choices is None or self._choices.shape[1] < adapter.config.candidates:
            self._choices = adapter.candidates(self._held_out)
        return adapter.choose(self._held_out, self._choices[:, : adapter.config.candidates])  # fewer are the first of more

    @property
    def _candidates(self) -> int:
        return self.adapter.config.candidates if isinstance(self.adapter, Choice) else 1

    def _look_again(self, step: int) -> Look:
        """Evaluate; while a choice breaks a limit, take away a quarter of its candidates and evaluate again: it may only be too strict."""
        look = self.look(step)
        while isinstance(self.adapter, Choice) and self._candidates > 2 and (broken := look.broken(self.limits)):
            self._narrowed = broken
            self.adapter.choose_among(self._candidates * 3 // 4)
            look = self.look(step)
        return look

    def run(
        self, cancel: Callable[[], bool] = lambda: False, wait: Callable[[], None] = lambda: None
    ) -> Iterator[RoundProgress]:
        """Yields a report after every step. Between steps, `cancel` is called (true ends the round) and `wait` may block (a pause)."""
        config = self.config
        choosing = self._climb is not None
        rate = config.draw_rate if choosing else config.learning_rate
        optimizer = torch.optim.Adam(self.policy.parameters(), lr=rate, betas=(0.9, 0.99), fused=True)
        least = config.entropy_weight if choosing else config.kl_weight
        kl_weight = least
        look = self.look(0, self._rival)
        guard = Guard(self.limits, look)
        best, candidates = copy.deepcopy(self.adapter.state_dict()), self._candidates
        started, worked = time.monotonic(), 0.0
        step, kl, note, stop, cancelled = 0, 0.0, "", False, False
        while step < config.steps and not stop:
            wait()
            if cancel():
                cancelled = True
                break
            begun = time.monotonic()
            step += 1
            reward, taste, realism, kl = self._step(optimizer, kl_weight)
            # Dual ascent: the KL weight grows while the policy is outside a limit, and falls back while it is inside.
            # A round that has gone too far thus comes back and learns to change only what it must, instead of ending there.
            kl_limit = min(self.policy.most, config.kl_limit)
            outside = kl > kl_limit or bool(note)
            kl_weight = min(kl_weight * 1.3, 10.0) if outside else max(kl_weight / 1.3, least)
            if step % config.look_every == 0 or step == config.steps:
                if self._climb is not None and self._learns_realism:
                    self._climb.reward(self._rewards(self._learn_realism()))
                look = self._look_again(step)
                improved, stop = guard.look(look)
                note = look.broken(self.limits) or ""
                if improved:
                    best, candidates = copy.deepcopy(self.adapter.state_dict()), self._candidates
            worked += time.monotonic() - begun
            yield RoundProgress(
                step=step,
                steps=config.steps,
                seconds_left=worked / step * (config.steps - step),
                reward=reward,
                taste=taste,
                realism=realism,
                kl=kl,
                kl_limit=kl_limit,
                diversity=look.diversity,
                diversity_limit=self.limits.diversity,
                images_per_second=config.states * config.children * step / worked,
                note=note,
                start_taste=guard.start.taste,
            )
        self.adapter.load_state_dict(best)
        if isinstance(self.adapter, Choice):
            self.adapter.choose_among(candidates)
        kept = guard.best is not guard.start
        self.result = RoundResult(
            kept=kept,
            reason=_sentence(kept, stop, cancelled, guard.reason or self._narrowed),
            start=guard.start,
            best=guard.best,
            kl=self._kl(self._held_out),
            steps=step,
            seconds=time.monotonic() - started,
            images=self._seen.asked,
            drawn=self._seen.drawn,
        )

    def _step(self, optimizer: torch.optim.Optimizer, kl_weight: float) -> tuple[float, float, float, float]:
        """Learn from the pool, then draw one batch and update the policy. Returns mean reward, taste, realism and KL."""
        config = self.config
        if self._climb is not None:
            self._climb.step()
        states = torch.randn(config.states, self.adapter.config.z_dim, generator=self.random).to(self.device)
        seen = self.policy.see(states)
        if config.estimator == "pathwise":
            scores, kl = self._along(states, optimizer, kl_weight)
        else:
            scores, kl = self._around(states, seen, optimizer, kl_weight)
        realism = scores.trained_realism
        return (
            float(scores.reward.mean()),
            float(scores.terms.taste.mean()),
            0.0 if realism is None else float(realism.mean()),
            kl,
        )

    def _around(self, states: Tensor, seen: Tensor, optimizer: torch.optim.Optimizer, kl_weight: float) -> tuple[Scores, float]:
        """A score-function update: sample, draw, score, update. Returns the scores and the KL in nats.

        Advantages are divided by their standard deviation sd over the batch (`scale`), but the KL weight is not. These updates therefore
        converge to f = t r / (beta sd), not to the f = t r / beta that `Climb` tends to.
        """
        config = self.config
        actions = self.policy.act(seen, config.children, self.random)
        scores = self._scores(self.policy.points(states, actions).flatten(0, 1))
        shape = (config.states, config.children)
        advantages = scale(ESTIMATORS[config.estimator](self._rewards(scores).reshape(shape)), config.advantage_floor)
        if self._variety is None:
            advantages = favour_novelty(advantages, novelty(scores.features).reshape(shape), self.scorer.weights.novelty)
        advantages = advantages.to(self.device)
        stats = update(self.policy, optimizer, seen, actions, advantages, kl_weight, config.update, self.random)
        return scores, stats.kl

    def _along(self, states: Tensor, optimizer: torch.optim.Optimizer, kl_weight: float) -> tuple[Scores, float]:
        """A pathwise update: backpropagate each image's reward into the policy. Returns the scores of the last part, and the KL in nats."""
        found: list[Scores] = []

        def slope(points: Tensor) -> Tensor:
            scores, slopes = self.scorer.gradients(points)
            found.append(scores)
            return slopes

        policy = cast(MovingPolicy, self.policy)
        pathwise_update(policy, optimizer, states, self.config.children, slope, kl_weight, self.config.update, self.random)
        return found[-1], self._kl(states)

    @torch.no_grad()
    def _kl(self, states: Tensor) -> float:
        return float(self.policy.kl(states).mean())


def _sentence(kept: bool, stopped: bool, cancelled: bool, broken: str) -> str:
    if stopped:
        went_back = "the best version so far was kept" if kept else "nothing was changed"
        return f"Stopped because {broken}; {went_back}."
    if not kept:
        why = f" ({broken})" if broken else ""
        return f"No version inside the limits pleased more than the one before{why}; nothing was changed."
    return "Stopped on request; the best version so far was kept." if cancelled else "Kept."
