"""A taste in plain words: which measures of an image rise or fall with its predicted liking."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.taste.features import oklab

# measure -> (word for more of it, word for less of it)
MEASURES: dict[str, tuple[str, str]] = {
    "warmth": ("warmer", "cooler"),
    "brightness": ("brighter", "darker"),
    "colour": ("more colourful", "more muted"),
    "contrast": ("more contrast", "less contrast"),
    "sharpness": ("sharper", "softer"),
    "detail": ("busier", "calmer"),
    "sky": ("more sky", "less sky"),
    "symmetry": ("more symmetrical", "less symmetrical"),
    "centre": ("brighter in the middle", "brighter at the edges"),
    "top": ("brighter above", "brighter below"),
    "red": ("more red", "more green"),
}
LEAST = 0.2  # a rank correlation below this is not mentioned


@dataclass(frozen=True)
class Word:
    """A measure that is correlated with liking."""

    measure: str
    text: str  # "warmer", "softer"
    strength: float  # absolute rank correlation with predicted liking, 0..1


@torch.no_grad()
def measures(images: Tensor) -> Tensor:
    """Measure images (N, 3, R, R) in [-1, 1], in the order of `MEASURES`: (N, len(MEASURES)) on the CPU, each in its own unit."""
    if not len(images):
        return torch.zeros(0, len(MEASURES))
    small = oklab(F.adaptive_avg_pool2d(images.float(), min(64, images.shape[-1])))
    lightness, a, b = small.unbind(dim=1)  # each (N, S, S)
    side = lightness.shape[-1]
    third = max(1, side // 3)
    chroma = (a.square() + b.square()).sqrt()
    blurred = F.avg_pool2d(F.pad(lightness[:, None], (1, 1, 1, 1), mode="replicate"), 3, stride=1)[:, 0]
    fine = (lightness - blurred).abs().mean(dim=(1, 2))
    coarse = F.adaptive_avg_pool2d(lightness[:, None], 8)[:, 0]
    busy = coarse.diff(dim=1).abs().mean(dim=(1, 2)) + coarse.diff(dim=2).abs().mean(dim=(1, 2))
    middle = slice(third, side - third)
    inner = lightness[:, middle, middle].mean(dim=(1, 2))
    values = {
        "warmth": (b + 0.5 * a).mean(dim=(1, 2)),
        "brightness": lightness.mean(dim=(1, 2)),
        "colour": chroma.mean(dim=(1, 2)),
        "contrast": lightness.flatten(1).std(dim=1),
        "sharpness": fine / lightness.flatten(1).std(dim=1).clamp_min(0.02),
        "detail": busy,
        "sky": _horizon(lightness),
        "symmetry": -(lightness - lightness.flip(2)).abs().mean(dim=(1, 2)),
        "centre": inner - lightness.mean(dim=(1, 2)),
        "top": lightness[:, : side // 2].mean(dim=(1, 2)) - lightness[:, side // 2 :].mean(dim=(1, 2)),
        "red": a.mean(dim=(1, 2)),
    }
    return torch.stack([values[name] for name in MEASURES], dim=1).cpu()


def _horizon(lightness: Tensor) -> Tensor:
    """Where rows differ most from the next: 0 at the top, 1 at the bottom, so that a low horizon means more sky. (N,)"""
    steps = lightness.mean(dim=2).diff(dim=1).square() + 1e-8  # (N, S - 1)
    rows = torch.linspace(0.0, 1.0, steps.shape[1], device=lightness.device)
    return (steps * rows).sum(dim=1) / steps.sum(dim=1)


def rank_correlation(values: Tensor, liking: Tensor) -> Tensor:
    """Spearman's rank correlation of each column of (N, K) with (N,) (ties in any order): (K,), 0 where either is constant."""
    ranks = values.argsort(dim=0).argsort(dim=0).double()
    other = liking.argsort().argsort().double()
    ranks = ranks - ranks.mean(dim=0)
    other = other - other.mean()
    found = (ranks * other[:, None]).sum(dim=0) / (
        ranks.square().sum(dim=0) * other.square().sum()
    ).sqrt().clamp_min(1e-9)
    varied = (values.std(dim=0) > 1e-9) & (liking.std() > 1e-9)
    return torch.where(varied, found, torch.zeros_like(found))


def words(values: Tensor, liking: Tensor, most: int = 5) -> list[Word]:
    """Words for what is correlated with liking, the strongest first, at most `most`; none if nothing is.

    values : (N, len(MEASURES)) from `measures`.
    liking : (N,), any unit.
    """
    found = []
    for name, strength in zip(MEASURES, rank_correlation(values, liking).tolist(), strict=True):
        more, less = MEASURES[name]
        if abs(strength) >= LEAST:
            found.append(Word(name, more if strength > 0 else less, abs(strength)))
    return sorted(found, key=lambda word: -word.strength)[:most]


def name_directions(values: Tensor, places: Tensor) -> tuple[tuple[str, str], ...]:
    """Name the two ends of each direction, (less end, more end), by the measure that changes most along it; each measure is used once.

    values : (N, len(MEASURES)).
    places : (N, K) of the same images along K directions.
    """
    free, found = list(range(len(MEASURES))), []
    for along in places.unbind(dim=1):
        strengths = rank_correlation(values, along)
        best = max(free, key=strengths.abs().tolist().__getitem__)
        free = [i for i in free if i != best] or list(range(len(MEASURES)))
        more, less = MEASURES[list(MEASURES)[best]]
        found.append((less, more) if float(strengths[best]) > 0 else (more, less))
    return tuple(found)
