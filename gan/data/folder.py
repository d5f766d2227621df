"""A folder of pictures of any kind as one array of square RGB images."""

import hashlib
import json
import os
import warnings
from collections import deque
from collections.abc import Callable, Collection, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gan.data import duplicates
from gan.data.decoding import KNOWN, READ, Decoded, crop_box, read
from gan.data.pixel_art import square_side
from gan.data.procedural import cache_folder, npy_header
from gan.errors import Cancelled, UserError, reason
from gan.files import atomic_write, write_bytes

Progress = Callable[[float, str], None]

FEW = 1000  # pictures; generators trained on fewer have been seen to copy them
_VERSION = 2  # part of a cache's name: raise it when files decode to other pixels or the report changes
_READING = 0.9  # share of the work, the rest is the search for duplicates
_THREADS = min(16, os.cpu_count() or 1)  # decoders release Python's lock
_CHUNK = 256  # rows copied at a time
_KEPT = 8  # folders (at one resolution) that stay in the cache


@dataclass(frozen=True)
class Intake:
    """The result of reading a folder."""

    images: np.ndarray  # uint8 (N, R, R, 3), memory-mapped, read-only
    used: list[Path]  # the file of each image, relative to the folder
    skipped: list[tuple[Path, str]]  # picture files that could not be used, and why
    sizes: list[tuple[int, int]] = field(default_factory=list)  # width and height of each used picture, upright
    copies: list[tuple[Path, Path]] = field(default_factory=list)  # duplicates: the copy, and the one it is a copy of
    left_out: list[Path] = field(default_factory=list)  # at the user's request
    pixel: int = 1  # side of the squares of one colour that pixel art consists of, in pixels of `images`; 1: not pixel art

    def crop(self, index: int) -> tuple[int, int, int, int]:
        """The square of the picture that image `index` shows: left, top, right, bottom, in the picture's own pixels."""
        return crop_box(self.sizes[index])

    @property
    def few(self) -> bool:
        """Whether the pictures are so few that a generator may copy them."""
        return len(self.used) < FEW

    def report(self, most: int = 10) -> list[str]:
        """`summary`, then up to `most` of the files that could not be used, one line each."""
        lines = [self.summary(), *(f"{path.as_posix()}: {why}" for path, why in self.skipped[:most])]
        if len(self.skipped) > most:
            lines.append(f"... and {len(self.skipped) - most} more that could not be used")
        return lines

    def summary(self) -> str:
        """How many pictures were used, and how many were not and why, in one line."""
        parts = ["1 picture" if len(self.used) == 1 else f"{len(self.used)} pictures"]
        if self.copies:
            parts.append(f"{len(self.copies)} found twice")
        if self.skipped:
            parts.append(f"{len(self.skipped)} skipped")
        if self.left_out:
            parts.append(f"{len(self.left_out)} left out")
        return ", ".join(parts)


def open_images(
    folder: Path | str,
    resolution: int,
    progress: Progress | None = None,
    cancel: Callable[[], bool] = lambda: False,
    cache: Path | None = None,
    leave_out: Collection[Path | str] = (),
    keep_copies: bool = False,
) -> Intake:
    """Read all pictures under a folder, cropped to their central square and scaled; decoded once, then read from a cache.

    Transparent pictures are put on white, camera rotations are applied, and the first frame of an animation is used. Of pictures that
    differ only in their encoding, the largest is kept. Hidden files and folders are ignored, and links to folders are not followed. Only
    the file names and a few pictures at a time are held in memory, however large the folder.

    Parameters
    ----------
    resolution : width and height of the images in pixels, 8 to 1024.
    progress : called with a fraction in [0, 1] and a line of text.
    cancel : called between files; true raises `Cancelled`, and nothing is left behind.
    cache : folder in which the array is stored; by default the user's cache folder.
    leave_out : files not to use, relative to the folder; unknown names are ignored. A copy of a file that is left out does not take its
        place.
    keep_copies : whether to use duplicates all the same; `Intake.copies` lists them in either case.

    Raises
    ------
    UserError
        There is no such folder, no readable picture in it, none left after `leave_out`, or no room for the cache.
    ValueError
        The resolution is out of range.
    """
    if not 8 <= resolution <= 1024:
        raise ValueError(f"resolution must be 8 to 1024, not {resolution}")
    folder = Path(os.path.realpath(folder))  # `resolve` raises on a link to itself
    files = _list(folder)
    if not files:
        raise UserError(f"no pictures in {folder}")
    stem, key = _names(folder, files, resolution)
    cache = (cache or cache_folder()) / "folders"
    base, report_path = cache / f"{stem}-{key}.npy", cache / f"{stem}-{key}.json"
    cached = _cached(base, report_path)
    if cached is None:
        report = _decode_all(folder, files, resolution, base, progress, cancel)
        try:
            write_bytes(report_path, json.dumps(report).encode())
        except OSError as error:
            raise UserError(f"cannot write the image cache in {cache}: {reason(error)}") from error
        _forget(cache, stem, lambda name: key not in name)
        _forget_oldest(cache)
        cached = _cached(base, report_path)
        if cached is None:
            raise UserError(f"the image cache in {cache} cannot be read back")
    else:
        with suppress(OSError):
            os.utime(report_path)  # marks it as used: the oldest are removed first
    intake = _select(*cached, base, {Path(name).as_posix() for name in leave_out}, keep_copies)
    if progress is not None:
        progress(1.0, intake.summary())
    return intake


def _list(folder: Path) -> list[tuple[str, int, int]]:
    """Picture files under a folder: relative path, size in bytes, modification time in ns; sorted by path."""
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
            suffix = path.suffix.lower()
            if (suffix in READ or suffix in KNOWN) and not name.startswith("."):
                with suppress(OSError):  # a broken link, or deleted since it was listed
                    status = path.stat()
                    found.append((path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns))
    return sorted(found)


# ------------------------------------------------------------------------------------------------------------------ cache


def _names(folder: Path, files: list[tuple[str, int, int]], resolution: int) -> tuple[str, str]:
    """Parts of a cache's name: one for the folder and resolution, one for everything that the pixels depend on."""
    place = hashlib.sha256(f"{folder}\0{resolution}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
    listing = json.dumps([_VERSION, *files]).encode()
    return place, hashlib.sha256(listing).hexdigest()[:16]


def _cached(array_path: Path, report_path: Path) -> tuple[np.ndarray, dict[str, Any]] | None:
    """The cached result of an earlier call; None if it is missing or incomplete."""
    try:
        report = json.loads(report_path.read_text(encoding="utf-8"))
        images = np.load(array_path, mmap_mode="r", allow_pickle=False)
        whole = len(images) == len(report["used"]) == len(report["sizes"]) and "copies" in report and "skipped" in report
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return (images, report) if whole else None


def _forget(cache: Path, start: str, stale: Callable[[str], bool]) -> None:
    """Remove cache files whose names start with `start` and are stale."""
    for path in cache.glob(f"{start}-*"):
        if stale(path.name):
            with suppress(OSError):  # in use on Windows: removed the next time
                path.unlink()


def _forget_oldest(cache: Path) -> None:
    """Remove all but the most recently used folders from the cache."""
    reports = sorted(cache.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for report in reports[_KEPT:]:
        _forget(cache, report.name.split("-")[0], lambda name: True)


def _select(images: np.ndarray, report: dict[str, Any], base: Path, leave_out: set[str], keep_copies: bool) -> Intake:
    """What is wanted of the decoded pictures; if that is not all of them, it is copied into a new array."""
    names: list[str] = report["used"]
    wanted = [name not in leave_out for name in names]
    copies = {int(copy): int(kept) for copy, kept in report["copies"]}
    if not keep_copies:
        for copy in copies:
            wanted[copy] = False
    rows = np.flatnonzero(wanted)
    if not len(rows):
        raise UserError("no picture is left: all readable ones were left out")
    chosen = images
    if len(rows) < len(names):
        path = base.with_name(f"{base.stem}-{hashlib.sha256(rows.tobytes()).hexdigest()[:16]}.npy")
        try:
            chosen = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            chosen = _copy_rows(images, rows, path)
            _forget(base.parent, base.stem, lambda name: name != path.name)
    return Intake(
        chosen,
        [Path(names[row]) for row in rows],
        [(Path(name), why) for name, why in report["skipped"]],
        [tuple(report["sizes"][row]) for row in rows],
        [(Path(names[copy]), Path(names[kept])) for copy, kept in copies.items()],
        [Path(name) for name in names if name in leave_out],
        square_side(chosen),
    )


def _copy_rows(images: np.ndarray, rows: np.ndarray, path: Path) -> np.ndarray:
    try:
        with atomic_write(path) as stream:
            npy_header(stream, len(rows), images.shape[1])
            for start in range(0, len(rows), _CHUNK):
                stream.write(images[rows[start : start + _CHUNK]].tobytes())
    except OSError as error:
        raise UserError(f"cannot write the image cache in {path.parent}: {reason(error)}") from error
    copied: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return copied


# --------------------------------------------------------------------------------------------------------------- decoding


def _decode_all(
    folder: Path,
    files: list[tuple[str, int, int]],
    resolution: int,
    path: Path,
    progress: Progress | None,
    cancel: Callable[[], bool],
) -> dict[str, list[Any]]:
    """Decode all files into one .npy, row by row. Returns the report on them."""
    used: list[str] = []
    sizes: list[tuple[int, int]] = []
    skipped: list[tuple[str, str]] = []

    def tell(fraction: float, text: str) -> None:
        if progress is not None:
            progress(fraction, text)

    try:
        decoded = _decoded(folder, files, resolution)
        with atomic_write(path) as stream, closing(decoded), warnings.catch_warnings():
            # Pillow's warnings are not needed: an odd file is either decoded or skipped with a reason.
            warnings.simplefilter("ignore")
            # The header is written for all files first, and again for those used: numpy pads it so that any count fits.
            start = npy_header(stream, len(files), resolution)
            for index, (name, found) in enumerate(decoded):
                if cancel():
                    raise Cancelled
                if isinstance(found, str):
                    skipped.append((name, found))
                else:
                    stream.write(found.pixels.tobytes())
                    used.append(name)
                    sizes.append(found.size)
                tell(_READING * index / len(files), f"reading picture {index + 1} of {len(files)}")
            if not used:
                name, why = skipped[0]
                raise UserError(f"no readable picture in {folder} ({len(skipped)} skipped; {name}: {why})")
            stream.seek(0)
            assert npy_header(stream, len(used), resolution) == start
            stream.flush()
            copies = _copies(stream, start, resolution, sizes, tell, cancel)
    except OSError as error:
        raise UserError(f"cannot write the image cache in {path.parent}: {reason(error)}") from error
    return {"used": used, "sizes": sizes, "skipped": skipped, "copies": copies}


def _copies(
    written: BinaryIO,
    start: int,
    resolution: int,
    sizes: list[tuple[int, int]],
    tell: Progress,
    cancel: Callable[[], bool],
) -> list[tuple[int, int]]:
    images = np.memmap(written, np.uint8, "r", start, (len(sizes), resolution, resolution, 3))
    areas = np.array([width * height for width, height in sizes])
    found = duplicates.find(images, areas, lambda share, text: tell(_READING + (1 - _READING) * share, text), cancel)
    return list(found.items())


def _decoded(
    folder: Path, files: list[tuple[str, int, int]], resolution: int
) -> Generator[tuple[str, Decoded | str], None, None]:
    """The picture of each file, or the reason why not, in order; threads read a few files ahead."""
    ahead: deque[tuple[str, Future[Decoded | str]]] = deque()
    with ThreadPoolExecutor(_THREADS, "decode") as pool:
        try:
            for name, _, _ in files:
                ahead.append((name, pool.submit(read, folder / name, resolution)))
                if len(ahead) > 4 * _THREADS:
                    first, found = ahead.popleft()
                    yield first, found.result()
            while ahead:
                first, found = ahead.popleft()
                yield first, found.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
