"""Finds pictures that only differ in their encoding: exact copies, other qualities, other sizes of one original.

Two pictures count as the same if their pixels differ by at most about a tenth of the contrast, and block means by only a few grey levels.
A perceptual hash of few bits would take tiles of one texture for copies of each other; here thumbnails only exclude pairs, and the pixels
decide.
"""

from collections.abc import Callable

import numpy as np

from gan.errors import Cancelled

_THUMBNAIL = 8  # blocks per side
_LEAST = 1.0  # grey levels (root mean square) by which two encodings of any picture may differ
_SHARE = 0.1  # of the picture's standard deviation, in addition
_BLOCK_LEVELS = 5.0  # grey levels between two block means: JPEG and rescaling stay below this, another colour does not
_BLOCK, _WINDOW = 64, 2048  # pictures compared at a time

Progress = Callable[[float, str], None]


def find(
    images: np.ndarray,
    sizes: np.ndarray | None = None,
    progress: Progress | None = None,
    cancel: Callable[[], bool] = lambda: False,
) -> dict[int, int]:
    """Find copies: {index of a copy: index of the picture to keep instead}.

    Parameters
    ----------
    images : uint8 (N, R, R, 3), may be memory-mapped; read in chunks.
    sizes : (N,) pixels of the originals: the largest of equal pictures is kept, and the first of equally large ones.
    progress : called with a fraction in [0, 1] and a line of text.
    cancel : called now and then; true raises `Cancelled`.
    """
    count = len(images)
    if count < 2:
        return {}

    def tell(done: int) -> None:
        if cancel():
            raise Cancelled
        if progress is not None:
            progress(done / count, f"looking for duplicates, {done} of {count}")

    thumbnails, reach = _describe(images, tell)
    # The projections of two pictures on a line are no farther apart than the pictures: the direction of largest variance leaves fewest
    # pairs.
    line = thumbnails @ _widest(thumbnails)
    order = np.argsort(line, kind="stable")
    reach, line = reach[order], line[order]
    ends = np.searchsorted(line, line + reach, side="right")
    same_as = np.full(count, -1)  # in sorted order
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        tell(start)
        block = thumbnails[order[start:stop]]
        for left in range(start, int(ends[start:stop].max()), _WINDOW):
            right = min(left + _WINDOW, int(ends[start:stop].max()))
            near = _squared(block, thumbnails[order[left:right]]) <= reach[start:stop, None] ** 2
            for row in np.flatnonzero(near.any(1)):
                one = start + row
                others = left + np.flatnonzero(near[row])
                others = others[(others > one) & (same_as[others] < 0)]
                if same_as[one] < 0 and len(others):
                    same_as[others[_same(images, order[one], order[others], float(reach[one]))]] = one
    return _keep_best(order, same_as, sizes)


def _describe(images: np.ndarray, tell: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:
    """Thumbnails (N, 192), at most as far apart as their pictures, and the distance (N,) within which a picture's copies lie."""
    count, resolution = images.shape[:2]
    thumbnails = np.empty((count, _THUMBNAIL * _THUMBNAIL * 3), np.float32)
    reach = np.empty(count, np.float32)
    pixels = resolution * resolution * 3
    for start in range(0, count, _BLOCK):
        tell(start)
        chunk = np.asarray(images[start : start + _BLOCK], np.float32)
        blocks = _blocks(chunk)
        # block sums over the root of the block size: their difference is at most that of the pixels (Cauchy-Schwarz)
        thumbnails[start : start + _BLOCK] = (blocks.sum((2, 4)) / blocks.shape[2]).reshape(len(chunk), -1)
        deviation = chunk.std((1, 2)).mean(1)
        reach[start : start + _BLOCK] = (_LEAST + _SHARE * deviation) * np.sqrt(pixels)
    return thumbnails, reach


def _widest(points: np.ndarray) -> np.ndarray:
    """The unit vector along which points (N, D) vary most."""
    some = points[:: max(1, len(points) // 1024)].astype(np.float64)
    _, vectors = np.linalg.eigh(np.cov(some, rowvar=False))
    return vectors[:, -1].astype(np.float32)


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances (N, M), less an allowance for float32 rounding, so that no equal pair is missed."""
    squares_a, squares_b = (a * a).sum(1), (b * b).sum(1)
    return squares_a[:, None] + squares_b[None] - 2 * (a @ b.T) - 1e-5 * (squares_a[:, None] + squares_b[None])


def _same(images: np.ndarray, one: int, others: np.ndarray, reach: float) -> np.ndarray:
    """Which of the others (K,) are the same as picture `one`, bool (K,)."""
    picture = np.asarray(images[one], np.float32)
    found = np.zeros(len(others), bool)
    for index, other in enumerate(others):
        difference = images[other] - picture
        if (difference**2).sum() <= reach**2:
            found[index] = np.abs(_blocks(difference[None]).mean((2, 4))).max() <= _BLOCK_LEVELS
    return found


def _blocks(pictures: np.ndarray) -> np.ndarray:
    """View (N, R, R, 3) as (N, 8, block, 8, block, 3), ignoring rows and columns that do not fill a block."""
    count, resolution = pictures.shape[:2]
    block = resolution // _THUMBNAIL
    used = block * _THUMBNAIL
    return pictures[:, :used, :used].reshape(count, _THUMBNAIL, block, _THUMBNAIL, block, 3)


def _keep_best(order: np.ndarray, same_as: np.ndarray, sizes: np.ndarray | None) -> dict[int, int]:
    groups: dict[int, list[int]] = {}
    for row in np.flatnonzero(same_as >= 0):
        leader = int(same_as[row])
        groups.setdefault(leader, [int(order[leader])]).append(int(order[row]))
    copies: dict[int, int] = {}
    for members in groups.values():
        kept = min(members, key=lambda index: (-int(sizes[index]) if sizes is not None else 0, index))
        copies |= {index: kept for index in members if index != kept}
    return dict(sorted(copies.items()))
