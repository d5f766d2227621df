"""Images to PNG files that say where they come from, in the ways other programs read."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from gan import __version__
from gan.data.sheet import contact_sheet
from gan.errors import UserError, reason
from gan.formats.files import atomic_write
from gan.formats.xmp import TRAINED, xmp_packet

ALGORITHM = "algorithmicMedia"  # IPTC: made by an algorithm alone, as the procedural scenes are
_OTHER_PICTURES = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
_MOST_PIXELS = 400_000_000  # of a sheet; larger ones are opened by hardly any program
_LABELS = {"seed": "Seed", "seeds": "Seeds", "model": "Model", "model_hash": "Model hash", "truncation": "Truncation"}


def parameters_line(metadata: Mapping[str, Any]) -> str:
    """One readable line for galleries: "Seed: 7, Model: dreamscapes, Model hash: 0123456789, Truncation: 1.0"."""
    return ", ".join(
        f"{label}: {metadata[key]}" for key, label in _LABELS.items() if metadata.get(key) is not None
    )


def save_png(pixels: np.ndarray, path: Path | str, metadata: Mapping[str, Any]) -> None:
    """Write one image with its provenance inside.

    Parameters
    ----------
    pixels : uint8 (H, W, 3).
    path : replaced whole or not at all.
    metadata : plain JSON values. `seed`, `model`, `model_hash` and `truncation` make the `parameters` line; `rating` (-1 to 5) and
        `source` (an IPTC digital source type, by default `trainedAlgorithmicMedia`) go into XMP, and so do `label`, `tags` and `note`; all
        of it into the iTXt `tastemaker`.

    Raises
    ------
    UserError
        The file cannot be written.
    ValueError
        Pixels of another type or shape.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"an image is uint8 (H, W, 3), not {pixels.dtype} {pixels.shape}")
    save_image(Image.fromarray(np.ascontiguousarray(pixels)), Path(path), metadata)


def save_image(image: Image.Image, path: Path, metadata: Mapping[str, Any]) -> None:
    """`save_png` of a picture that Pillow holds already, such as a sheet."""
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
    """Write generated images: one contact sheet, or one file each.

    Parameters
    ----------
    images : uint8 (H, W, 3) each; an array (N, H, W, 3) or anything that yields them one by one. A folder is written as they come.
    out : PATH.png (not a folder already there) for one sheet; any other path is a folder, made if missing, of `seed%010d.png`.
    seeds : as many as images.
    metadata : what all have in common, as for `save_png`.
    scale : whole factor of enlargement in a sheet; files of a folder keep their pixels.

    Returns
    -------
    The files written.

    Raises
    ------
    UserError
        No images, a place that cannot be written, another picture format asked for, or more images than a sheet holds.
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
        if len(kept) > room:  # found out before the others are drawn
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
    """"0-15" for consecutive seeds, else "3, 7, 9"."""
    if all(b - a == 1 for a, b in zip(seeds, seeds[1:], strict=False)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ", ".join(map(str, seeds))
