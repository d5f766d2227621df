"""The studio's commands without a window, on a real project and a small untrained generator."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backend_support import small_bundle
from scorer_package import install_into

from studio.project.store import NewImage, Project
from studio.worker import headless


@pytest.fixture(autouse=True)
def _small_pools(monkeypatch):
    """What a first round waits for is not what is tested here."""
    monkeypatch.setattr("gan.preparing.ENOUGH", 1024)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return small_bundle(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture
def rated(tmp_path, bundle) -> Path:
    """A project with 24 images, rated by brightness."""
    import gan
    from gan.networks import latents

    model = gan.load(bundle)
    z = latents(range(24), model.z_dim)
    order = np.argsort(np.argsort(model.sample(range(24)).mean(axis=(1, 2, 3))))
    with Project(tmp_path / "p", model=str(bundle), seed=5) as project:
        grid = project.add_grid(
            [NewImage(row.tobytes(), "random", seed, 16, 16) for seed, row in enumerate(z.numpy())]
        )
        for image, rank in zip(grid.images, order, strict=True):
            project.rate(image, "stars", int(rank) * 5 // 24 + 1)
    return tmp_path / "p"


def test_tune_and_export(rated, tmp_path, capsys):
    import gan

    assert (
        headless.main(["tune", "--project", str(rated), "--rounds", "2", "--steps", "18", "--device", "cpu"])
        == 0
    )
    told = capsys.readouterr()
    with Project(rated, create=False) as project:
        checkpoints = project.checkpoints()
        assert checkpoints and project.current_checkpoint() == checkpoints[-1]
        for number, checkpoint in enumerate(checkpoints, 1):
            assert checkpoint.round == number and checkpoint.path.is_file()
            assert str(checkpoint.path) in told.out and 1 <= checkpoint.metrics["steps"] <= 18
        assert [c.parent for c in checkpoints] == [None, *(c.id for c in checkpoints[:-1])]
        kinds = [event.kind for event in project.log() if event.kind in ("taught", "checkpoint")]
        assert kinds[:2] == ["taught", "checkpoint"]

    out = tmp_path / "mine"
    assert headless.main(["export", "--project", str(rated), "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    with Project(rated, create=False) as project:
        model = project.model
    exported, untuned = gan.load(out), gan.load(model)
    assert exported.adapter is not None
    assert not np.array_equal(exported.sample(range(8)), untuned.sample(range(8)))


def test_tune_goes_by_the_projects_dials_and_those_turned_now(rated, monkeypatch):
    from gan.rewards import RewardWeights
    from gan.session import TuningSession
    from studio.worker import teaching

    asked: list[tuple[RewardWeights, float]] = []

    def run_round(session, steps, cancel, strength):
        asked.append((session._weights, strength))
        raise teaching.UserError("enough for a test")

    monkeypatch.setattr(TuningSession, "run_round", run_round)
    with Project(rated, create=False) as project:
        project.set_meta(weights={"strength": 4.0, "realism": 2.0, "contrast": -1.0, "of another version": 1.0})
    tune = ["tune", "--project", str(rated), "--device", "cpu"]
    headless.main(tune)
    headless.main([*tune, "--strength", "1", "--weights", "warmth=1.5", "contrast=0"])
    usual = RewardWeights()
    (kept, far), (now, near) = asked
    assert (far, near) == (1.0, 0.5)
    assert (kept.realism, kept.contrast, kept.taste) == (2.0 * usual.realism, -0.5, usual.taste)
    assert (now.realism, now.contrast, now.warmth) == (2.0 * usual.realism, 0.0, 0.75)


def test_tune_asks_a_scorer_that_is_installed(rated, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(install_into(tmp_path / "installed")))
    tune = ["tune", "--project", str(rated), "--device", "cpu", "--steps", "4"]
    assert headless.main([*tune, "--weights", "scorer:reddest=2"]) == 0
    assert capsys.readouterr().out
    assert headless.main([*tune, "--weights", "scorer:broken=1"]) == 2
    assert "the scorer 'broken' failed: RuntimeError: the weights are missing" in capsys.readouterr().err


def test_help_names_every_term(capsys):
    from gan.rewards import RewardWeights

    with pytest.raises(SystemExit):
        headless.main(["tune", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert [term for term in {**vars(RewardWeights()), "scorer:NAME": 0} if term != "outside" and term not in told] == []
    assert "typicality, caution (usually 0)" in told


def test_dials_that_a_person_gets_wrong_are_one_line(rated, capsys):
    terms = "no reward term named variety; there are taste, realism, novelty, typicality, caution, sharpness,"
    for weights, said in (("warmth", "not TERM=FACTOR"), ("warmth=a", "not a number"), ("variety=1", terms)):
        tune = ["tune", "--project", str(rated), "--device", "cpu", "--weights", weights]
        try:
            code = headless.main(tune)
        except SystemExit as stopped:
            code = stopped.code
        told = capsys.readouterr().err.strip()
        assert code == 2 and said in told and "\n" not in told


def test_a_project_in_use_is_refused(rated, capsys):
    with Project(rated, create=False):
        assert headless.main(["tune", "--project", str(rated)]) == 2
    error = capsys.readouterr().err
    assert (
        error.startswith("tastemaker: ") and "open in another Tastemaker" in error and error.count("\n") == 1
    )


def test_what_a_person_can_get_wrong_is_one_line(rated, tmp_path, capsys, bundle):
    with Project(tmp_path / "empty", model=str(bundle)):
        pass
    with Project(tmp_path / "lost", model="no-such-generator"):
        pass
    for arguments, words in (
        (["tune", "--project", str(tmp_path / "nowhere")], "not a Tastemaker project"),
        (["tune", "--project", str(tmp_path / "empty")], "too few ratings"),
        (["tune", "--project", str(tmp_path / "lost")], "no-such-generator"),
        (["tune", "--project", str(rated), "--device", "warp9"], "warp9"),
        (
            ["export", "--project", str(tmp_path / "nowhere"), "--out", str(tmp_path / "o")],
            "not a Tastemaker project",
        ),
    ):
        assert headless.main(arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("tastemaker: ") and words in error and error.count("\n") == 1
    both = ["export", "dreamscapes", "--project", str(rated), "--out", str(tmp_path / "x")]
    assert headless.main(both) == 2
    assert capsys.readouterr().err == "tastemaker: name a MODEL or --project, not both\n"
    with pytest.raises(SystemExit):
        headless.main(["tune", "--project", "p", "--bogus", "1"])
    assert capsys.readouterr().err == "tastemaker: unrecognized arguments: --bogus 1 (tastemaker tune --help tells more)\n"
    for arguments in (["tune"], ["tune", "--project", "p", "--rounds", "0"], ["export", "--project", "p"]):
        with pytest.raises(SystemExit) as ended:
            headless.main(arguments)
        assert ended.value.code == 2 and capsys.readouterr().err.startswith("tastemaker: ")


def test_a_checkpoint_that_cannot_be_written_changes_nothing(rated):
    from gan.errors import UserError
    from studio.worker.opening import opening
    from studio.worker.sessions import open_session
    from studio.worker.teaching import teach

    with Project(rated, create=False) as project:
        session = open_session(opening(project, "cpu"), "cpu")
        before = session.strip(range(4))[1]
        (rated / "file").write_text("x")
        with pytest.raises(UserError, match="could not be saved"):
            teach(session, rated / "file" / "c.safetensors", steps=18)
        with pytest.raises(UserError, match=r"could not be saved \(no such file"):
            teach(session, rated / "moved" / "checkpoints" / "c.safetensors", steps=2)
        assert not (rated / "moved").exists(), "a project that was moved can be put back"
        np.testing.assert_array_equal(session.strip(range(4))[1], before)
        assert project.checkpoints() == ()


def test_neither_qt_nor_a_window_is_needed():
    code = (
        "import sys; sys.modules['PySide6'] = None; import studio.worker.headless, studio.worker.teaching,"
        " studio.worker.sessions; print('ok')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "ok\n"


@pytest.mark.parametrize("known", ["hash", "images", "nothing"])
def test_a_generator_that_was_moved_is_found_again_and_no_other_is_taken(rated, bundle, tmp_path, capsys, known):
    from backend_support import small_bundle

    import gan

    other = small_bundle(tmp_path / "other", seed=1)
    model = gan.load(bundle)
    with Project(rated, create=False) as project:
        ratings = project.opinions()
        gone = tmp_path / "gone" / "small"
        project.set_meta(model=str(gone))
        if known == "hash":
            project.set_meta(model_hash=model.hash)
        elif known == "images":
            for image, pixels in zip(range(1, 25), model.sample(range(24)), strict=True):
                project.save_pixels(image, pixels.tobytes(), 16, 16)
    export = ["export", "--project", str(rated), "--format", "sheet", "--seeds", "0-7", "--out"]
    assert headless.main([*export, str(tmp_path / "a")]) != 0
    assert f"generator is missing: {gone}" in capsys.readouterr().err
    if known != "nothing":
        assert headless.main([*export, str(tmp_path / "b"), "--generator", str(other)]) != 0
        assert "is not this project's" in capsys.readouterr().err
        with Project(rated, create=False) as project:
            assert project.model == str(gone) and not (tmp_path / "b").exists()
    assert headless.main([*export, str(tmp_path / "c"), "--generator", str(bundle)]) == 0
    assert headless.main([*export, str(tmp_path / "d")]) == 0, "it is remembered"
    with Project(rated, create=False) as project:
        assert (project.model, project.meta("model_hash")) == (str(bundle), model.hash)
        assert project.opinions() == ratings
