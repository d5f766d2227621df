"""Sheets and PNG files with their provenance."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.data.sheet import GROUND, contact_sheet
from gan.errors import UserError
from gan.formats.png import ALGORITHM, save_png, write_images, xmp_packet


def pictures(count: int, height: int = 6, width: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


def test_every_image_is_in_its_place() -> None:
    images = pictures(5, 4, 6)
    sheet = np.asarray(contact_sheet(images, columns=3, gap=2))
    assert sheet.shape == (4 * 2 + 2, 6 * 3 + 4, 3)
    for index, (row, column) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]):
        part = sheet[row * 6 : row * 6 + 4, column * 8 : column * 8 + 6]
        np.testing.assert_array_equal(part, images[index])
    assert (sheet[4:6] == GROUND).all() and (sheet[:, 6:8] == GROUND).all() and (sheet[6:, 16:] == GROUND).all()


def test_scale_repeats_pixels() -> None:
    images = pictures(2)
    sheet = np.asarray(contact_sheet(images, scale=3, gap=1))
    assert sheet.shape == (18, 37, 3)
    np.testing.assert_array_equal(sheet[1::3, 1:18:3], images[0])
    np.testing.assert_array_equal(sheet[::3, 19::3], images[1])


def test_one_image_stays_itself() -> None:
    images = pictures(1)
    np.testing.assert_array_equal(np.asarray(contact_sheet(images)), images[0])


@pytest.mark.parametrize("wrong", [np.zeros((0, 4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), np.zeros((1, 4, 4, 3))])
def test_what_is_no_sheet(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a sheet needs"):
        contact_sheet(wrong)
    with pytest.raises(ValueError, match="too small"):
        contact_sheet(pictures(1), scale=0)


def test_png_says_where_it_comes_from(tmp_path: Path) -> None:
    path, pixels = tmp_path / "a.png", pictures(1)[0]
    save_png(pixels, path, {"seed": 7, "model_hash": "0123456789", "truncation": 0.8, "rating": 4, "note": "däwn <3"})
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)
        text = dict(image.text)  # type: ignore[attr-defined]
        with warnings.catch_warnings():
            xmp = image.getxmp()
    assert text["parameters"] == "Seed: 7, Model hash: 0123456789, Truncation: 0.8"
    own = json.loads(text["tastemaker"])
    assert own["seed"] == 7 and own["note"] == "däwn <3" and own["generator"] == "tastemaker"
    description = xmp["xmpmeta"]["RDF"]["Description"]
    assert description["Rating"] == "4"
    assert description["DigitalSourceType"].endswith("digitalsourcetype/trainedAlgorithmicMedia")


def test_unrated_png_has_no_rating() -> None:
    assert "Rating" not in xmp_packet() and "<xmp:Rating>-1<" in xmp_packet(-1)
    with pytest.raises(ValueError, match="rating"):
        xmp_packet(6)


def test_a_folder_gets_one_file_per_seed(tmp_path: Path) -> None:
    images = pictures(3)
    paths = write_images(iter(images), tmp_path / "new" / "out", range(5, 8), {"source": ALGORITHM})
    assert [path.name for path in paths] == ["seed0000000005.png", "seed0000000006.png", "seed0000000007.png"]
    with Image.open(paths[2]) as image:
        np.testing.assert_array_equal(np.asarray(image), images[2])
        assert image.text["parameters"] == "Seed: 7"  # type: ignore[attr-defined]
        assert "digitalsourcetype/algorithmicMedia<" in image.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]


def test_a_png_path_gets_a_sheet(tmp_path: Path) -> None:
    out = tmp_path / "sheet.PNG"
    assert write_images(pictures(4), out, range(4), {"model": "dreamscapes"}) == [out]
    with Image.open(out) as image:
        assert image.size == (14, 14)
        assert image.text["parameters"] == "Seeds: 0-3, Model: dreamscapes"  # type: ignore[attr-defined]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        write_images(pictures(1), tmp_path / "file", [0])
    with pytest.raises(UserError, match="cannot write"):
        write_images(pictures(1), tmp_path / "file" / "sheet.png", [0])
    with pytest.raises(UserError, match="PNG"):
        write_images(pictures(1), tmp_path / "sheet.jpg", [0])
    for name in ("none.png", "none"):
        with pytest.raises(UserError, match="count is 0"):
            write_images([], tmp_path / name, [])
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_sheet_that_nothing_could_open_is_refused_before_it_is_drawn(tmp_path: Path) -> None:
    drawn: list[int] = []

    def draw() -> Iterator[np.ndarray]:
        for image in pictures(3, 64, 64):
            drawn.append(1)
            yield image

    with pytest.raises(UserError, match="one sheet holds 1 such images, not 3"):
        write_images(draw(), tmp_path / "sheet.png", range(3), scale=256)
    assert len(drawn) == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_what_is_no_image_is_not_written(pixels: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an image is uint8"):
        save_png(pixels, tmp_path / "x.png", {})
    assert not list(tmp_path.iterdir())
