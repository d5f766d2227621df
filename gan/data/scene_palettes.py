"""The colour palettes of the painted landscapes.

Each palette is chosen by hand the way a screen print is: a few sky inks from the zenith to the
horizon, three ridge inks from the farthest to the nearest, and one ink for the sun or the moon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Palette:
    """One set of inks; every colour is an RGB triple in 0..1.

    Attributes
    ----------
    name : str
        What the palette is called in captions.
    time : str
        ``dawn``, ``day``, ``dusk``, ``night``, ``storm`` or ``fantasy``.
    sky : tuple of RGB
        Three or four stops, zenith first, horizon last.
    ridges : tuple of RGB
        Far, middle and near ridge inks.
    light : RGB
        Colour of the sun or the moon.
    """

    name: str
    time: str
    sky: tuple[tuple[float, float, float], ...]
    ridges: tuple[tuple[float, float, float], ...]
    light: tuple[float, float, float]


def _rgb(code: str) -> tuple[float, float, float]:
    value = int(code, 16)
    return ((value >> 16) / 255.0, (value >> 8 & 255) / 255.0, (value & 255) / 255.0)


# name, time of day, sky from zenith to horizon, ridges from far to near, light
_TABLE = (
    ("first light", "dawn", "5b7db1 a9b8d3 f3d1c0 fde8c8", "c9a9b5 7f7396 3b3f63", "fff4d6"),
    ("peach blossom", "dawn", "7fa6c9 e9c3c4 fbd3b0 fff0d2", "e3a99f a8708a 5a3f63", "fff6e0"),
    ("rose mist", "dawn", "8f86b8 d7a5be f4c6c4 fbe3d8", "c79bb3 8a6a95 453a66", "fff1ea"),
    ("pearl morning", "dawn", "a9bcc9 d0d6d8 ece4d8 f8eedb", "b4bcc2 7c8c99 43525f", "fffaf0"),
    ("apricot coast", "dawn", "4f86a6 9fc3c2 f5d6a4 f9b98a", "d79a86 8f6a7c 354a66", "fff0c4"),
    ("clear noon", "day", "2f78bd 6fb1de bfe0ee", "8fb8d0 4f86a0 24526a", "fffbe6"),
    ("prussian wave", "day", "1f4e86 6c9cc0 d9dfd0 f1e6cb", "8fabb8 4b7390 1d3557", "fff3d0"),
    ("alpine summer", "day", "4a9ad4 95cbe8 e2f1ee", "93b6bf 5b9277 2d5b48", "fffbe0"),
    ("golden prairie", "day", "5aa3c0 aed3cf f6e7b4", "c9bd84 a98c4e 6b5530", "fff7cc"),
    ("red canyon", "day", "3f8fb5 9ccbcf f5dfbe", "dfa07a b85f45 6b2f32", "fff6d8"),
    ("winter noon", "day", "7fa9cf b9d3e6 eef4f6", "c3d4e2 86a3bd 44637f", "fffdf2"),
    ("olive valley", "day", "86b3b8 c6d8c4 f4ecd0", "b3bf9c 748a62 3c5140", "fff8dc"),
    ("riso poster", "day", "f3e9d2 f6d9b8 f4b79a", "f08f7f c45b78 3b4a8c", "f2584d"),
    ("ember dusk", "dusk", "2b2350 7a3b69 e8735a ffc27a", "c9656a 7d3f63 2a1b3d", "fff0c0"),
    ("fire lookout", "dusk", "7c2f3e d1573c f4924a fcd07e", "d9764a 96403f 3a1a2b", "fff0b8"),
    ("plum evening", "dusk", "2d2a5e 6b4a8c c67aa0 f7b9a4", "a1709b 634a82 26214a", "ffe4c8"),
    ("teal and coral", "dusk", "1c4e63 4d8c8f f0b48c f58a6b", "c4766e 5e5c70 173445", "ffeac0"),
    ("vermilion sun", "dusk", "e9d8b4 f2c48f ec8f62 d95d4a", "b4575a 70405a 2a2745", "e2382f"),
    ("honey hour", "dusk", "b0713f e0a054 f6cb78 fdeab0", "cf9a5e 96653f 4a3329", "fffad8"),
    ("last blue", "dusk", "16264f 3d5a92 9aa5c4 f1c9a5", "7f8bae 4a5a86 19254a", "ffe9c4"),
    ("magenta ridge", "dusk", "3a1f5c 8b2f73 e05a79 f9a67a", "b34f80 6b3070 26153f", "ffe6b0"),
    ("moonlit blue", "night", "0a1533 16305c 2f5a88 6a93b0", "3f6790 23436d 0b1a36", "f7f3df"),
    ("indigo print", "night", "121a44 26357a 4d5fa6 94a0cf", "5465a3 343f7c 131a40", "fdf3d0"),
    ("green night", "night", "071f2b 0f4048 2c6f6c 79a898", "37756f 1d4b52 08212b", "f3f3d8"),
    ("violet night", "night", "150f35 33235f 634688 a97fa8", "674a87 40305f 170f33", "fbe9dd"),
    ("ink and silver", "night", "12161f 2b3342 545f70 98a1a9", "5a6675 363f4e 12161f", "f4f4ee"),
    ("warm midnight", "night", "1c1430 40284a 7f4a58 c98668", "7c4d5f 482f4c 1a122b", "ffe2b0"),
    ("slate storm", "storm", "3c4754 66727c 9aa3a4 c9ccc4", "8b969b 58656e 28333d", "f2f0e2"),
    ("sea squall", "storm", "26414f 4f7078 8fa9a4 d3d7c0", "7b979a 456570 162f3d", "f4f0d8"),
    ("bruised sky", "storm", "3b3550 6b5f7c a893a0 e0c4ae", "8f8096 5c5270 272440", "fbe6c4"),
    ("copper rain", "storm", "4a4445 7d6a62 b5927a e2c4a0", "957d74 655556 2d2a33", "fae4be"),
    ("candy planet", "fantasy", "5f4bb6 a86fd0 f59ac0 ffd9c4", "cf86c4 8257ad 3b2a72", "fff6d8"),
    ("jade kingdom", "fantasy", "0f4c5c 2f8f83 9fd3ab f4efc2", "7cbc9f 358a7e 0f4650", "fff4c0"),
    ("crimson world", "fantasy", "3d0f2e 8c1f3f d9534f f7b267", "b03a4e 701f42 2a0a28", "ffe9b8"),
    ("opal dream", "fantasy", "8fc1d4 b8b5e0 e8b8d6 fbe0c8", "b7a9d6 8a83bf 4a4a86", "fffbe8"),
    ("turquoise moon", "fantasy", "123a63 1f7a94 6cc2b9 f2e2b6", "5aa5aa 2a6a8a 102f56", "fff0d0"),
)

PALETTES: tuple[Palette, ...] = tuple(
    Palette(n, t, tuple(map(_rgb, s.split())), tuple(map(_rgb, r.split())), _rgb(c)) for n, t, s, r, c in _TABLE
)

_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_TO_RGB = np.linalg.inv(_TO_YIQ)


def shift(colours: np.ndarray, hue: float, saturation: float, brightness: float) -> np.ndarray:
    """Turn the hue of colours and scale their saturation and brightness.

    Parameters
    ----------
    colours : ndarray, shape (N, 3)
        RGB in 0..1.
    hue : float
        Angle in radians; the luma stays as it is.
    saturation, brightness : float
        Factors; 1 leaves the colours alone.

    Returns
    -------
    ndarray, shape (N, 3)
        RGB clipped to 0..1.
    """
    c, s = np.cos(hue) * saturation, np.sin(hue) * saturation
    turn = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    matrix = _TO_RGB @ turn @ _TO_YIQ
    # einsum without BLAS: bit-identical on every machine and for every N
    return np.clip(np.einsum("ij,nj->ni", matrix, colours) * brightness, 0.0, 1.0)
