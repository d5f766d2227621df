"""A simulated person teaches a generator through `gan.session`, the way a real one would, and the result is judged."""

import json
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import gan
from gan.errors import UserError, reason
from gan.model import Model, digest
from gan.simulate.evaluate import JUDGED_SEED, LENIENT, STRICT, Bench, Judge, Judgement, Limits, keep
from gan.simulate.rater import FloatArray, Person, load_rater

if TYPE_CHECKING:
    from gan.policy.rounds import RoundConfig
    from gan.rewards import RewardWeights
    from gan.session import Proposal, TuningSession

GRID = 24  # images of a first grid
EXPECTED = 256  # judged images whose predicted liking is compared with the truth

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Step:
    """One grid rated and one round taught."""

    ratings: int  # given so far
    judgement: Judgement  # of the generator after the round
    kept: bool  # whether the session kept the round
    reason: str  # the session's own sentence
    seconds: float  # of the round alone
    accuracy: float | None  # prequential; None while there is too little to say
    stars: float  # mean of the grid's stars


@dataclass(frozen=True)
class Report:
    """What a simulated session came to."""

    rater: str
    ratings: int
    seed: int
    model: str
    hash: str
    device: str
    real: str  # what stood for real pictures: a procedural kind such as "scenes", "given" or "untuned"
    like_threshold: float
    love_threshold: float
    untuned: Judgement
    reference: Judgement
    steps: list[Step]
    oracle: Judgement  # best-of-16 by the true taste: what selection could come to at most
    best_of: dict[int, Judgement]  # selection by the session's own taste model, without training
    predicted: float  # mean predicted liking of the final generator's images, standard deviations of untuned images
    seconds: float  # the whole session, judging left out
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def final(self) -> Judgement:
        """The generator as the session left it."""
        return self.steps[-1].judgement if self.steps else self.untuned

    def counted(self, limits: Limits = STRICT) -> tuple[int, Judgement]:
        """The checkpoint the run counts as: the last one if it is inside `limits`, else the best one inside; else the start, 0.

        Returns its round, 1-based, and its judgement.
        """
        if self.final.inside(limits):
            return len(self.steps), self.final
        inside = [(i, step.judgement) for i, step in enumerate(self.steps, 1) if step.judgement.inside(limits)]
        return max([(0, self.untuned), *inside], key=lambda pair: pair[1].like)

    @property
    def ended_below(self) -> bool:
        """Whether the session left the person with fewer images they like than they began with."""
        return self.final.like < self.untuned.like

    def record(self) -> dict[str, Any]:
        """Plain JSON."""
        strict, lenient = self.counted(STRICT), self.counted(LENIENT)
        return {
            "format": "tastemaker-simulation",
            "version": 1,
            "rater": self.rater,
            "ratings": self.ratings,
            "seed": self.seed,
            "model": {"name": self.model, "hash": self.hash},
            "device": self.device,
            "versions": self.versions,
            "real": self.real,
            "limits": {"strict": asdict(STRICT), "lenient": {"diversity": LENIENT.diversity, "precision": LENIENT.precision}},
            "thresholds": {"like": self.like_threshold, "love": self.love_threshold},
            "untuned": self.untuned.record(),
            "reference": self.reference.record(),
            "curve": [
                {
                    "ratings": step.ratings,
                    "kept": step.kept,
                    "reason": step.reason,
                    "seconds": round(step.seconds, 2),
                    "accuracy": step.accuracy,
                    "stars": round(step.stars, 3),
                    **step.judgement.record(),
                }
                for step in self.steps
            ],
            "final": self.final.record(),
            "counted": {"round": strict[0], **strict[1].record()},
            "counted_lenient": {"round": lenient[0], **lenient[1].record()},
            "oracle_best_of_16": self.oracle.record(),
            "best_of": {str(n): judgement.record() for n, judgement in self.best_of.items()},
            "accuracy": self.steps[-1].accuracy if self.steps else None,
            "predicted_minus_true": round(self.predicted - self.final.utility, 4),
            "ended_below": self.ended_below,
            "seconds": round(self.seconds, 1),
            "seconds_per_round": round(float(np.mean([step.seconds for step in self.steps] or [0.0])), 2),
        }


def schedule(ratings: int, rounds: int | None = None) -> list[int]:
    """How many images are rated before each round: one grid first, the rest in equal parts.

    Parameters
    ----------
    ratings : in all, at least 1.
    rounds : how many; by default one per grid of 24, but from four on one per 50 ratings.
    """
    if rounds is None:
        rounds = max(1, round(ratings / GRID))
        rounds = rounds if rounds <= 4 else 4 + (ratings - 4 * GRID) // 50
    rounds = max(1, min(rounds, ratings))
    if rounds == 1:
        return [ratings]
    first = min(GRID, ratings // rounds + 1) if ratings < rounds * GRID else GRID
    return [first, *np.diff(np.linspace(first, ratings, rounds).round().astype(int)).tolist()]


def simulate(
    model: Model,
    rater_path: str | Path,
    ratings: int = 100,
    seed: int = 0,
    out: Path | None = None,
    device: str = "auto",
    rounds: int | None = None,
    progress: Progress | None = None,
    *,
    count: int = 1000,
    judge: Judge | None = None,
    judge_every_round: bool = True,
    config: "RoundConfig | None" = None,
    weights: "RewardWeights | None" = None,
) -> Report:
    """Let a rater file teach `model` and judge what came of it.

    Parameters
    ----------
    model : the generator; an adapter it already has is left out, so that the session begins at the untuned generator.
    rater_path : a Python file with `utility(images)`; see `gan.simulate.rater`.
    ratings : stars given in all, repeats of an image included; at least 12.
    seed : of the session and of the person's noise.
    out : a folder for `report.json` and `model`, the generator as the session left it; None writes nothing.
    device : "auto", "cpu", "cuda" or "mps".
    rounds : teaching rounds the ratings are spread over; by default see `schedule`.
    progress : called with the share done and one line.
    count : images in each judged set; fewer is quicker and noisier.
    judge : prepared for this model and rater; made here if None, which draws and judges a large untuned sample first.
    judge_every_round : False judges the end alone, and leaves the curve's earlier rounds out.
    config, weights : other settings for the session's rounds and reward.

    Raises
    ------
    UserError
        The rater file is bad, there are too few ratings, the device is unknown, or `out` cannot be written.
    """
    from gan.data.procedural import cache_folder
    from gan.session import TuningSession
    from gan.taste import USEFUL_FROM

    tell = progress or (lambda share, line: None)
    if ratings < USEFUL_FROM:
        raise UserError(f"{ratings} ratings are too few to learn from: at least {USEFUL_FROM} are needed")
    rater = judge.rater if judge is not None else load_rater(rater_path)
    if out is not None:
        with _writing(out):
            out.mkdir(parents=True, exist_ok=True)
    untuned = Model(model.name, model.generator, None, model.discriminator, model.card, model.device)
    try:
        cache = cache_folder() if judge is None or judge.bench.cached else None
        session = TuningSession(untuned, device=device, seed=seed, config=config, cache=cache)
    except ValueError as error:
        raise UserError(str(error)) from None
    if weights is not None:
        session.set_weights(weights)
    if judge is None:
        rater.check(untuned.sample(range(64)))
        judge = Judge(Bench.prepare(untuned, count, progress=lambda share, line: tell(0.2 * share, line)), rater)
    person = Person(rater, judge.bench.images, seed)
    album = _Album(session)
    sizes = schedule(ratings, rounds)
    steps: list[Step] = []
    given, worked = 0, 0.0
    for number, size in enumerate(sizes, 1):
        tell(0.2 + 0.75 * given / ratings, f"round {number} of {len(sizes)}: rating {size} images")
        begun = time.monotonic()
        proposals = session.propose(size)
        stars = person.rate(np.stack([proposal.pixels for proposal in proposals]), given / ratings)
        album.rate(proposals, stars, given)
        given += size
        summary = session.fit()
        teaching = time.monotonic()
        for event in session.run_round():
            share = 0.2 + 0.75 * (given - size * (1 - event.step / event.steps)) / ratings
            tell(share, f"round {number} of {len(sizes)}: step {event.step} of {event.steps}, reward {event.reward:+.2f}")
        seconds = time.monotonic() - teaching
        worked += time.monotonic() - begun
        result = session.last_round
        assert result is not None
        if judge_every_round or number == len(sizes):
            judgement = judge.judge_model(session.tuned_model())
            steps.append(
                Step(given, judgement, result.kept, result.reason, seconds, summary.accuracy, float(stars.mean()))
            )
            tell(0.2 + 0.75 * given / ratings, f"round {number} of {len(sizes)}: like rate {judgement.like:.2f}")
    scores = taste_scores(session, judge.bench)
    tuned = session.tuned_model()
    report = Report(
        rater=rater.name,
        ratings=given,
        seed=seed,
        model=model.name,
        hash=judge.bench.untuned.hash,
        device=str(untuned.device),
        real=judge.bench.real,
        like_threshold=judge.like_threshold,
        love_threshold=judge.love_threshold,
        untuned=judge.untuned,
        reference=judge.reference,
        steps=steps,
        oracle=judge.oracle,
        best_of={n: judge.best_of(n, scores) for n in (4, 16)},
        predicted=_expectation(session, tuned),
        seconds=worked,
        versions={
            "tastemaker": gan.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    )
    if out is not None:
        from gan.formats import bundle
        from gan.formats.files import write_bytes

        with _writing(out):
            bundle.save(tuned, out / "model")
            write_bytes(out / "report.json", (json.dumps(report.record(), indent=1) + "\n").encode())
    tell(1.0, f"like rate {report.untuned.like:.2f} -> {report.final.like:.2f}")
    return report


class _Album:
    """Gives images ids: an image shown again keeps its own, so that its newer stars replace the older."""

    def __init__(self, session: "TuningSession") -> None:
        self._session = session
        self._ids: dict[bytes, int] = {}

    def rate(self, proposals: "list[Proposal]", stars: np.ndarray, given: int) -> None:
        """Tell the session these stars, (N,) in 1..5; `given` ratings came before and set the time."""
        from gan.taste import Feedback

        ids = [self._ids.setdefault(proposal.latent.tobytes(), len(self._ids)) for proposal in proposals]
        self._session.add({i: proposal.latent for i, proposal in zip(ids, proposals, strict=True)})
        self._session.feedback(
            Feedback(image=i, kind="stars", value=float(value), time=float(given + order))
            for order, (i, value) in enumerate(zip(ids, stars.tolist(), strict=True))
        )


@torch.no_grad()
def taste_scores(session: "TuningSession", bench: Bench) -> FloatArray:
    """Predicted liking of the bench's untuned sample by the session's taste model: what best-of-N chooses by. (16 count,)"""
    taste = session.learner.model
    assert taste is not None
    described = _raw_features(session, bench)
    scores = []
    for start in range(0, len(described), 1000):
        part = type(described)(tuple(group[start : start + 1000] for group in described.groups))
        scores.append(taste.predict(session.scorer.standardise(part))[0].numpy())
    return np.concatenate(scores).astype(np.float64)


def _raw_features(session: "TuningSession", bench: Bench) -> Any:
    """The taste model's raw features of the bench's untuned sample.

    They are the same for every rater and seed, and take as long as teaching does: kept with the bench and in the cache.
    """
    from gan.data.procedural import cache_folder
    from gan.taste import RawFeatures

    if bench.described is not None:
        return bench.described
    drawer = session.scorer.drawer

    def read(images: np.ndarray) -> RawFeatures:
        pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
        return drawer.read(((pixels - 127.5) / 127.5).to(drawer.device))[0]

    first = read(bench.images[:16])
    path = cache_folder() / f"taste-{digest(bench.untuned.tensors())[:10]}-{len(bench.images)}.npz"
    if bench.cached and path.exists():
        with np.load(path) as archive:
            groups = tuple(torch.from_numpy(archive[name]) for name in archive.files)
        # another version of the features, under the same name, shows in the first rows
        if [group.shape[1:] for group in groups] == [group.shape[1:] for group in first.groups] and all(
            torch.allclose(old[:16], new, rtol=0.05, atol=0.05 * float(new.std()))
            for old, new in zip(groups, first.groups, strict=True)
        ):
            bench.described = RawFeatures(groups)
            return bench.described
    found = RawFeatures.cat([read(bench.images[start : start + 512]) for start in range(0, len(bench.images), 512)])
    if bench.cached:
        arrays = {f"group{i}": group.numpy() for i, group in enumerate(found.groups)}
        keep(path, lambda stream: np.savez(stream, **arrays), "taste-*.npz")  # type: ignore[arg-type]
    bench.described = found
    return found


def _expectation(session: "TuningSession", tuned: Model) -> float:
    """Mean predicted liking of judged images."""
    pixels = torch.from_numpy(tuned.sample(range(JUDGED_SEED, JUDGED_SEED + EXPECTED))).permute(0, 3, 1, 2).float()
    scores = session.scorer.score(((pixels - 127.5) / 127.5).to(tuned.device))
    return float(scores.liking.mean())


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """An OSError while writing becomes one line for people."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {out}: {reason(error)}") from None
