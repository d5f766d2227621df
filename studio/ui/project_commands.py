"""Commands on whole projects: new, open, rename, import and export."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from studio.i18n import tr
from studio.ui import import_commands, leaving
from studio.ui.commands import Command
from studio.ui.shell import Shell
from studio.ui.window_files import WindowFiles


def table(window: Shell, files: WindowFiles) -> Iterable[Command]:
    """Return the commands in the order of the menu."""
    bundled = (
        ("dreamscapes-128", tr("New project: landscapes"), "Ctrl+N", tr("Start an empty project on this generator")),
        ("characters", tr("New project: pixel characters"), "Ctrl+Shift+N", tr("Start an empty project on this generator")),
        ("dreamscapes", tr("New project: small landscapes"), "Ctrl+Alt+N", tr("64 pixels instead of 128: everything takes half the time")),
    )
    for name, title, key, tip in bundled:
        yield Command(f"new.{name}", "project", title, (key,), tip, partial(files.new_project, name))
    yield Command(
        "open",
        "project",
        tr("Open project…"),
        ("Ctrl+O",),
        tr("Open another project's folder"),
        files.choose_project,
    )
    yield Command(
        "recent",
        "project",
        tr("Recent projects…"),
        ("Ctrl+Shift+O",),
        tr("Open a project you had open before"),
        files.show_recent,
    )
    yield Command(
        "rename_project",
        "project",
        tr("Rename project…"),
        ("Ctrl+Shift+R",),
        tr("Give the project and its folder another name"),
        files.rename_project,
    )
    yield from import_commands.table(window)
    yield Command(
        "export",
        "project",
        tr("Export…"),
        ("Ctrl+E",),
        tr("Write the tuned generator"),
        window.export,
    )
    yield Command(
        "quit",
        "project",
        tr("Quit"),
        ("Ctrl+Q",),
        tr("Close the studio; everything is saved"),
        partial(leaving.leave, window, window.close),
        new_group=True,
    )
