"""The views of the studio. To add one, add an entry here: rail, menu, key, shortcut sheet and side panel follow.

The module of a view is imported when the view is first needed (`lazily`), so that the window opens quickly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast, runtime_checkable

from PySide6.QtGui import QImage, QUndoStack
from PySide6.QtWidgets import QWidget

from studio.i18n import tr
from studio.model.actions import Actions


class View(Protocol):
    """What the window requires of a view, which must also be a QWidget."""

    def focus_target(self) -> QWidget: ...


@runtime_checkable
class RatingView(Protocol):
    """A view that handles ratings itself. In other views, they apply to the selected image of the grid."""

    def rate(self, kind: str, value: int = 0, advance: bool = False) -> None: ...


@runtime_checkable
class ZoomingView(Protocol):
    """A view that can zoom in (1), out (-1), or fit its images (0)."""

    def zoom(self, steps: int) -> None: ...


@runtime_checkable
class ImageView(Protocol):
    """A view that determines which image is copied to the clipboard."""

    def image_at_hand(self) -> QImage | None: ...


@runtime_checkable
class ChoosingView(Protocol):
    """A view with choices that are not part of a project: while they are shown, undo and redo apply to them."""

    def history(self) -> QUndoStack | None: ...


@runtime_checkable
class PlacedView(Protocol):
    """A view that restores its state: the result of `kept_place` is stored in the project when the window closes."""

    def kept_place(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class ViewEntry:
    """One entry of the left rail."""

    key: str
    name: str
    icon: str  # in theme/icons
    shortcut: str
    tip: str
    make: Callable[[Actions], QWidget]
    panel: Callable[[Actions], QWidget] | None = None  # None: the view has the whole width
    commands: str | None = None  # module of studio.ui whose `table` lists its own commands, which are made before the view itself
    rates: bool = False  # stars, like and reject work in it
    zooms: bool = False  # it is a ZoomingView
    foot: bool = False  # at the foot of the rail


def lazily(module: str, widget: str) -> Callable[[Actions], QWidget]:
    """Return a factory for the class `widget` of `studio.ui.<module>`; the module is imported at its first call."""

    def make(actions: Actions) -> QWidget:
        made = getattr(import_module(f"studio.ui.{module}"), widget)(actions)
        assert isinstance(made, QWidget)
        return made

    return make


def entries() -> list[ViewEntry]:
    """Return the views in the order of the rail; the first is shown at the start."""
    return [
        ViewEntry(
            "rate",
            tr("Rate"),
            "rate",
            "G",
            tr("Say what you like"),
            lazily("rate_view", "RateView"),
            lazily("rate_panel", "RatePanel"),
            rates=True,
            zooms=True,
        ),
        ViewEntry(
            "loupe",
            tr("Loupe"),
            "loupe",
            "E",
            tr("One image closely, or a few side by side"),
            lazily("loupe_view", "LoupeView"),
            lazily("loupe_view", "LoupePanel"),
            commands="loupe_commands",
            rates=True,
            zooms=True,
        ),
        ViewEntry(
            "duel",
            tr("Duel"),
            "duel",
            "D",
            tr("Two images: which is better?"),
            lazily("duel_view", "DuelView"),
            commands="choice_commands",
            zooms=True,
        ),
        ViewEntry(
            "survey",
            tr("Survey"),
            "survey",
            "N",
            tr("The best of a few images"),
            lazily("survey_view", "SurveyView"),
        ),
        ViewEntry(
            "gallery",
            tr("Gallery"),
            "gallery",
            "Ctrl+1",
            tr("Everything that was ever shown"),
            lazily("gallery_view", "GalleryView"),
            lazily("gallery_view", "GalleryPanel"),
            commands="gallery_commands",
            rates=True,
            zooms=True,
        ),
        ViewEntry(
            "teach",
            tr("Teach"),
            "teach",
            "Ctrl+2",
            tr("Watch a round"),
            lazily("teach_view", "TeachView"),
            lazily("teach_view", "TeachPanel"),
        ),
        ViewEntry(
            "timeline",
            tr("Timeline"),
            "timeline",
            "Ctrl+3",
            tr("Every version so far"),
            lazily("timeline_view", "TimelineView"),
            lazily("timeline_view", "TimelinePanel"),
            commands="timeline_commands",
        ),
        ViewEntry(
            "train",
            tr("Train"),
            "train",
            "Ctrl+8",
            tr("Make a generator of your own from a folder of pictures"),
            lazily("train_view", "TrainView"),
            lazily("train_panel", "TrainPanel"),
            commands="train_commands",
        ),
        ViewEntry(
            "taste",
            tr("Taste"),
            "taste",
            "Ctrl+4",
            tr("What it has learnt of your taste"),
            lazily("taste_view", "TasteView"),
            lazily("taste_panel", "TastePanel"),
        ),
        ViewEntry(
            "explore",
            tr("Explore"),
            "explore",
            "Ctrl+5",
            tr("Move among the images by hand"),
            lazily("explore_view", "ExploreView"),
            lazily("explore_view", "ExplorePanel"),
            commands="explore_commands",
            rates=True,
        ),
        ViewEntry(
            "settings",
            tr("Settings"),
            "settings",
            "Ctrl+,",
            tr("Colours, language, keys, device"),
            lazily("settings_view", "SettingsView"),
            foot=True,
        ),
        ViewEntry(
            "help",
            tr("Help"),
            "help",
            "F1",
            tr("First steps, and what each view is for"),
            lazily("help_view", "HelpView"),
            foot=True,
        ),
    ]


def rating_views() -> tuple[str, ...]:
    """Return the keys of the views in which an image can be rated."""
    return tuple(entry.key for entry in entries() if entry.rates)


def zooming_views() -> tuple[str, ...]:
    """Return the keys of the views that can zoom."""
    return tuple(entry.key for entry in entries() if entry.zooms)


def focus_target(view: QWidget) -> QWidget:
    """Return the widget of a view that should get the focus."""
    return cast(View, view).focus_target()
