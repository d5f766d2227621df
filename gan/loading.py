"""Loads generators by name: bundled ones, or bundle folders."""

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
    name_or_path : the name of a bundled generator ("dreamscapes") or a bundle folder. Bundled generators come first: for a folder of the
        same name, write "./dreamscapes" or pass a `Path`.
    device : "cpu", "cuda", "cuda:1", "mps", or "auto" for the best available.

    Raises
    ------
    UserError
        There is no such generator or device, or the bundle is damaged or from a newer version.
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
