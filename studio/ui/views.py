"""The views of the studio. Adding one is adding an entry here: rail, menu, key, shortcut sheet and side panel follow.

`make` and `panel` import what they show when it is first shown, so that the window opens quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from studio.i18n import tr
from studio.model.actions import Actions

if TYPE_CHECKING:
    from studio.ui.commands import Command
    from studio.ui.window import StudioWindow


class View(Protocol):
    """What the window asks of a view, which is also a QWidget."""

    def focus_target(self) -> QWidget: ...


@runtime_checkable
class RatingView(Protocol):
    """A view that has its own idea of which image a rating is for. Without it the selected one of the grid is meant."""

    def rate(self, kind: str, value: int = 0, advance: bool = False) -> None: ...


@runtime_checkable
class ZoomingView(Protocol):
    """A view whose images grow (1) and shrink (-1), or fit (0)."""

    def zoom(self, steps: int) -> None: ...


@runtime_checkable
class ImageView(Protocol):
    """A view that can say which image a copy or a drag is of."""

    def image_at_hand(self) -> QImage | None: ...


def _no_commands(window: StudioWindow) -> Sequence[Command]:
    return ()


@dataclass(frozen=True)
class ViewEntry:
    """One entry of the left rail."""

    key: str
    name: str
    icon: str  # of theme/icons
    shortcut: str
    tip: str
    make: Callable[[Actions], QWidget]
    panel: Callable[[Actions], QWidget] | None = None  # None: the view has the whole width
    commands: Callable[[StudioWindow], Sequence[Command]] = _no_commands  # its own, made before the view is
    rates: bool = False  # stars, like and reject work in it
    zooms: bool = False  # it is a ZoomingView
    foot: bool = False  # at the foot of the rail


def _rate(actions: Actions) -> QWidget:
    from studio.ui.rate_view import RateView

    return RateView(actions)


def _rate_panel(actions: Actions) -> QWidget:
    from studio.ui.rate_panel import RatePanel

    return RatePanel(actions)


def _teach(actions: Actions) -> QWidget:
    from studio.ui.teach_view import TeachView

    return TeachView(actions)


def _teach_panel(actions: Actions) -> QWidget:
    from studio.ui.teach_view import TeachPanel

    return TeachPanel(actions)


def _timeline(actions: Actions) -> QWidget:
    from studio.ui.timeline_view import TimelineView

    return TimelineView(actions)


def _timeline_panel(actions: Actions) -> QWidget:
    from studio.ui.timeline_view import TimelinePanel

    return TimelinePanel(actions)


def entries() -> list[ViewEntry]:
    """Return the views in the order of the rail; the first is shown at the start."""
    return [
        ViewEntry(
            "rate",
            tr("Rate"),
            "rate",
            "G",
            tr("Say what you like"),
            _rate,
            _rate_panel,
            rates=True,
            zooms=True,
        ),
        ViewEntry("teach", tr("Teach"), "teach", "Ctrl+2", tr("Watch a round"), _teach, _teach_panel),
        ViewEntry(
            "timeline",
            tr("Timeline"),
            "timeline",
            "Ctrl+3",
            tr("Every version so far"),
            _timeline,
            _timeline_panel,
        ),
    ]


def rating_views() -> tuple[str, ...]:
    """Return the keys of the views in which an image can be rated."""
    return tuple(entry.key for entry in entries() if entry.rates)


def zooming_views() -> tuple[str, ...]:
    """Return the keys of the views whose images grow and shrink."""
    return tuple(entry.key for entry in entries() if entry.zooms)


def focus_target(view: QWidget) -> QWidget:
    """Return the widget of a view that keys should reach."""
    return cast(View, view).focus_target()
