"""The learning benchmark as a plot: like rate against the number of ratings, for ours and all peers, with bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import sqrt
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan.errors import UserError, reason
from gan.files import write_bytes
from gan.simulate.figures import Record, contestants, paired_bootstrap, theirs
from gan.simulate.peers.base import PEERS

WIDTH, HEIGHT = 1000, 620  # units; a PNG has two pixels per unit
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 84, 64  # margins
INK, FAINT, PAPER = "#1f2328", "#8b939c", "#ffffff"
OURS = "#d1495b"
HUES = (  # of peers, in the order of the list
    *("#5b8fd9", "#2f4b8f", "#44aa99", "#117733", "#999933", "#ddaa33", "#aa4499", "#7a4fc0"),
    *("#882255", "#997700", "#555555", "#4fb3d9", "#b07a57", "#8fae3c"),
)


@dataclass(frozen=True)
class Line:
    """A polyline; points and widths in units of the plot."""

    points: list[tuple[float, float]]
    colour: str
    width: float = 1.0


@dataclass(frozen=True)
class Band:
    """A filled polygon; opacity 0 to 1."""

    points: list[tuple[float, float]]
    colour: str
    opacity: float


@dataclass(frozen=True)
class Text:
    """A line of text; size in units of the plot."""

    x: float
    y: float  # vertical middle of the line
    text: str
    size: float
    colour: str = INK
    anchor: str = "start"  # or "middle", "end"


Shape = Line | Band | Text


@dataclass(frozen=True)
class Curve:
    """One contestant: mean over runs and 95 % bootstrap interval over raters, by number of ratings."""

    title: str
    colour: str
    ratings: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]


def curves(records: Sequence[Record]) -> list[Curve]:
    """Ours first, then the peers in the order of the list, without ablations. All curves start at the untuned generator."""
    names = {name: title for name, title in contestants(records).items() if name not in PEERS or PEERS[name].kind == "peer"}
    names.pop("untuned")
    start = float(np.mean([r["untuned"]["like"] for r in records]))
    numbers = sorted({r["ratings"] for r in records})
    found = []
    for i, (name, title) in enumerate([("", "ours"), *names.items()]):
        curve = Curve(title, OURS if not name else HUES[(i - 1) % len(HUES)], [0], [start], [start], [start])
        for k in numbers:
            judged = [(r["final"] if not name else theirs(r, name), r["rater"]) for r in records if r["ratings"] == k]
            likes = [row["like"] for row, _ in judged if row is not None]
            if likes:
                low, high = paired_bootstrap(likes, [rater for row, rater in judged if row is not None])
                for values, value in ((curve.mean, float(np.mean(likes))), (curve.low, low), (curve.high, high)):
                    values.append(value)
                curve.ratings.append(k)
        found.append(curve)
    return found


def shapes(found: Sequence[Curve], subtitle: str) -> list[Shape]:
    """What to draw, back to front."""
    most = max(max(curve.ratings) for curve in found)
    ticks = sorted({k for curve in found for k in curve.ratings})

    def x(k: float) -> float:  # square-root scale: the first grids matter most, and zero is included
        return LEFT + (WIDTH - LEFT - RIGHT) * sqrt(k / most)

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    drawn: list[Shape] = [
        Text(LEFT, 30, "How many fresh images the person likes", 22),
        Text(LEFT, 57, subtitle, 13, FAINT),
    ]
    for tenth in range(0, 11, 2):
        drawn.append(Line([(LEFT, y(tenth / 10)), (WIDTH - RIGHT, y(tenth / 10))], "#e6e8eb"))
        drawn.append(Text(LEFT - 10, y(tenth / 10), f"{tenth * 10} %", 13, FAINT, "end"))
    for k in ticks:
        drawn.append(Line([(x(k), y(0)), (x(k), y(0) + 5)], FAINT))
        drawn.append(Text(x(k), y(0) + 18, str(k), 13, FAINT, "middle"))
    drawn.append(Text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, "images rated", 14, INK, "middle"))
    for curve in reversed(found):
        upper = [(x(k), y(v)) for k, v in zip(curve.ratings, curve.high, strict=True)]
        lower = [(x(k), y(v)) for k, v in zip(curve.ratings, curve.low, strict=True)]
        drawn.append(Band(upper + lower[::-1], curve.colour, 0.2 if curve.colour == OURS else 0.08))
    for curve in reversed(found):
        points = [(x(k), y(v)) for k, v in zip(curve.ratings, curve.mean, strict=True)]
        drawn.append(Line(points, curve.colour, 3.5 if curve.colour == OURS else 1.8))
    for curve, place in zip(found, _apart([y(curve.mean[-1]) for curve in found], 19.0), strict=True):
        end = x(curve.ratings[-1])
        drawn.append(Line([(end, y(curve.mean[-1])), (end + 8, y(curve.mean[-1])), (end + 20, place)], curve.colour, 1.0))
        size = 15 if curve.colour == OURS else 13
        drawn.append(Text(end + 25, place, f"{curve.title}  {curve.mean[-1]:.0%}", size, curve.colour))
    return drawn


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """The positions, moved as little as needed for a distance of `gap`, in the same order and inside the frame."""
    order = np.argsort(places, kind="stable")
    moved = np.asarray(places, np.float64)[order] - gap * np.arange(len(places))
    blocks: list[list[float]] = []  # pooled adjacent violators: means of neighbours that would overlap
    for value in moved:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    flat = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks]) + gap * np.arange(len(places))
    flat += min(0.0, HEIGHT - BOTTOM - flat[-1])
    flat += max(0.0, TOP - 10 - flat[0])
    result = np.empty(len(places))
    result[order] = flat
    return [float(value) for value in result]


def draw_picture(records: Sequence[Record], path: Path) -> None:
    """Write the plot of these runs to a .png or .svg file.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    raters, seeds = len({r["rater"] for r in records}), len({r["seed"] for r in records})
    subtitle = f"mean over {raters} simulated people x {seeds} seed{'s' if seeds > 1 else ''}, with 95 % bootstrap bands"
    drawn = shapes(curves(records), f"{records[0]['model']['name']}: {subtitle}; 20 % before")
    data = _svg(drawn).encode() if path.suffix.lower() == ".svg" else _png(drawn)
    try:
        write_bytes(path, data)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from None


def _svg(drawn: Sequence[Shape]) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
    ]
    for shape in drawn:
        if isinstance(shape, Text):
            parts.append(
                f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}" fill="{shape.colour}" '
                f'text-anchor="{shape.anchor}" dominant-baseline="central">{escape(shape.text)}</text>'
            )
            continue
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in shape.points)
        if isinstance(shape, Band):
            parts.append(f'<polygon points="{points}" fill="{shape.colour}" fill-opacity="{shape.opacity:g}"/>')
        else:
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{shape.colour}" stroke-width="{shape.width:g}" '
                'stroke-linejoin="round"/>'
            )
    return "\n".join([*parts, "</svg>\n"])


def _png(drawn: Sequence[Shape]) -> bytes:
    size, fine = 2, 2  # pixels per unit, and the oversampling for smooth edges
    scale = size * fine
    image = Image.new("RGB", (WIDTH * scale, HEIGHT * scale), PAPER)
    pen = ImageDraw.Draw(image)
    for shape in drawn:
        if isinstance(shape, Band):
            mask = Image.new("L", image.size, 0)
            points = [(a * scale, b * scale) for a, b in shape.points]
            ImageDraw.Draw(mask).polygon(points, fill=round(255 * shape.opacity))
            image.paste(shape.colour, (0, 0), mask)
        elif isinstance(shape, Line):
            pen.line([(a * scale, b * scale) for a, b in shape.points], shape.colour, round(shape.width * scale), "curve")
    image = image.resize((WIDTH * size, HEIGHT * size), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(image)
    anchors = {"start": "lm", "middle": "mm", "end": "rm"}
    for shape in drawn:
        if isinstance(shape, Text):
            font = ImageFont.load_default(shape.size * size)
            pen.text((shape.x * size, shape.y * size), shape.text, shape.colour, font, anchors[shape.anchor])
    stream = BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
