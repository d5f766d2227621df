"""Duel, Survey, Loupe and Gallery on the real worker: what is said reaches it, and images without a file are drawn again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from backend_support import Heard, small_bundle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.project.opinions import Duel, Survey
from studio.project.store import Project
from studio.ui.window import StudioWindow

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(show: Callable[[Project], StudioWindow], home: Path) -> StudioWindow:
    """The studio on a new project with a small generator."""
    return show(Project(home / "p", model=str(small_bundle(home / "bundle")), seed=3))


@pytest.mark.timeout(300)
def test_everything_that_is_said_reaches_the_worker(qtbot: QtBot, window: StudioWindow) -> None:
    actions, heard = window.actions_, Heard(window.actions_.worker)

    def until(done: Callable[[], object]) -> None:
        qtbot.waitUntil(lambda: bool(done()), timeout=120_000)

    def key(which: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(QApplication.focusWidget() or window, which, modifiers)

    until(lambda: all(cell.pixels is not None for cell in actions.grid.cells))
    key(K.Key_D)
    for which in (K.Key_Left, K.Key_Right, K.Key_Down):
        key(which)
    key(K.Key_Z, CTRL)
    key(K.Key_N)
    key(K.Key_2)
    duels = [type(choice) for choice in actions.project.choices()]
    assert duels == [Duel, Duel, Survey]
    key(K.Key_G)
    key(K.Key_5)
    until(lambda: heard.of("taste") and heard.of("taste")[-1].count > 2)  # duels and surveys count

    # A new grid, so that the first images are on no grid; their files are lost.
    key(K.Key_Return, CTRL)
    until(lambda: not actions.state.drawing and actions.grid.images()[0] > 24)
    for image in range(1, 25):
        actions.project.image_file(image).unlink(missing_ok=True)
    key(K.Key_1, CTRL)
    key(K.Key_End)
    key(K.Key_E)
    image = actions.loupe.image
    assert image == 1
    until(lambda: actions.images.image(image) is not None)
    assert actions.images.image(image).width() == 16
    until(lambda: actions.project.image_file(image).is_file())
    assert heard.of("failed") == [] and heard.of("restarted") == []
