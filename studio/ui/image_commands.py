"""Commands about images that work in several views: colour labels, tags, notes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from studio.i18n import tr
from studio.model.grid_model import label_name
from studio.project.opinions import MOST_LABELS
from studio.ui import views
from studio.ui.commands import Command, Commands
from studio.ui.labels import FIRST_KEY
from studio.ui.shell import Shell

if TYPE_CHECKING:
    from studio.ui.tags_editor import TagsEditor


def table(window: Shell) -> Iterable[Command]:
    """Return the commands in the order of the menu."""
    # Not in Explore: its images are not in the project until they are rated, so these would change the images selected elsewhere.
    rates = tuple(view for view in views.rating_views() if view != "explore")
    for label in range(1, MOST_LABELS + 1):
        yield Command(
            f"label{label}",
            "image",
            label_name(label).capitalize(),
            (str(FIRST_KEY + label - 1),),
            tr("A colour with a meaning of your own; the same again removes it"),
            partial(window.actions_.mark, "label", label),
            new_group=label == 1,
            views=rates,
        )
    yield Command(
        "tags",
        "image",
        tr("Add a tag…"),
        ("Ctrl+K",),
        tr("Words to find the image by"),
        lambda: _editor(window).edit_tags(),
        new_group=True,
        views=rates,
    )
    yield Command(
        "note",
        "image",
        tr("Write a note…"),
        ("Ctrl+M",),
        tr("A few words about the image"),
        lambda: _editor(window).edit_note(),
        views=rates,
    )
    yield Command(
        "title",
        "image",
        tr("Suggest a title…"),
        ("Shift+T",),
        tr("Titles for the selected image: take one, rate them, or write your own"),
        partial(_suggest_title, window),
        enabled=lambda: bool(window.actions_.state.selected),
        views=rates,
    )
    yield Command(
        "save",
        "image",
        tr("Save image as…"),
        ("Ctrl+S",),
        tr("Write the selected images as PNG files"),
        partial(_save, window),
        new_group=True,
        enabled=lambda: bool(window.actions_.state.selected),
        views=rates,
    )


_MENU = (
    *("loupe", "compare", "explore.like_this", "", "stars1", "stars2", "stars3", "stars4", "stars5", "clear", ""),
    *(
        "like",
        "reject",
        "neither",
        "",
        "label1",
        "label2",
        "label3",
        "label4",
        "",
        "tags",
        "note",
        "title",
        "",
        "copy",
        "save",
    ),
)


def context_menu(window: QWidget) -> QMenu:
    """Return a menu of commands on the selected images, which deletes itself when it is closed."""
    menu = QMenu(window)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    commands: Commands = window.commands  # type: ignore[attr-defined]
    for key in _MENU:
        if not key:
            menu.addSeparator()
        elif key in commands.actions:
            menu.addAction(commands[key])
    return menu


def _suggest_title(window: Shell) -> None:
    from studio.ui.title_sheet import open_sheet

    open_sheet(window.actions_, window)


def _save(window: Shell) -> None:
    actions = window.actions_
    images = actions.state.selected
    if len(images) == 1:
        name, _ = QFileDialog.getSaveFileName(
            window, tr("Save image"), f"{actions.state.project_name} {images[0]}.png", tr("PNG image (*.png)")
        )
        if name:
            actions.save_images({images[0]: Path(name).with_suffix(".png")})
        return
    folder = QFileDialog.getExistingDirectory(window, tr("Save {n} images", n=len(images)))
    if folder:
        actions.save_images({image: Path(folder) / f"{actions.state.project_name} {image}.png" for image in images})


def _editor(window: Shell) -> TagsEditor:
    """Return the editor in the side panel of the current view; shows the panel if it was hidden."""
    from studio.ui.tags_editor import TagsEditor

    if not window.panel_is_shown():
        window.toggle_panel()
    return next(editor for editor in window.panels.findChildren(TagsEditor) if editor.isVisible())
