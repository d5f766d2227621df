"""An exported generator: whole or not there, and drawing elsewhere what it draws here."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

import gan
from gan.errors import Cancelled, UserError
from gan.formats import bundle, portable
from gan.formats.portable import FILES, export_bundle
from gan.model import Model
from gan.networks import latents
from gan.networks.adapter import Choice, ChoiceConfig, Shift, ShiftConfig

MakeModel = Callable[..., Model]


def tuned(make: MakeModel) -> Model:
    model = make()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        adapter = Shift(ShiftConfig(z_dim=8, width=16, depth=2))
        torch.nn.init.normal_(adapter.out.weight, std=0.3)
    card = {
        "data": {"kind": "scenes"},
        "licence": "Apache-2.0",
        "training": {"images": 400000, "seed": 0},
        "tuning": {"ratings": 120, "rounds": 3, "like_rate_after": 0.71234},
    }
    return Model("small", model.generator, adapter, model.discriminator, card)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, small_model: MakeModel) -> Path:
    """One export of a tuned model, for the tests that only read it."""
    return export_bundle(tuned(small_model), tmp_path_factory.mktemp("export") / "new" / "small")


def script(folder: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The exported script in a process of its own, which must not see this repository."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-W", "error", str(folder / "sample.py"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def no_debris(parent: Path, *expected: str) -> None:
    assert sorted(path.name for path in parent.iterdir()) == sorted(expected)


def test_all_files_are_there(exported: Path) -> None:
    no_debris(exported, *FILES)
    no_debris(exported.parent, "small")
    assert exported.stat().st_mode & 0o777 == 0o755


def test_onnxruntime_draws_what_torch_draws(exported: Path, small_model: MakeModel) -> None:
    model = tuned(small_model)
    session = onnxruntime.InferenceSession(exported / "generator.onnx", providers=["CPUExecutionProvider"])
    (z_input,), (image_output,) = session.get_inputs(), session.get_outputs()
    assert (z_input.name, z_input.type, z_input.shape[1]) == ("z", "tensor(float)", 8)
    assert (image_output.name, image_output.shape[1:]) == ("image", [3, 16, 16])
    for count in (1, 2, 7):
        z = 2.0 * latents(range(count), 8)
        images = session.run(["image"], {"z": z.numpy()})[0]
        assert images.shape == (count, 3, 16, 16) and np.abs(images).max() <= 1.0
        assert np.abs(images - model.draw(z).numpy()).max() < 1e-4
    untuned = small_model().draw(latents(range(2), 8)).numpy()
    assert (
        np.abs(session.run(None, {"z": latents(range(2), 8).numpy()})[0] - untuned).max() > 0.01
    )  # the adapter is in it


def test_onnx_says_what_it_is_and_nothing_of_this_machine(exported: Path, small_model: MakeModel) -> None:
    proto = onnx.load(exported / "generator.onnx")
    onnx.checker.check_model(proto, full_check=True)
    assert proto.opset_import[0].version == 20
    said = {entry.key: entry.value for entry in proto.metadata_props}
    assert (
        said["name"] == "small"
        and said["model_hash"] == tuned(small_model).hash
        and said["licence"] == "Apache-2.0"
    )
    assert said["generated_by"].startswith("Tastemaker ") and said["tuned"] == "yes"
    data = (exported / "generator.onnx").read_bytes()
    for word in (str(Path(gan.__file__).parent), "site-packages", "stack_trace", ".py"):
        assert word.encode() not in data


def test_weights_load_again(exported: Path, small_model: MakeModel) -> None:
    model, again = tuned(small_model), gan.load(exported)
    assert again.hash == model.hash and again.card == model.card
    np.testing.assert_array_equal(again.sample(range(6)), model.sample(range(6)))
    vector = np.load(exported / "test_vector.npz")
    np.testing.assert_array_equal(vector["z"], latents(vector["seeds"], 8).numpy())
    torch.testing.assert_close(again.draw(torch.from_numpy(vector["z"])), torch.from_numpy(vector["image"]))


def test_script_checks_itself_elsewhere(exported: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(exported, moved)
    good = script(moved, "--check", cwd=tmp_path)
    assert good.returncode == 0 and "ok" in good.stdout, good.stderr
    vector = dict(np.load(moved / "test_vector.npz"))
    vector["image"][0, 0, 0, 0] += 2e-3
    np.savez(moved / "test_vector.npz", **vector)
    bad = script(moved, "--check", cwd=tmp_path)
    assert bad.returncode == 1 and "FAILED" in bad.stdout


def test_script_draws_the_same_images(exported: Path, tmp_path: Path, small_model: MakeModel) -> None:
    wanted = tuned(small_model).sample(range(5, 25)).astype(int)
    done = script(exported, "--count", "20", "--seed", "5", "--out", "new/images", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "new" / "images").iterdir())
    assert [path.name for path in files] == [f"seed{seed:010d}.png" for seed in range(5, 25)]
    for path, image in zip(files, wanted, strict=True):
        with Image.open(path) as drawn:
            assert np.abs(np.asarray(drawn).astype(int) - image).max() <= 1
            assert "trainedAlgorithmicMedia" in drawn.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]
            assert f", Model: small, Model hash: {tuned(small_model).hash}" in drawn.text["parameters"]  # type: ignore[attr-defined]
    done = script(exported, "--count", "3", "--out", "sheet.png", cwd=tmp_path)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert done.returncode == 0 and sheet.size == (34, 34)


def test_script_says_how_it_was_truncated(exported: Path, tmp_path: Path) -> None:
    done = script(exported, "--count", "1", "--truncation", "0.7", "--out", "one.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "one.png") as drawn:
        assert drawn.text["parameters"].endswith(", Truncation: 0.7")  # type: ignore[attr-defined]


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_script_stops_without_a_traceback(exported: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(exported / "sample.py"), "--count", "10000000", "--out", "many"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and so would the script
    try:
        drawing = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        while not list((tmp_path / "many").glob("*.png")) and drawing.poll() is None:
            time.sleep(0.05)
        drawing.send_signal(signal.SIGINT)
        assert drawing.communicate(timeout=60)[1] == "sample.py: stopped\n"
        assert drawing.returncode == 130
    finally:
        drawing.kill()
        drawing.wait()


def test_script_needs_only_three_packages(exported: Path, tmp_path: Path) -> None:
    block = (
        "import sys\nfor name in ('torch', 'gan', 'onnx', 'safetensors', 'scipy'): sys.modules[name] = None\n"
    )
    code = block + (
        "import runpy; sys.argv = ['sample.py', '--check']; "
        f"runpy.run_path({str(exported / 'sample.py')!r}, run_name='__main__')"
    )
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "ok" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--count", "0"), ("--seed", "-1"), ("--seed", "4294967290"), ("--out", "file/x.png"), ("--out", "x.WebP")]
    + [("--truncation", psi) for psi in ("nan", "-0.1", "1.5")],
)
def test_script_refuses_in_one_line(exported: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("")
    done = script(exported, *arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("sample.py: ") and done.stderr.count("\n") == 1


def test_script_with_a_damaged_file(exported: Path, tmp_path: Path) -> None:
    for data in (b"", (exported / "generator.onnx").read_bytes()[:1000], None):
        folder = tmp_path / "copy"
        shutil.copytree(exported, folder)
        if data is None:
            (folder / "generator.onnx").unlink()
        else:
            (folder / "generator.onnx").write_bytes(data)
        done = script(folder, "--check", cwd=tmp_path)
        assert done.returncode == 2 and done.stderr.startswith("sample.py: ") and done.stderr.count("\n") == 1
        shutil.rmtree(folder)


def test_card_says_what_is_known(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    header = card.split("---\n")[1]
    assert "license: apache-2.0\n" in header and "pipeline_tag: unconditional-image-generation\n" in header
    for words in ("Every image it draws is generated", "Procedural landscapes", "- Ratings: 120", "- Rounds: 3",
                  "- Like rate after: 0.7123", "python sample.py --count 16", "- Images: 400000"):  # fmt: skip
        assert words in card
    with Image.open(exported / "samples.png") as sheet:
        assert sheet.size == (8 * 18 - 2, 8 * 18 - 2)


def test_card_of_an_unknown_model_with_hostile_text(small_model: MakeModel) -> None:
    from gan.formats.card import render

    model = small_model(discriminator=False)
    model.name, model.card = "a\n# b <script>", {"licence": 'mine: "all\n---"', "data": "from\na friend"}
    card = render(model)
    assert "license: other\n" in card and json.dumps(model.card["licence"]) in card
    assert (
        "<script>" not in card and "\n# b" not in card and "from a friend" in card and "Not recorded." in card
    )


def test_card_of_an_imported_generator(small_model: MakeModel) -> None:
    from gan.formats.card import render

    model, judged = small_model(discriminator=False), small_model()
    adapter = Shift(ShiftConfig(model.z_dim, 16))
    torch.nn.init.normal_(adapter.out.weight)
    model.adapter = judged.adapter = adapter
    model.card = {"imported": {"file": "generator.pth", "architecture": "dcgan"}}
    card = render(model)
    assert "- File: generator.pth\n- Architecture: dcgan" in card
    assert "there is no discriminator" in card and "discriminator's judgement" not in card
    assert "discriminator's judgement" in render(judged)
    assert "moves each latent" in card
    model.adapter = Choice(ChoiceConfig(model.z_dim, model.generator.embed_dim, candidates=4, width=8, depth=1)).attach(model.generator)
    torch.nn.init.normal_(model.adapter.out.weight)
    assert "several latents" in render(model) and "moves each latent" not in render(model)


def test_export_over_an_earlier_one_gives_the_same_files(
    tmp_path: Path, exported: Path, small_model: MakeModel
) -> None:
    target = tmp_path / "place"
    shutil.copytree(exported, target)
    (target / "generator.onnx").write_bytes(b"damaged")
    (target / ".DS_Store").write_bytes(b"clutter")
    said: list[tuple[float, str]] = []
    export_bundle(tuned(small_model), target, lambda fraction, text: said.append((fraction, text)))
    for name in FILES:
        assert (target / name).read_bytes() == (exported / name).read_bytes(), name
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and all(text for _, text in said)
    no_debris(target, *FILES)
    no_debris(tmp_path, "place")


def test_an_empty_folder_is_filled_in_half_precision(
    tmp_path: Path, exported: Path, small_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "empty"
    target.mkdir()
    inode = target.stat().st_ino
    monkeypatch.chdir(target)
    export_bundle(tuned(small_model), ".", dtype="float16")
    assert target.stat().st_ino == inode  # the shell that stands in it sees the files
    no_debris(target, *FILES)
    no_debris(tmp_path, "empty")
    sizes = [(place / "model.safetensors").stat().st_size for place in (target, exported)]
    assert sizes[0] < 0.7 * sizes[1]
    vector = np.load(target / "test_vector.npz")
    torch.testing.assert_close(
        gan.load(target).draw(torch.from_numpy(vector["z"])), torch.from_numpy(vector["image"])
    )


def test_other_folders_are_left_alone(tmp_path: Path, exported: Path, small_model: MakeModel) -> None:
    model = small_model()
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.png").write_bytes(b"mine")
    trained = tmp_path / "trained"
    bundle.save(model, trained)
    mine = tmp_path / "mine"
    shutil.copytree(exported, mine)
    (mine / "favourite.png").write_bytes(b"mine")
    file = tmp_path / "file"
    file.write_text("mine")
    for target, words in (
        (photos, "not an earlier export"), (trained, "not an earlier export"),
        (mine, "favourite.png"), (file, "is a file"), (file / "below", "cannot export"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=words):
            export_bundle(model, target)
    assert (photos / "a.png").read_bytes() == b"mine" and (mine / "favourite.png").exists()
    no_debris(tmp_path, "photos", "trained", "mine", "file")


def test_a_full_disk_leaves_nothing(tmp_path: Path, small_model: MakeModel) -> None:
    # A limit on the size of files makes the system refuse in the middle of a write, as a full disk does.
    resource = pytest.importorskip("resource", reason="needs POSIX limits")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(UserError, match="file too large") as told:
            export_bundle(small_model(), tmp_path / "out")
        assert "partial" not in str(told.value) and str(tmp_path / "out") in str(told.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    no_debris(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_place(tmp_path: Path, small_model: MakeModel) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="permission denied"):
            export_bundle(small_model(), tmp_path / "out")
    finally:
        tmp_path.chmod(0o700)
    no_debris(tmp_path)


def test_interrupted_exports_leave_the_earlier_one(
    tmp_path: Path, exported: Path, small_model: MakeModel
) -> None:
    target = tmp_path / "out"
    shutil.copytree(exported, target)
    before = gan.load(target).hash
    with pytest.raises(Cancelled):
        export_bundle(small_model(), target, cancel=lambda: True)

    def interrupt(fraction: float, text: str) -> None:
        if fraction > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_bundle(small_model(), target, interrupt)
    assert gan.load(target).hash == before
    no_debris(tmp_path, "out")


def test_a_wrong_onnx_file_is_not_exported(
    tmp_path: Path, exported: Path, small_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned_one = (exported / "generator.onnx").read_bytes()
    monkeypatch.setattr(portable, "to_onnx", lambda model, metadata: tuned_one)
    with pytest.raises(UserError, match="draws other images"):
        export_bundle(small_model(), tmp_path / "out")
    no_debris(tmp_path)


@pytest.mark.parametrize("name", ["out", "out [1]"])
def test_leavings_of_a_killed_export_are_swept_up(tmp_path: Path, small_model: MakeModel, name: str) -> None:
    old, running = tmp_path / f".{name}.partial-old", tmp_path / f".{name}.partial-running"
    for folder in (old, running):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"x")
    os.utime(old, (1, 1))
    with pytest.raises(Cancelled):
        export_bundle(small_model(), tmp_path / name, cancel=lambda: True)
    no_debris(tmp_path, f".{name}.partial-running")
