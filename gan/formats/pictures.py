"""Favourites as picture files with metadata: rating, keywords, a readable line, our own record, and a mark that they are generated.

PNG stores the line in the text chunk `parameters` and the record in the iTXt chunk `tastemaker`; WebP and JPEG store the line in Exif
(UserComment, where galleries look for it) and the record in XMP. All contain the XMP packet; some photo managers read it only from a
separate file.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import ExifTags, Image

from gan.errors import UserError, reason
from gan.files import atomic_write, write_bytes
from gan.formats.png import parameters_line, save_image
from gan.formats.rated import Cancel, Progress, Rated, drawn, metadata, never
from gan.formats.xmp import TRAINED, xmp_packet
from gan.model import Model
from gan.version import __version__

Format = Literal["png", "webp", "jpeg"]
SUFFIXES = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}


def write_pictures(
    model: Model,
    rows: Sequence[Rated],
    folder: Path,
    image_format: Format = "png",
    sidecar: bool = False,
    scale: int = 1,
    progress: Progress | None = None,
    cancel: Cancel = never,
) -> list[Path]:
    """Write one file per row into a folder.

    Parameters
    ----------
    model : the generator of the latents, tuned or not: stored latents are drawn by the untuned one.
    image_format : "webp" is lossless; "jpeg" has quality 95.
    sidecar : whether to write the XMP packet also to a `.xmp` file beside each picture.
    scale : whole factor of enlargement, for pixel art.

    Raises
    ------
    UserError
        There are no rows, or the files cannot be written.
    Cancelled
    """
    if not rows:
        raise UserError("no images to write")
    paths = []
    for row, pixels in drawn(model, rows, progress, cancel, scale):
        path = folder / f"{row.stem}{SUFFIXES[image_format]}"
        save_picture(pixels, path, metadata(model, row), sidecar)
        paths.append(path)
    return paths


def save_picture(pixels: np.ndarray, path: Path, about: Mapping[str, Any], sidecar: bool = False) -> None:
    """Write one image in the format given by its suffix: .png, .webp or .jpg.

    Parameters
    ----------
    pixels : uint8 (H, W, 3).
    about : `metadata` of `gan.formats.png.save_png`.
    sidecar : whether to write the XMP packet also to a file of the same name with the suffix .xmp.

    Raises
    ------
    UserError
        The files cannot be written.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels))
    record = json.dumps(
        {"generator": "tastemaker", "version": __version__, **about}, ensure_ascii=False, sort_keys=True
    )
    in_png = path.suffix == ".png"
    said: dict[str, Any] = {key: about[key] for key in ("label", "tags", "note", "title") if key in about}
    packet = xmp_packet(
        about.get("rating"), about.get("source") or TRAINED, record="" if in_png else record, **said
    )
    try:
        if in_png:
            save_image(image, path, about)
        else:
            options = (
                {"lossless": True, "quality": 80}
                if path.suffix == ".webp"
                else {"quality": 95, "subsampling": 0}
            )
            exif = Image.Exif()
            # "UNICODE", padded to eight bytes, names the encoding: UTF-16 in the byte order of the Exif block, here big-endian.
            comment = b"UNICODE\0" + parameters_line(about).encode("utf-16-be")
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
            exif.endian = ">"
            kind = "WEBP" if path.suffix == ".webp" else "JPEG"
            with atomic_write(path) as stream:
                image.save(stream, format=kind, exif=exif, xmp=packet.encode(), **options)
        if sidecar:
            write_bytes(path.with_suffix(".xmp"), packet.encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from error
