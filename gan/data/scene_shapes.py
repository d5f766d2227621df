"""Brushes of the scene painter: noise, soft masks and silhouettes on one canvas.

A canvas is float32, shape (3, S, S), RGB in 0..1. Coordinates are fractions of the side, y downward,
so a scene keeps its composition at every resolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


class Canvas:
    """A square picture with its pixel-centre coordinates.

    Parameters
    ----------
    side : int
        Pixels along one side.
    """

    def __init__(self, side: int) -> None:
        self.side = side
        axis = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
        self.x = axis[None, :]
        self.y = axis[:, None]
        self.rgb = np.zeros((3, side, side), np.float32)

    def blend(self, alpha: Array, colour: Array, rows: slice = slice(None), cols: slice = slice(None)) -> None:
        """Mix `colour` (3,) or broadcastable to (3, H, W) into the picture by `alpha` (H, W) in 0..1."""
        if colour.ndim == 1:
            colour = colour[:, None, None]
        part = self.rgb[:, rows, cols]
        part += alpha * (colour.astype(np.float32) - part)

    def window(self, x0: float, x1: float, y0: float, y1: float) -> tuple[slice, slice]:
        """Return the row and column slices that cover a box, with a pixel to spare."""
        n = self.side

        def span(a: float, b: float) -> slice:
            return slice(min(max(int(a * n) - 1, 0), n), min(max(int(b * n) + 2, 0), n))

        return span(y0, y1), span(x0, x1)

    def cover(self, distance: Array) -> Array:
        """Turn a signed distance (positive inside) into coverage in 0..1, one pixel soft."""
        return np.clip(distance * np.float32(self.side) + np.float32(0.5), 0.0, 1.0)


def smooth(edge0: float, edge1: float, v: Array) -> Array:
    """Hermite step from 0 at `edge0` to 1 at `edge1`."""
    t = np.clip((v - np.float32(edge0)) / np.float32(edge1 - edge0), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def mix(a: Array, b: Array, t: float) -> Array:
    """Return the colour a fraction `t` of the way from `a` to `b`."""
    return a + (b - a) * t


def line_noise(x: Array, rng: np.random.Generator, cells: float, octaves: int, sharp: bool) -> Array:
    """1-D value noise in about -1..1; `sharp` joins its knots by straight lines, else by smooth curves."""
    total = np.zeros_like(x)
    scale = 1.0
    for _ in range(octaves):
        knots = rng.random(int(cells) + 3) * 2 - 1
        if sharp:  # alternate high and low knots, or a straight join makes long flat runs
            knots = (np.abs(knots) * 0.75 + 0.25) * np.where(np.arange(knots.size) % 2, 1.0, -1.0)
        place = x * cells + rng.random()
        if sharp:
            value = np.interp(place, np.arange(knots.size), knots)
        else:
            i = place.astype(np.int64)
            f = place - i
            f = f * f * (3 - 2 * f)
            value = knots[i] * (1 - f) + knots[i + 1] * f
        total += value * scale
        scale *= 0.24 if sharp else 0.42
        cells *= 2.1
    return total.astype(np.float32)


def field_noise(canvas: Canvas, rng: np.random.Generator, cells_x: int, cells_y: int, octaves: int) -> Array:
    """2-D smooth value noise in about 0..1 over the whole canvas."""
    total = np.zeros((canvas.side, canvas.side), np.float32)
    scale, norm = 1.0, 0.0
    for _ in range(octaves):
        knots = rng.random((cells_y + 2, cells_x + 2)).astype(np.float32)

        def along(axis: Array, cells: int, table: Array) -> Array:
            place = axis * np.float32(cells)
            i = place.astype(np.int64)
            f = (place - i).astype(np.float32)
            f = f * f * (3 - 2 * f)
            f = f[:, None]
            return table[i] * (1 - f) + table[i + 1] * f

        rows = along(canvas.y[:, 0], cells_y, knots)
        total += along(canvas.x[0], cells_x, np.ascontiguousarray(rows.T)).T * np.float32(scale)
        norm += scale
        scale *= 0.5
        cells_x, cells_y = cells_x * 2, cells_y * 2
    return total / np.float32(norm)


def disc(canvas: Canvas, x: float, y: float, rx: float, ry: float, colour: Array, alpha: float = 1.0) -> None:
    """Paint a filled ellipse."""
    rows, cols = canvas.window(x - rx, x + rx, y - ry, y + ry)
    d = 1 - np.sqrt(((canvas.x[:, cols] - x) / rx) ** 2 + ((canvas.y[rows] - y) / ry) ** 2)
    canvas.blend(canvas.cover(d * min(rx, ry)) * np.float32(alpha), colour, rows, cols)


def limb(canvas: Canvas, start: Sequence[float], end: Sequence[float], w0: float, w1: float, colour: Array) -> None:
    """Paint a straight tapered stroke from `start` to `end`, half widths `w0` and `w1`."""
    (ax, ay), (bx, by) = start, end
    w = max(w0, w1)
    rows, cols = canvas.window(min(ax, bx) - w, max(ax, bx) + w, min(ay, by) - w, max(ay, by) + w)
    px, py = canvas.x[:, cols] - ax, canvas.y[rows] - ay
    dx, dy = bx - ax, by - ay
    t = np.clip((px * dx + py * dy) / (dx * dx + dy * dy + 1e-9), 0.0, 1.0)
    d = np.sqrt((px - t * dx) ** 2 + (py - t * dy) ** 2)
    canvas.blend(canvas.cover(w0 + (w1 - w0) * t - d), colour, rows, cols)


def conifer(canvas: Canvas, x: float, base: float, height: float, colour: Array, tiers: int = 4) -> None:
    """Paint a fir: a stack of skirts, `height` tall, its foot at (`x`, `base`)."""
    width = height * 0.25
    rows, cols = canvas.window(x - width, x + width, base - height, base)
    t = (canvas.y[rows] - (base - height)) / height
    step = t * tiers - np.floor(t * tiers)
    half = width * np.clip(t, 0, 1) * (0.62 + 0.38 * step)
    half = np.where(t > 0.93, height * 0.035, half)  # the trunk
    inside = (t >= 0) & (t <= 1)
    canvas.blend(canvas.cover(half - np.abs(canvas.x[:, cols] - x)) * inside, colour, rows, cols)


def round_tree(canvas: Canvas, x: float, base: float, height: float, trunk: Array, crown: Array, lit: Array) -> None:
    """Paint a broad-leaved tree: a trunk, a crown and the crown's lit side."""
    limb(canvas, (x, base), (x, base - height * 0.5), height * 0.05, height * 0.035, trunk)
    r = height * 0.3
    top = base - height * 0.66
    disc(canvas, x - r * 0.55, top + r * 0.25, r * 0.8, r * 0.72, crown)
    disc(canvas, x + r * 0.6, top + r * 0.2, r * 0.8, r * 0.72, crown)
    disc(canvas, x, top - r * 0.2, r, r * 0.95, crown)
    disc(canvas, x - r * 0.22, top - r * 0.42, r * 0.6, r * 0.5, lit)


def bare_tree(
    canvas: Canvas, x: float, base: float, height: float, colour: Array, rng: np.random.Generator
) -> None:
    """Paint a leafless tree of a dozen tapered limbs."""
    lean = (rng.random() - 0.5) * 0.15 * height
    fork = (x + lean, base - height * 0.5)
    limb(canvas, (x, base), fork, height * 0.05, height * 0.032, colour)
    for angle in (-0.75, -0.25, 0.3, 0.8):
        a = angle + (rng.random() - 0.5) * 0.25
        reach = height * (0.36 + 0.14 * rng.random())
        tip = (fork[0] + np.sin(a) * reach, fork[1] - np.cos(a) * reach)
        limb(canvas, fork, tip, height * 0.028, height * 0.012, colour)
        mid = ((fork[0] + tip[0]) / 2, (fork[1] + tip[1]) / 2)
        b = a + (0.7 if rng.random() < 0.5 else -0.7)
        limb(canvas, mid, (mid[0] + np.sin(b) * reach * 0.45, mid[1] - np.cos(b) * reach * 0.45),
             height * 0.018, height * 0.01, colour)  # fmt: skip


def polygon(canvas: Canvas, points: Sequence[tuple[float, float]], colour: Array) -> None:
    """Paint a convex polygon, its corners given clockwise as seen on the picture."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    rows, cols = canvas.window(min(xs), max(xs), min(ys), max(ys))
    px, py = canvas.x[:, cols], canvas.y[rows]
    inside: Array | None = None
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        dx, dy = bx - ax, by - ay
        d = ((py - ay) * dx - (px - ax) * dy) / float(np.hypot(dx, dy))
        inside = d if inside is None else np.minimum(inside, d)
    if inside is not None:
        canvas.blend(canvas.cover(inside), colour, rows, cols)
