"""The second family of pictures: characters put together from packed traits, and what depends on their kind."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan import assets
from gan.adversarial import command
from gan.cli import main
from gan.data import characters, procedural
from gan.data.characters import render
from gan.errors import Cancelled, UserError
from gan.loading import load
from gan.measure.real import FIRST_SEED, real_pool

TRAITS = Path(__file__).parents[3] / "shared" / "data" / "nouns-traits"


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("gan.data.procedural.cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_a_seed_is_one_image_whatever_it_is_drawn_with() -> None:
    together = render([7, 8, 9], 64)
    assert together.shape == (3, 64, 64, 3) and together.dtype == np.uint8
    np.testing.assert_array_equal(render([8], 64)[0], together[1])
    assert len(np.unique(render(range(300), 32).reshape(300, -1), axis=0)) == 300


@pytest.mark.parametrize("resolution", [32, 64, 96, 128])
def test_pixels_are_crisp_at_every_size(resolution: int) -> None:
    factor = resolution // 32
    drawn = render(range(4), resolution)
    np.testing.assert_array_equal(drawn, drawn[:, ::factor, ::factor].repeat(factor, axis=1).repeat(factor, axis=2))
    np.testing.assert_array_equal(drawn[:, ::factor, ::factor], render(range(4), 32))


@pytest.mark.parametrize("resolution", [0, 16, 48, 100, 2048])
def test_other_sizes_are_refused(resolution: int) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        render([0], resolution)


def test_backgrounds_vary_softly() -> None:
    corners = render(range(400), 32)[:, 0, 31].astype(int)
    assert len(np.unique(corners, axis=0)) > 200
    assert corners.min() > 80 and (corners.max(axis=1) - corners.min(axis=1)).max() < 100, "no ground is dark or loud"


def test_every_pair_of_glasses_is_drawn_on_top() -> None:
    colours, layers = characters._traits()
    images = render(range(400), 32)
    worn = [(images[:, glasses > 0] == colours[glasses[glasses > 0]]).all((1, 2)).sum() for glasses in layers[-1]]
    assert sum(worn) == 400 and min(worn) > 5


def test_the_atlas_is_the_original_without_loss() -> None:
    if not TRAITS.is_dir():
        pytest.skip("the original traits are not here")
    colours, layers = characters._traits()
    names = json.loads((assets.root() / "characters-traits" / "traits.json").read_text(encoding="utf-8"))["layers"]
    for (layer, stems), tiles in zip(names.items(), layers, strict=True):
        (folder,) = TRAITS.glob(f"*-{layer}")
        assert [path.stem for path in sorted(folder.glob("*.png"))] == stems
        for stem, tile in zip(stems, tiles, strict=True):
            original = np.asarray(Image.open(folder / f"{stem}.png").convert("RGBA"))
            np.testing.assert_array_equal(original[..., 3] > 0, tile > 0)
            np.testing.assert_array_equal(original[tile > 0][:, :3], colours[tile[tile > 0]])


def test_the_traits_are_no_generator_and_say_where_they_come_from() -> None:
    assert "characters-traits" not in assets.names()
    notice = (assets.root() / "characters-traits" / "NOTICE.md").read_text(encoding="utf-8")
    assert "nounsDAO/nouns-monorepo" in notice and "86a781e" in notice and "CC0" in notice


def test_a_pool_is_drawn_once(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[float, str]] = []
    first = procedural.pool("characters", 300, 32, 50, lambda *step: told.append(step))
    np.testing.assert_array_equal(first[260], render([310], 32)[0])
    assert told[-1][0] == 1.0 and len(told) == 2
    procedural.pool("characters", 300, 32, 50, lambda *step: told.append(step))
    assert len(told) == 2


def test_a_drawing_that_is_cancelled_leaves_nothing(own_cache: Path) -> None:
    asked: list[int] = []

    def cancel() -> bool:
        asked.append(1)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        procedural.pool("characters", 600, 32, cancel=cancel)
    assert len(asked) == 2 and not [path for path in own_cache.rglob("*") if path.is_file()]


def test_a_damaged_pool_is_drawn_anew(own_cache: Path) -> None:
    first = np.array(procedural.pool("characters", 20, 32))
    (kept,) = own_cache.glob("*.npy")
    for damage in (b"", b"no array", kept.read_bytes()[:-7]):
        kept.write_bytes(damage)
        np.testing.assert_array_equal(procedural.pool("characters", 20, 32), first)


def test_a_cache_that_cannot_be_written_is_done_without(own_cache: Path) -> None:
    own_cache.write_text("a file stands where the folder should be", encoding="utf-8")
    np.testing.assert_array_equal(procedural.pool("characters", 20, 32), render(range(20), 32))
    measured = real_pool({"kind": "characters"}, 32, 40)
    assert len(measured) == len(measured.features) == 40


def test_kinds_by_name() -> None:
    assert procedural.kind_of("procedural:characters") == "characters"
    assert procedural.kind_of("procedural") is None and procedural.kind_of(Path("C:pictures")) is None
    with pytest.raises(UserError, match="procedural:scenes"):
        procedural.kind_of("procedural:cats")


def test_measuring_knows_the_kind(own_cache: Path) -> None:
    pool = real_pool({"kind": "characters"}, 32, 40)
    np.testing.assert_array_equal(pool.images, render(range(FIRST_SEED, FIRST_SEED + 40), 32))


def test_training_on_characters(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PROCEDURAL_POOL", 64)
    torch.manual_seed(0)
    command.run("procedural:characters", tmp_path / "model", kimg=0.05, resolution=32, device="cpu")
    card = load(str(tmp_path / "model"), device="cpu").card
    assert card["data"] == {"kind": "characters", "count": 64}
    assert card["pixel_art"] is True and card["licence"] == "CC0-1.0"
    assert card["training"]["mirror"] is False, "a mirrored character is none of them"


def test_the_command_draws_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["scenes", "--kind", "characters", "--count", "2", "--seed", "5", "--resolution", "64"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    for file, image in zip(sorted((tmp_path / "out").iterdir()), render([5, 6], 64), strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(file)), image)
    assert main([*words[:-1], "48", "--out", str(tmp_path / "no")]) == 2
    assert "multiple of 32" in capsys.readouterr().err
