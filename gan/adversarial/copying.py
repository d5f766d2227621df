"""After training on a person's pictures: which samples look like copies of one of them."""

from collections.abc import Collection
from pathlib import Path

from gan.data.folder import open_images
from gan.data.nearest import Nearest, pairs_sheet
from gan.files import atomic_write
from gan.loading import load

SHEET = "nearest.png"
_SAMPLES = 64  # seeds 0 .. 63, those of the samples


def write_nearest(out: Path, images: Path, leave_out: Collection[str] = (), keep_copies: bool = False) -> str:
    """Write `out/nearest.png`, with each sample of a trained bundle beside its nearest training picture. Returns a line for the user.

    Parameters
    ----------
    out : the bundle.
    images, leave_out, keep_copies : the pictures it was trained on (see `gan.data.folder.open_images`).
    """
    model = load(str(out), device="cpu")
    pictures = open_images(images, model.resolution, leave_out=leave_out, keep_copies=keep_copies).images
    drawn = model.sample(range(_SAMPLES))
    compared = Nearest(pictures).compare(drawn)
    with atomic_write(out / SHEET) as stream:
        pairs_sheet(drawn, compared.pictures).save(stream, format="PNG")
    return f"{int(compared.copied.sum())} of {_SAMPLES} samples look copied; {out / SHEET} shows each beside its nearest picture."
