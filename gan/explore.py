"""Exploring the images of a generator by hand: neighbours, blends, principal directions, truncation, seeds.

Every operation moves a latent in z, so its result is a latent like any other, whose image can be rated, kept and redrawn.

The directions follow GANSpace (Härkönen et al. 2020, arXiv 2004.02546): principal components of the generator's output, turned into moves
of the latent by regression (section 3.2). The components are computed from image features, so that a slider changes something visible in
any generator, also in one without a style space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan.insight import plain_measures
from gan.networks import latents
from gan.session import TuningSession
from gan.taste.words import name_directions

DIRECTIONS = 8
_CENTRE = 32  # images nearest to the mean features; the mean of their latents is the centre
# The components explain little of a latent, so regression shrinks the slopes; this share of a latent's length looks like one deviation.
_STEP = 0.35


@dataclass(frozen=True)
class Directions:
    """The directions of the sliders.

    moves : (K, d) unit rows in z.
    step : length in z of one unit of a slider.
    ends : K pairs of words for the two ends, such as ("cooler", "warmer").
    centre : (d,) the latent of a roughly average image, with the usual length of a latent.
    """

    moves: Tensor
    step: float
    ends: tuple[tuple[str, str], ...]
    centre: Tensor


@torch.no_grad()
def fit_directions(session: TuningSession, count: int = DIRECTIONS) -> Directions:
    """Find at most `count` directions in which the untuned generator's images (the reference set) vary most."""
    scorer, width = session.scorer, session.model.z_dim
    z, look = scorer.latents, torch.cat(scorer.reference, dim=1)
    centred = look - look.mean(dim=0)
    _, _, components = torch.linalg.svd(centred, full_matrices=False)
    kept = min(count, len(components), width)
    places = centred @ components[:kept].t()  # (N, K)
    places = places / places.std(dim=0).clamp_min(1e-6)
    slopes = torch.linalg.lstsq(torch.cat([places, torch.ones(len(z), 1)], dim=1), z).solution[
        :kept
    ]  # (K, d)
    moves = slopes / slopes.norm(dim=1, keepdim=True).clamp_min(1e-6)
    ordinary = centred.norm(dim=1).argsort()[:_CENTRE]
    centre = _length(z[ordinary].mean(dim=0)[None], width)[0]
    plain = plain_measures(session)
    return Directions(moves, _STEP * width**0.5, name_directions(plain, places[: len(plain)]), centre)


def from_seed(session: TuningSession, seed: int) -> Tensor:
    """The latent of a seed after the adapter, so that it is drawn as the tuned generator draws the seed: (d,)."""
    z = latents([seed], session.model.z_dim)
    with torch.no_grad():
        return session.adapter(z.to(session.model.device)).cpu()[0]


def moved(z: Tensor, directions: Directions, amounts: Sequence[float], truncation: float = 1.0) -> Tensor:
    """Move a latent (d,) along the directions, then truncate it.

    amounts : at most K; units along each direction, of which about 3 reach the end of what the generator draws.
    truncation : 1 has no effect, 0 is the centre; in between, a point on the way along the sphere (like psi in a style space).

    Raises
    ------
    ValueError
        There are more amounts than directions.
    """
    if len(amounts) > len(directions.moves):
        raise ValueError(f"{len(amounts)} amounts, but {len(directions.moves)} directions")
    shift = directions.step * torch.tensor(list(amounts)) @ directions.moves[: len(amounts)]
    point = _length((z + shift)[None], len(z))[0] if any(amounts) else z
    return point if truncation >= 1.0 else between(directions.centre, point, truncation)


def neighbours(
    z: Tensor, count: int, radius: float, random: torch.Generator, locked: Tensor | None = None
) -> Tensor:
    """Random latents (count, d) around z (d,), distributed like the prior's.

    radius : 0 is z itself, 1 any image: z' = sqrt(1 - radius^2) z + radius n, n ~ N(0, I).
    locked : (L, d) directions along which they stay like z.

    Raises
    ------
    ValueError
        The radius is outside [0, 1].
    """
    if not 0.0 <= radius <= 1.0:
        raise ValueError(f"radius must lie in [0, 1], not {radius}")
    noise = torch.randn(count, len(z), generator=random)
    if locked is not None and len(locked):
        basis = torch.linalg.qr(locked.t()).Q  # (d, L)
        drift = (1.0 - radius**2) ** 0.5
        free = z - basis @ (basis.t() @ z)
        return basis @ (basis.t() @ z) + drift * free + radius * (noise - (noise @ basis) @ basis.t())
    return (1.0 - radius**2) ** 0.5 * z + radius * noise


def between(a: Tensor, b: Tensor, share: float) -> Tensor:
    """The latent a `share` of the way from a to b, along the sphere (Shoemake 1985), with its length interpolated too."""
    length = (1.0 - share) * a.norm() + share * b.norm()
    one, other = a / a.norm().clamp_min(1e-9), b / b.norm().clamp_min(1e-9)
    angle = torch.arccos((one @ other).clamp(-1.0, 1.0))
    if float(angle) < 1e-4:
        return one * length
    return (
        length
        * (torch.sin((1.0 - share) * angle) * one + torch.sin(share * angle) * other)
        / torch.sin(angle)
    )


def _length(z: Tensor, width: int) -> Tensor:
    """Scale latents (N, d) to the usual length of the prior's, sqrt(width)."""
    return z / z.norm(dim=1, keepdim=True).clamp_min(1e-9) * width**0.5
