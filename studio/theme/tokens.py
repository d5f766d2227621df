"""The colours and sizes of the studio, named by what they are for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tokens:
    """One colour scheme; every field is a `#rrggbb` colour."""

    ground: str  # behind the images
    panel: str  # bars and side panel
    line: str  # hairlines between them
    text: str
    quiet: str  # secondary text, at least 4.5:1 on panel
    control: str  # buttons at rest
    control_hover: str
    control_down: str
    groove: str  # what a slider or a meter runs in
    knob: str  # a slider's handle
    accent: str  # the next thing to do
    accent_hover: str
    accent_text: str  # on accent
    focus: str  # the ring of the control that has the keys, at least 3:1 on every ground
    chosen: str  # a rail entry that is shown
    good: str
    bad: str
    taste: str  # curves
    realism: str
    variety: str
    distance: str


DARK = Tokens(
    ground="#1c1c1e",
    panel="#232326",
    line="#343438",
    text="#ececee",
    quiet="#9a9aa2",
    control="#303035",
    control_hover="#3a3a40",
    control_down="#29292d",
    groove="#35353a",
    knob="#ececee",
    accent="#f0b45a",
    accent_hover="#f6c272",
    accent_text="#231a0a",
    focus="#f0b45a",
    chosen="#34343a",
    good="#7fce8c",
    bad="#ef8f7c",
    taste="#f0b45a",
    realism="#6fb7e9",
    variety="#7fce8c",
    distance="#c9a0f0",
)

# The same hues, darkened until a 2 px line and 12 px text hold 3:1 and 4.5:1 on a near-white card.
LIGHT = Tokens(
    ground="#f1f1ef",
    panel="#fbfbfa",
    line="#dcdcd8",
    text="#1e1e20",
    quiet="#66666c",
    control="#e7e7e3",
    control_hover="#dededa",
    control_down="#d3d3ce",
    groove="#e2e2de",
    knob="#2a2a2d",
    accent="#e0972f",
    accent_hover="#e8a548",
    accent_text="#231a0a",
    focus="#a8650f",
    chosen="#e7e7e3",
    good="#2f7d3f",
    bad="#b3402b",
    taste="#c67a12",
    realism="#2a7fb8",
    variety="#3a8f4b",
    distance="#8b5cc0",
)

TOP_BAR, RAIL, SIDE_PANEL, STATUS_BAR = 48, 56, 304, 28
HEADER = 32  # of a view: its title stands at one height in all of them
CORNER_IMAGE, CORNER_CONTROL, CORNER_CARD = 4, 6, 8
S, M, L, XL = 8, 12, 16, 24
BODY, SMALL, TINY = 13, 12, 11


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two `#rrggbb` colours, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
