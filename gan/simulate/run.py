"""A simulated person teaches a generator through `gan.session`, as a real one would, and the result is judged."""

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan.errors import UserError
from gan.files import check_place, write_json
from gan.model import Model
from gan.networks.adapter import Choice
from gan.simulate.evaluate import JUDGED_SEED, Bench, Judge, Judgement
from gan.simulate.peers.base import Tally, counted
from gan.simulate.rater import Person, load_rater
from gan.simulate.report import Rated, Report, Step
from gan.simulate.schedule import schedule
from gan.simulate.selection import taste_scores
from gan.version import __version__

if TYPE_CHECKING:
    from gan.policy.rounds import RoundConfig
    from gan.rewards import RewardWeights
    from gan.session import Proposal, TuningSession

EXPECTED = 256  # judged images whose predicted liking is compared with the true one
BEST_OF = (4, 8, 16)  # numbers of untuned images of which the taste model selects one; 8 may count instead of 16 if limits must be kept
STRENGTHS = (4, 8, 16, 24, 32, 64, 256)  # numbers of candidates with which the final generator is also judged, besides its own

Progress = Callable[[float, str], None]


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
    lapses: float | None = None,
    strengths: bool = False,
) -> Report:
    """Let a rater file teach `model`, and judge the result.

    Parameters
    ----------
    model : the generator; its adapter is left out, so that the session begins at the untuned generator.
    rater_path : a Python file with `utility(images)`; see `gan.simulate.rater`.
    ratings : number of stars given in all, including repeats of an image; at least 12.
    seed : of the session and of the person's noise.
    out : a folder for `report.json` and `model`, the generator at the end of the session; None: nothing is written.
    device : "auto", "cpu", "cuda" or "mps".
    rounds : number of teaching rounds that the ratings are divided among; by default see `schedule`.
    progress : called with the share done in [0, 1] and a line of text.
    count : images in each evaluated set; fewer are faster and noisier.
    judge : prepared for this model and rater; None: made here, which draws and judges a large untuned sample first.
    judge_every_round : False: judge only the end, without the earlier rounds of the curve.
    config, weights : other settings for the session's rounds and reward.
    lapses : share of the ratings that are random stars; by default `rater.LAPSES`.
    strengths : whether to judge the final generator also with fewer and with more candidates.

    Raises
    ------
    UserError
        The rater file is invalid, there are too few ratings, the device is unknown, or `out` cannot be written.
    """
    from gan.data.procedural import cache_folder
    from gan.session import TuningSession
    from gan.taste import USEFUL_FROM

    tell = progress or (lambda share, line: None)
    if ratings < USEFUL_FROM:
        raise UserError(f"{ratings} ratings are too few to learn from: at least {USEFUL_FROM} are needed")
    rater = judge.rater if judge is not None else load_rater(rater_path)
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
    if out is not None:  # before the long work, but after everything else that can be checked early
        if (out / "model").exists() and not (out / "report.json").exists():  # it would be replaced
            raise UserError(f"{out / 'model'} is there already and not from an earlier simulation; name another folder")
        check_place(out)
    if judge is None:
        judge = Judge(Bench.prepare(untuned, count, progress=lambda share, line: tell(0.2 * share, line)), rater)
    person = Person(rater, judge.bench.images, seed, lapses)
    album = _Album(session)
    tally = Tally()
    sizes = schedule(ratings, rounds)
    steps: list[Step] = []
    given, worked = 0, 0.0
    for number, size in enumerate(sizes, 1):
        tell(0.2 + 0.75 * given / ratings, f"round {number} of {len(sizes)}: rating {size} images")
        begun = time.monotonic()
        known = len(session.pool)
        with counted(untuned, tally):
            shown = session.propose(size)
            stars = person.rate(np.stack([proposal.pixels for proposal in shown]), given / ratings, (given + size) / ratings)
            album.rate(shown, stars, given)
            given += size
            summary = session.fit()
            while session.prepare():  # a person takes longer to rate
                pass
            teaching = time.monotonic()
            refused = ""
            try:
                for event in session.run_round():
                    share = 0.2 + 0.75 * (given - size * (1 - event.step / event.steps)) / ratings
                    tell(share, f"round {number} of {len(sizes)}: step {event.step} of {event.steps}, reward {event.reward:+.2f}")
            except UserError as error:  # nothing to learn yet, which a person would be told
                refused = str(error)
        tally.images -= len(session.pool) - known
        seconds = time.monotonic() - teaching
        worked += time.monotonic() - begun
        result = session.last_round
        kept, why = (False, refused) if refused or result is None else (result.kept, result.reason)
        if judge_every_round or number == len(sizes):
            judgement = judge.judge_model(session.tuned_model())
            steps.append(
                Step(given, judgement, kept, why, seconds, summary.accuracy, float(stars.mean()))
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
        best_of={n: judge.best_of(n, scores) for n in BEST_OF},
        predicted=_expectation(session, tuned),
        seconds=worked,
        images=tally.images,
        rated=album.rated,
        drifts=rater.takes_progress,
        lapses=person.lapses,
        candidates=tuned.adapter.config.candidates if isinstance(tuned.adapter, Choice) else 0,
        strengths=_strengths(tuned, judge) if strengths else {},
        versions={
            "tastemaker": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    )
    if out is not None:
        from gan.formats import bundle

        bundle.save(tuned, out / "model")
        write_json(out / "report.json", report.record())
    tell(1.0, f"like rate {report.untuned.like:.2f} -> {report.final.like:.2f}")
    return report


class _Album:
    """Gives images ids: an image shown again keeps its id, so that its newer stars replace the older ones."""

    def __init__(self, session: "TuningSession") -> None:
        self._session = session
        self._ids: dict[bytes, int] = {}
        self.rated = Rated(np.zeros((0, session.model.z_dim), np.float32), np.zeros(0, np.int64))

    def rate(self, proposals: "list[Proposal]", stars: np.ndarray, given: int) -> None:
        """Pass these stars, (N,) in 1..5, to the session; `given` earlier ratings set the time."""
        from gan.taste import Feedback

        ids = [self._ids.setdefault(proposal.latent.tobytes(), len(self._ids)) for proposal in proposals]
        latents = np.stack([proposal.latent for proposal in proposals])
        self.rated = Rated(np.concatenate([self.rated.latents, latents]), np.concatenate([self.rated.stars, stars]))
        self._session.add({i: proposal.latent for i, proposal in zip(ids, proposals, strict=True)})
        self._session.feedback(
            Feedback(image=i, kind="stars", value=float(value), time=float(given + order))
            for order, (i, value) in enumerate(zip(ids, stars.tolist(), strict=True))
        )


def _strengths(tuned: Model, judge: Judge) -> dict[int, Judgement]:
    """The tuned generator with fewer and with more candidates, which trades liking against diversity."""
    found: dict[int, Judgement] = {}
    adapter = tuned.adapter
    if isinstance(adapter, Choice) and not adapter.idle:
        own = adapter.config.candidates
        for candidates in STRENGTHS:
            adapter.choose_among(candidates)
            found[candidates] = judge.judge_model(tuned)
        adapter.choose_among(own)
    return found


def _expectation(session: "TuningSession", tuned: Model) -> float:
    """Mean predicted liking of judged images."""
    pixels = torch.from_numpy(tuned.sample(range(JUDGED_SEED, JUDGED_SEED + EXPECTED))).permute(0, 3, 1, 2).float()
    scores = session.scorer.score(((pixels - 127.5) / 127.5).to(tuned.device))
    return float(scores.liking.mean())
