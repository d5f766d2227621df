"""The views of the studio. Adding one is adding a line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from PySide6.QtWidgets import QWidget

from studio.i18n import tr
from studio.model.actions import Actions


class View(Protocol):
    """What the window asks of a view, which is also a QWidget."""

    def focus_target(self) -> QWidget: ...


@dataclass(frozen=True)
class ViewEntry:
    """One entry of the left rail. `make` and `panel` import what they show only when it is first shown."""

    key: str
    name: str
    icon: str  # of theme/icons
    shortcut: str
    tip: str
    make: Callable[[Actions], QWidget]
    panel: Callable[[Actions], QWidget]


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
        ViewEntry("rate", tr("Rate"), "rate", "G", tr("Say what you like"), _rate, _rate_panel),
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


def focus_target(view: QWidget) -> QWidget:
    """Return the widget of a view that keys should reach."""
    return cast(View, view).focus_target()
