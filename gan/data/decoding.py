"""Decodes one picture file of any kind into a square array of 8-bit RGB, or reports why it cannot."""

import mmap
import stat
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image, UnidentifiedImageError

from gan.errors import reason

READ = {
    ".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp",
}  # fmt: skip
# Other picture files that people expect to be found: they are listed as skipped.
KNOWN = {
    ".heic": "HEIC", ".heif": "HEIF", ".jxl": "JPEG XL", ".jp2": "JPEG 2000", ".psd": "Photoshop", ".xcf": "GIMP", ".svg": "SVG",
    ".cr2": "camera raw", ".cr3": "camera raw", ".nef": "camera raw", ".arw": "camera raw", ".dng": "camera raw", ".raf": "camera raw",
    ".orf": "camera raw", ".rw2": "camera raw", ".ico": "icon", ".eps": "EPS", ".exr": "OpenEXR", ".hdr": "Radiance",
}  # fmt: skip
# Named explicitly, so that a file cannot choose its decoder: Pillow has others, one of which runs Ghostscript.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP")
_MOST_PIXELS = 100_000_000  # limit for one file; larger ones are refused before they are decoded
_LARGE = 12_000_000  # pixels; of files with more, only one is in memory at a time
_MOST_SCANS = 100  # limit for a JPEG; more scans would keep a processor busy for minutes
_SMALLEST = 8  # pixels; with a shorter side there is nothing to learn
_PIXEL_ART = 64  # pixels; up to this side, enlargement by a whole factor keeps hard edges
_ORIENTATION = 0x0112  # EXIF
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = {_UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}
_large = Lock()


@dataclass(frozen=True)
class Decoded:
    """A picture that was decoded."""

    pixels: np.ndarray  # uint8 (R, R, 3)
    size: tuple[int, int]  # width and height of the whole picture in its own pixels, upright


def crop_box(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The central square of a picture of this width and height: left, top, right, bottom."""
    width, height = size
    side = min(size)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def read(path: Path, resolution: int) -> Decoded | str:
    """Like `decode`, but returns the reason in one line instead of raising. Decoders may raise nearly any exception on foreign bytes."""
    known = KNOWN.get(path.suffix.lower())
    if known is not None:
        return f"{known} files are not read: save it as PNG or JPEG"
    try:
        return decode(path, resolution)
    except UnidentifiedImageError:
        return "not a picture"
    except Image.DecompressionBombError:
        return "too many pixels"
    except MemoryError:
        return "not enough memory for it"
    except Exception as error:
        return " ".join(reason(error).split()) or type(error).__name__


def decode(path: Path, resolution: int) -> Decoded:
    """Decode one picture: upright, on white if transparent, its central square, scaled; the first frame of an animation.

    Raises
    ------
    ValueError
        The picture is too large or too small.
    OSError
        The file is unreadable or not a picture. Pillow's decoders may raise other exceptions on damaged files.
    """
    square, size = _decoded(path, resolution, lambda image: _square(image, resolution))
    return Decoded(square, size)


def whole(path: Path, side: int) -> np.ndarray:
    """Decode one picture without cropping, for display: uint8 (H, W, 3), its longer side at most `side` pixels.

    Raises
    ------
    ValueError, OSError
        As `decode`.
    """

    def shrunk(image: Image.Image) -> Image.Image:
        image.load()
        if max(image.size) > side:
            image = _to_rgb(_reduced(image, max(image.size), side))
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return _to_rgb(image)

    return _decoded(path, side, shrunk)[0]


def _decoded(path: Path, goal: int, work: Callable[[Image.Image], Image.Image]) -> tuple[np.ndarray, tuple[int, int]]:
    """Apply `work` to an opened, upright picture. Returns the result and the picture's upright size; `goal` is the side aimed at."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a file")  # reading a pipe would block
    with Image.open(path, formats=_FORMATS) as image:
        width, height = image.size
        if width * height > _MOST_PIXELS:
            raise ValueError(f"{width} x {height} pixels are too many")
        if min(width, height) < _SMALLEST:
            raise ValueError(f"{width} x {height} pixels are too few")
        if image.format in {"JPEG", "MPO"} and _scans(path) > _MOST_SCANS:
            raise ValueError(f"a JPEG of more than {_MOST_SCANS} scans")
        turn = None
        if image.format != "TIFF":  # Pillow rotates those itself
            with suppress(Exception):  # a damaged EXIF block does not make the picture unusable
                turn = _UPRIGHT.get(int(image.getexif().get(_ORIENTATION, 1)))
        # JPEG decodes to a fraction of its size almost for free; twice the goal leaves enough for the filter.
        image.draft("RGB", (goal * 2, goal * 2))
        with _large if image.width * image.height > _LARGE else nullcontext():
            made = work(image)
    if turn is not None:
        made = made.transpose(turn)
        if turn in _SIDEWAYS:
            width, height = height, width
    return np.asarray(made), (width, height)


def _scans(path: Path) -> int:
    """Number of scans of a JPEG: about ten if it is progressive. Each takes equally long to decode, however few bytes it has."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        place, scans = 2, 0
        while (place := data.find(b"\xff", place)) >= 0 and scans <= _MOST_SCANS:
            marker = data[place + 1 : place + 2]
            if marker in {b"", b"\xd9"}:  # data after the end, such as a film, is ignored
                break
            scans += marker == b"\xda"
            # Segments start with their length; markers inside a scan and restart markers have none.
            bare = marker in {b"\x00", b"\x01", b"\xff"} or b"\xd0" <= marker <= b"\xd8"
            place += 1 if bare else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return scans


def _reduced(image: Image.Image, side: int, goal: int) -> Image.Image:
    """Reduce a large picture by a whole factor before it is copied, to no less than four times the goal, for Lanczos."""
    if side >= 8 * goal and image.mode in {"L", "RGB", "CMYK", "YCbCr"}:
        return image.reduce(side // (4 * goal))
    return image


def _square(image: Image.Image, resolution: int) -> Image.Image:
    """The central square at the resolution, by Lanczos; with hard edges if small pixel art is enlarged by a whole factor."""
    image.load()
    image = image.crop(crop_box(image.size))
    image = _to_rgb(_reduced(image, image.width, resolution))
    side = image.width
    if side == resolution:
        return image
    hard = side < resolution and side <= _PIXEL_ART and resolution % side == 0
    return image.resize((resolution, resolution), Image.Resampling.NEAREST if hard else Image.Resampling.LANCZOS)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to 8-bit RGB, on white if transparent."""
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_to_rgb(image)
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", coloured.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, coloured).convert("RGB")
    return image.convert("RGB")


def _deep_to_rgb(image: Image.Image) -> Image.Image:
    """Convert grey of more than 8 bits: 16-bit values by their full range, floats in [0, 1] or [0, 255], others by their own range."""
    values = np.nan_to_num(np.asarray(image).astype(np.float32))
    low, high = float(values.min()), float(values.max())
    tops = (1.0, 255.0) if image.mode == "F" else (65535.0,)
    top = next((top for top in tops if low >= 0 and high <= top), None)
    if top is None:
        values -= low
        top = max(high - low, 1e-12)
    values *= 255 / top
    return Image.fromarray(np.rint(values).astype(np.uint8)).convert("RGB")
