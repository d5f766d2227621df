"""Every action of the studio: one table for the menus, the keys and the shortcut sheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from studio.i18n import tr
from studio.ui import views

if TYPE_CHECKING:
    from studio.ui.window import StudioWindow


@dataclass(frozen=True)
class Command:
    """One action. `menu` is the menu it sits in; a `-` after it starts a new group there."""

    key: str
    menu: str
    text: str
    keys: tuple[str, ...]
    tip: str
    run: Callable[[], object]
    checkable: bool = False


def table(window: StudioWindow) -> list[Command]:
    """Return the commands of a window, in the order of its menus."""
    actions = window.actions_
    rate = actions.rate
    project, image, generator, view, about = (
        tr("Project"),
        tr("Image"),
        tr("Generator"),
        tr("View"),
        tr("Help"),
    )
    commands = [
        Command(
            "new", project, tr("New project"), ("Ctrl+N",), tr("Start an empty project"), window.new_project
        ),
        Command(
            "open",
            project,
            tr("Open project…"),
            ("Ctrl+O",),
            tr("Open another project's folder"),
            window.choose_project,
        ),
        Command(
            "export",
            project + "-",
            tr("Export…"),
            ("Ctrl+E",),
            tr("Write the tuned generator"),
            window.export,
        ),
        Command(
            "quit",
            project + "-",
            tr("Quit"),
            ("Ctrl+Q",),
            tr("Close the studio; everything is saved"),
            window.close,
        ),
        Command("undo", image, tr("Undo rating"), ("Ctrl+Z",), tr("Take back the last rating"), actions.undo),
        Command(
            "redo",
            image,
            tr("Redo rating"),
            ("Ctrl+Shift+Z", "Ctrl+Y"),
            tr("Give back a rating"),
            actions.redo,
        ),
    ]
    for stars in range(1, 6):
        commands.append(
            Command(
                f"stars{stars}",
                image + ("-" if stars == 1 else ""),
                tr("1 star") if stars == 1 else tr("{stars} stars", stars=stars),
                (str(stars),),
                tr("The same again clears them"),
                partial(rate, "stars", stars),
            )
        )
    commands.append(
        Command("clear", image, tr("Clear stars"), ("0",), tr("No stars"), partial(rate, "clear"))
    )
    commands += [
        Command("like", image + "-", tr("Like"), ("P",), tr("Mark as liked"), partial(rate, "like")),
        Command(
            "reject", image, tr("Reject"), ("X", "R"), tr("Grey and dim; it stays"), partial(rate, "reject")
        ),
        Command("neither", image, tr("Neither"), ("U",), tr("Take the mark away"), partial(rate, "neither")),
    ]
    for stars in range(1, 6):
        commands.append(
            Command(
                f"advance{stars}",
                image + ("-" if stars == 1 else ""),
                tr("1 star and next") if stars == 1 else tr("{stars} stars and next", stars=stars),
                (f"Shift+{stars}",),
                tr("Rate, then go to the next image"),
                partial(rate, "stars", stars, None, True),
            )
        )
    commands += [
        Command(
            "auto_advance",
            image,
            tr("Auto-advance"),
            ("A",),
            tr("Go on after each rating"),
            window.toggle_advance,
            True,
        ),
        Command(
            "new_grid",
            generator,
            tr("New grid"),
            ("Ctrl+Return", "Ctrl+Enter"),
            tr("Show 24 new images; ratings stay"),
            actions.new_grid,
        ),
        Command(
            "teach", generator, tr("Teach"), ("T",), tr("Teach the generator your ratings"), window.teach
        ),
        Command(
            "pause",
            generator + "-",
            tr("Pause"),
            ("Space",),
            tr("Hold the round, or go on"),
            actions.pause_or_resume,
        ),
        Command(
            "stop",
            generator,
            tr("Stop and keep"),
            ("Shift+Esc",),
            tr("End the round, keep it"),
            actions.stop_and_keep,
        ),
        Command(
            "revert",
            generator,
            tr("Revert"),
            ("Ctrl+Backspace",),
            tr("Drop the round, or go one back"),
            actions.revert,
        ),
    ]
    for entry in views.entries():
        run = partial(window.show_view, entry.key)
        commands.append(Command(f"view.{entry.key}", view, entry.name, (entry.shortcut,), entry.tip, run))
    commands += [
        Command(
            "panel",
            view + "-",
            tr("Details"),
            ("I",),
            tr("Show or hide the side panel (I)"),
            window.toggle_panel,
            True,
        ),
        Command(
            "larger",
            view + "-",
            tr("Larger images"),
            ("Ctrl++", "Ctrl+="),
            tr("One column less"),
            partial(window.zoom, 1),
        ),
        Command(
            "smaller",
            view,
            tr("Smaller images"),
            ("Ctrl+-",),
            tr("One column more"),
            partial(window.zoom, -1),
        ),
        Command(
            "fit", view, tr("Fit images"), ("Ctrl+0",), tr("The whole grid at once"), partial(window.zoom, 0)
        ),
        Command(
            "pixel_art",
            view,
            tr("Hard pixels"),
            ("Ctrl+Shift+P",),
            tr("Enlarge by whole factors, for pixel art"),
            window.toggle_pixel_art,
            True,
        ),
    ]
    for mode, name, key in (
        ("system", tr("Colours of the system"), "Ctrl+Alt+S"),
        ("dark", tr("Dark"), "Ctrl+Alt+D"),
        ("light", tr("Light"), "Ctrl+Alt+L"),
    ):
        group = view + "-" if mode == "system" else view
        run = partial(window.set_theme, mode)
        commands.append(Command(f"theme.{mode}", group, name, (key,), tr("The window's colours"), run, True))
    commands += [
        Command(
            "keys",
            about,
            tr("All shortcuts"),
            ("?", "F1"),
            tr("Every key on one sheet"),
            window.show_shortcuts,
        ),
        Command(
            "debug",
            about,
            tr("Copy debug info"),
            ("Ctrl+Shift+C",),
            tr("For a bug report"),
            window.copy_debug_info,
        ),
    ]
    return commands


# Keys that rate: only where images are.
RATING = (
    *(f"stars{n}" for n in range(1, 6)),
    *(f"advance{n}" for n in range(1, 6)),
    "clear",
    "like",
    "reject",
    "neither",
    "auto_advance",
    "larger",
    "smaller",
    "fit",
)


def build(window: StudioWindow) -> tuple[dict[str, QAction], list[QMenu]]:
    """Make the actions and menus of a window."""
    made: dict[str, QAction] = {}
    menus: dict[str, QMenu] = {}
    themes = QActionGroup(window)
    for command in table(window):
        name = command.menu.removesuffix("-")
        menu = menus.setdefault(name, QMenu(name, window))
        if command.menu.endswith("-"):
            menu.addSeparator()
        action = QAction(command.text, window)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        action.setToolTip(command.tip)
        action.setStatusTip(command.tip)
        action.setCheckable(command.checkable)
        action.triggered.connect(lambda _=False, run=command.run: run())
        if command.key.startswith("theme."):
            themes.addAction(action)
        menu.addAction(action)
        window.addAction(action)
        made[command.key] = action
    return made, list(menus.values())
