"""Shows what the answers to a question look like: the same latents, one row per option."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan.data.sheet import GROUND, contact_sheet
from gan.formats.importing.front import import_file
from gan.formats.importing.result import Imported, Question

_COLUMNS = 8
_WIDEST = 160  # pixels of one image on a sheet
_LINE = 22  # pixels; height of a line of text


@dataclass(frozen=True)
class Row:
    """Images drawn with one answer."""

    title: str  # "" if there is nothing to choose
    images: np.ndarray  # uint8 (N, R, R, 3) of seeds 0 .. N-1


def rows(
    path: Path, imported: Imported, choices: Mapping[str, str], question: Question | None = None
) -> list[Row]:
    """One row of images per option of a question, the most likely first; without a question, one row of the imported generator.

    Parameters
    ----------
    choices : answers to the other questions.
    """
    if question is None:
        return [Row("", imported.model.sample(range(2 * _COLUMNS)))]
    made = []
    for option in question.options:
        model = import_file(path, {**choices, question.key: option.value}).model
        title = f"{question.key}={option.value}    {option.label}" + (
            f"    ({option.evidence})" if option.evidence else ""
        )
        made.append(Row(title, model.sample(range(_COLUMNS))))
    return made


def sheet(path: Path, imported: Imported, choices: Mapping[str, str]) -> Image.Image:
    """One picture: the imported generator, then a titled block per unanswered question, open or, if none is open, settled."""
    asked = [question for question in (imported.questions or imported.settled) if question.key not in choices]
    blocks = [rows(path, imported, choices)]
    blocks += [rows(path, imported, choices, question) for question in asked]
    strips = [(row.title, _strip(row.images)) for block in blocks for row in block]
    font, top = ImageFont.load_default(13), 8
    width = max(640, *(max(strip.width, math.ceil(font.getlength(title))) for title, strip in strips))
    height = sum(strip.height + _LINE + 6 for _, strip in strips)
    page = Image.new("RGB", (width + 16, height + 10), GROUND)
    pen = ImageDraw.Draw(page)
    for title, strip in strips:
        pen.text((8, top), title or imported.what, fill=(222, 222, 224), font=font)
        page.paste(strip, (8, top + _LINE))
        top += _LINE + strip.height + 6
    return page


def _strip(images: np.ndarray) -> Image.Image:
    """Images in rows of `_COLUMNS`; small ones are enlarged by whole factors, large ones reduced."""
    side = images.shape[1]
    scale = max(1, 64 // side)
    made = contact_sheet(images, _COLUMNS, scale=scale)
    if side > _WIDEST:
        ratio = _WIDEST / side
        made = made.resize(
            (math.ceil(made.width * ratio), math.ceil(made.height * ratio)), Image.Resampling.LANCZOS
        )
    return made
