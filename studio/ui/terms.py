"""Names of the reward's terms, and what their weights do."""

from __future__ import annotations

from studio.i18n import tr
from studio.model.scorers import SCORER


def names() -> dict[str, tuple[str, str]]:
    """Return name and tooltip of each dial of a round, by term."""
    return {
        "taste": (tr("Taste"), tr("How much a round follows your ratings")),
        "realism": (
            tr("Realism"),
            tr("How much a round keeps images like those the generator learnt from"),
        ),
        "typicality": (tr("Typicality"), tr("How much a round keeps to images the generator often makes")),
        "novelty": (tr("Novelty"), tr("How much a round is drawn to images unlike the rest of what it chooses")),
        "strength": (tr("Strength"), tr("How far one round may move the generator")),
        "sharpness": (tr("Sharpness"), tr("Right: crisper images. Left: softer ones")),
        "colourfulness": (tr("Colourfulness"), tr("Right: more vivid colours. Left: more muted ones")),
        "contrast": (tr("Contrast"), tr("Right: light and dark further apart. Left: closer together")),
        "symmetry": (tr("Symmetry"), tr("Right: left and right halves more alike. Left: less alike")),
        "brightness": (tr("Brightness"), tr("Right: lighter images. Left: darker ones")),
        "warmth": (tr("Warmth"), tr("Right: yellower and redder. Left: bluer")),
    }


def name(term: str) -> str:
    """Return the name of a term; that of an outside scorer is the one given by its package."""
    known = names().get(term)
    return known[0] if known else term.removeprefix(SCORER)


def tip(term: str) -> str:
    """Return what changing the weight of a term does."""
    known = names().get(term)
    return known[1] if known else tr("Right: more of what {scorer} scores high. Left: less", scorer=name(term))
