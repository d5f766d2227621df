"""Plain image measures as terms of the reward: what somebody may want more or less of without rating for it.

The words for a taste (`gan.taste.words`) cover more measures but need pixels, which a round does not keep; these are made from features.
"""

import torch
from torch import Tensor

from gan.rewards.normalise import Normaliser
from gan.taste.features import GROUPS

_MOST = 2.0  # standard deviations: beyond this a measure earns no more, since the generator hardly draws such images
# The columns of the standardised features that make up each measure. They are computed for the taste anyway, so a term costs nothing.
_COLUMNS: dict[str, tuple[tuple[str, int, float], ...]] = {
    "sharpness": (("form", -2, 1.0), ("form", -1, 1.0)),  # detail of single pixels, in the upper and the lower half
    "colourfulness": (("colour", 6, 1.0),),  # mean chroma
    "contrast": (("colour", 3, 1.0),),  # spread of lightness
    "symmetry": (("form", 9, -1.0),),  # minus the difference from the mirrored image
    "brightness": (("colour", 0, 1.0),),  # mean lightness
    "warmth": (("colour", 1, 0.5), ("colour", 2, 1.0)),  # redder, and above all yellower
}
PLAIN = tuple(_COLUMNS)


class PlainMeasures:
    """Each measure in standard deviations over the untuned generator's images, within +-2.

    Parameters
    ----------
    reference : standardised features of those images, one (M, d_group) tensor per group, from `gan.taste.Standardiser`.
    """

    def __init__(self, reference: tuple[Tensor, ...]) -> None:
        self._normalisers = {name: Normaliser.fit(_measured(name, reference)) for name in PLAIN}

    def __call__(self, features: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Standardised features of N images -> each measure (N,)."""
        return {
            name: normalise(_measured(name, features)).clamp(-_MOST, _MOST) for name, normalise in self._normalisers.items()
        }


def _measured(name: str, features: tuple[Tensor, ...]) -> Tensor:
    return torch.stack([share * features[GROUPS.index(group)][:, column] for group, column, share in _COLUMNS[name]]).sum(dim=0)
