"""Scorers from outside: what other software thinks of images, as terms of the reward.

A scorer is a function from uint8 images (N, H, W, 3) to N finite numbers, higher being better. A package that is installed beside
Tastemaker brings one by naming it under the entry points "tastemaker.scorers". It may be slow, so it is asked of the reference images
alone; what it says of them is learnt from their features, by a Gaussian process, and guessed of all others.
"""

from collections.abc import Callable
from importlib.metadata import entry_points

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gan.errors import UserError
from gan.rewards.normalise import Normaliser
from gan.taste.evidence import Evidence, fit
from gan.taste.kernel import Contrasts, kernel

GROUP = "tastemaker.scorers"
PREFIX = "scorer:"  # before its name, where terms of a reward are listed
_LEARNT_FROM = 300  # images that decide on hyperparameters: more change them little and cost n^3
_AT_ONCE = 1024
_MOST = 3.0  # standard deviations: further is a guess about nothing that was seen

ScoreImages = Callable[[npt.NDArray[np.uint8]], npt.ArrayLike]


def installed() -> tuple[str, ...]:
    """Names of the scorers that packages bring, in alphabetical order."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def find(name: str) -> ScoreImages:
    """The scorer of that name. Importing it runs its package's code, which whoever installed it wanted.

    Raises
    ------
    UserError
        None of that name is installed, or it cannot be imported.
    """
    points = entry_points(group=GROUP, name=name)
    if not points:
        raise UserError(f"there is no scorer named {name!r}: install the package that brings it, beside Tastemaker")
    try:
        found: ScoreImages = next(iter(points)).load()
    except (Exception, SystemExit) as error:
        raise UserError(f"the scorer {name!r} cannot be loaded: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise UserError(f"the scorer {name!r} is no function")
    return found


def ask(name: str, scorer: ScoreImages, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """What a scorer says of images (N, H, W, 3): (N,).

    Raises
    ------
    UserError
        It fails, or returns anything else than N finite numbers.
    """
    try:
        said = np.asarray(scorer(images), dtype=np.float64)
    except (Exception, SystemExit) as error:
        raise UserError(f"the scorer {name!r} failed: {type(error).__name__}: {error}") from error
    if said.shape != (len(images),):
        raise UserError(f"the scorer {name!r} returned the shape {said.shape} for {len(images)} images")
    if not np.isfinite(said).all():
        raise UserError(f"the scorer {name!r} returned a value that is not finite")
    return said


class Guessed:
    """A scorer's answers, guessed from features: Gaussian process regression (Rasmussen and Williams 2006, eq. 2.25).

    Parameters
    ----------
    reference : standardised features of the images it was asked of, one (M, d_group) a group.
    said : (M,) its answers.

    Attributes
    ----------
    left_out : (M,) what is guessed of each of those images from all others (the same book's eq. 5.12).
    agreement : correlation of its answers with that; 0 where all of them are the same.
    """

    def __init__(self, reference: tuple[Tensor, ...], said: Tensor) -> None:
        scores = Normaliser.fit(said)(said).double()
        some = tuple(group[:_LEARNT_FROM] for group in reference)
        few = scores[:_LEARNT_FROM]
        self._parameters, _ = fit(Evidence.of(Contrasts(some), few, torch.zeros_like(few)))
        covariance = kernel(reference, reference, self._parameters)
        noise = torch.full((len(scores),), float(self._parameters.variance), dtype=torch.float64)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance + torch.diag(noise)))
        self._reference, self._shares = reference, inverse @ scores
        self.left_out = scores - self._shares / inverse.diagonal()
        found = torch.corrcoef(torch.stack([self.left_out, scores]))[0, 1]
        self.agreement = float(torch.nan_to_num(found))

    def __call__(self, features: tuple[Tensor, ...]) -> Tensor:
        """Standardised features of N images -> (N,) in standard deviations of the untuned generator's images, within +-3."""
        parts = zip(*(group.split(_AT_ONCE) for group in features), strict=True)
        guessed = torch.cat([kernel(part, self._reference, self._parameters) @ self._shares for part in parts])
        return guessed.float().clamp(-_MOST, _MOST)
