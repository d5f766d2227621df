"""Evaluation of a simulated session: how many fresh images please, and what that cost in variety and realism.

Everything is compared with the *reference*: the untuned generator's own top-quintile images. Any taste narrows what is shown; the
reference narrows by selection alone. All distances are in the feature space "rand" of `gan.measure`, in which nothing is trained.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from gan.data.procedural import KINDS
from gan.errors import UserError
from gan.measure import distances
from gan.measure.distances import Manifold
from gan.measure.features import features
from gan.measure.real import RealPool, drawn_pool
from gan.model import Model
from gan.simulate.rater import FloatArray, Rater

if TYPE_CHECKING:
    from gan.simulate.peers.base import Tuned

UNTUNED_SEED = 3_000_000_000  # of the untuned sample; sessions use seeds far below
STAND_IN_SEED = 3_250_000_000  # of stand-ins for real pictures if there are none
JUDGED_SEED = 3_500_000_000  # of the fresh images that are judged
UNTUNED_PER_IMAGE = 16  # so that best-of-16 gives as many images as are judged
REAL_PER_IMAGE = 20
KEPT_SAMPLES = 4  # cached files of untuned images, about 200 MB each

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Limits:
    """What a tuned generator must preserve, as ratios to the reference."""

    diversity: float = 0.95  # at least
    coverage: float = 0.90  # at least
    precision: float = 0.95  # at least
    kid: float = 1.10  # at most


STRICT = Limits()
LENIENT = Limits(diversity=0.90, coverage=0.0, precision=0.90, kid=inf)


@dataclass(frozen=True)
class Judgement:
    """Evaluation of `count` unselected images of one generator by one rater."""

    count: int
    like: float  # share above the 80th percentile of the untuned generator's utility
    love: float  # share above its 95th percentile
    utility: float  # mean, in untuned standard deviations from the untuned mean
    diversity: float  # mean pairwise feature distance
    coverage: float  # of the liked real images (Naeem et al. 2020)
    precision: float  # share inside the manifold of all real images (Kynkaanniemi et al. 2019)
    kid: float  # against real images paired by utility, each used once
    diversity_ratio: float  # to the reference, as are the next three
    coverage_ratio: float
    precision_ratio: float
    kid_ratio: float

    def inside(self, limits: Limits = STRICT) -> bool:
        """Whether all four constraints are met."""
        return not self.violations(limits)

    def violations(self, limits: Limits = STRICT) -> list[str]:
        """Names of the violated constraints."""
        held = {
            "diversity": self.diversity_ratio >= limits.diversity,
            "coverage": self.coverage_ratio >= limits.coverage,
            "precision": self.precision_ratio >= limits.precision,
            "kid": self.kid_ratio <= limits.kid,
        }
        return [name for name, holds in held.items() if not holds]

    def record(self) -> dict[str, object]:
        """Plain JSON: the fields, rounded, and the violated constraints."""
        plain: dict[str, object] = {
            name: round(value, 5) if isinstance(value, float) else value for name, value in asdict(self).items()
        }
        return plain | {"inside": self.inside(), "inside_lenient": self.inside(LENIENT), "violations": self.violations()}


@dataclass
class Bench:
    """What the judges of one generator share for all raters: its untuned sample and the real pool."""

    untuned: Model
    images: np.ndarray  # (UNTUNED_PER_IMAGE * count, R, R, 3) uint8, with seeds from UNTUNED_SEED on
    pool: RealPool
    count: int  # images in every evaluated set
    real: str = "given"  # kind of pool: a procedural kind such as "scenes", "given", or "untuned" if there are no real pictures
    cached: bool = False  # whether the user's cache folder may be used
    described: Any = None  # the taste model's raw features of the untuned sample, computed when needed
    _features: dict[int, np.ndarray] = field(default_factory=dict, repr=False)  # of single images of the untuned sample, cached

    def features_of(self, rows: np.ndarray) -> np.ndarray:
        """Features (n, d) of images of the untuned sample, by their rows (n,); cached, since the judges of all raters share some."""
        unknown = [int(row) for row in np.unique(rows) if int(row) not in self._features]
        if unknown:
            self._features.update(zip(unknown, features(self.images[unknown]), strict=True))
        return np.stack([self._features[int(row)] for row in rows])

    @classmethod
    def prepare(
        cls,
        model: Model,
        count: int = 1000,
        pool: RealPool | None = None,
        cache: bool = True,
        progress: Progress | None = None,
    ) -> "Bench":
        """Draw, or read from the cache, what judging `model` needs.

        Parameters
        ----------
        model : its generator is judged, without its adapter.
        count : images per evaluated set. The untuned sample has 16 times as many, the real pool 20 times.
        pool : real pictures, at least 5 times `count`. By default drawn if the model's card names a procedural kind; otherwise other images
            of the untuned generator, and "realism" then only means to be no worse than those.
        cache : whether to keep the untuned sample in the user's cache folder.

        Raises
        ------
        UserError
            There are too few real pictures.
        """
        untuned = Model(model.name, model.generator, None, model.discriminator, model.card, model.device)
        real, kind = "given", str(untuned.card.get("data", {}).get("kind"))
        if pool is None and kind in KINDS:
            real, pool = kind, drawn_pool(kind, REAL_PER_IMAGE * count, untuned.resolution, progress)
        elif pool is None:
            stand_ins = _sample(untuned, STAND_IN_SEED, REAL_PER_IMAGE * count, cache, progress)
            real, pool = "untuned", RealPool(stand_ins, features(stand_ins))
        if len(pool) < 5 * count:
            raise UserError(f"judging {count} images needs at least {5 * count} real ones, not {len(pool)}")
        sample = _sample(untuned, UNTUNED_SEED, UNTUNED_PER_IMAGE * count, cache, progress)
        return cls(untuned, sample, pool, count, real, cache)

    @cached_property
    def precision_manifold(self) -> Manifold:
        """The manifold of `count` real pictures spread over the pool."""
        return Manifold.of(self.pool.features[:: len(self.pool) // self.count][: self.count])

    @cached_property
    def kid_floor(self) -> float:
        """Root mean square of KID between samples of `count` real pictures; a ratio to a smaller value would be meaningless."""
        order = np.random.default_rng(0).permutation(len(self.pool))[: 4 * self.count].reshape(4, -1)
        parts = [self.pool.features[np.sort(rows)] for rows in order]
        return float(np.sqrt(np.mean([distances.kid(parts[0], other) ** 2 for other in parts[1:]])))


class Judge:
    """Judges generators tuned from one untuned generator, by one rater's noiseless taste at the end of a session."""

    def __init__(self, bench: Bench, rater: Rater) -> None:
        self.bench = bench
        self.rater = rater
        self.utilities = _utilities(rater, bench.images)  # of the untuned sample
        self._real = _utilities(rater, bench.pool.images)
        self.like_threshold, self.love_threshold = (float(q) for q in np.quantile(self.utilities, (0.80, 0.95)))
        self._mean, self._deviation = float(self.utilities.mean()), float(self.utilities.std())
        liked = np.flatnonzero(self._real > self.like_threshold)
        if len(liked) < bench.count:  # a poor generator's threshold may be above, or below, nearly all real pictures
            liked = np.argsort(self._real, kind="stable")[-bench.count :]
        chosen = np.random.default_rng(1).permutation(liked)[: bench.count]
        self._liked = Manifold.of(bench.pool.features[np.sort(chosen)])
        top = np.flatnonzero(self.utilities > self.like_threshold)
        if len(top) < bench.count:
            raise UserError(f"{rater.path}: too few of the untuned images stand out: utility takes too few values")
        self.reference = self._reference(top)

    def _reference(self, top: np.ndarray) -> Judgement:
        """The mean over up to three disjoint sets of top images: the KID of a single one is off by a tenth, as much as the limit allows."""
        count = self.bench.count
        parts = [
            # ratios to itself are 1 by definition; only the values matter here
            self._judge(self.bench.features_of(rows), self.utilities[rows], None)
            for rows in (top[start : start + count] for start in range(0, min(len(top), 3 * count) - count + 1, count))
        ]
        means = {name: float(np.mean([getattr(part, name) for part in parts])) for name in asdict(parts[0])}
        return Judgement(**means | {"count": count})  # type: ignore[arg-type]

    @cached_property
    def untuned(self) -> Judgement:
        """The untuned generator, without selection."""
        return self._choose(np.arange(self.bench.count))

    @cached_property
    def oracle(self) -> Judgement:
        """Best-of-16 by the true taste: an upper bound for selection among the untuned generator's own images."""
        return self.best_of(16, self.utilities)

    def judge(self, images: np.ndarray) -> Judgement:
        """Judge `bench.count` unselected images (N, H, W, 3) uint8. ValueError for another number of images."""
        if len(images) != self.bench.count:
            raise ValueError(f"{self.bench.count} images are judged at a time, not {len(images)}")
        return self._judge(features(images), self.rater.utility(images, 1.0), self.reference)

    def judge_model(self, model: "Model | Tuned") -> Judgement:
        """Judge fresh images of a model, or of anything that samples like one; with the same seeds for all."""
        return self.judge(model.sample(range(JUDGED_SEED, JUDGED_SEED + self.bench.count)))

    def best_of(self, n: int, scores: FloatArray) -> Judgement:
        """Judge selection without training: the image with the best score is kept of every `n` untuned ones.

        scores : (len(bench.images),) predicted taste of the untuned sample, of which the first n * count images are used.
        """
        groups = scores[: n * self.bench.count].reshape(self.bench.count, n)
        picks = groups.argmax(1) + n * np.arange(self.bench.count)
        return self._choose(picks)

    def _choose(self, rows: np.ndarray) -> Judgement:
        """Judge images of the untuned sample, by their rows (count,)."""
        return self._judge(self.bench.features_of(rows), self.utilities[rows], self.reference)

    def _judge(self, described: np.ndarray, utilities: FloatArray, reference: Judgement | None) -> Judgement:
        pairs = distances.match_by_utility(utilities, self._real)
        found = {
            "diversity": distances.diversity(described),
            "coverage": distances.coverage(self._liked, described),
            "precision": distances.precision(self.bench.precision_manifold, described),
            "kid": distances.kid(described, self.bench.pool.features[pairs]),
        }
        ratios = {
            f"{name}_ratio": 1.0 if reference is None else self._ratio(name, value, getattr(reference, name))
            for name, value in found.items()
        }
        return Judgement(
            count=len(utilities),
            like=float((utilities > self.like_threshold).mean()),
            love=float((utilities > self.love_threshold).mean()),
            utility=float(utilities.mean() - self._mean) / self._deviation,
            **found,
            **ratios,
        )

    def _ratio(self, name: str, value: float, reference: float) -> float:
        if name == "kid":
            return value / max(reference, self.bench.kid_floor)
        return value / reference if reference > 0.0 else 1.0  # if the reference is zero, nothing can be lost


def _utilities(rater: Rater, images: np.ndarray, batch: int = 1000) -> FloatArray:
    """Utilities at the end of a session, in batches, since the images may be memory-mapped."""
    return np.concatenate([rater.utility(images[i : i + batch], 1.0) for i in range(0, len(images), batch)])


def _sample(model: Model, first: int, count: int, cache: bool, progress: Progress | None) -> np.ndarray:
    """`count` images with seeds from `first` on, cached under the generator's hash."""
    from gan.data.procedural import cache_folder

    path = cache_folder() / f"untuned-{model.hash}-{model.resolution}px-{first}+{count}.npy"
    if cache and path.exists():
        path.touch()  # marks it as used: the oldest are removed first
        return np.asarray(np.load(path, mmap_mode="r"))
    images = np.empty((count, model.resolution, model.resolution, 3), np.uint8)
    chunk = 500
    for start in range(0, count, chunk):
        stop = min(start + chunk, count)
        images[start:stop] = model.sample(range(first + start, first + stop))
        if progress is not None:
            progress(stop / count, f"drawing untuned image {stop} of {count}")
    if cache:
        keep(path, lambda stream: np.save(stream, images), "untuned-*.npy")
    return images


def keep(path: Path, write: Callable[[BinaryIO], None], family: str) -> None:
    """Write a file of the cache atomically; only the newest few files of its family (a glob pattern) are kept.

    A failure is ignored, for example if the disk is full: what is not cached is made again.
    """
    from gan.files import atomic_write

    with suppress(OSError):
        with atomic_write(path) as stream:
            write(stream)
        newest = sorted(path.parent.glob(family), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in newest[KEPT_SAMPLES:]:
            old.unlink(missing_ok=True)
