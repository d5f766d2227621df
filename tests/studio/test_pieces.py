"""Images of a slow generator come one after another, those of a quick one together; the grid shows them as they come."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from window_support import SIDE, Hands

from studio.project.store import NewImage
from studio.worker.pieces import AT_ONCE, FIRST, in_pieces
from studio.worker.shown import ShownGrid, ShownImages


class Drawer:
    """Draws each latent as one pixel of its own value; its clock moves by so many seconds an image."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0

    def draw(self, latents: np.ndarray) -> np.ndarray:
        self.now += self.seconds * len(latents)
        return latents.astype(np.uint8).reshape(-1, 1, 1, 1).repeat(3, axis=3)

    def pieces(self, count: int) -> list[np.ndarray]:
        latents = np.arange(count, dtype=np.float32)[:, None]
        return list(in_pieces(self.draw, latents, lambda: self.now))


@pytest.mark.parametrize("seconds", [0.0001, 0.03, 0.1, 5.0])
@pytest.mark.parametrize("count", [1, FIRST, 24])
def test_pieces_are_all_images_in_order(seconds: float, count: int) -> None:
    pieces = Drawer(seconds).pieces(count)
    assert np.concatenate(pieces)[:, 0, 0, 0].tolist() == list(range(count))


def test_a_quick_generator_shows_all_at_once_and_a_slow_one_what_it_has() -> None:
    assert [len(piece) for piece in Drawer(0.5 * AT_ONCE / 24).pieces(24)] == [24]
    assert [len(piece) for piece in Drawer(0.05).pieces(24)] == [4, 5, 5, 5, 5]
    assert [len(piece) for piece in Drawer(2.0).pieces(8)] == [4, 1, 1, 1, 1]


def test_the_grid_shows_images_as_they_come(open_studio: Callable[[], Hands]) -> None:
    hands = open_studio()
    hands.first_grid()
    project, worker, grid = hands.project, hands.worker, hands.actions.grid
    made = project.add_grid([NewImage(bytes(32), "random", None, SIDE, SIDE)] * 24)
    images, pixels = project.images(made.images), worker.pixels(24, seed=9)
    hands.actions.state.drawing = True
    worker.grid.emit(ShownGrid(7, made.id, images, pixels[:4]))
    assert [cell.drawn for cell in grid.cells] == [True] * 4 + [False] * 20
    assert hands.actions.state.drawing and "drawing new images" in hands.window.rate_view.count.full_text()
    hands.click(0)
    hands.key(Qt.Key.Key_5)  # what is there can be rated
    assert hands.stars(0) == 5
    for start in range(4, 24, 10):
        some = tuple(image.id for image in images[start : start + 10])
        worker.drawn.emit(ShownImages(0, some, pixels[start : start + 10]))
        assert sum(cell.drawn for cell in grid.cells) == start + 10
        assert hands.actions.state.drawing == (start + 10 < 24)
    assert grid.cells[0].stars == 5 and "drawing" not in hands.window.rate_view.count.full_text()
