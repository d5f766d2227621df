"""A person's rated images, as exports take them: rows of plain values whose images are redrawn from their latents."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from gan.errors import Cancelled, UserError
from gan.formats.xmp import TRAINED
from gan.model import Model
from gan.networks import latents, to_uint8

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
CHUNK = 32  # images per batch, and per report of progress
OF_A_SEED = "seed"  # `why` of a row made from a seed, which was shown to nobody
FAVOURITE = 4  # stars from which an image is a favourite


def never() -> bool:
    """A `cancel` that never cancels."""
    return False


@dataclass(frozen=True)
class Rated:
    """One image and its feedback."""

    id: int
    latent: np.ndarray = field(
        repr=False
    )  # float32 (z_dim,), to be drawn by the untuned generator, even if tuning chose it
    stars: int = 0  # 1 to 5; 0: none
    flag: str | None = None  # "like" or "reject"
    label: int = 0  # colour 1 to 4; 0: none
    tags: tuple[str, ...] = ()
    note: str = ""
    title: str = ""
    why: str = ""  # reason for showing it
    seed: int | None = None
    round: int = 0  # version of the generator that chose it; 0: untuned
    created: float | None = None  # Unix time in seconds
    rated: float | None = None  # Unix time of the latest feedback, in seconds

    @property
    def rating(self) -> int:
        """The rating as in XMP: -1 rejected, 0 unrated or liked without stars, 1 to 5 stars."""
        return -1 if self.flag == "reject" else self.stars

    @property
    def stem(self) -> str:
        """The name of its file, without the suffix."""
        return f"seed{self.seed:010d}" if self.why == OF_A_SEED else f"image{self.id:08d}"

    def favourite(self, least: int = FAVOURITE) -> bool:
        """Whether it has at least `least` stars or is liked, and is not rejected."""
        return self.flag != "reject" and (self.stars >= least or self.flag == "like")


def favourites(rows: Iterable[Rated], least: int = FAVOURITE) -> list[Rated]:
    """The favourites by descending stars, then in order of their ids.

    Raises
    ------
    UserError
        There are none.
    """
    chosen = sorted((row for row in rows if row.favourite(least)), key=lambda row: (-row.stars, row.id))
    if not chosen:
        raise UserError(
            f"there are no favourites yet: no image has {least} stars or more, or is marked as liked"
        )
    return chosen


def from_seeds(model: Model, seeds: Iterable[int]) -> list[Rated]:
    """Images of seeds as the model draws them, tuned or not, as unrated rows.

    Raises
    ------
    ValueError
        A seed is out of range.
    """
    kept = [int(seed) for seed in seeds]
    z = latents(kept, model.z_dim)
    if model.adapter is not None:
        with torch.no_grad():
            z = model.adapter(z.to(model.device)).cpu()
    return [Rated(seed, row, seed=seed, why=OF_A_SEED) for seed, row in zip(kept, z.numpy(), strict=True)]


def untuned(model: Model) -> Model:
    """The model without its adapter, for stored latents."""
    return replace(model, adapter=None)


def draw(model: Model, points: np.ndarray) -> np.ndarray:
    """Images uint8 (N, R, R, 3) of stored latents (N, z_dim), drawn without the model's adapter."""
    return to_uint8(untuned(model).draw(torch.from_numpy(np.ascontiguousarray(points, np.float32))))


def drawn(
    model: Model,
    rows: Sequence[Rated],
    progress: Progress | None = None,
    cancel: Cancel = never,
    scale: int = 1,
) -> Iterator[tuple[Rated, np.ndarray]]:
    """Yield each row with its pixels, uint8 (R * scale, R * scale, 3), drawn in batches without the model's adapter.

    Raises
    ------
    Cancelled
    UserError
        A latent does not fit the generator.
    """
    plain = untuned(model)
    for start in range(0, len(rows), CHUNK):
        if cancel():
            raise Cancelled
        part = rows[start : start + CHUNK]
        if any(row.latent.shape != (model.z_dim,) for row in part):
            raise UserError(f"the latents are not of this generator: it takes {model.z_dim} numbers")
        for row, pixels in zip(part, draw(plain, np.stack([row.latent for row in part])), strict=True):
            yield row, pixels.repeat(scale, axis=0).repeat(scale, axis=1)
        if progress is not None:
            done = min(start + CHUNK, len(rows))
            progress(done / len(rows), f"image {done} of {len(rows)}")


def metadata(model: Model, row: Rated) -> dict[str, Any]:
    """Provenance for an image's file, including the latent, from which the generator can redraw the image."""
    packed = np.asarray(row.latent, "<f4").tobytes()
    said: dict[str, Any] = {
        "seed": row.seed,
        "model": model.name,
        "model_hash": untuned(model).hash,
        "source": TRAINED,
        "rating": row.rating if row.why != OF_A_SEED else None,
        "latent": base64.b64encode(packed).decode(),
        "latent_hash": hashlib.sha256(packed).hexdigest()[:10],
        "image": row.id if row.why != OF_A_SEED else None,
        "flag": row.flag,
        "label": row.label or None,
        "tags": list(row.tags) or None,
        "note": row.note or None,
        "title": row.title or None,
        "round": row.round or None,
    }
    return {key: value for key, value in said.items() if value is not None}
