"""What a project gives to an export, and how the worker and the command line write it."""

import csv
import json
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
from backend_support import pump, small_bundle
from PIL import Image

from gan.errors import Cancelled
from studio.project.store import NewImage, Project
from studio.worker import exporting, exports, headless
from studio.worker import messages as m
from studio.worker.inbox import Inbox, Outbox
from studio.worker.opening import opening
from studio.worker.sessions import open_session


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bundle(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture
def rated(tmp_path: Path, bundle: Path) -> Path:
    """A project with 16 images: stars 1 to 5 in turn, one rejected, one tagged, one seen only."""
    from gan.networks import latents

    with Project(tmp_path / "p", model=str(bundle), seed=5) as project:
        z = latents(range(16), 8).numpy()
        grid = project.add_grid([NewImage(row.tobytes(), "random", None, 16, 16) for row in z])
        for number, image in enumerate(grid.images[:15]):
            project.rate(image, "stars", 1 + number % 5)
        project.rate(grid.images[4], "reject")
        project.rate(grid.images[9], "tag", text="dawn")
        project.rate(grid.images[9], "label", 3)
    return tmp_path / "p"


def test_a_command_holds_what_the_project_knows(rated: Path) -> None:
    with Project(rated, create=False) as project:
        command = exports.command(project, "/out", {"format": "images"})
        assert len(command.rows) == 15 and command.log == ()  # the image that was only seen is no favourite
        tagged = next(row for row in command.rows if row.tags)
        assert (tagged.stars, tagged.tags, tagged.label, tagged.why) == (5, ("dawn",), 3, "random")
        assert tagged.rated is not None and tagged.created is not None and tagged.rated >= tagged.created
        everything = exports.command(project, "/out", {"format": "dataset"})
        assert len(everything.rows) == 16 and everything.rows[-1].rated is None
        assert [event["kind"] for event in everything.log].count("stars") == 15
        assert exports.command(project, "/out", {"format": "onnx"}).rows == ()
        assert exports.command(project, "/out", {"format": "sheet"}, seeds=(1, 2)).rows == ()


def test_the_command_line_writes_favourites_a_sheet_and_a_data_set(
    rated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(kind: str, *more: str) -> Path:
        out = tmp_path / kind
        words = ["export", "--project", str(rated), "--out", str(out), "--format", kind, *more]
        assert headless.main(words) == 0, capsys.readouterr().err
        assert str(out) in capsys.readouterr().out
        return out

    images = run("images", "--least-stars", "5", "--image-format", "jpeg", "--scale", "2")
    found = sorted(images.iterdir())
    assert len(found) == 2  # three with five stars, one of them rejected
    with Image.open(found[0]) as image:
        assert image.size == (32, 32)
        assert image.getxmp()["xmpmeta"]["RDF"]["Description"]["Rating"] == "5"
    with open(run("dataset") / "ratings.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [line["rating"] for line in table][:6] == ["1", "2", "3", "4", "-1", "1"] and len(table) == 16
    with Image.open(run("sheet", "--seeds", "0-3") / "sheet.png") as sheet:
        assert sheet.size == (34, 34)
    with Project(rated, create=False) as project:
        formats = [event.extra["format"] for event in project.log() if event.kind == "export"]
    assert formats == ["images", "dataset", "sheet"]
    for words, reason in (
        (
            ["--format", "video", "--least-stars", "5", "--seconds", "600", "--fps", "60"],
            "frames are too many",
        ),
        (["--format", "state_dict"], "tastemaker: small has no state_dict of its own"),
        (["--format", "dataset", "--seeds", "0-3"], "--seeds is for --format images, sheet and video, not for dataset"),
    ):
        assert headless.main(["export", "--project", str(rated), "--out", str(tmp_path / "no"), *words]) == 2
        error = capsys.readouterr().err
        assert error.startswith("tastemaker: ") and reason in error and error.count("\n") == 1
    assert not (tmp_path / "no").exists()


def test_pictures_are_written_without_learning_the_taste(
    rated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gan.session import TuningSession

    monkeypatch.setattr(TuningSession, "scorer", property(lambda session: pytest.fail("the taste was asked for")))
    for kind in ("images", "sheet", "dataset"):
        out = tmp_path / kind
        assert headless.main(["export", "--project", str(rated), "--out", str(out), "--format", kind]) == 0
        assert any(out.iterdir())


def test_the_card_says_how_well_the_taste_is_known(rated: Path, tmp_path: Path) -> None:
    import torch

    with Project(rated, create=False) as project:
        session = open_session(opening(project, "cpu"), "cpu")
        command = exports.command(project, str(tmp_path / "out"), {"format": "onnx"})
    with torch.no_grad():
        for value in session.adapter.parameters():
            value.normal_(std=0.1)
    model = exporting.described(session, "mine", 0.46)
    tuning = model.card["tuning"]
    assert tuning["like_rate_predicted"] == 0.46 and tuning["like_rate_predicted_untuned"] == 0.2
    assert tuning["ratings"] == 15 and "guesses_right" in tuning
    from gan.formats.card import render

    text = render(model)
    assert "- Like rate predicted: 0.46" in text and "- Guesses right: " in text
    with pytest.raises(Cancelled):
        exporting.export(session, command, cancel=lambda: True)
    assert not (tmp_path / "out").exists()


def test_a_cancelling_is_heard_while_the_worker_is_busy_and_only_for_the_export_before_it() -> None:
    here, there = Pipe()
    inbox = Inbox(there, Outbox(there))
    here.send(m.Export("/out"))
    here.send(m.CancelExport())
    pump(lambda: inbox.export_cancelled, seconds=20)
    assert inbox.next(1.0) == m.Export("/out")
    here.send(m.Export("/other"))
    pump(lambda: not inbox.export_cancelled, seconds=20)
    assert inbox.next(1.0) == m.Export("/other")
    here.close()
    pump(lambda: inbox.ended, seconds=20)


def test_latents_survive_the_way_to_the_library(rated: Path) -> None:
    with Project(rated, create=False) as project:
        command = exports.command(project, "/out", {"format": "dataset"})
        stored = project.images()
    rows = [exporting.rated(row) for row in command.rows]
    for row, image in zip(rows, stored, strict=True):
        np.testing.assert_array_equal(row.latent, np.frombuffer(image.latent, "<f4"))
    assert json.dumps(command.log)  # plain JSON
