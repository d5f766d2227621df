"""The training picture nearest to each sample, to reveal copying."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from gan.data.sheet import contact_sheet

_SIDE = 16  # of the thumbnails that candidates are found by
_CANDIDATES = 8  # per sample; their full pixels decide
_CHUNK = 2048  # training pictures compared at a time
_SOME = 128  # training pictures from which their usual distance is estimated
_COPY = 0.5  # a sample nearer to a picture than this share of the usual distance looks copied


@dataclass(frozen=True)
class Neighbours:
    """The nearest training picture of each of K samples."""

    rows: np.ndarray  # (K,) index of the picture
    mirrored: np.ndarray  # (K,) bool: whether its mirror image is meant
    distances: np.ndarray  # (K,) root mean square over pixels and channels, in grey levels


@dataclass(frozen=True)
class Compared:
    """Samples compared with their nearest training pictures."""

    pictures: np.ndarray  # uint8 (K, R, R, 3), the nearest training picture of each sample, mirrored if that is nearer
    copied: np.ndarray  # (K,) bool: whether the sample looks copied


class Nearest:
    """Training pictures, prepared for search.

    Holds a thumbnail of 768 bytes per picture, 77 MB for 100,000; the pictures themselves are read from `images`.

    Parameters
    ----------
    images : uint8 (N, R, R, 3) with N at least 1, may be memory-mapped.
    mirror : whether training also shows mirror images, so that they count.
    """

    def __init__(self, images: np.ndarray, mirror: bool = True) -> None:
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not len(images):
            raise ValueError(f"training pictures must be uint8 (N, R, R, 3), not {images.dtype} {images.shape}")
        self.images, self.mirror = images, mirror
        self._thumbnails = np.concatenate(
            [_shrunk(images[start : start + _CHUNK]) for start in range(0, len(images), _CHUNK)]
        )
        self._usual: float | None = None

    def of(self, samples: np.ndarray, leave_out: np.ndarray | None = None) -> Neighbours:
        """Find the nearest training picture of each sample.

        Parameters
        ----------
        samples : uint8 (K, R, R, 3), of the training pictures' resolution.
        leave_out : (K,) one row per sample that it is not compared with: itself, if the samples are training pictures.

        Raises
        ------
        ValueError
            The samples have another shape or type.
        """
        if samples.shape[1:] != self.images.shape[1:] or samples.dtype != np.uint8:
            raise ValueError(f"samples must be uint8 (K, {self.images.shape[1]}, {self.images.shape[1]}, 3), not {samples.shape}")
        straight = self._candidates(samples, leave_out)
        turned = self._candidates(samples[:, :, ::-1], leave_out) if self.mirror else straight[:, :0]
        rows, mirrored, distances = [], [], []
        for sample, plain, flipped in zip(samples.astype(np.float32), straight, turned, strict=True):
            found = [(_distance(sample, self.images[row]), int(row), False) for row in plain]
            found += [(_distance(sample[:, ::-1], self.images[row]), int(row), True) for row in flipped]
            distance, row, flip = min(found)
            rows.append(row)
            mirrored.append(flip)
            distances.append(distance)
        return Neighbours(np.array(rows, int), np.array(mirrored, bool), np.array(distances))

    def compare(self, samples: np.ndarray) -> Compared:
        """The pictures to show beside samples (K, R, R, 3), and which samples look copied."""
        found = self.of(samples)
        pictures = self.images[found.rows]
        pictures = np.where(found.mirrored[:, None, None, None], pictures[:, :, ::-1], pictures)
        return Compared(pictures, found.distances < _COPY * self.usual)

    @property
    def usual(self) -> float:
        """Median distance between a training picture and its nearest other one, in grey levels; 0 with a single picture.

        Samples much nearer than that are copies.
        """
        if self._usual is None:
            count = len(self.images)
            some = np.unique(np.linspace(0, count - 1, min(_SOME, count)).astype(int))
            self._usual = float(np.median(self.of(self.images[some], some).distances)) if count > 1 else 0.0
        return self._usual

    def _candidates(self, samples: np.ndarray, leave_out: np.ndarray | None) -> np.ndarray:
        """The rows (K, c) with the nearest thumbnails."""
        wanted = _shrunk(samples).astype(np.float32)
        count = len(self._thumbnails)
        squares = np.empty((len(samples), count), np.float32)
        for start in range(0, count, _CHUNK):
            chunk = self._thumbnails[start : start + _CHUNK].astype(np.float32)
            squares[:, start : start + _CHUNK] = (chunk * chunk).sum(1) - 2 * wanted @ chunk.T
        if leave_out is not None:
            squares[np.arange(len(samples)), leave_out] = np.inf
            count -= 1
        return np.argpartition(squares, min(_CANDIDATES, count) - 1, axis=1)[:, : min(_CANDIDATES, count)]


def pairs_sheet(samples: np.ndarray, pictures: np.ndarray, columns: int = 8) -> Image.Image:
    """A sheet of samples (K, R, R, 3), each with its training picture to its right; `columns` pairs per row."""
    pairs = np.concatenate([samples, pictures], axis=2)
    return contact_sheet(pairs, columns)


def _shrunk(images: np.ndarray) -> np.ndarray:
    """Thumbnails (K, 768) uint8 of block means; smaller pictures are kept as they are."""
    side = images.shape[1]
    block = max(1, side // _SIDE)
    kept = side // block
    blocks = images[:, : kept * block, : kept * block].reshape(len(images), kept, block, kept, block, 3)
    return np.rint(blocks.mean((2, 4), dtype=np.float32)).astype(np.uint8).reshape(len(images), kept * kept * 3)


def _distance(sample: np.ndarray, picture: np.ndarray) -> float:
    return float(np.sqrt(((sample - picture) ** 2).mean()))
