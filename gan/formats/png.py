"""Writes images as PNG files with their provenance, in metadata formats that other programs read."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from gan.data.sheet import contact_sheet
from gan.errors import UserError, reason
from gan.files import atomic_write
from gan.formats.xmp import TRAINED, xmp_packet
from gan.version import __version__

ALGORITHM = "algorithmicMedia"  # IPTC term for images made by an algorithm without a trained model, such as the procedural scenes
_OTHER_PICTURES = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
_MOST_PIXELS = 400_000_000  # limit for a sheet; hardly any program opens larger ones
_LABELS = {"seed": "Seed", "seeds": "Seeds", "model": "Model", "model_hash": "Model hash", "truncation": "Truncation"}


def parameters_line(metadata: Mapping[str, Any]) -> str:
    """One readable line for galleries: "Seed: 7, Model: dreamscapes, Model hash: 0123456789, Truncation: 1.0"."""
    return ", ".join(
        f"{label}: {metadata[key]}" for key, label in _LABELS.items() if metadata.get(key) is not None
    )


def save_png(pixels: np.ndarray, path: Path | str, metadata: Mapping[str, Any]) -> None:
    """Write one image with its provenance in the file.

    Parameters
    ----------
    pixels : uint8 (H, W, 3).
    path : replaced atomically.
    metadata : plain JSON values. `seed`, `seeds`, `model`, `model_hash` and `truncation` make the `parameters` line; `rating` (-1 to 5),
        `source` (an IPTC digital source type, by default `trainedAlgorithmicMedia`), `label`, `tags`, `note` and `title` are written as
        XMP, and everything to the iTXt chunk `tastemaker`.

    Raises
    ------
    UserError
        The file cannot be written.
    ValueError
        The pixels have another type or shape.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"an image is uint8 (H, W, 3), not {pixels.dtype} {pixels.shape}")
    save_image(Image.fromarray(np.ascontiguousarray(pixels)), Path(path), metadata)


def save_image(image: Image.Image, path: Path, metadata: Mapping[str, Any]) -> None:
    """Like `save_png`, for a picture that is a Pillow image already, such as a sheet."""
    own = {"generator": "tastemaker", "version": __version__, **metadata}
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", parameters_line(metadata))
    info.add_itxt("tastemaker", json.dumps(own, ensure_ascii=False, sort_keys=True, allow_nan=False))
    said = {key: metadata[key] for key in ("label", "tags", "note", "title") if metadata.get(key)}
    info.add_itxt("XML:com.adobe.xmp", xmp_packet(metadata.get("rating"), metadata.get("source") or TRAINED, **said))
    try:
        with atomic_write(path) as stream:
            image.save(stream, format="PNG", pnginfo=info)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from error


def write_images(
    images: Iterable[np.ndarray],
    out: Path | str,
    seeds: Iterable[int],
    metadata: Mapping[str, Any] | None = None,
    scale: int = 1,
) -> list[Path]:
    """Write generated images, either as one contact sheet or as one file each.

    Parameters
    ----------
    images : uint8 (H, W, 3) each: an array (N, H, W, 3) or any iterable. In a folder, each file is written as soon as its image is drawn.
    out : PATH.png (unless that is a folder) for one sheet; any other path is a folder, created if missing, for `seed%010d.png`.
    seeds : one per image.
    metadata : common to all images, as for `save_png`.
    scale : whole factor of enlargement in a sheet; files in a folder are not enlarged.

    Returns
    -------
    The files written.

    Raises
    ------
    UserError
        There are no images or too many for one sheet, the path cannot be written, or its suffix is that of another picture format.
    ValueError
        The numbers of images and seeds differ.
    """
    out, common = Path(out), dict(metadata or {})
    suffix = out.suffix.lower()
    if suffix in _OTHER_PICTURES and not out.is_dir():
        raise UserError(f"{out.name}: images are written as PNG: name a file ending in .png, or a folder")
    if suffix == ".png" and not out.is_dir():
        kept, coming = list(seeds), iter(images)
        first = next(coming, None)
        if first is None:
            raise UserError("no images to write: count is 0")
        room = _MOST_PIXELS // (first.shape[0] * first.shape[1] * scale**2)
        if len(kept) > room:  # noticed before more are drawn
            raise UserError(f"one sheet holds {room:,} such images, not {len(kept):,}: name a folder, or take fewer or a smaller scale")
        drawn = [first, *coming]
        if len(kept) != len(drawn):
            raise ValueError(f"{len(drawn)} images but {len(kept)} seeds")
        sheet = contact_sheet(np.stack(drawn), scale=scale)
        known = {"seed": kept[0]} if len(kept) == 1 else {"seeds": _ranges(kept)}
        save_image(sheet, out, {**known, **common})
        return [out]
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file, not a folder")
    paths = []
    for image, seed in zip(images, seeds, strict=True):
        path = out / f"seed{seed:010d}.png"
        save_png(image, path, {"seed": seed, **common})
        paths.append(path)
    if not paths:
        raise UserError("no images to write: count is 0")
    return paths


def _ranges(seeds: list[int]) -> str:
    """"0-15" for consecutive seeds, otherwise "3, 7, 9"."""
    if all(b - a == 1 for a, b in zip(seeds, seeds[1:], strict=False)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ", ".join(map(str, seeds))
