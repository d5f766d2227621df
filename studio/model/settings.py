"""The settings of the studio. To add one, add a line to `settings`: the Settings view and the default follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.i18n import tr
from studio.model import preferences


@dataclass(frozen=True)
class Setting:
    """One setting: one of `choices` if there are any, else a number if `most` is set, else on or off."""

    key: str  # in the preferences; if `project` is true, in `StudioState` and the project
    section: str
    name: str
    tip: str  # what it does, in one sentence
    default: Any
    choices: Sequence[tuple[Any, str]] = ()  # value, label
    least: int = 0
    most: int = 0
    step: int = 1
    unit: str = ""
    project: bool = False  # whether it belongs to this project alone


def settings() -> list[Setting]:
    """Return all settings in the order in which they are shown."""
    look, rating, learning, machine = tr("Look"), tr("Rating"), tr("Learning"), tr("This machine")
    return [
        Setting(
            "theme",
            look,
            tr("Colours"),
            tr("Dark, light, or what the system says"),
            "system",
            (("system", tr("System")), ("dark", tr("Dark")), ("light", tr("Light"))),
        ),
        Setting(
            "language",
            look,
            tr("Language"),
            tr("The language of the studio; the window reopens in it"),
            "system",
            (("system", tr("System")), ("en", "English"), ("zh_CN", "简体中文")),
        ),
        Setting(
            "motion",
            look,
            tr("Motion"),
            tr("Whether messages slide and fade, or simply appear"),
            "system",
            (("system", tr("System")), ("full", tr("Full")), ("reduced", tr("Reduced"))),
        ),
        Setting(
            "menu_bar",
            look,
            tr("Menu bar"),
            tr("Show the menus at the top; they are always at the foot of the rail"),
            False,
        ),
        Setting(
            "hints",
            look,
            tr("First-run hints"),
            tr("Show each hint until you have done what it says, once"),
            True,
        ),
        Setting(
            "pixel_art",
            look,
            tr("Hard pixels"),
            tr("Enlarge images by whole factors, for pixel art; otherwise smoothly"),
            False,
            project=True,
        ),
        Setting(
            "auto_advance",
            rating,
            tr("Auto-advance"),
            tr("Go to the next image after each rating"),
            False,
            project=True,
        ),
        Setting(
            "implicit",
            rating,
            tr("Learn from what you do"),
            tr("Also learn from how long you look at an image and whether you enlarge, copy, save or tag it, if that tells anything"),
            True,
        ),
        Setting(
            "auto_teach",
            learning,
            tr("Teach by itself"),
            tr("Run a round after this many ratings since the last one"),
            0,
            ((0, tr("Never")), *((n, tr("Every {n} ratings", n=n)) for n in (25, 50, 100, 200))),
        ),
        Setting(
            "device",
            machine,
            tr("Device"),
            tr("What the generator runs on; the worker restarts on it"),
            "auto",
            (
                ("auto", tr("The best there is")),
                ("cpu", tr("Processor (CPU)")),
                ("cuda", tr("Graphics card (CUDA)")),
                ("mps", tr("Graphics card (Apple)")),
            ),
        ),
        Setting(
            "cache_mb",
            machine,
            tr("Memory for images"),
            tr("How much memory the gallery may fill with images it has drawn"),
            256,
            least=64,
            most=2048,
            step=64,
            unit=tr("MB"),
        ),
        Setting(
            "notify",
            machine,
            tr("Notifications"),
            tr("Tell you when a long job ends while the window is in the background"),
            True,
        ),
    ]


def value(key: str) -> Any:
    """Return a setting of the studio as chosen, or its default; a damaged value counts as not chosen."""
    setting = next(one for one in settings() if one.key == key)
    chosen = preferences.read().get(key, setting.default)
    if setting.choices:
        return chosen if chosen in [of for of, _ in setting.choices] else setting.default
    if isinstance(chosen, bool) is not isinstance(setting.default, bool):
        return setting.default
    if setting.most:
        fits = isinstance(chosen, int) and setting.least <= chosen <= setting.most
        return chosen if fits else setting.default
    return chosen if isinstance(chosen, bool) else setting.default
