"""Ratings and images as a research data set: tables in common formats, one picture per image, and a page that describes them."""

import csv
import io
import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gan.errors import UserError
from gan.files import write_bytes
from gan.formats.pictures import save_picture
from gan.formats.rated import Cancel, Progress, Rated, drawn, metadata, never, untuned
from gan.formats.xmp import COLOURS
from gan.model import Model
from gan.version import __version__

COLUMNS = (
    "file_name", "id", "rating", "stars", "flag", "label", "tags", "note", "title",
    "shown_because", "seed", "round", "shown_at", "rated_at",
)  # fmt: skip
_NO_PARQUET = "| (`ratings.parquet`) | not written: it needs the package pyarrow (pip install pyarrow) |\n"
_README = """# Ratings of {name}

{count} generated images of the generator `{name}` (hash `{hash}`), {rated} of them rated by one person with Tastemaker {version}.
**Every image is generated**; each PNG says so, and from what, in its metadata.

| file | what |
|---|---|
| `ratings.csv` | one line per image: {columns} |
{parquet}| `latents.npz` | `id` (N,) and `latent` (N, {z_dim}) float32: what the untuned generator draws each image from |
| `events.jsonl` | everything that was said and done, in order, nothing left out: undone ratings, duels, surveys, time spent |
| `images/` | the pictures, as `file_name` says |

`rating` is -1 (rejected), 0 (nothing said, or liked without stars) or 1 to 5; `shown_because` says how an image was chosen
("random": drawn from the generator as it was; "informative": by the taste model, for what a rating of it would tell; "repeat":
shown before): ratings of images that the model chose are not a random sample. `round` is the version of the generator that chose it, 0
before any tuning. Times are UTC.
"""


def write_dataset(
    model: Model,
    rows: Sequence[Rated],
    events: Sequence[Mapping[str, Any]],
    folder: Path,
    progress: Progress | None = None,
    cancel: Cancel = never,
) -> None:
    """Write a data set into an empty folder.

    Parameters
    ----------
    model : the generator of the latents.
    rows : all images that were shown, rated or not.
    events : the project's log, plain JSON values.

    Raises
    ------
    UserError
        There are no images, or files cannot be written.
    Cancelled
    """
    if not rows:
        raise UserError("there are no images to write: nothing was shown yet")
    for row, pixels in drawn(model, rows, progress, cancel):
        save_picture(pixels, folder / _file(row), metadata(model, row))
    table = [_line(row) for row in rows]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in line.items()} for line in table)
    write_bytes(folder / "ratings.csv", text.getvalue().encode("utf-8"))
    parquet = _parquet(table)
    if parquet is not None:
        write_bytes(folder / "ratings.parquet", parquet)
    packed = io.BytesIO()
    np.savez(
        packed,
        id=np.array([row.id for row in rows]),
        latent=np.stack([row.latent for row in rows]).astype(np.float32),
    )
    write_bytes(folder / "latents.npz", packed.getvalue())
    lines = (json.dumps(event, ensure_ascii=False, sort_keys=True) for event in events)
    write_bytes(folder / "events.jsonl", "".join(line + "\n" for line in lines).encode())
    page = _README.format(
        name=" ".join(model.name.split()),
        hash=untuned(model).hash,
        count=len(rows),
        rated=sum(row.rating != 0 or row.flag is not None for row in rows),
        version=__version__,
        columns=", ".join(f"`{name}`" for name in COLUMNS),
        z_dim=model.z_dim,
        parquet=_NO_PARQUET if parquet is None else "| `ratings.parquet` | the same, with types |\n",
    )
    write_bytes(folder / "README.md", page.encode())


def _file(row: Rated) -> str:
    return f"images/{row.id:08d}.png"


def _line(row: Rated) -> dict[str, Any]:
    values = (
        _file(row), row.id, row.rating, row.stars, row.flag or "", COLOURS[row.label].lower(), list(row.tags), row.note, row.title,
        row.why, row.seed, row.round, _time(row.created), _time(row.rated),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _time(seconds: float | None) -> str | None:
    return (
        None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    )


def _cell(value: Any) -> Any:
    """A value as a CSV cell: tags joined by semicolons; an apostrophe before text that a spreadsheet would run as a formula."""
    if isinstance(value, list):
        value = ";".join(value)
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return "" if value is None else value


def _parquet(table: list[dict[str, Any]]) -> bytes | None:
    """The table as Parquet if pyarrow is installed, else None."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    text, whole = pyarrow.string(), pyarrow.int64()
    types = {"tags": pyarrow.list_(text)} | dict.fromkeys(("id", "rating", "stars", "seed", "round"), whole)
    schema = pyarrow.schema([(name, types.get(name, text)) for name in COLUMNS])
    written = io.BytesIO()
    made = pyarrow.Table.from_pylist(table, schema=schema).replace_schema_metadata(
        {"generated_by": f"Tastemaker {__version__}, Python {platform.python_version()}"}
    )
    pyarrow.parquet.write_table(made, written)
    return written.getvalue()
