"""All actions of the studio that belong to no single view; those of a view are listed by its entry in `studio.ui.views`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from importlib import import_module

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView

from studio.i18n import tr
from studio.theme.theme import current
from studio.ui import image_commands, project_commands, undo_commands, views
from studio.ui.commands import Command
from studio.ui.shell import Shell
from studio.ui.window_files import WindowFiles


def table(window: Shell, files: WindowFiles) -> list[Command]:
    """Return the commands of a window, in the order of its menus."""
    return [
        *project_commands.table(window, files),
        *_edit(window, files),
        *_image(window),
        *image_commands.table(window),
        *_generator(window, files),
        *_view(window),
        *_help(window),
        *(command for entry in views.entries() for command in _of_view(entry, window)),
    ]


def _of_view(entry: views.ViewEntry, window: Shell) -> Iterable[Command]:
    if entry.commands is not None:
        yield from import_module(f"studio.ui.{entry.commands}").table(window)


def _edit(window: Shell, files: WindowFiles) -> Iterable[Command]:
    yield from undo_commands.table(window)
    yield Command(
        "copy",
        "edit",
        tr("Copy image"),
        ("Ctrl+C",),
        tr("Put the selected image on the clipboard"),
        files.copy_image,
        new_group=True,
        enabled=lambda: files.image_at_hand() is not None,
    )
    yield Command(
        "select_all",
        "edit",
        tr("Select all"),
        ("Ctrl+A",),
        tr("Every image on show; a click selects one again"),
        partial(_select_all, window),
        views=("rate", "gallery"),
    )


def _image(window: Shell) -> Iterable[Command]:
    rates, state = views.rating_views(), window.actions_.state
    for stars in range(1, 6):
        yield Command(
            f"stars{stars}",
            "image",
            tr("1 star") if stars == 1 else tr("{stars} stars", stars=stars),
            (str(stars),),
            tr("The same again clears them"),
            partial(window.rate, "stars", stars),
            views=rates,
        )
    yield Command(
        "clear",
        "image",
        tr("Clear stars"),
        ("0",),
        tr("No stars"),
        partial(window.rate, "clear"),
        views=rates,
    )
    yield Command(
        "like",
        "image",
        tr("Like"),
        ("P",),
        tr("Mark as liked"),
        partial(window.rate, "like"),
        new_group=True,
        views=rates,
    )
    yield Command(
        "reject",
        "image",
        tr("Reject"),
        ("X", "R"),
        tr("Grey and dim; it stays"),
        partial(window.rate, "reject"),
        views=rates,
    )
    yield Command(
        "neither",
        "image",
        tr("Neither"),
        ("U",),
        tr("Take the mark away"),
        partial(window.rate, "neither"),
        views=rates,
    )
    for stars in range(1, 6):
        yield Command(
            f"advance{stars}",
            "image",
            tr("1 star and next") if stars == 1 else tr("{stars} stars and next", stars=stars),
            (f"Shift+{stars}",),
            tr("Rate, then go to the next image"),
            partial(window.rate, "stars", stars, True),
            new_group=stars == 1,
            views=rates,
        )
    yield Command(
        "auto_advance",
        "image",
        tr("Auto-advance"),
        ("A",),
        tr("Go on after each rating"),
        window.toggle_advance,
        checked=lambda: state.auto_advance,
        views=rates,
    )


def _generator(window: Shell, files: WindowFiles) -> Iterable[Command]:
    actions, state, round_ = window.actions_, window.actions_.state, window.actions_.round

    def free() -> bool:
        return state.loaded and not round_.running

    def stoppable() -> bool:
        return round_.running and not round_.stopping

    yield Command(
        "new_grid",
        "generator",
        tr("New grid"),
        ("Ctrl+Return", "Ctrl+Enter"),
        tr("Show 24 new images; ratings stay"),
        window.new_grid,
        enabled=free,
    )
    yield Command(
        "teach",
        "generator",
        tr("Teach"),
        ("T",),
        tr("Teach the generator your ratings"),
        window.teach,
        # Enabled even while ratings are missing: pressing it then says how many.
        enabled=lambda: state.task != "failed" and not round_.running,
    )
    yield Command(
        "pause",
        "generator",
        tr("Pause"),
        ("Space",),
        tr("Hold the round, or go on"),
        actions.pause_or_resume,
        new_group=True,
        enabled=stoppable,
        label=lambda: tr("Resume") if round_.paused else tr("Pause"),
        views=("teach",),
    )
    yield Command(
        "stop",
        "generator",
        tr("Stop and keep"),
        ("Shift+Esc",),
        tr("End the round, keep it"),
        actions.stop_and_keep,
        enabled=stoppable,
    )
    yield Command(
        "revert",
        "generator",
        tr("Revert"),
        ("Ctrl+Backspace",),
        tr("Drop the round, or go one back"),
        actions.revert,
        enabled=lambda: stoppable() or (free() and state.checkpoint is not None),
    )
    yield Command(
        "start_again",
        "generator",
        tr("Start again"),
        ("Ctrl+Alt+R",),
        tr("Start the worker again after it could not go on"),
        actions.start_again,
        new_group=True,
        enabled=lambda: state.task == "failed",
    )
    yield Command(
        "locate",
        "generator",
        tr("Locate generator…"),
        ("Ctrl+Alt+G",),
        tr("Say where the project's generator is now, if its folder was moved"),
        files.locate_generator,
        enabled=lambda: state.task == "failed" and window.actions_.missing is not None,
    )


def _view(window: Shell) -> Iterator[Command]:
    state = window.actions_.state
    for entry in views.entries():
        yield Command(
            f"view.{entry.key}",
            "view",
            entry.name,
            (entry.shortcut,),
            entry.tip,
            partial(window.show_view, entry.key),
        )
    yield Command(
        "panel",
        "view",
        tr("Details"),
        ("I",),
        tr("Show or hide the side panel"),
        window.toggle_panel,
        new_group=True,
        enabled=lambda: window.pages.has_panel(window.view),
        checked=window.panel_is_shown,
    )
    yield Command(
        "full_screen",
        "view",
        tr("Full screen"),
        ("F11",),
        tr("Only the studio on the screen; the same again leaves it"),
        partial(_toggle_full_screen, window),
        checked=window.isFullScreen,
    )
    zooms = views.zooming_views()
    yield Command(
        "larger",
        "view",
        tr("Larger images"),
        ("Ctrl++", "Ctrl+="),
        tr("One column less"),
        partial(window.zoom, 1),
        new_group=True,
        views=zooms,
    )
    yield Command(
        "smaller",
        "view",
        tr("Smaller images"),
        ("Ctrl+-",),
        tr("One column more"),
        partial(window.zoom, -1),
        views=zooms,
    )
    yield Command(
        "fit",
        "view",
        tr("Fit images"),
        ("Ctrl+0",),
        tr("The whole grid at once"),
        partial(window.zoom, 0),
        views=zooms,
    )
    yield Command(
        "pixel_art",
        "view",
        tr("Hard pixels"),
        ("Ctrl+Shift+P",),
        tr("Enlarge by whole factors, for pixel art"),
        window.toggle_pixel_art,
        checked=lambda: state.pixel_art,
    )
    for mode, name, key in (
        ("system", tr("Colours of the system"), "Ctrl+Alt+S"),
        ("dark", tr("Dark"), "Ctrl+Alt+D"),
        ("light", tr("Light"), "Ctrl+Alt+L"),
    ):
        yield Command(
            f"theme.{mode}",
            "view",
            name,
            (key,),
            tr("The window's colours"),
            partial(window.set_theme, mode),
            new_group=mode == "system",
            checked=partial(_is_mode, mode),
            choice="theme",
        )


def _help(window: Shell) -> Iterable[Command]:
    yield Command(
        "keys",
        "help",
        tr("All shortcuts"),
        ("?", "F2"),
        tr("Every key on one sheet"),
        window.show_shortcuts,
    )
    yield Command(
        "menu",
        "help",
        tr("All actions"),
        ("F10",),
        tr("Open the menu at the foot of the rail"),
        window.open_menu,
    )
    yield Command(
        "debug",
        "help",
        tr("Copy debug info"),
        ("Ctrl+Shift+C",),
        tr("For a bug report"),
        window.copy_debug_info,
        new_group=True,
    )


def _is_mode(mode: str) -> bool:
    return current().mode == mode


def _toggle_full_screen(window: Shell) -> None:
    window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)  # keeps whether it is maximised
    window.commands.refresh()


def _select_all(window: Shell) -> None:
    shown = views.focus_target(window.page(window.view))
    if isinstance(shown, QAbstractItemView):
        shown.selectAll()
