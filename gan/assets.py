"""Locates the files that come with Tastemaker: the bundled generators."""

import json
from pathlib import Path
from typing import NamedTuple

from gan.errors import UserError

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """The assets folder: inside the installed package, or beside it in a checkout."""
    # A wheel contains the assets in the package. That is checked first, because the folder beside an installed package is site-packages,
    # where "assets" may belong to any other package.
    packaged = _PACKAGE / "_assets"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "assets"


def names() -> list[str]:
    """The names of the bundled generators, sorted."""
    folder = root()
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if (path / "config.json").is_file())


def bundled(name: str) -> Path:
    """The folder of the bundled generator of that name.

    Raises
    ------
    UserError
        No bundled generator has that name.
    """
    known = names()
    if name not in known:
        listing = f"the bundled ones are: {', '.join(known)}" if known else "none is bundled with this copy"
        raise UserError(f"there is no generator named {name!r} and no folder of that name; {listing}")
    return root() / name


class Trainable(NamedTuple):
    """A bundled generator that training can start from."""

    name: str
    resolution: int  # pixels
    pixel_art: bool


def trainable() -> list[Trainable]:
    """All bundled generators with a discriminator, sorted by name. Reads the configurations itself, because `gan.formats` imports torch."""
    found = []
    for name in names():
        config = json.loads((root() / name / "config.json").read_text(encoding="utf-8"))
        if config["discriminator"] is not None:
            generator = config["generator"]
            found.append(Trainable(name, int(generator["resolution"]), generator.get("pixel", 1) > 1))
    return found


def start_for(pixel: int, resolution: int) -> str | None:
    """The best bundled generator to start training on pictures from: one of pixel art for pixel art, and of their size if there is one.

    Parameters
    ----------
    pixel : side of the uniform squares that pixel art consists of, in pixels; 1 for other pictures.
    resolution : of the images to be drawn, in pixels.

    Returns
    -------
    Its name, or None if none fits.
    """
    fitting = [start for start in trainable() if start.pixel_art == (pixel > 1)]
    return min(fitting, key=lambda start: (start.resolution != resolution, start.name)).name if fitting else None
