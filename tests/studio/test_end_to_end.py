"""The whole loop as a person goes through it: the real window, the real worker process, the real database."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.app import MODEL
from studio.project.recent import new_project_folder
from studio.project.store import Project
from studio.ui.export_dialog import ExportDialog
from studio.ui.image_delegate import star_box
from studio.ui.timeline_view import TimelineView
from studio.ui.window import StudioWindow

K = Qt.Key
STEPS = 9  # of the round: enough for a version that pleases more
SEED = 12  # of the project: a round in which chance has no good day is no error
PATIENCE = 120_000  # ms


@pytest.fixture(params=["dreamscapes", pytest.param(MODEL, marks=pytest.mark.slow)])
def window(show: Callable[[Project], StudioWindow], request: pytest.FixtureRequest) -> StudioWindow:
    """The studio on a new project, in the default place and on a bundled generator."""
    return show(Project(new_project_folder("My taste"), model=request.param, seed=SEED))


@pytest.mark.timeout(300)
def test_launch_rate_teach_revert_restore_export(qtbot: QtBot, window: StudioWindow, tmp_path: Path) -> None:
    actions, project = window.actions_, window.actions_.project

    def until(done: Callable[[], object]) -> None:
        qtbot.waitUntil(lambda: bool(done()), timeout=PATIENCE)

    # -- launch: a grid of real images arrives ---------------------------------------------------------------------
    assert actions.grid.rowCount() == 24
    until(lambda: all(cell.pixels is not None for cell in actions.grid.cells))
    assert actions.state.device
    grid = window.rate_view.grid
    assert len({bytes(cell.pixels.constBits()) for cell in actions.grid.cells if cell.pixels}) == 24

    # -- rate 24 images, half with the mouse and half with keys ----------------------------------------------------
    brightness = [_brightness(window, row) for row in range(24)]
    order = sorted(range(24), key=brightness.__getitem__)
    stars = {row: 1 + 5 * place // 24 for place, row in enumerate(order)}
    for row in range(12):
        QTest.mouseClick(
            grid.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            _star(window, row, stars[row]),
        )
    QTest.keyClick(grid, K.Key_Right)
    for row in range(12, 24):
        assert grid.current_row() == row
        QTest.keyClick(grid, K(K.Key_0 + stars[row]), Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(grid, K.Key_Home)
    QTest.keyClick(grid, K.Key_X)
    QTest.keyClick(grid, K.Key_Z, Qt.KeyboardModifier.ControlModifier)
    images = [cell.image for cell in actions.grid.cells]
    kept = project.state(images)
    assert {row: kept[image].stars for row, image in enumerate(images)} == stars
    assert kept[images[0]].flag is None
    until(lambda: actions.state.taste is not None and actions.state.taste.count == 24)
    until(lambda: actions.state.guess is not None)

    # -- teach a short round ---------------------------------------------------------------------------------------
    actions.steps = STEPS
    selected = grid.current_row()
    QTest.mouseClick(window.top_bar.teach, Qt.MouseButton.LeftButton)
    assert window.view == "teach"
    until(lambda: not actions.round.running)
    assert len(actions.round.series["taste"]) == STEPS
    outcome = actions.round.outcome
    assert outcome is not None
    assert outcome.kept, outcome.reason
    (checkpoint,) = project.checkpoints()
    assert checkpoint.path.is_file()
    assert actions.state.checkpoint == checkpoint
    strip = actions.round.strip
    assert len(strip.before) == len(strip.after) == 8
    assert strip.before != strip.after

    # -- a new grid, at the same place -----------------------------------------------------------------------------
    until(lambda: project.counts().shown == 48 and not actions.state.drawing)
    QTest.keyClick(window, K.Key_G)
    assert grid.current_row() == selected
    assert grid.hasFocus()

    # -- revert, then restore from the timeline --------------------------------------------------------------------
    QTest.keyClick(grid, K.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    until(lambda: actions.state.checkpoint is None and not actions.state.drawing)
    assert checkpoint.path.is_file()
    assert project.checkpoints() == (checkpoint,)
    QTest.keyClick(grid, K.Key_3, Qt.KeyboardModifier.ControlModifier)
    timeline = window.page("timeline")
    assert isinstance(timeline, TimelineView)
    until(timeline.cards[0].restore.isEnabled)
    assert [bool(card.strip.images) for card in timeline.cards] == [True, True]
    QTest.mouseClick(timeline.cards[0].restore, Qt.MouseButton.LeftButton)
    until(lambda: actions.state.checkpoint == checkpoint and not actions.state.drawing)

    # -- export, and let the bundle prove itself -------------------------------------------------------------------
    QTest.keyClick(window, K.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    bundle = tmp_path / "exported"
    dialog.folder.setText(str(bundle))
    until(dialog.start.isEnabled)
    QTest.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    until(lambda: not actions.exports.running)
    assert actions.exports.error == ""
    assert dialog.show_folder.isVisible()
    dialog.reject()
    for name in (
        "model.safetensors",
        "config.json",
        "generator.onnx",
        "sample.py",
        "samples.png",
        "README.md",
    ):
        assert (bundle / name).stat().st_size > 0
    checked = subprocess.run(
        [sys.executable, str(bundle / "sample.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr

    # -- close, and find everything again --------------------------------------------------------------------------
    window.close()
    with Project(project.folder, create=False) as again:
        assert again.counts().rated == 24
        assert again.checkpoints() == (checkpoint,)
        assert again.current_checkpoint() == checkpoint
        assert again.undo() is not None


def _star(window: StudioWindow, row: int, star: int) -> QPoint:
    grid = window.rate_view.grid
    return star_box(grid.visualRect(window.actions_.grid.index(row)), star).center()


def _brightness(window: StudioWindow, row: int) -> float:
    pixels = window.actions_.grid.cells[row].pixels
    assert pixels is not None
    data = bytes(pixels.constBits())
    return sum(data) / len(data)


def test_what_the_studio_says_is_bundled_is():
    from gan import assets
    from studio.model.training import BUNDLED

    assert set(BUNDLED) == set(assets.names())
    assert MODEL in BUNDLED
