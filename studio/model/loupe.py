"""Which images are viewed closely, and at which zoom: shared by all panes, so that they move together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from studio.model.property import Property

MOST_PANES = 4
CLOSEST, FARTHEST = 64.0, 0.1  # device pixels per image pixel


class Loupe(QObject):
    """A position in a list of images. `panes` are the images on show: one, or two to four to compare."""

    origin: Property[str] = Property("rate")  # the view to go back to
    panes: Property[tuple[int, ...]] = Property(())
    active: Property[int] = Property(0)  # index of the pane that keys rate
    zoom: Property[float | None] = Property(None)  # device pixels per image pixel; None fits the image
    centre: Property[tuple[float, float]] = Property(
        (0.5, 0.5)
    )  # point of the image, 0..1, in the middle of a pane
    moved = Signal(int)  # to this index in the list

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.images: Sequence[int] = ()
        self.position = 0

    @property
    def image(self) -> int:
        """The image that keys rate; 0 if there is none."""
        return self.panes[self.active] if self.active < len(self.panes) else 0

    @property
    def comparing(self) -> bool:
        return len(self.panes) > 1

    def follow(self, origin: str, images: Sequence[int], position: int) -> None:
        """Take the list and position of another view. Nothing is shown yet."""
        self.origin, self.images, self.position = origin, images, max(0, position)

    def look(self) -> None:
        """Show the image at the position."""
        self.active = 0
        self.panes = (self.images[self.position],) if self.position < len(self.images) else ()

    def compare(self, images: Sequence[int]) -> None:
        """Show several images side by side; a single one together with its neighbour in the list."""
        chosen = list(images)[:MOST_PANES]
        if len(chosen) == 1 and len(self.images) > 1:
            next_one = self.images[(self.position + 1) % len(self.images)]
            chosen.append(next_one)
        self.active = 0
        self.panes = tuple(dict.fromkeys(chosen))

    def step(self, by: int) -> None:
        """Move in the list, or to the next pane while comparing."""
        if self.comparing:
            self.active = (self.active + by) % len(self.panes)
        else:
            self.go(self.position + by)

    def go(self, position: int) -> None:
        """Show the image at another position; outside the list nothing happens."""
        if 0 <= position < len(self.images):
            self.position = position
            self.look()
            self.moved.emit(position)

    def leave_comparison(self) -> None:
        """Continue with the active image alone."""
        image = self.image
        if image in self.images:
            self.position = list(self.images).index(image)
            self.moved.emit(self.position)
        self.active = 0
        self.panes = (image,) if image else ()

    # -- zoom --------------------------------------------------------------------------------------------------------

    def toggle_zoom(self) -> None:
        """100 %, or the whole image again."""
        self.zoom_to(None if self.zoom is not None else 1.0)

    def zoom_to(self, zoom: float | None) -> None:
        """Set the number of device pixels per image pixel; None fits the image into its pane."""
        if zoom is None:
            self.centre = (0.5, 0.5)
            self.zoom = None
        else:
            self.zoom = min(max(zoom, FARTHEST), CLOSEST)

    def pan_to(self, x: float, y: float) -> None:
        """Move a point of the image, 0..1, to the middle of every pane."""
        self.centre = (min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
