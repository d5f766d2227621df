"""Pixels of any image of the project: from memory, from its file on a thread, or drawn again by the worker.

Memory is limited: the pixels that were not used for longest are dropped first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QBrush, QImage, QPainter

from studio.model import pictures
from studio.model.scaling import scaled
from studio.project.store import Project, ProjectError
from studio.theme.tokens import CORNER_IMAGE
from studio.worker.client import WorkerClient
from studio.worker.shown import ShownImages

_WAITING = (
    400  # pending tiles; beyond that the oldest requests are dropped, since they have been scrolled away
)
_DRAWN_AT_ONCE = 32  # images per request to the worker
_GATHER_MS = 12  # finished tiles are delivered together

Key = tuple[int, int, float, bool, bool]
"""Image, side in logical pixels, device pixels to each, pixel art, grey. Side 0 is the image as it was drawn."""


class ImageCache(QObject):
    """Returns what it has at once, and emits `arrived` when there is more."""

    arrived = Signal(object)  # set[int]: the images
    _made = Signal(object)  # list[tuple[Key, QImage | None]], from the thread

    def __init__(
        self,
        project: Project,
        worker: WorkerClient,
        limit_mb: int,
        shown: Callable[[int], QImage | None],
        parent: QObject | None = None,
    ) -> None:
        """`shown` : returns the pixels of images in the grid, whose files may not be written yet."""
        super().__init__(parent)
        self._project, self._worker, self._shown = project, worker, shown
        self._limit = limit_mb * 1_000_000
        self._kept: OrderedDict[Key, QImage] = OrderedDict()
        self._bytes = 0
        self._last: dict[
            int, Key
        ] = {}  # for each image, the tile used last; shown until the right size is ready
        self._undrawn: dict[int, None] = {}
        self._asked: set[int] = set()
        self._maker = _Maker(self._made.emit)
        self._wanted: dict[Key, QImage | Path] = {}  # since the last request to the thread
        self._asking = QTimer(self)  # after painting is complete: one lock instead of one per tile
        self._asking.setSingleShot(True)
        self._asking.timeout.connect(self._ask)
        self._made.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._draw_soon = QTimer(self)
        self._draw_soon.setSingleShot(True)
        self._draw_soon.setInterval(30)
        self._draw_soon.timeout.connect(self._draw)
        worker.drawn.connect(self._drawn)
        worker.ready.connect(self._try_again)

    def close(self) -> None:
        """End the thread."""
        self._maker.close()

    @property
    def bytes_kept(self) -> int:
        """Size of all pixels in memory, in bytes."""
        return self._bytes

    def image(self, image: int) -> QImage | None:
        """Return an image as it was drawn; None while it is being loaded or drawn (`arrived` follows)."""
        key = (image, 0, 1.0, False, False)
        found = self._find(key)
        if found is None:
            found = self._shown(image) or pictures.read_image(self._project.image_file(image))
            if found is None:
                self._want_drawn([image])
            else:
                self._keep(key, found)
        return found

    def tile(
        self, image: int, side: int, ratio: float, pixel_art: bool = False, grey: bool = False
    ) -> QImage | None:
        """Return an image scaled to a square of `side` logical pixels with round corners.

        Until that is ready: another size of the image, or None; `arrived` follows.
        """
        key = (image, side, ratio, pixel_art, grey)
        found = self._find(key)
        if found is None:
            self._wanted[key] = self._shown(image) or self._project.image_file(image)
            if not self._asking.isActive():
                self._asking.start()
            last = self._last.get(image)
            return None if last is None else self._kept.get(last)
        self._last[image] = key
        return found

    def has(self, image: int, side: int, ratio: float) -> bool:
        """Whether a smooth tile of this size is in memory."""
        return any((image, side, ratio, False, grey) in self._kept for grey in (False, True))

    def _ask(self) -> None:
        wanted, self._wanted = self._wanted, {}
        self._maker.want(wanted)

    def _find(self, key: Key) -> QImage | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _keep(self, key: Key, image: QImage) -> None:
        old = self._kept.pop(key, None)
        self._bytes += image.sizeInBytes() - (old.sizeInBytes() if old is not None else 0)
        self._kept[key] = image
        while self._bytes > self._limit and len(self._kept) > 1:
            gone, pixels = self._kept.popitem(last=False)
            self._bytes -= pixels.sizeInBytes()
            if self._last.get(gone[0]) == gone:
                del self._last[gone[0]]

    def _take(self, made: list[tuple[Key, QImage | None]]) -> None:
        undrawn = []
        for key, image in made:
            if image is None:
                undrawn.append(key[0])
            else:
                self._keep(key, image)
                self._last[key[0]] = key
        if undrawn:
            self._want_drawn(undrawn)
        self.arrived.emit({key[0] for key, _ in made})

    # -- images without a file ---------------------------------------------------------------------------------------

    def _want_drawn(self, images: Iterable[int]) -> None:
        for image in images:
            if image not in self._asked:
                self._undrawn[image] = None
        if self._undrawn and not self._draw_soon.isActive():
            self._draw_soon.start()

    def _draw(self) -> None:
        wanted = list(self._undrawn)[-_DRAWN_AT_ONCE:]  # the latest requests are what is being looked at
        self._undrawn.clear()
        try:
            images = self._project.images(wanted)
        except ProjectError:
            return
        if images:
            self._asked.update(image.id for image in images)
            self._worker.draw(images)

    def _drawn(self, shown: ShownImages) -> None:
        for image, pixels in zip(shown.images, pictures.to_images(shown.pixels), strict=True):
            self._asked.discard(image)
            self._keep((image, 0, 1.0, False, False), pixels)
        self.arrived.emit(set(shown.images))

    def _try_again(self) -> None:
        asked, self._asked = self._asked, set()
        self.arrived.emit(asked)


class _Maker:
    """A thread that reads files and scales them, the latest requests first."""

    def __init__(self, deliver: Callable[[list[tuple[Key, QImage | None]]], None]) -> None:
        self._deliver = deliver
        self._wanted: OrderedDict[Key, QImage | Path] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def want(self, wanted: dict[Key, QImage | Path]) -> None:
        """Request tiles from pixels or files."""
        with self._changed:
            for key, source in reversed(wanted.items()):  # the first of them first
                self._wanted[key] = source
                self._wanted.move_to_end(key)
            while len(self._wanted) > _WAITING:
                self._wanted.popitem(last=False)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="images")
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        from time import monotonic

        ready: list[tuple[Key, QImage | None]] = []
        since = 0.0
        while True:
            with self._changed:
                if not self._wanted and not ready:
                    self._changed.wait_for(lambda: self._wanted or self._closed)
                if self._closed:
                    return
                key, source = self._wanted.popitem() if self._wanted else (None, None)
            if key is not None and source is not None:
                if not ready:
                    since = monotonic()
                try:
                    tile = make_tile(key, source)
                except Exception:  # for example an unreadable file: it is drawn again, and the other tiles are still made
                    tile = None
                ready.append((key, tile))
            if ready and (key is None or monotonic() - since > _GATHER_MS / 1000):
                self._deliver(ready)
                ready = []


def make_tile(key: Key, source: QImage | Path) -> QImage | None:
    """Scale an image as its key says, with round corners; None if there is no file."""
    _, side, ratio, pixel_art, grey = key
    image = source if isinstance(source, QImage) else pictures.read_image(source)
    if image is None:
        return None
    if grey:
        image = image.convertToFormat(QImage.Format.Format_Grayscale8)
    made = scaled(image, side, ratio, pixel_art)
    tile = QImage(made.size(), QImage.Format.Format_ARGB32_Premultiplied)
    tile.fill(Qt.GlobalColor.transparent)
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    made.setDevicePixelRatio(1.0)
    painter.setBrush(QBrush(made))
    painter.drawRoundedRect(tile.rect(), CORNER_IMAGE * ratio, CORNER_IMAGE * ratio)
    painter.end()
    tile.setDevicePixelRatio(ratio)
    return tile
