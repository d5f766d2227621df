"""How many ratings a session's proposals save, compared with proposing random images of the untuned generator.

No round is run, so that only the proposals differ: after every few ratings the taste model selects best-of-16 from untuned images, and the
person's true liking of those counts. Both arms begin with the same images and ask the same person.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from gan.data.procedural import cache_folder
from gan.session import TuningSession
from gan.simulate.evaluate import Bench, Judge
from gan.simulate.figures import Record, paired_bootstrap
from gan.simulate.rater import LAPSES, FloatArray, Person, load_rater
from gan.simulate.selection import taste_scores
from gan.taste import Feedback

STEP = 12  # ratings between evaluations
ARMS = ("ours", "random")
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of the lift that both arms reach


def run_queries(
    bench: Bench,
    raters: Sequence[Path],
    seeds: Sequence[int],
    ratings: int,
    lapses: float = LAPSES,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Record]:
    """One record per rater and seed: the lift of both arms after every `STEP` ratings, and the utilities of the images they showed.

    The lift is the mean utility of best-of-16 by the taste model, in standard deviations over the untuned generator's images. So is the
    utility of the images shown, of which the first `STEP` are left out.
    """
    records = []
    for seed in seeds:
        for path in raters:
            judge = Judge(bench, load_rater(path))
            arms = {arm: _lifts(judge, seed, ratings, arm, lapses) for arm in ARMS}
            lifts = {arm: lifts for arm, (lifts, _) in arms.items()}
            shown = {arm: liked for arm, (_, liked) in arms.items()}
            record = {"rater": path.stem, "seed": seed, "ratings": list(range(STEP, ratings + 1, STEP)), "lift": lifts, "shown": shown}
            needed = ratings_needed(record)
            records.append({**record, "needed": dict(zip(ARMS, needed, strict=True))})
            tell(
                f"{path.stem}, seed {seed}: lift {lifts['ours'][-1]:.2f} SD, random {lifts['random'][-1]:.2f} SD; "
                f"ratings to the same lift {needed[0]:.0f}, random {needed[1]:.0f}"
            )
    return records


def _lifts(judge: Judge, seed: int, ratings: int, arm: str, lapses: float) -> tuple[list[float], float]:
    bench = judge.bench
    session = TuningSession(bench.untuned, str(bench.untuned.device), seed, cache=cache_folder() if bench.cached else None)
    person = Person(judge.rater, bench.images, seed, lapses)
    random = fresh(seed)
    known: dict[bytes, int] = {}
    lifts: list[float] = []
    shown: list[float] = []
    for given in range(0, ratings - STEP + 1, STEP):
        if arm == "ours" or not given:
            points = np.stack([proposal.latent for proposal in session.propose(STEP)])
        else:
            points = torch.randn(STEP, bench.untuned.z_dim, generator=random).numpy()
        images = session.draw(points)
        stars = person.rate(images, given / ratings, (given + len(points)) / ratings)
        if given:
            shown += ((judge.rater.utility(images) - judge.utilities.mean()) / judge.utilities.std()).tolist()
        ids = [known.setdefault(point.tobytes(), len(known)) for point in points]
        session.add(dict(zip(ids, points, strict=True)))
        session.feedback(
            Feedback(image=i, kind="stars", value=float(n), time=float(given + order))
            for order, (i, n) in enumerate(zip(ids, stars.tolist(), strict=True))
        )
        session.fit()
        lifts.append(lift(judge, taste_scores(session, bench)) if session.learner.model is not None else 0.0)
    return lifts, float(np.mean(shown)) if shown else 0.0


def fresh(seed: int) -> torch.Generator:
    """A random generator for latents that nobody was shown: with the seed itself a session draws its first images."""
    return torch.Generator().manual_seed(seed + 1_000_003)


def lift(judge: Judge, scores: FloatArray) -> float:
    """Mean utility of the best of every 16 untuned images by these scores, in untuned standard deviations from the untuned mean."""
    groups = scores.reshape(-1, 16)
    picks = groups.argmax(axis=1) + 16 * np.arange(len(groups))
    return float((judge.utilities[picks].mean() - judge.utilities.mean()) / judge.utilities.std())


def ratings_needed(record: Record) -> tuple[float, float]:
    """Number of ratings with which each arm reached the same lifts: the mean over `LEVELS` of the smaller of their two maxima.

    Interpolated from zero on. The maximum alone would not do: a curve is flat near its end, and when it gets there is chance.
    """
    ratings = np.asarray([0, *record["ratings"]], np.float64)
    best = {arm: np.maximum.accumulate([0.0, *record["lift"][arm]]) for arm in ARMS}
    common = min(float(curve[-1]) for curve in best.values())
    needed = {arm: float(np.mean([_reaching(ratings, best[arm], level * common) for level in LEVELS])) for arm in ARMS}
    return needed["ours"], needed["random"]


def _reaching(ratings: FloatArray, curve: FloatArray, goal: float) -> float:
    """Number of ratings at which a nondecreasing curve reaches `goal`."""
    above = int(np.argmax(curve >= goal))
    if not above:
        return 0.0
    low, high = float(curve[above - 1]), float(curve[above])
    return float(ratings[above - 1] + (goal - low) / (high - low) * (ratings[above] - ratings[above - 1]))


def queries_table(records: Sequence[Record]) -> str:
    """The lifts by number of ratings, and a comparison of the arms."""
    lines = [f"{'ratings':<10}" + "".join(f"{k:>7}" for k in records[0]["ratings"])]
    for arm in ARMS:
        means = np.mean([r["lift"][arm] for r in records], axis=0)
        lines.append(f"{arm:<10}" + "".join(f"{value:>7.2f}" for value in means))
    saved = [r["needed"]["random"] - r["needed"]["ours"] for r in records]
    shares = [1.0 - r["needed"]["ours"] / max(r["needed"]["random"], 1.0) for r in records]
    low, high = paired_bootstrap(saved, [r["rater"] for r in records])
    claim = "excludes" if low > 0 or high < 0 else "does not exclude"
    lines.append("")
    lines.append("lift: mean utility of the best of 16 untuned images by the taste model, in standard deviations (means over runs)")
    lines.append(
        f"ratings that our proposals save to the same lift, in the mean over levels: {np.mean(saved):+.1f} "
        f"(95 % {low:+.1f} to {high:+.1f}, {claim} zero), median {np.median(shares):.0%} of them, over "
        f"{len(records)} paired runs"
    )
    liked = [r["shown"]["ours"] - r["shown"]["random"] for r in records]
    low, high = paired_bootstrap(liked, [r["rater"] for r in records])
    means = {arm: np.mean([r["shown"][arm] for r in records]) for arm in ARMS}
    lines.append(
        f"utility of what was shown after the first {STEP}, in standard deviations: ours {means['ours']:+.2f}, "
        f"random {means['random']:+.2f}, difference {np.mean(liked):+.2f} (95 % {low:+.2f} to {high:+.2f})"
    )
    return "\n".join(lines)
