"""Films between images, and data sets of ratings."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_exports import MakeModel, ten_rows
from test_portable import tuned

from gan.errors import UserError
from gan.formats.exports import ExportSettings, export
from gan.formats.rated import Rated, draw
from gan.formats.video import mp4_problem, path_through, slerp
from gan.model import Model
from gan.networks import latents


@pytest.fixture(scope="module")
def model(small_model: MakeModel) -> Model:
    return tuned(small_model)


@pytest.fixture(scope="module")
def rows(model: Model) -> list[Rated]:
    return ten_rows(model)


# ----------------------------------------------------------------------------------------------------------------- films


def test_the_way_goes_through_every_point_and_closes(model: Model) -> None:
    points = latents(range(3), model.z_dim)
    way = path_through(model, points, 8)
    assert way.shape == (24, model.z_dim)
    torch.testing.assert_close(way[::8], points)
    # half-way it is near what tuning makes of the middle
    assert model.adapter is not None
    middle = slerp(points[0], points[1], torch.tensor([0.5]))
    with torch.no_grad():
        preferred = model.adapter(middle)[0]
    assert torch.linalg.vector_norm(way[4] - preferred) < 0.2 * torch.linalg.vector_norm(
        middle[0] - preferred
    )
    straight = path_through(replace(model, adapter=None), points, 8)
    lengths = torch.linalg.vector_norm(straight, dim=1)
    ends = torch.linalg.vector_norm(points, dim=1)
    assert (
        lengths.min() >= ends.min() - 1e-4 and lengths.max() <= ends.max() + 1e-4
    )  # it stays where N(0, I) has its mass
    steps = torch.linalg.vector_norm(way.roll(-1, 0) - way, dim=1)
    assert steps.max() < 4 * steps.median()  # no jump, not at the seam either
    torch.testing.assert_close(slerp(points[0], points[0], torch.tensor([0.3]))[0], points[0])


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_film_needs_nothing_more(tmp_path: Path, model: Model, rows: list[Rated], kind: str) -> None:
    settings = ExportSettings("video", video_format=kind, seconds=0.5, fps=10, scale=2)  # type: ignore[arg-type]
    folder = export(model, tmp_path / "out", settings, rows)
    with Image.open(folder / f"interpolation.{kind}") as film:
        assert film.n_frames == 10 and film.size == (32, 32) and film.info["loop"] == 0  # type: ignore[attr-defined]
        film.seek(3)
        film.load()
        assert film.info["duration"] == 100
    data = (folder / f"interpolation.{kind}").read_bytes()
    assert b"trainedAlgorithmicMedia" in data


def test_a_film_as_mp4(tmp_path: Path, model: Model) -> None:
    settings = ExportSettings("video", video_format="mp4", seconds=0.5, fps=10)
    if mp4_problem() is not None:
        with pytest.raises(UserError, match=r"pip install av.*GIF and WebP need nothing more"):
            export(model, tmp_path / "out", settings, seeds=range(3))
        assert not list(tmp_path.iterdir())
        return
    import av

    folder = export(model, tmp_path / "out", settings, seeds=range(3))
    with av.open(folder / "interpolation.mp4") as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == 15 and frames[0].shape == (16, 16, 3)
    assert np.abs(frames[0].astype(int) - model.sample([0])[0]).mean() < 25


# -------------------------------------------------------------------------------------------------------------- data set


def test_a_data_set_holds_all_that_was_said(tmp_path: Path, model: Model, rows: list[Rated]) -> None:
    events = [{"id": 1, "kind": "stars", "image": 2, "value": 1.0}, {"id": 2, "kind": "undo", "image": None}]
    folder = export(model, tmp_path / "out", ExportSettings("dataset"), rows, events=events)
    with open(folder / "ratings.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [int(line["rating"]) for line in table] == [row.rating for row in rows]
    assert (
        table[0]["tags"] == "'=1+1;dawn; <b>"
        and table[0]["note"] == rows[0].note
        and table[0]["label"] == "yellow"
    )
    assert table[3]["rated_at"] == "2023-11-14T22:14:20.000+00:00" and table[3]["shown_because"] == "random"
    kept = np.load(folder / "latents.npz")
    np.testing.assert_array_equal(kept["latent"], np.stack([row.latent for row in rows]))
    for line, pixels in zip(table, draw(model, kept["latent"]), strict=True):
        with Image.open(folder / line["file_name"]) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels)
    assert [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()] == events
    page = (folder / "README.md").read_text()
    assert "10 generated images" in page and "9 of them rated" in page
    assert ("| `ratings.parquet` |" in page) == (folder / "ratings.parquet").exists()


def test_the_table_as_parquet(tmp_path: Path, model: Model, rows: list[Rated]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the optional package pyarrow")
    folder = export(model, tmp_path / "out", ExportSettings("dataset"), rows)
    table = parquet.read_table(folder / "ratings.parquet").to_pylist()
    assert table[0]["tags"] == ["=1+1", "dawn; <b>"] and [line["rating"] for line in table] == [
        row.rating for row in rows
    ]
