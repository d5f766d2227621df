"""The foreground: ground, trees, reeds, a cabin, a sailing boat."""

from __future__ import annotations

import numpy as np

from gan.data.scene_inks import Inks
from gan.data.scene_plan import SceneParameters
from gan.data.scene_shapes import (
    Array,
    Canvas,
    bare_tree,
    conifer,
    disc,
    limb,
    line_noise,
    mix,
    polygon,
    round_tree,
    smooth,
)


def paint_foreground(
    canvas: Canvas, scene: SceneParameters, inks: Inks, shore: float, rng: np.random.Generator
) -> None:
    """Paint what is in front of the ridges or the water, nearest last."""
    if scene.boat:
        _boat(canvas, scene, inks, shore, rng)
    if scene.foreground == "none":
        return
    dark = scene.foreground == "silhouette"
    top = _ground(canvas, scene, inks, shore, rng, dark)
    if scene.cabin:
        _cabin(canvas, scene, inks, top, rng)
    if scene.trees != "none":
        _trees(canvas, scene, inks, top, rng, dark)


def _ground(
    canvas: Canvas, scene: SceneParameters, inks: Inks, shore: float, rng: np.random.Generator, dark: bool
) -> Array:
    """Paint the ground; return its top edge, one y per column."""
    x = canvas.x[0]
    level = 0.88 if dark or scene.water != "none" else shore - 0.01
    top = level - 0.035 * line_noise(x, rng, 1.6, 2, sharp=False)
    if dark or scene.water != "none":  # a bank that climbs to one side, or to both
        bend = np.abs(x - 0.5) * 2 if scene.symmetric or rng.random() < 0.4 else x if rng.random() < 0.5 else 1 - x
        top = top + np.float32(0.05) - np.float32(0.12) * bend**1.5
    top = top.astype(np.float32)
    ink = inks.dark if dark else inks.snow if scene.foreground == "snow" else inks.ground
    if scene.foreground == "dunes":
        ink = mix(inks.ridge(0.55), inks.light, 0.15)
    rows = slice(max(int(float(top.min()) * canvas.side) - 1, 0), None)
    mask = canvas.cover(canvas.y[rows] - top[None, :])
    deep = smooth(float(top.min()), 1.05, canvas.y[rows])
    shaded = mix(ink, inks.near, 0.1 if dark else 0.45 if scene.foreground != "snow" else 0.3)
    canvas.blend(mask, ink[:, None, None] + (shaded - ink)[:, None, None] * deep, rows)
    if not dark and scene.foreground in ("meadow", "snow", "dunes"):  # one nearer swell
        second = np.float32(level + (1 - level) * 0.5) - 0.05 * line_noise(x, rng, 1.3, 1, sharp=False)
        fore = mix(shaded, inks.near, 0.3 if scene.foreground != "snow" else 0.12)
        canvas.blend(canvas.cover(canvas.y[rows] - second[None, :].astype(np.float32)), fore, rows)
    return top


def _spots(scene: SceneParameters, rng: np.random.Generator, count: int) -> list[float]:
    """Positions along the ground, clear of the middle if the sun is there."""
    spots = []
    for _ in range(count):
        u = float(rng.random())
        if scene.symmetric:
            u = u * 0.3 if rng.random() < 0.5 else 1 - u * 0.3
        spots.append(u)
    return spots


def _trees(
    canvas: Canvas, scene: SceneParameters, inks: Inks, top: Array, rng: np.random.Generator, dark: bool
) -> None:
    def foot(x: float) -> float:
        return float(np.interp(x, canvas.x[0], top)) + 0.012

    trunk = inks.dark
    crown, lit = (inks.dark, inks.dark) if dark else (inks.leaf, inks.leaf_lit)
    fir = inks.dark if dark else mix(inks.near, inks.leaf, 0.25)
    if scene.trees == "conifers":
        count = int(3 + 7 * rng.random())
        big = 0.2 + 0.2 * rng.random()
        for x in _spots(scene, rng, count):
            height = big * (0.55 + 0.55 * rng.random())
            conifer(canvas, x, foot(x) + 0.05 * height, height, mix(fir, inks.ridge(0.7), 0.25 * rng.random()))
    elif scene.trees == "round":
        for x in _spots(scene, rng, int(2 + 4 * rng.random())):
            round_tree(canvas, x, foot(x) + 0.01, 0.16 + 0.14 * rng.random(), trunk, crown, lit)
    elif scene.trees == "bare":
        for x in _spots(scene, rng, int(1 + 3 * rng.random())):
            bare_tree(canvas, x, foot(x) + 0.01, 0.26 + 0.16 * rng.random(), trunk, rng)
    elif scene.trees == "reeds":
        x0 = 0.15 if rng.random() < 0.5 else 0.85
        for _ in range(9):
            x, h = x0 + 0.26 * (rng.random() - 0.5), 0.12 + 0.14 * rng.random()
            tip = (x + 0.06 * (rng.random() - 0.5), foot(x) - h)
            limb(canvas, (x, foot(x)), tip, 0.008, 0.006, inks.dark)
            disc(canvas, tip[0], tip[1], 0.011, 0.03, inks.dark)
    else:  # a lone tree, off centre like a print's
        x = 0.5 if scene.symmetric else 0.22 + 0.56 * (rng.random() < 0.5)
        height = 0.36 + 0.14 * rng.random()
        if scene.season == "winter" or rng.random() < 0.3:
            bare_tree(canvas, x, foot(x), height, trunk, rng)
        else:
            round_tree(canvas, x, foot(x), height, trunk, crown, lit)


def _cabin(canvas: Canvas, scene: SceneParameters, inks: Inks, top: Array, rng: np.random.Generator) -> None:
    x = 0.22 + 0.56 * rng.random()
    base = float(np.interp(x, canvas.x[0], top)) + 0.02
    w, h = 0.075, 0.075
    roof = inks.snow if scene.foreground == "snow" else inks.near * 0.55
    polygon(canvas, [(x - w, base - h), (x + w, base - h), (x + w, base), (x - w, base)], inks.dark)
    polygon(canvas, [(x, base - 2.05 * h), (x + w * 1.3, base - h), (x - w * 1.3, base - h)], roof)
    lamp = np.array([1.0, 0.82, 0.42])
    polygon(canvas, [(x - 0.02, base - 0.055), (x + 0.02, base - 0.055), (x + 0.02, base - 0.015),
                     (x - 0.02, base - 0.015)], lamp)  # fmt: skip


def _boat(canvas: Canvas, scene: SceneParameters, inks: Inks, shore: float, rng: np.random.Generator) -> None:
    x, y = 0.2 + 0.6 * rng.random(), shore + 0.05 + 0.07 * rng.random()
    s = 0.09 + 0.05 * rng.random()
    sail = mix(inks.light, inks.horizon, 0.15)
    polygon(canvas, [(x, y - 0.1 * s), (x + 0.6 * s, y), (x - 0.6 * s, y)], inks.dark)
    polygon(canvas, [(x - 0.65 * s, y), (x + 0.65 * s, y), (x + 0.4 * s, y + 0.25 * s), (x - 0.4 * s, y + 0.25 * s)],
            inks.dark)  # fmt: skip
    polygon(canvas, [(x + 0.05 * s, y - 1.3 * s), (x + 0.6 * s, y - 0.12 * s), (x + 0.05 * s, y - 0.12 * s)], sail)
    polygon(canvas, [(x - 0.03 * s, y - 1.1 * s), (x - 0.03 * s, y - 0.12 * s), (x - 0.45 * s, y - 0.12 * s)],
            mix(sail, inks.shade, 0.35))  # fmt: skip
