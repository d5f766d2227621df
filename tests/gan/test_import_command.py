"""`tastemaker import`, and what bundles of foreign generators refuse."""

import json
from pathlib import Path
from typing import Any

import foreign_torch as foreign
import numpy as np
import pytest
import torch
from PIL import Image

import gan
from gan import assets, cli
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.importing import import_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stranger.pth"
    torch.manual_seed(0)
    torch.save({"netG": foreign.dcgan(5, 3, 128, stem=True, width=2).state_dict()}, path)
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    try:
        code = cli.main(["import", *map(str, words)])
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_it_writes_a_bundle_and_says_what_is_open(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, file, "--out", tmp_path / "mine")
    assert code == 0
    assert out.splitlines()[0].startswith("DCGAN, 128 px, colour, 10 latents") and out.splitlines()[
        -1
    ] == str(tmp_path / "mine")
    assert "netG" in out and "realism is not judged" in out
    assert "* --set geometry=4-8-16-32-64-128 " in err and "  --set geometry=" in err
    model = gan.load(tmp_path / "mine")
    assert model.name == "mine" and model.sample([0]).shape == (1, 128, 128, 3)
    assert model.card["imported"]["file"] == "stranger.pth"


def test_an_answer_that_a_bundle_does_not_ask_for_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, assets.bundled("dreamscapes"), "--set", "pior=normal", "--out", tmp_path / "mine")
    assert code == 2 and "pior" in err and not out and not (tmp_path / "mine").exists()
    assert run(capsys, assets.bundled("dreamscapes"), "--trust-program")[0] == 0


def test_trust_that_is_not_needed_is_no_mistake(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, file, "--trust-program", "--yes")
    assert (code, err) == (0, "") and out.startswith("DCGAN")


def test_a_preview_is_a_png(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, file, "--preview", tmp_path / "sheet.jpg")
    assert code == 2 and "sheet.jpg" in err and not (tmp_path / "sheet.jpg").exists()


def test_answers(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    question = next(q for q in import_file(file).questions if q.key == "geometry")
    other = question.options[1].value
    code, _, err = run(
        capsys, file, "--out", tmp_path / "other", "--set", f"geometry={other}", "--set", "order=bgr"
    )
    assert code == 0 and "geometry" not in err
    config = gan.load(tmp_path / "other").generator.config
    assert config.order == "bgr" and config.resolution == int(other.split("-")[-1])
    assert run(capsys, file, "--out", tmp_path / "quiet", "--yes")[2] == ""


def test_a_description_alone(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, file)
    assert code == 0 and "DCGAN" in out and "--set prior=uniform" in err
    assert sorted(tmp_path.iterdir()) == [file]


def test_a_preview(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(foreign.mlp((4, 16, 784)).state_dict(), tmp_path / "g.pth")
    code, out, _ = run(capsys, tmp_path / "g.pth", "--preview", tmp_path / "sheet.png")
    assert code == 0 and str(tmp_path / "sheet.png") in out
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.width >= 640 and picture.height > 400
        pixels = np.asarray(picture.convert("L"), dtype=float)
    assert pixels.std() > 5  # text and images on the ground


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["FILE", "--set", "geometry"], "KEY=VALUE"),
        (["FILE", "--set", "geometry=9-9"], "geometry cannot be '9-9'; it can be"),
        (["FILE", "--set", "size=64"], "no question 'size'"),
        (["FILE", "--out", "TAKEN"], "not empty"),
        (["missing.pth", "--out", "x"], "no such file"),
        ([], "FILE"),
        (["FILE", "--nonsense"], "nonsense"),
    ],
)
def test_mistakes(
    words: list[str], said: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("mine")
    places = {"FILE": str(file), "TAKEN": str(taken)}
    code, _, err = run(capsys, *(places.get(word, word) for word in words))
    assert code == 2 and said in err and err.startswith("tastemaker: ") and len(err.splitlines()) == 1
    assert (taken / "letter.txt").read_text() == "mine"


def test_a_bundle_is_replaced(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, file, "--out", tmp_path / "mine")[0] == 0
    before = gan.load(tmp_path / "mine")
    assert run(capsys, file, "--out", tmp_path / "mine", "--set", "prior=uniform")[0] == 0
    after = gan.load(tmp_path / "mine")
    assert after.generator.config.prior == "uniform"
    assert after.hash != before.hash  # the same weights, other images


def test_a_trained_generator_is_not_replaced(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, file, "--out", tmp_path / "mine")[0] == 0
    (tmp_path / "mine" / "training.pt").touch()
    before = gan.load(tmp_path / "mine").hash
    code, _, err = run(capsys, file, "--out", tmp_path / "mine", "--set", "prior=uniform")
    assert code == 2 and "was trained here; name a new folder" in err and len(err.splitlines()) == 1
    assert gan.load(tmp_path / "mine").hash == before


def test_a_file_given_as_a_model_says_how_to_import_it(file: Path) -> None:
    with pytest.raises(UserError, match="tastemaker import"):
        gan.load(file)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"prior": "pareto"}, "none of normal, uniform"),
        ({"renamed": 1}, "renamed"),
        ({"image_channels": 2}, "2 image channels"),
        ({"layers": []}, "layers"),
        ({"layers": [7]}, "not an object"),
        ({"layers__0__slope": "steep"}, "not a number"),
        ({"layers__0__slope": float("nan")}, "not a number"),
        ({"layers__0__name": "x" * 1000}, "name"),
        ({"layers__0__padding": -1}, "0.."),
        ({"layers__0__kernel": 10**9}, "kernel"),
        ({"layers__1__stride": 5}, "damaged"),
        ({"layers__0__outputs": 65535}, "damaged"),
        ({"layers__0__shape": [1, 2]}, "shape"),
        ({"layers__0__shape": [1, 2, 3]}, "fold"),
        ({"layers__0__more": 1}, "more"),
    ],
)
def test_configurations_of_layers_are_checked(change: dict[str, Any], word: str, tmp_path: Path) -> None:
    torch.save(foreign.dcgan(4, 3, 32, stem=True, width=2).state_dict(), tmp_path / "g.pth")
    bundle.save(import_file(tmp_path / "g.pth").model, tmp_path / "mine")
    path = tmp_path / "mine" / "config.json"
    config = json.loads(path.read_text())
    for key, value in change.items():
        inner = config["generator"]
        *way, last = (int(step) if step.isdigit() else step for step in key.split("__"))
        for step in way:
            inner = inner[step]
        inner[last] = value
    path.write_text(json.dumps(config))
    with pytest.raises(UserError, match=word) as caught:
        bundle.load(tmp_path / "mine")
    assert "\n" not in str(caught.value)
