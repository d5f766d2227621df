"""The Timeline's commands: those of its buttons, for the version selected with Up and Down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from studio.i18n import tr
from studio.ui.commands import Command
from studio.ui.shell import Shell

if TYPE_CHECKING:
    from studio.ui.timeline_view import TimelineView


def table(window: Shell) -> Iterable[Command]:
    """Return the commands in the order of the menu."""

    def on(do: Callable[[TimelineView], None]) -> Callable[[], None]:
        def run() -> None:
            from studio.ui.timeline_view import TimelineView

            view = window.page("timeline")
            assert isinstance(view, TimelineView)
            do(view)

        return run

    for key, name, keys, tip, do in (
        (
            "restore",
            tr("Restore version"),
            ("Return", "Enter"),
            tr("Go back to it; nothing is deleted"),
            _restore,
        ),
        ("compare", tr("Compare versions"), ("C",), tr("The same seeds of two versions"), _compare),
        ("rename", tr("Name version…"), ("Ctrl+R",), tr("Give it a name"), _rename),
        ("branch", tr("Branch here"), ("B",), tr("Begin another line at this version"), _branch),
        (
            "delete",
            tr("Delete version"),
            ("Del",),
            tr("Take it off the timeline; undo brings it back"),
            _delete,
        ),
    ):
        yield Command(
            f"timeline.{key}",
            "generator",
            name,
            keys,
            tip,
            on(do),
            new_group=key == "restore",
            views=("timeline",),
        )


def _restore(view: TimelineView) -> None:
    view.restore()


def _compare(view: TimelineView) -> None:
    view.compare()


def _rename(view: TimelineView) -> None:
    view.rename()


def _branch(view: TimelineView) -> None:
    view.branch()


def _delete(view: TimelineView) -> None:
    view.delete()
