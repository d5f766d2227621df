"""Contact sheets: many images in one picture."""

import math

import numpy as np
from PIL import Image

GROUND = (28, 28, 30)  # the studio's dark background, neutral so that it does not tint the images


def contact_sheet(
    images: np.ndarray, columns: int | None = None, gap: int = 2, scale: int = 1
) -> Image.Image:
    """Arrange images in rows.

    Parameters
    ----------
    images : uint8 (N, H, W, 3), N at least 1.
    columns : images per row; by default a number that makes the sheet about square.
    gap : pixels between neighbours in the finished sheet; there is no margin, so a single image is unchanged.
    scale : whole factor of enlargement, with hard edges.

    Raises
    ------
    ValueError
        There are no images, they have another shape or type, or an option is too small.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not images.size:
        raise ValueError(f"a sheet needs uint8 images (N, H, W, 3), not {images.dtype} {images.shape}")
    if scale < 1 or gap < 0 or (columns is not None and columns < 1):
        raise ValueError(f"columns {columns}, gap {gap} or scale {scale} is too small")
    if scale > 1:
        images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width, _ = images.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    sheet = np.empty((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.uint8)
    sheet[:] = GROUND
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return Image.fromarray(sheet)
