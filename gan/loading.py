"""Generators by name: a bundled one, or a bundle folder."""

import os
from pathlib import Path

import torch

from gan import assets
from gan.device import resolve_device
from gan.errors import UserError
from gan.formats import bundle
from gan.model import Model


def load(name_or_path: str | os.PathLike[str], device: torch.device | str | None = "cpu") -> Model:
    """Load a generator.

    Parameters
    ----------
    name_or_path : the name of a bundled generator ("dreamscapes") or a bundle folder. A plain name means the bundled one where
        there is one; write "./dreamscapes" for a folder of that name.
    device : "cpu", "cuda", "cuda:1", "mps", or "auto" for the best there is.

    Raises
    ------
    UserError
        Nothing of that name, not a bundle, damaged, from a newer version, or no such device.
    """
    resolved = resolve_device(device)
    text = os.fspath(name_or_path)
    if not text:
        raise UserError("no generator given: name a bundled one, or a bundle folder")
    if isinstance(name_or_path, str) and text in assets.names():
        return bundle.load(assets.bundled(text), resolved)
    folder = Path(text)
    plain_name = isinstance(name_or_path, str) and os.sep not in text and "/" not in text
    if plain_name and not folder.exists():
        return bundle.load(assets.bundled(text), resolved)
    return bundle.load(folder, resolved)
