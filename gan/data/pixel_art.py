"""Detects pixel art: by squares of one colour on a grid if it was enlarged, otherwise by its few colours."""

import numpy as np

_LOOKED_AT = 256  # pictures at most, evenly spaced
_COUNTED = 32  # pictures whose colours are counted, since large ones take a while
_NEARLY_ALL = 0.98  # of them: a stray photograph among a thousand sprites does not matter
_FEW_COLOURS = 64  # per picture


def square_side(images: np.ndarray) -> int:
    """Side in pixels of the squares of one colour that nearly all pictures consist of: the largest power of two, 1 if there are none.

    Parameters
    ----------
    images : uint8 (N, R, R, 3). Pictures of a single colour are ignored.
    """
    some = _looked_at(images)
    side = 1
    while len(some) and images.shape[1] % (2 * side) == 0:
        twice = 2 * side
        corners = some[:, ::twice, ::twice]
        same = (some == corners.repeat(twice, axis=1).repeat(twice, axis=2)).all(axis=(1, 2, 3))
        if same.mean() < _NEARLY_ALL:
            break
        side = twice
    return side


def few_colours(images: np.ndarray) -> bool:
    """Whether most pictures have as few colours as pixel art. This is for pixel art at its own size, where there are no squares to find.

    Finely shaded sprites have more, so a majority must suffice; hardly any photographs, paintings or ink drawings have so few.

    Parameters
    ----------
    images : uint8 (N, R, R, 3). Pictures of a single colour are ignored.
    """
    some = _looked_at(images, _COUNTED)
    return sum(_colours(picture[:64, :64]) <= _FEW_COLOURS and _colours(picture) <= _FEW_COLOURS for picture in some) * 2 > len(some)


def _colours(picture: np.ndarray) -> int:
    return len(np.unique(picture.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)))


def _looked_at(images: np.ndarray, most: int = _LOOKED_AT) -> np.ndarray:
    some = np.asarray(images[:: max(1, -(-len(images) // most))])
    varied: np.ndarray = some[(some != some[:, :1, :1]).any(axis=(1, 2, 3))]
    return varied
