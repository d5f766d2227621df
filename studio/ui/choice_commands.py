"""The commands of the Duel and the Survey view."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from studio.i18n import tr
from studio.ui.commands import Command
from studio.ui.shell import Shell


def table(window: Shell) -> Iterable[Command]:
    """Return the commands in the order of the menu."""
    duels, surveys = window.actions_.duels, window.actions_.surveys

    def choose() -> None:
        from studio.ui.survey_view import SurveyView

        view = window.page("survey")
        assert isinstance(view, SurveyView)
        view.choose()

    for side, name, key, tip in (
        ("left", tr("Left is better"), "Left", tr("The left image is better")),
        ("right", tr("Right is better"), "Right", tr("The right image is better")),
        ("tie", tr("As good"), "Down", tr("Neither is better")),
        ("skip", tr("Skip this pair"), "S", tr("Say nothing about these two")),
    ):
        yield Command(
            f"duel.{side}",
            "image",
            name,
            (key,),
            tip,
            partial(duels.answer, side),
            new_group=side == "left",
            enabled=lambda: bool(duels.shown),
            views=("duel",),
        )
    yield Command(
        "survey.choose",
        "image",
        tr("Best of these"),
        ("Return", "Enter", "Space"),
        tr("The image with the ring is the best; its number says the same"),
        choose,
        new_group=True,
        enabled=lambda: bool(surveys.shown),
        views=("survey",),
    )
    yield Command(
        "survey.skip",
        "image",
        tr("Skip these"),
        ("S",),
        tr("Show others; nothing is written down"),
        surveys.skip,
        enabled=lambda: bool(surveys.shown),
        views=("survey",),
    )
