"""Pixel characters composed of layers of hand-drawn traits: the second endless training set with a clean licence.

The traits are CC0 art of the Nouns project (assets/characters-traits/NOTICE.md). One body, accessory, head and pair of glasses, each
drawn uniformly, over a plain background: twenty million characters, each on endlessly many backgrounds.
"""

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image

from gan import assets

SIDE = 32  # pixels of a trait; every resolution is a whole multiple, so that pixels stay crisp
MAX_RESOLUTION = 1024
# Soft background colours as (lightness, chroma, hue in degrees) in OKLCh. The first two are the original greys.
_GROUNDS = np.array(
    [
        (0.88, 0.012, 275),  # cool grey
        (0.88, 0.012, 50),  # warm grey
        (0.94, 0.020, 85),  # paper
        (0.88, 0.045, 20),  # blush
        (0.89, 0.060, 60),  # peach
        (0.92, 0.070, 95),  # butter
        (0.90, 0.055, 130),  # pistachio
        (0.90, 0.050, 165),  # mint
        (0.89, 0.045, 215),  # sky
        (0.85, 0.050, 265),  # periwinkle
        (0.86, 0.050, 305),  # lilac
        (0.74, 0.060, 40),  # clay
        (0.73, 0.045, 150),  # sage
        (0.66, 0.050, 255),  # dusk
        (0.60, 0.055, 320),  # plum
    ]
)
_WEIGHTS = np.array([2.0] * 11 + [1.0] * 4) / 26  # the few darker ones are rarer
_JITTER = np.array([0.018, 0.007, 7.0])  # standard deviations of lightness, chroma and hue


def render(seeds: Sequence[int], resolution: int = 64) -> np.ndarray:
    """Compose one character per seed.

    Parameters
    ----------
    seeds : sequence of int
        Each 0 to 2**63 - 1. Image i depends on ``seeds[i]`` alone; every resolution shows the same pixels, enlarged.
    resolution : int
        Side of the images in pixels: a multiple of 32, up to 1024.

    Returns
    -------
    ndarray, shape (N, resolution, resolution, 3), uint8
        RGB images.

    Raises
    ------
    ValueError
        If a seed or the resolution is out of range.
    """
    resolution = int(resolution)
    if resolution % SIDE or not SIDE <= resolution <= MAX_RESOLUTION:
        raise ValueError(f"resolution must be a multiple of {SIDE} from {SIDE} to {MAX_RESOLUTION}, got {resolution}")
    colours, layers = _traits()
    small = np.empty((len(seeds), SIDE, SIDE, 3), np.uint8)
    for image, seed in zip(small, seeds, strict=True):
        rng = np.random.default_rng(int(seed))
        image[:] = _ground(rng)
        for tiles in layers:
            trait = tiles[rng.integers(len(tiles))]
            np.copyto(image, colours[trait], where=(trait > 0)[:, :, None])
    factor = resolution // SIDE
    return small.repeat(factor, axis=1).repeat(factor, axis=2)


def _ground(rng: np.random.Generator) -> np.ndarray:
    """A random background colour, (3,) uint8."""
    anchor = _GROUNDS[rng.choice(len(_GROUNDS), p=_WEIGHTS)]
    return _srgb(*(anchor + _JITTER * rng.standard_normal(3).clip(-2, 2)))


def _srgb(lightness: float, chroma: float, hue: float) -> np.ndarray:
    """OKLCh to 8-bit sRGB, (3,); matrices from Ottosson, "A perceptual color space for image processing" (2020)."""
    a, b = chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))
    cones = np.array(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    to_linear = np.array(
        [
            (4.0767416621, -3.3077115913, 0.2309699292),
            (-1.2684380046, 2.6097574011, -0.3413193965),
            (-0.0041960863, -0.7034186147, 1.7076147010),
        ]
    )
    linear = (to_linear @ cones**3).clip(0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


@cache
def _traits() -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """The palette (256, 3) uint8, and for each layer its traits (n, 32, 32) uint8, as palette indices of which 0 is transparent."""
    folder = assets.root() / "characters-traits"
    layout = json.loads((folder / "traits.json").read_text(encoding="utf-8"))
    with Image.open(folder / "traits.png") as atlas:
        palette = np.frombuffer(bytes(atlas.getpalette("RGB") or b"").ljust(768, b"\0"), np.uint8).reshape(256, 3)
        indices = np.asarray(atlas)
    rows, columns = indices.shape[0] // SIDE, indices.shape[1] // SIDE
    tiles = indices.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
    layers, first = [], 0
    for names in layout["layers"].values():
        layers.append(tiles[first : first + len(names)])
        first += len(names)
    return palette, tuple(layers)
