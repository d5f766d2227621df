"""Commands about images that work in several views: colour labels, tags, notes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from studio.i18n import tr
from studio.model.grid_model import label_name
from studio.project.opinions import MOST_LABELS
from studio.ui import views
from studio.ui.commands import Command
from studio.ui.labels import FIRST_KEY

if TYPE_CHECKING:
    from studio.ui.tags_editor import TagsEditor
    from studio.ui.window import StudioWindow


def table(window: StudioWindow) -> Iterable[Command]:
    """Return the commands in the order of the menu."""
    rates = views.rating_views()
    for label in range(1, MOST_LABELS + 1):
        yield Command(
            f"label{label}",
            "image",
            label_name(label).capitalize(),
            (str(FIRST_KEY + label - 1),),
            tr("A colour of your own meaning; the same again takes it away"),
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


def _editor(window: StudioWindow) -> TagsEditor:
    """Return the editor in the side panel of the view on show; the panel comes out if it was hidden."""
    from studio.ui.tags_editor import TagsEditor

    if not window.panel_is_shown():
        window.toggle_panel()
    return next(editor for editor in window.panels.findChildren(TagsEditor) if editor.isVisible())
