"""Outside scorers: other software's scores of images, as terms of the reward.

A scorer is a function from uint8 images (N, H, W, 3) to N finite numbers, higher being better. An installed package provides one by
naming it under the entry point group "tastemaker.scorers". It may be slow, so it is called on the reference images only; a Gaussian
process then learns its scores from image features and predicts those of all other images.
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
PREFIX = "scorer:"  # before its name, in `RewardTerms.wishes`
_LEARNT_FROM = 300  # images that the hyperparameters are fitted to: more change them little and cost n^3
_AT_ONCE = 1024
_MOST = 3.0  # standard deviations: predictions beyond this extrapolate

ScoreImages = Callable[[npt.NDArray[np.uint8]], npt.ArrayLike]


def installed() -> tuple[str, ...]:
    """Names of the scorers that installed packages provide, in alphabetical order."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def find(name: str) -> ScoreImages:
    """Load the scorer of that name. This imports its package, which runs that package's code.

    Raises
    ------
    UserError
        None of that name is installed, it cannot be imported, or it is not callable.
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
    """Call a scorer on images (N, H, W, 3): scores (N,) float64.

    Raises
    ------
    UserError
        It fails, or returns something other than N finite numbers.
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
    """Predicts a scorer's scores from features: Gaussian process regression (Rasmussen and Williams 2006, eq. 2.25).

    Parameters
    ----------
    reference : standardised features of the images that it was called on, one (M, d_group) tensor per group.
    said : (M,) its scores.

    Attributes
    ----------
    left_out : (M,) leave-one-out prediction for each of those images (the same book's eq. 5.12).
    agreement : correlation of its scores with `left_out`; 0 if all scores are the same.
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
        """Standardised features of N images -> scores (N,) in standard deviations over the untuned generator's images, within +-3."""
        parts = zip(*(group.split(_AT_ONCE) for group in features), strict=True)
        guessed = torch.cat([kernel(part, self._reference, self._parameters) @ self._shares for part in parts])
        return guessed.float().clamp(-_MOST, _MOST)
