"""A simulated person: a rater file defines what they like, this module turns it into stars."""

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import UserError

FloatArray = npt.NDArray[np.float64]

RATERS = Path(__file__).parent / "raters"
GROUPS = {"dev": "dev", "held-out": "held_out"}
NOISE = 0.35  # of the utility's standard deviation; repeated ratings then correlate at about r = 0.9
LAPSES = 0.05  # share of ratings that are random stars
PROBES = 16  # images that a rater must judge alike a second time, and in another batch


class Rater:
    """A rater file, loaded and checked: `utility(images)` or `utility(images, progress)`, noiseless, higher is better."""

    def __init__(self, path: Path, function: Callable[..., Any], takes_progress: bool) -> None:
        self.path = path
        self.name = path.stem
        self.takes_progress = takes_progress
        self._function = function

    def utility(self, images: np.ndarray, progress: float = 1.0) -> FloatArray:
        """How much each image is liked.

        Parameters
        ----------
        images : (N, H, W, 3) uint8.
        progress : share of the session's ratings given so far, 0 to 1; ignored by raters whose taste does not drift.

        Returns
        -------
        (N,) float64, finite.

        Raises
        ------
        UserError
            The file's function raises, or returns something other than N finite numbers.
        """
        extra = (progress,) if self.takes_progress else ()
        try:
            # a copy, which the function may change
            answer = np.asarray(self._function(np.array(images), *extra))
        except (Exception, SystemExit) as error:
            raise UserError(f"{self.path}: utility raised {type(error).__name__}: {error}") from error
        if answer.shape != (len(images),):
            raise UserError(f"{self.path}: utility returned shape {answer.shape} for {len(images)} images, not ({len(images)},)")
        if answer.dtype.kind not in "fiu":
            raise UserError(f"{self.path}: utility returned {answer.dtype}, not numbers")
        values = answer.astype(np.float64)
        if not np.isfinite(values).all():
            raise UserError(f"{self.path}: utility returned a value that is not finite")
        return values

    def check(self, images: np.ndarray) -> None:
        """Refuse a rater that is not deterministic, likes everything equally, or judges an image by others in its batch.

        Parameters
        ----------
        images : (N, H, W, 3) uint8, N at least 2 * PROBES, varied.
        """
        probes = images[: 2 * PROBES]
        first = self.utility(probes, 0.5)
        spread = float(first.std())
        if not spread > 1e-12 * max(1.0, float(np.abs(first).max())):
            raise UserError(f"{self.path}: utility is the same for every image")
        if not np.array_equal(first, self.utility(probes, 0.5)):
            raise UserError(f"{self.path}: utility is not deterministic: the same images got other values the second time")
        # rounding may differ between batch sizes, so a small difference is accepted
        if np.abs(self.utility(probes[:PROBES], 0.5) - first[:PROBES]).max() > 0.01 * spread:
            raise UserError(f"{self.path}: utility of an image depends on the other images in the batch")


def load_rater(path: str | Path) -> Rater:
    """Load a rater file.

    Raises
    ------
    UserError
        There is no such file, it cannot be imported, or it has no function `utility` of one or two arguments.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such rater file")
    module = _import(path)
    function = getattr(module, "utility", None)
    if not callable(function):
        raise UserError(f"{path}: no function utility(images)")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Rater(path, function, takes_progress=False)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    needed = sum(p.default is p.empty for p in positional)
    if needed > 2 or (not positional and not variadic):
        raise UserError(f"{path}: utility must take (images) or (images, progress)")
    # a second parameter with another name is ignored, unless it is required
    drifts = len(positional) >= 2 and (positional[1].name == "progress" or needed == 2)
    return Rater(path, function, takes_progress=drifts)


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tastemaker_rater_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path}: not a Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UserError(f"{path}: {type(error).__name__}: {error}") from error
    return module


def rater_files(names: str = "all") -> list[Path]:
    """Files of raters, from groups, names or paths separated by commas, in that order.

    Groups: "dev" (for tuning the method), "held-out" (never tuned on), "all". Names: raters that come with Tastemaker. Paths end in .py.

    Raises
    ------
    UserError
        There is no such rater or group.
    """
    bundled = {group: sorted((RATERS / folder).glob("[!_]*.py")) for group, folder in GROUPS.items()}
    every = [path for paths in bundled.values() for path in paths]
    found: list[Path] = []
    for name in names.split(","):
        if name.endswith(".py"):
            found.append(Path(name))
        elif name == "all" or name in bundled:
            found += every if name == "all" else bundled[name]
        elif named := [path for path in every if path.stem == name]:
            found += named
        else:
            known = ", ".join([*GROUPS, "all", *(path.stem for path in every)])
            raise UserError(f"no raters named {name!r}: there are {known}")
    return list(dict.fromkeys(found))


class Person:
    """Gives stars: quintiles of the utility over the untuned generator's images, with noise and lapses.

    It also gives implicit signals, a little more often for images that it likes (`signals`), and tags.
    """

    def __init__(self, rater: Rater, untuned: np.ndarray, seed: int = 0, lapses: float | None = None) -> None:
        """
        Parameters
        ----------
        rater : what the person likes.
        untuned : (N, H, W, 3) uint8, images of the untuned generator; the first 2,000 set the scale.
        seed : of noise and lapses.
        lapses : share of ratings that are random stars, in [0, 1]; by default `LAPSES`.
        """
        self.rater = rater
        self.lapses = LAPSES if lapses is None else lapses
        self._untuned = untuned[:2000]
        self._rng = np.random.default_rng([seed, 0x57A125])
        self._signals_rng = np.random.default_rng([seed, 0x51615])  # a separate stream, so that signals do not change the stars
        self._scales: dict[float, tuple[FloatArray, float]] = {}

    def _scale(self, progress: float) -> tuple[FloatArray, float]:
        """Quintiles (4,) and standard deviation of the utility at this point of the session."""
        key = progress if self.rater.takes_progress else 1.0
        if key not in self._scales:
            utilities = self.rater.utility(self._untuned, key)
            self._scales[key] = (np.quantile(utilities, (0.2, 0.4, 0.6, 0.8)), float(utilities.std()))
        return self._scales[key]

    def rate(self, images: np.ndarray, progress: float = 0.0, until: float | None = None) -> npt.NDArray[np.int64]:
        """Stars, (N,) in 1..5, for images (N, H, W, 3) uint8, rated in order.

        progress : share of the session's ratings given before the first of them, 0 to 1,
        until : and after the last; by default the same.
        """
        moments = np.full(len(images), progress)
        if until is not None and self.rater.takes_progress:
            moments = np.linspace(progress, until, len(images), endpoint=False)
        noise = self._rng.normal(0.0, NOISE, len(images))
        stars = np.zeros(len(images), np.int64)
        for moment in np.unique(moments).tolist():
            now = moments == moment
            cuts, deviation = self._scale(moment)
            stars[now] = 1 + np.searchsorted(cuts, self.rater.utility(images[now], moment) + deviation * noise[now])
        lapses = self._rng.random(len(images)) < self.lapses
        return np.where(lapses, self._rng.integers(1, 6, len(images)), stars).astype(np.int64)

    def signals(self, images: np.ndarray, progress: float = 0.0, telling: float = 1.0) -> list[tuple[int, str, float]]:
        """Implicit signals for images (N, H, W, 3) uint8: (index, kind, value) each, for `gan.taste.Signal`.

        Every image is looked at for some time (seconds, log-normal); some are opened, enlarged, copied or saved. A logistic model of all
        these signals tells liked images from others with an area under the curve of about 0.6.

        telling : how strongly they depend on liking; 0: not at all.
        """
        pleased = telling * self._pleased(images, progress)
        rng = self._signals_rng
        seconds = np.exp(0.7 + 0.2 * pleased + rng.normal(0.0, 0.8, len(images)))
        found = [(i, "dwell", float(np.clip(value, 0.7, 60.0))) for i, value in enumerate(seconds)]
        for kind, rarity, slope in (("loupe", -1.5, 0.25), ("zoom", -2.2, 0.25), ("copy", -3.5, 0.5), ("save", -3.0, 0.5)):
            chances = 1.0 / (1.0 + np.exp(-rarity - slope * pleased))
            found += [(int(i), kind, 1.0) for i in np.flatnonzero(rng.random(len(images)) < chances)]
        return found

    def tags(self, images: np.ndarray, progress: float = 0.0, telling: float = 1.0) -> list[tuple[int, str]]:
        """Tags for images (N, H, W, 3) uint8: (index, word) each.

        Two in five images get one of six words that are unrelated to liking. Seven in ten of those that seem to be among the best fifth get
        a seventh word; that impression has an error of half the utility's standard deviation.

        telling : how strongly that impression depends on liking; 0: not at all.
        """
        rng = self._signals_rng
        seems = telling * self._pleased(images, progress) + rng.normal(0.0, 0.5, len(images))
        kept = (seems > 0.84) & (rng.random(len(images)) < 0.7)
        other = (rng.random(len(images)) < 0.4, rng.integers(0, 6, len(images)))
        found = [(int(i), "keep") for i in np.flatnonzero(kept)]
        return found + [(int(i), f"word {other[1][i]}") for i in np.flatnonzero(other[0])]

    def _pleased(self, images: np.ndarray, progress: float) -> FloatArray:
        """Utilities of images in untuned standard deviations, clipped to +-3: (N,)."""
        utilities = self.rater.utility(images, progress)
        untuned = self.rater.utility(self._untuned, progress if self.rater.takes_progress else 1.0)
        return np.clip((utilities - untuned.mean()) / untuned.std(), -3.0, 3.0)
