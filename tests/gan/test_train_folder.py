"""`tastemaker train` on a folder of a person's pictures."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gan
from gan.cli import main
from gan.data.characters import render
from gan.data.pixel_art import square_side


def test_a_folder_is_reported_on_trained_on_and_compared_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gan.data.folder.cache_folder", lambda: tmp_path / "cache")
    folder, out = tmp_path / "pictures", tmp_path / "model"
    folder.mkdir()
    for number, pixels in enumerate(render(range(10), 32)):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    Image.fromarray(pixels).save(folder / "again.bmp")
    (folder / "phone.heic").write_bytes(b"x")
    words = ["train", "--images", str(folder), "--out", str(out), "--kimg", "0.03", "--resolution", "32", "--device", "cpu"]
    assert main([*words, "--leave-out", "3.png", "4.png", "none.png", str(folder / "5.png")]) == 0
    said = capsys.readouterr().err
    assert "8 pictures, 1 found twice, 1 skipped, 2 left out" in said
    assert f"Not in {folder}, so not left out: none.png, {folder / '5.png'}" in said
    assert "phone.heic: HEIC files are not read" in said and "Only 8 pictures" in said
    assert "of 64 samples look copied" in said
    card = json.loads((out / "config.json").read_text(encoding="utf-8"))["card"]
    assert card["data"] == {"kind": "folder", "count": 8}
    with Image.open(out / "nearest.png") as sheet:
        pairs = np.asarray(sheet)[:32, :64]
    pictures = [np.asarray(Image.open(folder / f"{number}.png")) for number in (0, 1, 2, 5, 6, 7, 8, 9)]
    assert any((pairs[:, 32:] == one).all() or (pairs[:, 32:] == one[:, ::-1]).all() for one in pictures)


def test_a_folder_that_is_a_link_to_itself_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert main(["train", "--images", str(tmp_path / "loop"), "--out", str(tmp_path / "model"), "--device", "cpu"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("tastemaker: ")] == [f"tastemaker: no such folder: {tmp_path / 'loop'}"]


@pytest.mark.parametrize("side", [16, pytest.param(32, marks=pytest.mark.slow)])
def test_pixel_art_is_learnt_as_pixel_art(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], side: int
) -> None:
    monkeypatch.setattr("gan.data.folder.cache_folder", lambda: tmp_path / "cache")
    folder, out = tmp_path / "pictures", tmp_path / "model"
    folder.mkdir()
    for number, pixels in enumerate(render(range(10), 32)):
        Image.fromarray(pixels[:: 32 // side, :: 32 // side]).save(folder / f"{number}.png")
    words = ["train", "--images", str(folder), "--out", str(out), "--kimg", "0.03", "--device", "cpu"]
    for start in ((), ("--from", "characters"), ("--from", "none")):
        assert main([*words, *start]) == 0
        said = capsys.readouterr().err
        assert ("Starting from characters" in said) == (not start)
        assert f"Pixel art: {side} x {side} squares of one colour, which will be drawn with hard edges." in said
        assert ("characters gives" in said) == ("none" not in start and side < 32)
        model = gan.load(out)
        assert model.card["pixel_art"] and model.resolution == 64
        assert square_side(model.sample(range(8))) == 64 // side
        assert main([*words, "--kimg", "0.06"]) == 0  # going on: nothing is chosen anew
        said = capsys.readouterr().err
        assert "Going on" in said and "Starting from" not in said
        shutil.rmtree(out)
    assert main([*words, "--from", "dreamscapes"]) == 0  # which draws no squares
    assert "Pixel art" not in capsys.readouterr().err
    assert not gan.load(out).card["pixel_art"]


def test_a_run_that_goes_on_does_not_learn_from_its_own_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gan.data.folder.cache_folder", lambda: tmp_path / "cache")
    folder, out = tmp_path / "pictures", tmp_path / "pictures" / "model"
    folder.mkdir()
    for number, pixels in enumerate(render(range(10), 32)):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    words = ["train", "--images", str(folder), "--out", str(out), "--device", "cpu", "--resolution", "32", "--snapshots", "0.01"]
    for kimg in ("0.03", "0.06"):
        assert main([*words, "--kimg", kimg]) == 0
    assert list(out.glob("snapshots/*/samples.png")) and "10 pictures" in capsys.readouterr().err
    card = json.loads((out / "config.json").read_text(encoding="utf-8"))["card"]
    assert card["data"] == {"kind": "folder", "count": 10}
