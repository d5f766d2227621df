"""Whether pictures are pixel art that was enlarged: squares of one colour, on a grid."""

import numpy as np

_LOOKED_AT = 256  # pictures at most, evenly spread
_NEARLY_ALL = 0.98  # of them: a stray photograph among a thousand sprites changes nothing


def square_side(images: np.ndarray) -> int:
    """Side of the squares that nearly all of the pictures consist of, in pixels: the largest power of two, 1 if there are none.

    Parameters
    ----------
    images : uint8 (N, R, R, 3). Pictures of one colour say nothing.
    """
    some = np.asarray(images[:: max(1, -(-len(images) // _LOOKED_AT))])
    some = some[(some != some[:, :1, :1]).any(axis=(1, 2, 3))]
    side = 1
    while len(some) and images.shape[1] % (2 * side) == 0:
        twice = 2 * side
        corners = some[:, ::twice, ::twice]
        same = (some == corners.repeat(twice, axis=1).repeat(twice, axis=2)).all(axis=(1, 2, 3))
        if same.mean() < _NEARLY_ALL:
            break
        side = twice
    return side
