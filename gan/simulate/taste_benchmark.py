"""`tastemaker benchmark taste`: how fast and how well a taste is learnt, without tuning a generator.

Simulated people rate images of the untuned generator, chosen as in a session. Measured are: seconds to learn from many ratings; how the
predicted liking correlates with the true one, for consistent people and for those who slip; the same before and after a change of taste;
and what is learnt from implicit signals and from tags.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan.files import write_json
from gan.loading import load
from gan.model import Model
from gan.networks import latents, to_uint8
from gan.options import BUNDLED, Parser, new_file, whole
from gan.proposing import CANDIDATES
from gan.rewards.drawer import Drawer
from gan.simulate import rater as people
from gan.simulate.rater import FloatArray, Person, Rater, load_rater, rater_files
from gan.simulate.schedule import schedule
from gan.taste import Feedback, RawFeatures, Signal, Standardiser, Tag, TasteLearner
from gan.taste.selection import Shares, informative, quotas
from gan.terminal import Progress

IMAGES = 4200
_FIRST_SEED = 4_000_000_000
_TESTED = 1600  # images that nobody rates
_FITTED = (100, 500, 1000, 2000)  # events
_GRIDS = (24, 48, 96)  # numbers of ratings after which any preference at all is tested for
_RATED_OF_SIGNS = 400  # of three times as many images that have signals
_RATED_OF_TAGS = 100  # of three times as many images that may have tags

Say = Callable[[float, str], None]


@dataclass(frozen=True)
class World:
    """Images (N, H, W, 3) uint8 of the untuned generator, and the features that a taste is learnt from."""

    images: np.ndarray
    raw: RawFeatures
    standardise: Standardiser
    features: tuple[Tensor, ...]
    _utilities: dict[tuple[str, float], FloatArray] = field(default_factory=dict)

    @classmethod
    def draw(cls, model: Model, say: Say) -> "World":
        """Draw `IMAGES` images and compute their features, which takes a minute."""
        drawer = Drawer(model)
        images: list[np.ndarray] = []
        parts: list[RawFeatures] = []
        for start in range(0, IMAGES, 200):
            pixels = drawer.draw(latents(range(_FIRST_SEED + start, _FIRST_SEED + start + 200), model.z_dim), exact=True)
            images.append(to_uint8(pixels))
            parts.append(drawer.read(pixels)[0])
            say(start / IMAGES, f"drawing image {start} of {IMAGES}")
        raw = RawFeatures.cat(parts)
        standardise = Standardiser.fit(RawFeatures(tuple(group[:1024] for group in raw.groups)))
        return cls(np.concatenate(images), raw, standardise, standardise(raw))

    def utilities(self, rater: Rater, progress: float) -> FloatArray:
        """True utility of every image, (N,)."""
        key = (rater.name, progress if rater.takes_progress else 1.0)
        if key not in self._utilities:
            self._utilities[key] = rater.utility(self.images, progress)
        return self._utilities[key]

    def some(self, rows: np.ndarray) -> tuple[Tensor, ...]:
        """Features of the images in `rows`."""
        return tuple(group[torch.from_numpy(rows)] for group in self.features)


class Changing(Rater):
    """A rater whose taste changes between 40 % and 60 % of a session, like the bundled drifting ones."""

    def __init__(self, before: Rater, after: Rater, sign: float, images: np.ndarray) -> None:
        """Both tastes are standardised over `images` (N, H, W, 3) uint8; with sign -1, what `after` likes is disliked."""
        scales = [(float(one.mean()), float(one.std())) for one in (end.utility(images) for end in (before, after))]

        def utility(images: np.ndarray, progress: float) -> FloatArray:
            turned = min(max((progress - 0.4) / 0.2, 0.0), 1.0)
            ends = [one.utility(images) for one in (before, after)]
            old, new = ((end - middle) / spread for end, (middle, spread) in zip(ends, scales, strict=True))
            return (1.0 - turned) * old + turned * sign * new

        super().__init__(Path(f"{before.name}>{'-' if sign < 0 else ''}{after.name}.py"), utility, takes_progress=True)


def _session(world: World, rater: Rater, seed: int, ratings: int, lapses: float) -> list[dict[str, float]]:
    """Rate grids in turn; after each, the quality of the model for the person's taste at that time."""
    random = np.random.default_rng(seed)
    person = Person(rater, world.images, seed, lapses=lapses)
    learner = TasteLearner(world.standardise)
    free = random.permutation(IMAGES - _TESTED)
    given, found = 0, list[dict[str, float]]()
    rated = np.zeros(0, np.int64)
    for size in schedule(ratings):
        by_taste, at_random, again = quotas(size, Shares(), learner.model is not None, len(rated))
        chosen, free = free[:at_random], free[at_random:]
        if by_taste and learner.model is not None:
            places = informative(learner.model, world.some(free[:CANDIDATES]), by_taste)
            chosen, free = np.concatenate([chosen, free[places]]), random.permutation(np.delete(free, places))
        chosen = random.permutation(np.concatenate([chosen, random.choice(rated, again, replace=False)]))
        stars = person.rate(world.images[chosen], given / ratings)
        learner.add(chosen.tolist(), RawFeatures(tuple(group[torch.from_numpy(chosen)] for group in world.raw.groups)))
        learner.feedback(
            Feedback(int(i), "stars", float(s), float(given + n)) for n, (i, s) in enumerate(zip(chosen, stars, strict=True))
        )
        rated = np.union1d(rated, chosen)
        given += size
        learner.fit()
        found.append({"ratings": given, **_quality(world, learner, rater, given / ratings)})
    return found


def _quality(world: World, learner: TasteLearner, rater: Rater, progress: float) -> dict[str, float]:
    """On unrated images: correlation of predicted with true liking, and how often best-of-16 by the prediction is truly liked."""
    assert learner.model is not None
    rows = np.arange(IMAGES - _TESTED, IMAGES)
    mean = learner.model.predict(world.some(rows))[0].numpy()
    utilities = world.utilities(rater, progress)
    best = mean.reshape(-1, 16).argmax(axis=1) + 16 * np.arange(_TESTED // 16)
    likes = utilities[rows][best] > np.quantile(utilities, 0.8)
    return {"correlation": float(np.corrcoef(mean, utilities[rows])[0, 1]), "best_of_16": float(likes.mean())}


def _speed(world: World, rater: Rater) -> dict[str, dict[str, float]]:
    """Seconds of `learner.fit()` after one more event: nine stars to one comparison; then as many stars, with all comparisons last."""
    random, found = np.random.default_rng(0), dict[str, dict[str, float]]()
    stars = Person(rater, world.images, 0).rate(world.images[: max(_FITTED)])
    utilities = world.utilities(rater, 1.0)

    def compared(i: int, count: int) -> Feedback:
        other = (i + int(random.integers(1, count))) % count
        better, worse = (i, other) if utilities[i] > utilities[other] else (other, i)
        return Feedback(better, "preferred", 0.0, float(i), worse)

    def rated(i: int) -> Feedback:
        return Feedback(i, "stars", float(stars[i]), float(i))

    cases = {
        f"{count} events": (count, [compared(i, count) if i % 10 == 9 else rated(i) for i in range(count)]) for count in _FITTED
    }
    most, last = max(_FITTED), max(_FITTED) // 10
    cases[f"{most} stars, {last} comparisons"] = (
        most,
        [*map(rated, range(most)), *(compared(i, most) for i in range(last))],
    )
    for name, (count, events) in cases.items():
        learner = TasteLearner(world.standardise)
        learner.add(list(range(count)), RawFeatures(tuple(group[:count] for group in world.raw.groups)))
        learner.feedback(events[:-1])
        learner.fit()
        learner.feedback(events[-1:])
        begun, used = time.perf_counter(), time.process_time()
        learner.fit()
        found[name] = {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - used}
    return found


def _followed(world: World, rater: Rater, seed: int, ratings: int, dice: bool) -> float:
    """Conviction after so many ratings of random images, 0..1, by somebody who means them or, with `dice`, rates at random."""
    rows = np.random.default_rng([seed, ratings]).permutation(IMAGES - _TESTED)[:ratings]
    stars = Person(rater, world.images, seed, lapses=1.0 if dice else None).rate(world.images[rows])
    learner = TasteLearner(world.standardise)
    learner.add(rows.tolist(), RawFeatures(tuple(group[torch.from_numpy(rows)] for group in world.raw.groups)))
    learner.feedback(Feedback(i, "stars", float(s), n) for n, (i, s) in enumerate(zip(rows.tolist(), stars, strict=True)))
    learner.fit()
    return learner.conviction


def _half_told(world: World, rater: Rater, seed: int, ratings: int) -> tuple[TasteLearner, Person]:
    """A learner with three times as many images as were rated, and the person who rated them."""
    person = Person(rater, world.images, seed)
    learner = TasteLearner(world.standardise)
    learner.add(list(range(3 * ratings)), RawFeatures(tuple(group[: 3 * ratings] for group in world.raw.groups)))
    stars = person.rate(world.images[:ratings])
    learner.feedback(Feedback(i, "stars", float(s), i) for i, s in enumerate(stars))
    return learner, person


def _signs(world: World, rater: Rater, seed: int, telling: float) -> dict[str, float]:
    """The value of implicit signals if a third of the images with signals are rated."""
    learner, person = _half_told(world, rater, seed, _RATED_OF_SIGNS)
    learner.fit()
    without = _quality(world, learner, rater, 1.0)["correlation"]
    seen = person.signals(world.images[: 3 * _RATED_OF_SIGNS], telling=telling)
    learner.signals(Signal(i, kind, value, i) for i, kind, value in seen)
    signs = learner.fit().signs
    assert signs is not None
    with_them = _quality(world, learner, rater, 1.0)["correlation"]
    return {"auc": signs.auc, "weight": signs.weight, "without": without, "with": with_them}


def _tags(world: World, rater: Rater, seed: int, telling: float) -> dict[str, float]:
    """The value of tags if a third of the images are rated."""
    learner, person = _half_told(world, rater, seed, _RATED_OF_TAGS)
    learner.fit()
    without = _quality(world, learner, rater, 1.0)["correlation"]
    learner.tags(Tag(i, word, time=i) for i, word in person.tags(world.images[: 3 * _RATED_OF_TAGS], telling=telling))
    told = learner.fit().told
    with_them = _quality(world, learner, rater, 1.0)["correlation"]
    return {"weight": 0.0 if told is None else told.weight, "without": without, "with": with_them}


def measure(model: Model, files: Sequence[Path], seeds: int, ratings: int, say: Say) -> dict[str, Any]:
    """All measurements, as plain JSON."""
    world = World.draw(model, say)
    raters = [load_rater(path) for path in files]
    steady = [rater for rater in raters if not rater.takes_progress]
    changing: list[Rater] = [rater for rater in raters if rater.takes_progress]
    if steady:
        following = [*steady[1:], steady[0]]
        for number, (before, after) in enumerate(zip(steady, following, strict=True)):
            opposite = number % 2 == 1
            ends = (before, before, -1.0) if opposite else (before, after, 1.0)
            changing.append(Changing(*ends, world.images[:2000]))
    jobs = [(f"lapses {lapses:.0%}", rater, lapses) for lapses in (people.LAPSES, 0.25) for rater in steady]
    jobs += [("changing", rater, people.LAPSES) for rater in changing]
    curves: dict[str, dict[str, Any]] = {}
    for number, (kind, rater, lapses) in enumerate(jobs):
        say(number / len(jobs), f"{kind}: {rater.name}")
        curves.setdefault(kind, {})[rater.name] = [_session(world, rater, seed, ratings, lapses) for seed in range(seeds)]
    some = raters[:3]
    return {
        "format": "tastemaker-taste",
        "version": 1,
        "model": model.name,
        "ratings": ratings,
        "seeds": seeds,
        "threads": torch.get_num_threads(),
        "seconds": _speed(world, (steady or raters)[0]),
        "curves": curves,
        "followed": {
            str(count): {
                "dice": [_followed(world, raters[0], seed, count, True) for seed in range(20 * seeds)],
                "meant": [_followed(world, rater, seed, count, False) for rater in steady for seed in range(4 * seeds)],
            }
            for count in _GRIDS
        },
        **{
            kind: {
                name: [learnt(world, rater, seed, telling) for rater in some for seed in range(seeds)]
                for name, telling in (("telling", 1.0), ("useless", 0.0))
            }
            for kind, learnt in (("signs", _signs), ("tags", _tags))
        },
    }


def _say_all(found: dict[str, Any]) -> None:
    print(f"Seconds of one fit, the last event included ({found['threads']} threads):")
    for events, of in found["seconds"].items():
        print(f"  {events:>27}  {of['seconds']:.2f} s  ({of['cpu_seconds']:.2f} s of processor time)")
    print("\nCorrelation of predicted with true liking / share of best-of-16 that is liked, medians over raters and seeds:")
    for kind, raters in found["curves"].items():
        runs = [run for of_rater in raters.values() for run in of_rater]
        for step in zip(*runs, strict=True):
            middle, best = (float(np.median([one[name] for one in step])) for name in ("correlation", "best_of_16"))
            worst = min(one["correlation"] for one in step)
            print(f"  {kind:12} {step[0]['ratings']:>4} ratings  {middle:+.2f} / {best:.2f}   (worst correlation {worst:+.2f})")
    print("\nShare of people whose preference would be followed (wholly), whose stars are dice and who mean them:")
    for count, groups in found["followed"].items():
        words = "  ".join(
            f"{name} {np.mean(np.array(of) > 0.0):.2f} ({np.mean(np.array(of) == 1.0):.2f})" for name, of in groups.items() if of
        )
        print(f"  {count:>4} ratings  {words}")
    for kind, title in (("signs", "Implicit signals"), ("tags", "Words put to images")):
        print(f"\n{title}, medians: learnt weight, correlation without and with them:")
        for name, runs in found[kind].items():
            words = "  ".join(f"{key} {np.median([run[key] for run in runs]):.3f}" for key in runs[0])
            print(f"  {name:8} {words}")


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = Parser(
        prog="tastemaker benchmark taste",
        description="Measure how fast and how well a taste is learnt from simulated people: seconds per fit, steady people, people who "
        "slip, people whose taste changes half-way, implicit signals, tags. Takes about five minutes.",
    )
    parser.add_argument("--model", default=BUNDLED, metavar="MODEL", help=f"a bundle folder or a bundled name (default {BUNDLED})")
    parser.add_argument("--raters", default="dev", metavar="NAMES", help='groups, names or files separated by commas (default "dev")')
    parser.add_argument("--ratings", type=whole(48, 500), default=100, metavar="N", help="ratings per session, 48 to 500 (default 100)")
    parser.add_argument("--seeds", type=whole(1, 1000), default=3, metavar="N", help="seeds per rater (default 3)")
    parser.add_argument("--json", type=new_file, metavar="PATH", help="write all figures there")
    options = parser.parse_args(argv)
    with Progress() as progress:
        found = measure(load(options.model, "cpu"), rater_files(options.raters), options.seeds, options.ratings, progress)
        progress.clear()
    _say_all(found)
    if options.json is not None:
        write_json(options.json, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
