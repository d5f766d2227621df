"""A procedural painter of landscapes: the endless, licence-clean training set.

Each image is painted on its own canvas at twice its resolution and averaged down, so it depends on its
seed and the resolution alone. All pixel work is whole-array numpy; a canvas this small stays in the cache,
which makes single canvases faster than a batch of masked layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gan.data.scene_foreground import paint_foreground
from gan.data.scene_inks import Inks
from gan.data.scene_plan import SceneParameters, describe
from gan.data.scene_shapes import Array, Canvas, line_noise, mix, smooth
from gan.data.scene_sky import paint_sky

__all__ = ["SceneParameters", "describe", "render"]

MIN_RESOLUTION, MAX_RESOLUTION = 16, 1024


def render(seeds: Sequence[int], resolution: int = 64) -> np.ndarray:
    """Paint one landscape per seed.

    Parameters
    ----------
    seeds : sequence of int
        Each 0 to 2**63 - 1. Image i depends on ``seeds[i]`` and `resolution` only.
    resolution : int
        Side of the images in pixels, 16 to 1024.

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
    if not MIN_RESOLUTION <= resolution <= MAX_RESOLUTION:
        raise ValueError(f"resolution must be between {MIN_RESOLUTION} and {MAX_RESOLUTION}, got {resolution}")
    scenes = [describe(seed) for seed in seeds]
    out = np.empty((len(scenes), resolution, resolution, 3), np.uint8)
    for i, scene in enumerate(scenes):
        big = _paint(scene, resolution * 2)
        small = big[:, 0::2, 0::2] + big[:, 1::2, 0::2] + big[:, 0::2, 1::2] + big[:, 1::2, 1::2]
        small = np.clip(small, 0.0, 4.0) * np.float32(255 / 4) + np.float32(0.5)
        out[i] = small.astype(np.uint8).transpose(1, 2, 0)
    return out


def _paint(scene: SceneParameters, side: int) -> Array:
    """Paint one scene, back to front; returns the canvas (3, side, side)."""
    canvas, inks = Canvas(side), Inks(scene)

    # a random stream per part, so that a change in one part leaves the others as they were
    def stream(part: int) -> np.random.Generator:
        return np.random.default_rng([scene.seed, part])

    paint_sky(canvas, scene, inks, stream(1))
    shore = _paint_ridges(canvas, scene, inks, stream(2))
    if scene.water != "none":
        _paint_water(canvas, scene, inks, shore, stream(3))
    paint_foreground(canvas, scene, inks, shore, stream(4))
    _paint_air(canvas, scene, inks, stream(5))
    return canvas.rgb


def _skyline(scene: SceneParameters, x: Array, rng: np.random.Generator, depth: float) -> Array:
    """Heights of one ridge above its base, shape of `x`; `depth` is 0 for the farthest, 1 for the nearest."""
    if scene.symmetric:
        x = np.abs(x - np.float32(0.5)) + np.float32(0.1)
    if scene.terrain == "alps" and depth < 0.7:
        rise = line_noise(x, rng, 2.6 + 1.8 * rng.random(), 3, sharp=True)
        return np.float32(0.15 - 0.08 * depth) * (rise + np.float32(0.7))
    if scene.terrain == "mesas" and depth < 0.75:
        rise = line_noise(x, rng, 3.0 + 2 * rng.random(), 1, sharp=False)
        steps = smooth(-0.12, 0.02, rise) * 0.62 + smooth(0.28, 0.4, rise) * 0.38
        return (0.15 - 0.05 * depth) * steps + 0.012 * line_noise(x, rng, 5, 1, sharp=False)
    if scene.terrain == "dunes":
        rise = line_noise(x, rng, 1.7 + rng.random(), 1, sharp=False)
        return np.float32(0.13) * (1 - np.abs(rise) ** 0.8) + np.float32(0.03) * (x - 0.5)
    rise = line_noise(x, rng, 2.0 + 1.6 * rng.random(), 2, sharp=False)
    return np.float32(0.1 - 0.025 * depth) * (rise + np.float32(0.55))


def _paint_ridges(canvas: Canvas, scene: SceneParameters, inks: Inks, rng: np.random.Generator) -> float:
    """Paint the ridge layers with the mist between them; return the y where water or ground begins."""
    n = scene.ridges
    if scene.water != "none":
        shore = scene.horizon + (0.0 if scene.water == "sea" else 0.03 + 0.015 * n)
    elif scene.foreground == "none":
        shore = 0.98
    else:
        shore = min(0.9, scene.horizon + 0.12 + 0.055 * n)
    x = canvas.x[0]
    small = 0.55 if scene.water == "sea" else 1.0
    for i in range(n):
        depth = i / max(n - 1, 1) if n > 1 else 0.35
        if scene.water != "none":
            base = scene.horizon + (shore - scene.horizon) * (i + 1) / n
        else:
            base = scene.horizon + (shore - scene.horizon) * (i / max(n, 1)) ** 1.1 + 0.03
        top = np.float32(base) - _skyline(scene, x, rng, depth) * np.float32(small)
        if scene.water == "sea":  # islands: land that leaves gaps of open sea
            top = top + np.float32(0.05)
        ink = inks.ridge(depth * (0.75 if scene.foreground != "none" else 1.0))
        # lighter toward its foot, as if mist lay in the valley: one ink per row
        high, fade = float(top.min()), scene.mist * (0.62 - 0.25 * depth)
        fog = smooth(high, high + 0.26, canvas.y[:, 0]) * np.float32(fade)
        rows = ink[:, None] + (inks.haze[:, None] - ink[:, None]) * fog
        cut = slice(max(int(high * canvas.side) - 1, 0), None)
        land = canvas.cover(canvas.y[cut] - top[None, :])
        canvas.blend(land, rows[:, cut, None], cut)
        if scene.snow_caps and depth < 0.6:
            # measured from the highest peak, so that the lower shoulders stay bare
            line = high + (float(top.max()) - high) * (0.42 if scene.season == "winter" else 0.3)
            zig = np.float32(line) + np.float32(0.028) * line_noise(x, rng, 11, 1, sharp=True)
            canvas.blend(land * canvas.cover(zig[None, :] - canvas.y[cut]), mix(inks.snow, ink, 0.12), cut)
    return shore


def _paint_water(
    canvas: Canvas, scene: SceneParameters, inks: Inks, shore: float, rng: np.random.Generator
) -> None:
    """Mirror what stands above `shore` into the rows below it, tint it and lay the light path."""
    n = canvas.side
    first = min(round(shore * n / 2) * 2, n - 2)  # an even row: the averaged picture has a crisp shore
    below = np.arange(n - first)
    # swell: the mirror image is read from slightly displaced rows, more so nearer to the viewer
    rows_down = (below + 0.5) / n
    calm = rng.random() < 0.55
    swell = (0.0 if calm else 0.012) * np.sin(rows_down * (60 + 40 * rng.random())) * np.minimum(rows_down * 6, 1)
    source = np.clip(first - 1 - below + np.rint(swell * n).astype(np.int64), 0, first - 1)
    image = canvas.rgb[:, source]
    depth = smooth(0.0, 1.0 - shore, rows_down.astype(np.float32))
    tint = (0.16 if calm else 0.28) + 0.42 * depth
    water = inks.water[:, None, None].astype(np.float32)
    canvas.rgb[:, first:] = image + (water - image) * tint[None, :, None]
    # a brighter seam where the water meets the shore
    seam = np.exp(-((rows_down / 0.018) ** 2)).astype(np.float32)
    canvas.blend(np.broadcast_to((seam * 0.35)[:, None], (n - first, n)), inks.haze, slice(first, None))
    if scene.body != "none" and scene.weather != "overcast":
        y = canvas.y[first:] - np.float32(first / n)
        width = scene.body_radius * (0.55 + 1.6 * y) * (0.8 + 0.35 * np.sin(y * 95 + 1.0) * smooth(0.02, 0.1, y))
        glow = np.exp(-(((canvas.x - scene.body_x) / width) ** 2)) * (0.7 - 0.35 * depth[:, None])
        canvas.blend(glow.astype(np.float32), inks.light, slice(first, None))


def _paint_air(canvas: Canvas, scene: SceneParameters, inks: Inks, rng: np.random.Generator) -> None:
    """Lay haze over the whole depth, or a few large soft snow flakes."""
    if scene.weather == "haze":
        veil = 0.5 * np.exp(-(((canvas.y - scene.horizon - 0.04) / 0.2) ** 2))
        canvas.blend(np.broadcast_to(veil.astype(np.float32), (canvas.side, canvas.side)), inks.haze)
    if scene.weather == "snow":
        for _ in range(22):
            x, y, r = rng.random(), rng.random(), 0.008 + 0.01 * rng.random()
            rows, cols = canvas.window(x - 2 * r, x + 2 * r, y - 2 * r, y + 2 * r)
            d = ((canvas.x[:, cols] - x) ** 2 + (canvas.y[rows] - y) ** 2) / (r * r)
            canvas.blend((0.8 * np.exp(-d)).astype(np.float32), inks.flake, rows, cols)
