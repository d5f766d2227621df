"""The Train view's commands, and dropped folders and signals that lead to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from studio.i18n import tr
from studio.model.property import changed
from studio.model.training_access import training_of
from studio.ui.commands import Command
from studio.ui.leaving import leave
from studio.ui.shell import Shell
from studio.ui.window_files import holds_pictures

if TYPE_CHECKING:
    from studio.ui.train_view import TrainView

KEY = "train"


def table(window: Shell) -> Iterable[Command]:
    """Return the commands in the order of the menus."""
    training = training_of(window.actions_)

    def view() -> TrainView:
        from studio.ui.train_view import TrainView

        found = window.page(KEY)
        assert isinstance(found, TrainView)
        return found

    def choose() -> None:
        window.show_view(KEY)  # while it trains, show the run instead of asking
        view().choose_folder()

    def take(folder: Path) -> bool:
        if training.busy or not holds_pictures(folder):
            return False
        window.show_view(KEY)
        training.look_at(folder)
        return True

    def use() -> None:
        leave(window, lambda: window.project_wanted.emit(None, training.bundle))

    def ended() -> None:
        window.job_ended.emit(tr("Training is done: {name}", name=training.folder_name), KEY)

    def failed(error: str) -> None:
        if error and window.view != KEY:
            window.actions_.say(tr(error), bad=True)

    def follow(_: object) -> None:
        window.commands.refresh()

    window.takers.append(take)
    window.closed.connect(training.close)
    training.use_wanted.connect(use)
    for name in ("phase", "over", "usable"):
        changed(training, name).connect(follow)
    history = training.pictures.history
    history.indexChanged.connect(follow)
    window.closed.connect(lambda: history.indexChanged.disconnect(follow))  # QUndoStack emits it once more when it is destroyed
    training.ended.connect(ended)
    changed(training, "error").connect(failed)

    yield Command(
        "train.choose",
        "generator",
        tr("Train from my pictures…"),
        ("Ctrl+Shift+T",),
        tr("Make a generator of your own from a folder of pictures"),
        choose,
        new_group=True,
    )
    yield Command(
        "train.start",
        "generator",
        tr("Start training"),
        ("Ctrl+T",),
        tr("With the pictures and choices on show"),
        training.train,
        enabled=lambda: training.can_train,
        views=(KEY,),
    )
    yield Command(
        "train.stop",
        "generator",
        tr("Stop training"),
        ("Ctrl+.",),
        tr("End the run; nothing of it is lost"),
        lambda: view().stop_it(),
        enabled=lambda: training.phase in ("looking", "training"),
        views=(KEY,),
    )
    yield Command(
        "train.use",
        "generator",
        tr("Use the trained generator"),
        ("Ctrl+U",),
        tr("Open it as a new project and rate what it draws"),
        use,
        enabled=lambda: training.phase == "done" and training.bundle is not None,
        views=(KEY,),
    )
    yield Command(
        "train.exclude",
        "image",
        tr("Leave pictures out"),
        ("X", "Del"),
        tr("Do not train on the selected pictures, or do again"),
        lambda: view().toggle_chosen(),
        new_group=True,
        enabled=lambda: training.choosing,
        views=(KEY,),
    )
