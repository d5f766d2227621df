"""A person's folder of pictures, whatever is in it, as one array of square RGB images."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gan.data.procedural import cache_folder
from gan.errors import Cancelled, UserError, reason
from gan.formats.files import atomic_write, write_bytes

Progress = Callable[[float, str], None]

_VERSION = 1  # part of a cache's name: raise it when a file would decode to other pixels
_SUFFIXES = {
    ".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp",
}  # fmt: skip
# Named so that a file cannot choose its decoder: Pillow's others include one that runs Ghostscript.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP")
_MOST_PIXELS = 100_000_000  # of one file; more is refused before it is decoded
_SMALLEST = 8  # pixels; a shorter side holds nothing to learn
_PIXEL_ART = 64  # pixels; up to this side, a whole enlargement keeps hard edges


@dataclass(frozen=True)
class Intake:
    """What came out of a folder."""

    images: np.ndarray  # uint8 (N, R, R, 3), memory-mapped, read-only
    used: list[Path]  # the file behind each image, relative to the folder
    skipped: list[tuple[Path, str]]  # files that look like pictures but could not be used, and why


def open_images(
    folder: Path | str,
    resolution: int,
    progress: Progress | None = None,
    cancel: Callable[[], bool] = lambda: False,
    cache: Path | None = None,
) -> Intake:
    """All pictures under a folder, cropped to their central square and scaled; decoded once, then read from a cache.

    Transparent pictures are laid on white, rotations noted by cameras are applied, and of animations the first frame is taken.
    Hidden files and folders are passed over; links to folders are not followed.

    Parameters
    ----------
    resolution : width and height of the images wanted, in pixels, 8 to 1024.
    progress : called with a fraction in [0, 1] and a line of text.
    cancel : asked between files; true raises `Cancelled`, and nothing is left behind.
    cache : where the array is kept; by default the user's cache folder.

    Raises
    ------
    UserError
        No such folder, no readable picture in it, or no room for the cache.
    ValueError
        A resolution out of range.
    """
    if not 8 <= resolution <= 1024:
        raise ValueError(f"resolution must be 8 to 1024, not {resolution}")
    folder = Path(folder).resolve()
    files = _list(folder)
    if not files:
        raise UserError(f"no pictures in {folder}")
    stem, key = _names(folder, files, resolution)
    cache = (cache or cache_folder()) / "folders"
    array_path, report_path = cache / f"{stem}-{key}.npy", cache / f"{stem}-{key}.json"
    intake = _cached(array_path, report_path)
    if intake is None:
        report = _decode_all(folder, files, resolution, array_path, progress, cancel)
        try:
            write_bytes(report_path, json.dumps(report).encode())
        except OSError as error:
            raise UserError(f"cannot write the image cache in {cache}: {reason(error)}") from error
        for stale in cache.glob(f"{stem}-*"):
            if key not in stale.name:
                with suppress(OSError):  # in use on Windows: it goes the next time
                    stale.unlink()
        intake = _cached(array_path, report_path)
        if intake is None:
            raise UserError(f"the image cache in {cache} cannot be read back")
    if progress is not None:
        progress(1.0, f"{len(intake.used)} pictures")
    return intake


def _list(folder: Path) -> list[tuple[str, int, int]]:
    """Picture files under a folder: relative path, size in bytes, time of change in ns; sorted by path."""
    if not folder.exists():
        raise UserError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise UserError(f"{folder} is a file, not a folder of pictures")
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise UserError(f"cannot read {folder}: {reason(error)}") from error
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(place, name)
            if path.suffix.lower() in _SUFFIXES and not name.startswith("."):
                with suppress(OSError):  # a broken link, or gone since it was listed
                    status = path.stat()
                    found.append((path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns))
    return sorted(found)


def _names(folder: Path, files: list[tuple[str, int, int]], resolution: int) -> tuple[str, str]:
    """Names of a cache: one of the folder and the resolution, one of everything the pixels depend on."""
    place = hashlib.sha256(f"{folder}\0{resolution}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
    listing = json.dumps([_VERSION, *files]).encode()
    return place, hashlib.sha256(listing).hexdigest()[:16]


def _cached(array_path: Path, report_path: Path) -> Intake | None:
    """What an earlier call left, or None if it is missing or not whole."""
    try:
        report = json.loads(report_path.read_text(encoding="utf-8"))
        images = np.load(array_path, mmap_mode="r", allow_pickle=False)
        used = [Path(name) for name in report["used"]]
        skipped = [(Path(name), why) for name, why in report["skipped"]]
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return Intake(images, used, skipped) if len(images) == len(used) else None


# -------------------------------------------------------------------------------------------------------------- decoding


def _decode_all(
    folder: Path,
    files: list[tuple[str, int, int]],
    resolution: int,
    path: Path,
    progress: Progress | None,
    cancel: Callable[[], bool],
) -> dict[str, list]:
    """Decode every file into one .npy, row by row. Returns the names used and skipped."""
    used: list[str] = []
    skipped: list[tuple[str, str]] = []
    try:
        with atomic_write(path) as stream, _quiet():
            # The header is written for all files and again for those used: numpy pads it so that any count fits.
            start = _header(stream, len(files), resolution)
            for index, (name, _, _) in enumerate(files):
                if cancel():
                    raise Cancelled
                try:
                    pixels = decode(folder / name, resolution)
                except Exception as error:  # decoders of foreign bytes raise nearly anything
                    foreign = isinstance(error, UnidentifiedImageError)
                    skipped.append((name, "not a picture" if foreign else " ".join(reason(error).split())))
                    continue
                finally:
                    if progress is not None:
                        progress(index / len(files), f"reading picture {index + 1} of {len(files)}")
                stream.write(pixels.tobytes())
                used.append(name)
            if not used:
                name, why = skipped[0]
                raise UserError(f"no readable picture in {folder} ({len(skipped)} skipped; {name}: {why})")
            stream.seek(0)
            assert _header(stream, len(used), resolution) == start
    except OSError as error:
        raise UserError(f"cannot write the image cache in {path.parent}: {reason(error)}") from error
    return {"used": used, "skipped": skipped}


def _header(stream: BinaryIO, count: int, resolution: int) -> int:
    """Write a .npy header for uint8 (count, resolution, resolution, 3). Returns where the data start."""
    shape = (count, resolution, resolution, 3)
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return int(stream.tell())


class _quiet(warnings.catch_warnings):
    """Pillow's warnings about odd files are not news: such a file decodes or is skipped with its reason."""

    def __enter__(self) -> None:  # type: ignore[override]
        super().__enter__()
        warnings.simplefilter("ignore")


def decode(path: Path, resolution: int) -> np.ndarray:
    """One picture as uint8 (resolution, resolution, 3): turned upright, on white, its central square, scaled.

    Raises
    ------
    ValueError
        Too large or too small.
    OSError
        Unreadable, or not a picture. Pillow's decoders may raise other things on damaged files.
    """
    with Image.open(path, formats=_FORMATS) as image:
        width, height = image.size
        if width * height > _MOST_PIXELS:
            raise ValueError(f"{width} x {height} pixels are too many")
        if min(width, height) < _SMALLEST:
            raise ValueError(f"{width} x {height} pixels are too few")
        # JPEG decodes to a fraction of its size for nearly nothing; twice the goal leaves the filter enough to work with.
        image.draft("RGB", (resolution * 2, resolution * 2))
        image.load()
        with suppress(Exception):  # a damaged EXIF block is no reason to lose the picture
            ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(_square(_to_rgb(image), resolution))


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as 8-bit RGB; transparency laid on white."""
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_to_rgb(image)
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", coloured.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, coloured).convert("RGB")
    return image.convert("RGB")


def _deep_to_rgb(image: Image.Image) -> Image.Image:
    """Grey with more than 8 bits: 16-bit values by their full range, floats in [0, 1] or [0, 255], anything else by its own range."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    low, high = values.min(), values.max()
    tops = (1.0, 255.0) if image.mode == "F" else (65535.0,)
    top = next((top for top in tops if low >= 0 and high <= top), None)
    scaled = values / top if top else (values - low) / max(high - low, 1e-12)
    return Image.fromarray(np.rint(scaled * 255).astype(np.uint8)).convert("RGB")


def _square(image: Image.Image, resolution: int) -> Image.Image:
    """The central square at the resolution: Lanczos, or hard-edged where small pixel art grows by a whole factor."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    box = (left, top, left + side, top + side)
    if side == resolution:
        return image.crop(box)
    hard = side < resolution and side <= _PIXEL_ART and resolution % side == 0
    return image.resize((resolution, resolution), Image.Resampling.NEAREST if hard else Image.Resampling.LANCZOS, box=box)
