"""Images that were shown, the grids they were shown in, and their PNG files."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from studio.project import png
from studio.project.database import Database, explained, marks
from studio.project.records import Grid, Image, NewImage


class Pictures(Database):
    """Images are stored as latents; their pixels are only a cache."""

    def add_grid(self, images: Sequence[NewImage]) -> Grid:
        """Give ids to images and make them the current grid."""
        now, checkpoint = time.time(), self.meta("checkpoint")
        with self._transaction():
            ids = self._insert(images, checkpoint, now)
            grid = self._db.execute(
                "INSERT INTO grids (checkpoint, created) VALUES (?, ?)", (checkpoint, now)
            ).lastrowid
            self._db.executemany(
                "INSERT INTO grid_images VALUES (?, ?, ?)",
                [(grid, place, image) for place, image in enumerate(ids)],
            )
        return Grid(int(grid or 0), ids, checkpoint, now)

    def add_images(self, images: Sequence[NewImage]) -> tuple[int, ...]:
        """Give ids to images that were found outside a grid."""
        with self._transaction():
            return self._insert(images, self.meta("checkpoint"), time.time())

    def _insert(self, images: Sequence[NewImage], checkpoint: int | None, now: float) -> tuple[int, ...]:
        ids = []
        for image in images:
            row = (
                bytes(image.latent),
                image.kind,
                image.seed,
                checkpoint,
                image.width,
                image.height,
                now,
            )
            ids.append(
                self._db.execute(
                    "INSERT INTO images (latent, kind, seed, checkpoint, width, height, created)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    row,
                ).lastrowid
            )
        return tuple(int(image or 0) for image in ids)

    def current_grid(self) -> Grid | None:
        """The latest grid; None before the first."""
        return self.grid(None)

    def grid(self, grid: int | None) -> Grid | None:
        """A grid by id; the latest one for None."""
        with explained(self.folder):
            row = self._db.execute(
                "SELECT id, checkpoint, created FROM grids WHERE id = coalesce(?, (SELECT max(id) FROM grids))",
                (grid,),
            ).fetchone()
        if row is None:
            return None
        images = self._rows("SELECT image FROM grid_images WHERE grid = ? ORDER BY position", (row[0],))
        return Grid(row[0], tuple(image for (image,) in images), row[1], row[2])

    def images(self, ids: Sequence[int] | None = None) -> tuple[Image, ...]:
        """Images by id, in that order (unknown ids are left out); for None all of them, oldest first."""
        query = "SELECT id, latent, kind, seed, checkpoint, width, height, created FROM images"
        if ids is None:
            return tuple(Image(*row) for row in self._rows(query + " ORDER BY id"))
        found: dict[int, Image] = {}
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            for row in self._rows(f"{query} WHERE id IN ({marks(some)})", some):
                found[row[0]] = Image(*row)
        return tuple(found[image] for image in ids if image in found)

    def image_file(self, image: int) -> Path:
        """Path of an image's PNG file, which may not exist: it is a cache, since every image can be drawn again."""
        return self.folder / "images" / f"{image:08d}.png"

    def save_pixels(self, image: int, pixels: bytes | memoryview, width: int, height: int) -> None:
        """Write an image's PNG file. It does not use the database, so any thread may call it."""
        path = self.image_file(image)
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with explained(self.folder):
            try:
                part.write_bytes(png.encode(pixels, width, height))
                os.replace(part, path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
