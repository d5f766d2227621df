"""The sky: gradient, stars, aurora, sun or moon, rainbow and clouds."""

from __future__ import annotations

import numpy as np

from gan.data.scene_inks import Inks
from gan.data.scene_plan import SceneParameters
from gan.data.scene_shapes import Array, Canvas, field_noise, line_noise, mix, smooth


def paint_sky(canvas: Canvas, scene: SceneParameters, inks: Inks, rng: np.random.Generator) -> None:
    """Fill the canvas with the sky of a scene."""
    y = canvas.y[:, 0]
    stops = np.linspace(0.0, scene.horizon + 0.03, len(inks.sky))
    for c in range(3):
        canvas.rgb[c] = np.interp(y, stops, inks.sky[:, c])[:, None]
    if scene.time == "night":
        _stars(canvas, scene, inks, rng)
    if scene.weather == "aurora":
        _aurora(canvas, scene, rng)
    if scene.body != "none":
        _body(canvas, scene, inks)
    if scene.weather == "rainbow":
        _rainbow(canvas, scene, rng)
    if scene.clouds == "cirrus":
        _cirrus(canvas, scene, inks, rng)
    elif scene.clouds == "banks":
        _banks(canvas, scene, inks, rng)
    elif scene.clouds == "puffs":
        _puffs(canvas, scene, inks, rng)


def _stars(canvas: Canvas, scene: SceneParameters, inks: Inks, rng: np.random.Generator) -> None:
    # few and soft, never smaller than a pixel of the 64 px picture: a small network must learn them
    for _ in range(int(12 + 22 * rng.random())):
        x, y, r = rng.random(), rng.random() ** 1.3 * (scene.horizon - 0.06), 0.006 + 0.005 * rng.random()
        power = 0.5 + 0.45 * rng.random()
        rows, cols = canvas.window(x - 2 * r, x + 2 * r, y - 2 * r, y + 2 * r)
        d = ((canvas.x[:, cols] - x) ** 2 + (canvas.y[rows] - y) ** 2) / (r * r)
        canvas.blend((power * np.exp(-d)).astype(np.float32), inks.light, rows, cols)


def _aurora(canvas: Canvas, scene: SceneParameters, rng: np.random.Generator) -> None:
    x = canvas.x[0]
    green, violet = np.array([0.35, 0.92, 0.68]), np.array([0.62, 0.42, 0.88])
    if rng.random() < 0.35:
        green, violet = violet, np.array([0.25, 0.75, 0.85])
    for k in range(2):
        foot = scene.horizon * (0.62 - 0.22 * k) + 0.09 * line_noise(x, rng, 2.5, 1, sharp=False)
        power = 0.42 + 0.3 * line_noise(x, rng, 5, 1, sharp=False)
        above = foot[None, :] - canvas.y
        veil = np.where(above > 0, np.exp(-np.maximum(above, 0) / 0.15), np.exp(-((above / 0.03) ** 2)))
        alpha = (veil * np.clip(power, 0.1, 1)[None, :]).astype(np.float32)
        canvas.blend(alpha, mix(green, violet, 0.75 * k))


def _body(canvas: Canvas, scene: SceneParameters, inks: Inks) -> None:
    x, y, r = scene.body_x, scene.body_y, scene.body_radius
    d2 = (canvas.x - np.float32(x)) ** 2 + (canvas.y - np.float32(y)) ** 2
    veiled = 0.6 if scene.weather in ("haze", "snow") else 1.0
    near = 0.5 * veiled if scene.body == "sun" else 0.3 * veiled
    glow = np.float32(near) * np.exp(d2 * np.float32(-1 / (2.1 * r) ** 2))
    glow += np.float32(0.24 * veiled) * np.exp(d2 * np.float32(-1 / (0.16 + 2.6 * r) ** 2))
    canvas.blend(glow, mix(inks.light, inks.horizon, 0.25))
    d = np.sqrt(d2)
    alpha = canvas.cover(np.float32(r) - d)
    if scene.body == "crescent":
        side = -1.0 if scene.body_x > 0.5 else 1.0
        bite = (canvas.x - np.float32(x + side * 0.55 * r)) ** 2 + (canvas.y - np.float32(y - 0.22 * r)) ** 2
        alpha = alpha * (1 - canvas.cover(np.float32(r * 0.92) - np.sqrt(bite)))
    canvas.blend(alpha * np.float32(0.75 if veiled < 1 else 0.97), inks.light)


def _rainbow(canvas: Canvas, scene: SceneParameters, rng: np.random.Generator) -> None:
    cx, radius, band = 0.25 + 0.5 * rng.random(), 0.4 + 0.1 * rng.random(), 0.075
    d = np.sqrt((canvas.x - np.float32(cx)) ** 2 + (canvas.y - np.float32(scene.horizon + 0.08)) ** 2)
    t = (d - np.float32(radius)) / np.float32(band)
    inks = np.array([[0.55, 0.4, 0.8], [0.35, 0.6, 0.9], [0.45, 0.8, 0.5], [0.98, 0.88, 0.45], [0.95, 0.45, 0.4]])
    colour = np.stack([np.interp(t, np.linspace(0, 1, 5), inks[:, c]) for c in range(3)])
    canvas.blend((0.5 * smooth(-0.15, 0.2, t) * (1 - smooth(0.8, 1.15, t))).astype(np.float32), colour)


def _cirrus(canvas: Canvas, scene: SceneParameters, inks: Inks, rng: np.random.Generator) -> None:
    field = field_noise(canvas, rng, 2, 7, 2)
    fade = 1 - smooth(scene.horizon * 0.75, scene.horizon + 0.02, canvas.y)
    alpha = smooth(0.5, 0.82, field) * fade * np.float32(0.55 + 0.3 * rng.random())
    canvas.blend(alpha, inks.cloud)


def _banks(canvas: Canvas, scene: SceneParameters, inks: Inks, rng: np.random.Generator) -> None:
    """Layered cloud banks: soft scalloped tops that fade out downward."""
    x = canvas.x[0]
    heavy = scene.weather == "overcast"
    count = 3 if heavy else 2
    for k in range(count):
        level = scene.horizon * ((0.12 + 0.3 * k) if heavy else (0.5 + 0.24 * k + 0.1 * (rng.random() - 0.5)))
        bumps = np.abs(line_noise(x, rng, 3.5 + 2 * rng.random(), 1, sharp=False)) ** 0.8
        top = level - np.float32(0.075) * bumps + np.float32(0.05) * line_noise(x, rng, 2, 1, sharp=False)
        below = canvas.y - top[None, :]
        depth = 0.26 if heavy else 0.2
        # faded by rows, not by distance to the top: no streaks hang from the scallops
        alpha = smooth(-0.012, 0.02, below) * (1 - smooth(level - 0.04, level + depth * 0.6, canvas.y))
        ink = mix(inks.cloud, inks.shade, 0.25 * k if not heavy else 0.7 - 0.3 * k)
        canvas.blend(alpha * np.float32(0.6), ink)


def _puffs(canvas: Canvas, scene: SceneParameters, inks: Inks, rng: np.random.Generator) -> None:
    """A few flat-bottomed fair-weather clouds, each a row of discs cut by its base line."""
    for _ in range(int(2 + 3 * rng.random())):
        cx, base = rng.random(), scene.horizon * (0.2 + 0.5 * rng.random())
        width = 0.1 + 0.13 * rng.random()
        rows, cols = canvas.window(cx - width * 1.3, cx + width * 1.3, base - width, base + 0.03)
        shape: Array = np.zeros((1, 1), np.float32)
        for k in (-0.75, -0.3, 0.2, 0.7):
            r = width * (0.5 - 0.28 * abs(k)) * (0.85 + 0.3 * rng.random())
            d2 = (canvas.x[:, cols] - (cx + k * width)) ** 2 + ((canvas.y[rows] - base) / 0.8) ** 2
            shape = np.maximum(shape, canvas.cover((r - np.sqrt(d2)) * 0.6))
        # a soft belly rather than a cut: the cloud melts into the sky below
        belly = 1 - smooth(base - 0.02, base + 0.015, canvas.y[rows])
        canvas.blend((shape * belly * 0.85).astype(np.float32), inks.cloud, rows, cols)


