"""The commands as a script meets them: what they write, what they print, and one line with a non-zero exit for each mistake."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan import cli, doctor
from gan.errors import Cancelled, UserError
from gan.formats import bundle
from gan.model import Model
from gan.options import FAILED
from gan.terminal import Progress, duration

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def model_folder(small_model: Callable[..., Model], tmp_path: Path) -> Path:
    bundle.save(small_model(), tmp_path / "small")
    return tmp_path / "small"


def run(*words: str | Path) -> int:
    try:
        return cli.main([str(word) for word in words])
    except SystemExit as end:  # argparse's way out
        assert isinstance(end.code, int)
        return end.code


def mistake(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The one line that a failing command prints."""
    capsys.readouterr()
    assert run(*words) == FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("tastemaker: ") and said.err.count("\n") == 1, said.err
    return said.err.removeprefix("tastemaker: ").strip()


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


# ------------------------------------------------------------------------------------------------------- sample, scenes


def test_sample_writes_a_folder_with_one_image_per_seed(model_folder: Path, tmp_path: Path, small_model: Callable[..., Model]) -> None:
    assert run("sample", model_folder, "--count", 3, "--seed", 40, "--out", tmp_path / "images", "--device", "cpu") == 0
    files = sorted((tmp_path / "images").iterdir())
    assert [file.suffix for file in files] == [".png"] * 3
    expected = small_model().sample([40, 41, 42])
    for file, image in zip(files, expected, strict=True):
        np.testing.assert_array_equal(pixels(file), image)


def test_sample_writes_one_sheet(model_folder: Path, tmp_path: Path, small_model: Callable[..., Model]) -> None:
    sheet = tmp_path / "sheet.png"
    assert run("sample", model_folder, "--count", 4, "--seed", 7, "--out", sheet, "--device", "cpu") == 0
    drawn = pixels(sheet)
    np.testing.assert_array_equal(drawn[:16, :16], small_model().sample([7])[0])
    np.testing.assert_array_equal(drawn[-16:, -16:], small_model().sample([10])[0])


def test_many_images_are_the_same_as_few(model_folder: Path, tmp_path: Path) -> None:
    run("sample", model_folder, "--count", 70, "--out", tmp_path / "many", "--device", "cpu")
    run("sample", model_folder, "--count", 2, "--seed", 68, "--out", tmp_path / "two", "--device", "cpu")
    many, two = sorted((tmp_path / "many").iterdir()), sorted((tmp_path / "two").iterdir())
    assert len(many) == 70
    for one, other in zip(many[68:], two, strict=True):
        assert one.name == other.name
        assert np.abs(pixels(one).astype(int) - pixels(other)).max() <= 1


def test_scenes_are_the_renderers(tmp_path: Path) -> None:
    from gan.data.scenes import render

    assert run("scenes", "--count", 2, "--seed", 5, "--resolution", 32, "--out", tmp_path / "scenes") == 0
    files = sorted((tmp_path / "scenes").iterdir())
    for file, image in zip(files, render([5, 6], 32), strict=True):
        np.testing.assert_array_equal(pixels(file), image)


def test_an_image_says_where_it_comes_from(model_folder: Path, tmp_path: Path, small_model: Callable[..., Model]) -> None:
    run("sample", model_folder, "--count", 1, "--seed", 3, "--truncation", 0.5, "--out", tmp_path / "images", "--device", "cpu")
    with Image.open(next((tmp_path / "images").iterdir())) as image:
        image.load()
        line = image.text["parameters"]  # type: ignore[attr-defined]
    assert "Seed: 3" in line and small_model().hash in line and "Truncation: 0.5" in line


# --------------------------------------------------------------------------------------------------------- the mistakes


def test_unknown_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "nowhere" in mistake(capsys, "sample", "nowhere", "--out", tmp_path / "x.png")
    assert "config.json" in mistake(capsys, "sample", tmp_path, "--out", tmp_path / "x.png")


def test_corrupt_model(capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path) -> None:
    weights = model_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "model.safetensors" in mistake(capsys, "sample", model_folder, "--out", tmp_path / "x.png")
    (model_folder / "config.json").write_text("{", encoding="utf-8")
    assert "config.json" in mistake(capsys, "sample", model_folder, "--out", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_model_from_a_newer_version(capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path) -> None:
    config = json.loads((model_folder / "config.json").read_text(encoding="utf-8"))
    (model_folder / "config.json").write_text(json.dumps({**config, "version": 99}), encoding="utf-8")
    assert "newer" in mistake(capsys, "export", model_folder, "--out", tmp_path / "x")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cpu:x", "meta"])
def test_unknown_device(capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path, device: str) -> None:
    assert device in mistake(capsys, "sample", model_folder, "--out", tmp_path / "x.png", "--device", device)
    assert device in mistake(capsys, "train", "--images", "procedural:scenes", "--out", tmp_path / "m", "--device", device)


def test_a_folder_without_images(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("no picture", encoding="utf-8")
    train = ("train", "--from", "none", "--device", "cpu", "--out", tmp_path / "m", "--images")
    assert "folder" in mistake(capsys, *train, tmp_path / "folder")
    assert "missing" in mistake(capsys, *train, tmp_path / "missing")
    assert "notes.txt" in mistake(capsys, *train, tmp_path / "folder" / "notes.txt")
    (tmp_path / "folder" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    assert "folder" in mistake(capsys, *train, tmp_path / "folder")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("raise RuntimeError('no taste today')", "no taste today"),
        ("def utility(images): raise KeyError('warmth')", "warmth"),
        ("def utility(images): return images[:2].mean((1, 2, 3))", "utility"),
        ("def utility(images): return 'good'", "utility"),
        ("def utility(images): return [0.0] * len(images)", "same"),
        ("def judge(images): return images.mean((1, 2, 3))", "utility"),
        ("def utility(images:", "SyntaxError"),
    ],
)
def test_a_bad_rater(capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path, code: str, word: str) -> None:
    rater = tmp_path / "rater.py"
    rater.write_text(code + "\n", encoding="utf-8")
    said = mistake(capsys, "simulate", "--model", model_folder, "--rater", rater, "--out", tmp_path / "out", "--device", "cpu")
    assert "rater.py" in said and word in said


def test_no_rater(capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path) -> None:
    said = mistake(capsys, "simulate", "--model", model_folder, "--rater", tmp_path / "gone.py", "--out", tmp_path / "out")
    assert "gone.py" in said


@pytest.mark.parametrize(
    "words",
    [
        ["sample"],
        ["sample", "m", "--out", "x.png", "--count", "0"],
        ["sample", "m", "--out", "x.png", "--count", "many"],
        ["sample", "m", "--out", "x.png", "--seed", "-1"],
        ["sample", "m", "--out", "x.png", "--seed", "4294967296"],
        ["sample", "m", "--out", "x.png", "--truncation", "nan"],
        ["sample", "m", "--out", "x.png", "--cou", "3"],
        ["train", "--images", "x", "--out", "m", "--minutes", "1", "--kimg", "1"],
        ["train", "--images", "x", "--out", "m", "--minutes", "0"],
        ["export", "--out", "x"],
        ["export", "m", "--project", "p", "--out", "x"],
        ["benchmark"],
        ["benchmark", "patience"],
        ["nonsense"],
        [],
    ],
    ids=" ".join,
)
def test_mistyped_commands(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    mistake(capsys, *words)


def test_seeds_end_somewhere(capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path) -> None:
    words = ("sample", model_folder, "--count", 2, "--seed", 2**32 - 1, "--out", tmp_path / "x.png")
    assert "seed" in mistake(capsys, *words)


def test_a_project_is_for_the_studio(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "tastemaker export --project" in mistake(capsys, "export", "--project", tmp_path, "--out", tmp_path / "x")


def test_an_image_format_that_is_not_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "PNG" in mistake(capsys, "scenes", "--count", 1, "--resolution", 16, "--out", tmp_path / "x.jpg")


def test_a_place_that_is_no_folder(capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for words in (
        ("scenes", "--count", 1, "--resolution", 16, "--out", tmp_path / "file" / "x.png"),
        ("scenes", "--count", 1, "--resolution", 16, "--out", tmp_path / "file"),
        ("export", model_folder, "--out", tmp_path / "file"),
    ):
        assert "file" in mistake(capsys, *words)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


# ----------------------------------------------------------------------------------------------------- full and read-only


def limited(bytes_each: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A command in a process that the system allows files of so many bytes: writing fails half-way, as on a full disk."""
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_each}, {bytes_each}))\n"
        "from gan.cli import main; sys.exit(main())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150, check=False)


@pytest.mark.skipif(os.name == "nt", reason="no such limits")
def test_a_write_that_fails_half_way_harms_nothing(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"what was there before")
    done = limited(2000, "scenes", "--count", 16, "--resolution", 32, "--out", sheet)
    assert done.returncode == FAILED
    assert done.stderr.startswith("tastemaker: ") and done.stderr.count("\n") == 1, done.stderr
    assert "sheet.png" in done.stderr
    assert sheet.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [sheet], "nothing half-made stays behind"


@pytest.mark.skipif(os.name == "nt", reason="no such limits")
def test_training_onto_a_full_disk(tmp_path: Path) -> None:
    images = pictures(tmp_path / "images", 8)
    words = ("--resolution", "32", "--from", "none", "--device", "cpu", "--kimg", "0.032")
    done = limited(1_000_000, "train", "--images", images, "--out", tmp_path / "model", *words)
    assert done.returncode == FAILED
    assert done.stderr.splitlines()[-1].startswith(f"tastemaker: {tmp_path / 'model' / 'training.pt'}: file too large"), done.stderr
    assert done.stderr.count("tastemaker:") == 1 and "Traceback" not in done.stderr
    assert not (tmp_path / "model").exists(), "nothing half-made stays behind"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_or_read_only_disk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, model_folder: Path, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "out"
    real = os.fsync

    def fail(handle: int) -> None:
        real(handle)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    words = os.strerror(number)[1:]
    assert words in mistake(capsys, "scenes", "--count", 1, "--resolution", 16, "--out", out / "x.png")
    assert words in mistake(capsys, "sample", model_folder, "--count", 2, "--out", out / "images", "--device", "cpu")
    assert not [path for path in out.rglob("*") if path.is_file()]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert "locked" in mistake(capsys, "scenes", "--count", 1, "--resolution", 16, "--out", tmp_path / "locked" / "x.png")


# --------------------------------------------------------------------------------------------- training and its interrupt


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(random.integers(0, 255, (32, 32, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


def test_a_run_among_its_pictures_does_not_learn_from_its_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = pictures(tmp_path / "images", 8)
    words = ("train", "--images", images, "--out", images / "model", "--resolution", 32, "--from", "none", "--device", "cpu", "--kimg")
    assert run(*words, 0.032) == 0
    assert (images / "model" / "samples.png").is_file() and (images / "model" / "nearest.png").is_file()
    capsys.readouterr()
    assert run(*words, 0.064) == 0
    assert "8 pictures, 2 left out" in capsys.readouterr().err


def test_train_writes_a_bundle_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import gan

    images, out = pictures(tmp_path / "images", 8), tmp_path / "model"
    words = ("train", "--images", images, "--out", out, "--resolution", 32, "--from", "none", "--device", "cpu", "--kimg")
    assert run(*words, 0.064) == 0
    assert capsys.readouterr().out.strip() == str(out)
    first = gan.load(out)
    assert first.resolution == 32 and first.discriminator is not None
    assert run(*words, 0.128) == 0
    assert gan.load(out).hash != first.hash


QUICK = ("--resolution", 32, "--from", "none", "--device", "cpu", "--kimg", 0.032)


def test_a_run_does_not_replace_a_generator_that_it_has_not_made(
    capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path
) -> None:
    images, before = pictures(tmp_path / "images", 8), (model_folder / "model.safetensors").read_bytes()
    assert "not trained there" in mistake(capsys, "train", "--images", images, "--out", model_folder, *QUICK)
    assert (model_folder / "model.safetensors").read_bytes() == before
    (tmp_path / "out").mkdir()
    model_folder.rename(tmp_path / "out" / "model")
    (tmp_path / "rater.py").write_text("def utility(images): return images.mean((1, 2, 3))\n", encoding="utf-8")
    words = ("simulate", "--model", tmp_path / "out" / "model", "--rater", tmp_path / "rater.py", "--device", "cpu")
    assert "not from an earlier simulation" in mistake(capsys, *words, "--out", tmp_path / "out")


def test_a_place_for_a_run_is_looked_at_before_the_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "model"):
        assert "cannot be written" in mistake(capsys, "train", "--images", tmp_path / "missing", "--out", out, *QUICK)


def test_a_state_that_does_not_fit_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import torch

    words = ("train", "--images", pictures(tmp_path / "images", 8), "--out", tmp_path / "model", *QUICK)
    assert run(*words) == 0
    path = tmp_path / "model" / "training.pt"
    good = torch.load(path, weights_only=True)

    def said(state: object) -> str:
        torch.save(state, path)
        capsys.readouterr()
        assert run(*words) == FAILED
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("tastemaker: ") and "training.pt" in line, line
        return line

    assert "newer" in said({**good, "version": 99})
    lacking = {key: value for key, value in good.items() if key != "average"}
    narrow = {**good["generator_config"], "channels": (8, 8, 8, 8)}
    odd = {**good["generator_config"], "wings": 2}
    for state in ([1], {"mine": 1}, {"version": 2}, lacking, {**good, "generator_config": narrow}, {**good, "generator_config": odd}):
        assert "cannot be resumed from" in said(state)
    torch.save(good, path)
    for curve in (b"a,b\n1,2\n", b"\x85\x00", b"images\nmany\n"):
        (tmp_path / "model" / "curve.csv").write_bytes(curve)
        assert run(*words) == FAILED
        assert "curve.csv is damaged" in capsys.readouterr().err
        assert (tmp_path / "model" / "curve.csv").read_bytes() == curve
    (tmp_path / "model" / "curve.csv").unlink()
    assert run(*words) == 0


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_stopping_keeps_what_was_trained(asked: signal.Signals, tmp_path: Path) -> None:
    import gan

    images, out = pictures(tmp_path / "images", 8), tmp_path / "model"
    words = ["--images", images, "--out", out, "--resolution", "32", "--from", "none", "--device", "cpu", "--kimg", "1000"]
    cache = tmp_path / "cache"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-u", "-m", "gan", "train", *map(str, words)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 100
        while not list(cache.rglob("folders/*.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.0)
        process.send_signal(asked)
        said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == cli.STOPPED, said
    assert said[1].splitlines()[-1].startswith("tastemaker: stopped") and "Traceback" not in said[1], said
    assert gan.load(out).resolution == 32
    assert "training" in gan.load(out).card


# ---------------------------------------------------------------------------------------------------------------- export


def test_export(model_folder: Path, tmp_path: Path) -> None:
    assert run("export", model_folder, "--out", tmp_path / "exported") == 0
    names = {path.name for path in (tmp_path / "exported").iterdir()}
    assert {"model.safetensors", "config.json", "generator.onnx", "sample.py", "samples.png", "README.md"} <= names


# ------------------------------------------------------------------------------------------------------- report, progress


def test_report_keeps_the_traceback_of_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    for bug in (KeyError("x"), RuntimeError("x"), AssertionError("x"), OSError("no number")):
        with pytest.raises(type(bug)):
            cli.report(bug)
    with pytest.raises(ValueError, match="array"):
        try:
            np.array([[1], [1, 2]], dtype=float)
        except ValueError as error:
            raise ValueError(f"array: {error}") from None  # raised outside the library: a bug, not a mistake
    assert capsys.readouterr().err == ""


def test_report_of_a_foreign_value_error_is_a_bug() -> None:
    try:
        int("not a number")
    except ValueError as error:
        with pytest.raises(ValueError):
            cli.report(error)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("two\nlines"), FAILED, "two lines"),
        (Cancelled(), cli.STOPPED, "stopped"),
        (KeyboardInterrupt(), cli.STOPPED, "stopped"),
        (MemoryError(), FAILED, "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes."), FAILED, "memory"),
        (PermissionError(errno.EACCES, "Permission denied", "x.png"), FAILED, "x.png: permission denied"),
    ],
)
def test_report_is_one_line(capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str) -> None:
    assert cli.report(error) == code
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = "import sys; from gan.cli import report\ntry:\n for _ in range(9999): print('x' * 99)\nexcept OSError as e: sys.exit(report(e))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_rewrites_one_line_on_a_terminal() -> None:
    stream = Terminal()
    with Progress(stream) as progress:
        progress(0.5, "half", 90.0)
        progress(0.6, "too soon to draw")
        progress(1.0, "done")
    said = stream.getvalue()
    assert "50%" in said and "half, 90 s left" in said and "done" in said and "too soon" not in said
    assert "\n" not in said and said.endswith("\r")


def test_progress_leaves_a_short_commands_log_clean() -> None:
    stream = io.StringIO()
    with Progress(stream) as progress:
        for step in range(100):
            progress(step / 100, "working")
    assert stream.getvalue() == ""


def test_durations_in_words() -> None:
    words = [duration(seconds) for seconds in (0.4, 59, 99.6, 720, 11_100, float("inf"), float("nan"), -1)]
    assert words == ["0 s", "59 s", "2 min", "12 min", "3 h 05 min", "?", "?", "?"]


# ---------------------------------------------------------------------------------------------------------------- doctor


def test_doctor_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["packages"]["torch"] != "missing"
    assert found["devices"]["chosen"] in ("cpu", "cuda", "mps")
    assert "GiB" in found["memory and disk"]["memory"]
    assert found["bundled generators"]["folder"]


def test_doctor_can_be_pasted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_system", lambda: {"program": str(Path.home() / "tastemaker")})
    assert run("doctor") == 0
    said = capsys.readouterr().out
    assert str(Path.home()) + os.sep not in said and f"~{os.sep}tastemaker" in said


def test_a_part_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> doctor.Section:
        raise ImportError("libcudart.so.12: cannot open shared object file")

    monkeypatch.setattr(doctor, "_devices", fail)
    assert run("doctor", "--json") == 0
    assert "libcudart" in json.loads(capsys.readouterr().out)["devices"]["problem"]


# ------------------------------------------------------------------------------------------------- no output, or none left


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PY": sys.executable}
    return subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, timeout=150, check=False)


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@pytest.mark.parametrize("module", ["gan", "studio.cli"])
def test_a_closed_output_is_no_reason_to_fail(module: str, tmp_path: Path) -> None:
    done = shell(f'"$PY" -m {module} scenes --count 1 --resolution 16 --out x.png >&- 2>&-', tmp_path)
    assert done.returncode == 0
    assert pixels(tmp_path / "x.png").shape == (16, 16, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
@pytest.mark.parametrize("module", ["gan", "studio.cli"])
def test_a_name_that_the_output_cannot_encode_is_printed_all_the_same(module: str, tmp_path: Path) -> None:
    line = f'"$PY" -m {module} scenes --count 1 --resolution 16 --out "$(printf "%b" "$NAME")" | od -c'
    for name, printed in (("\\0374.png", "374"), ("\\0303\\0274.png", r"\   x   f   c")):
        done = shell(f"export PYTHONIOENCODING=ascii NAME='{name}'; {line}", tmp_path)
        assert done.stderr == "" and printed in done.stdout
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", ["gan scenes --count 1 --resolution 16 --out x.png", "studio.cli --help"])
def test_an_output_that_is_full_is_said_in_one_line(words: str, tmp_path: Path) -> None:
    done = shell(f'"$PY" -m {words} >/dev/full', tmp_path)
    assert done.returncode == FAILED
    assert done.stderr.startswith("tastemaker: no space left on device") and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_is_one_line_in_the_studios_commands_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from studio import cli as studio

    def asked(arguments: object, more: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "main", asked)
    assert studio.main(["doctor"]) == cli.STOPPED
    assert capsys.readouterr().err == "tastemaker: stopped\n"


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with Progress(stream) as progress:
        progress(0.5, "half")
    assert stream.getvalue() == "", "a short command leaves it clean, as it does a log"


# ----------------------------------------------------------------------------------------------------- what options refuse


@pytest.mark.parametrize("words", [("sample", "dreamscapes", "--out", ""), ("train", "--images", "", "--out", "model")])
def test_an_empty_path_is_not_the_working_folder(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert "a path is missing" in mistake(capsys, *words)


def test_what_cannot_be_written_at_the_end_is_refused_at_the_start(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for benchmark in ("learning", "taste", "round", "training", "generator"):
        assert "is a folder" in mistake(capsys, "benchmark", benchmark, "--json", tmp_path)
    assert "no folder that may be written to" in mistake(capsys, "benchmark", "generator", "--json", tmp_path / "file" / "x.json")


def test_what_a_command_does_not_know_points_to_its_own_help(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = mistake(capsys, "sample", "dreamscapes", "--out", tmp_path / "x.png", "--bogus", "1")
    assert "unrecognized arguments: --bogus 1" in said and said.endswith("sample --help tells more)")


def test_least_stars_is_told_of_and_refused_for_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("export", "--help") == 0
    assert "--least-stars N       with --project:" in capsys.readouterr().out
    assert "a project's ratings" in mistake(capsys, "export", "dreamscapes", "--least-stars", 5, "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fp16", "--format", "onnx"], "--fp16 is for --format bundle and hub, not for onnx"),
        (["--sidecar"], "--sidecar is for --format images, not for bundle"),
        (["--seeds", "0-3"], "--seeds is for --format images, sheet and video, not for bundle"),
        (["--fps", "24", "--format", "sheet"], "--fps is for --format video, not for sheet"),
    ],
)
def test_an_option_that_a_format_does_not_have_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert mistake(capsys, "export", "dreamscapes", *words, "--out", tmp_path / "out") == said
    assert not (tmp_path / "out").exists()


def test_every_command_says_a_mistake_in_one_line_and_has_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    verbs = [["sample"], ["scenes"], ["train"], ["simulate"], ["export"], ["import"], ["doctor"], ["benchmark"]]
    for verb in [*verbs, *(["benchmark", name] for name in cli.BENCHMARKS)]:
        assert mistake(capsys, *verb, "--no-such-option").endswith(f"{' '.join(verb)} --help tells more)")
        assert run(*verb, "--help") == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
