"""Every kind of generator, untuned or tuned either way, through every way out and back: the same seed is the same image.

In torch, in onnxruntime and in `.pt2` to `TOLERANCE` of the 2 between black and white; a bundle to the bit. What has no such form is
refused in a line. On a GPU (`-m gpu`) the same to `GPU_TOLERANCE`: its sums are in another order.
"""

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import foreign_biggan
import foreign_fastgan
import foreign_lucidrains
import foreign_onnx
import foreign_residual
import foreign_stylegan
import foreign_torch
import numpy as np
import pytest
import torch
from PIL import Image
from stylegan2_reference import small_discriminator, small_generator
from stylegan3_reference import small_generator3

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.exports import FORMATS, ExportSettings, export
from gan.formats.importing import import_file
from gan.formats.onnx_export import run_onnx
from gan.formats.pt2 import run_pt2
from gan.formats.rated import Rated
from gan.model import Model
from gan.networks import latents, registry
from gan.networks.adapter import Choice, ChoiceConfig, Shift, ShiftConfig
from gan.networks.lightweight import LightweightConfig
from gan.networks.lucidrains_stylegan2 import LucidStyleGAN2Config

TOLERANCE, GPU_TOLERANCE = 1e-4, 2e-3
SEEDS = range(4)


def _checkpoint(folder: Path, content: Any) -> Model:
    torch.save(content, folder / "generator.pt")
    return import_file(folder / "generator.pt").model


def _layers(folder: Path, network: torch.nn.Module, *shape: int) -> Model:
    return _checkpoint(folder, foreign_torch.lived(network, torch.randn(64, 10, *shape)).state_dict())


def _conditional(folder: Path) -> Model:
    """The row of a table behind the random numbers."""
    network = torch.nn.ModuleDict({"embed": torch.nn.Embedding(3, 2), "net": foreign_torch.mlp((12, 12, 64))})
    torch.save(network.state_dict(), folder / "generator.pt")
    return import_file(folder / "generator.pt", {"condition": "behind"}).model


def _stylegan2(folder: Path) -> Model:
    (folder / "network.pkl").write_bytes(
        foreign_stylegan.run(small_generator(classes=2), small_discriminator(classes=2))
    )
    return import_file(folder / "network.pkl").model


def _stylegan3(folder: Path) -> Model:
    (folder / "network.pkl").write_bytes(foreign_stylegan.run(small_generator3(classes=2), small_discriminator(classes=2)))
    return import_file(folder / "network.pkl").model


def _onnx(folder: Path) -> Model:
    (folder / "g.onnx").write_bytes(foreign_onnx.generator(label="index", psi="psi"))
    return import_file(folder / "g.onnx").model


BIG = foreign_biggan.Shape(attention=1)
LIGHT = LightweightConfig(8, 32, 3, (4, 4, 4), "global", (False,) * 3)
LUCID = LucidStyleGAN2Config(8, 16, 3, (4, 4, 4), 2, 0.1, True, (False, True, False))
KINDS: dict[str, Callable[[Path], Model] | None] = {
    "compact": None,  # of `small_model`
    "dcgan": lambda folder: _layers(folder, foreign_torch.dcgan(4, 3, 16, width=4), 1, 1),
    "mlp": lambda folder: _layers(folder, foreign_torch.mlp((10, 12, 64))),
    "resnet": lambda folder: _layers(folder, foreign_residual.Lettered(widths=(8, 8))),
    "conditional": _conditional,
    "biggan": lambda folder: _checkpoint(folder, foreign_biggan.lived(foreign_biggan.BigGan(BIG)).state_dict()),
    "fastgan": lambda folder: _checkpoint(folder, foreign_fastgan.lived(foreign_fastgan.FastGan((8, 8, 6, 6, 4))).state_dict()),
    "lightweight": lambda folder: _checkpoint(folder, foreign_lucidrains.lightweight(LIGHT)),
    "stylegan2-lucidrains": lambda folder: _checkpoint(folder, foreign_lucidrains.stylegan2(LUCID)),
    "stylegan2": _stylegan2,
    "stylegan3": _stylegan3,
    "onnx": _onnx,
}
OURS = {"compact", "onnx"}  # these have no state_dict of anybody's
TUNING = ("untuned", "choice", "shift")
every_one = pytest.mark.parametrize("tuning", TUNING)
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def make(tmp_path: Path, small_model: Callable[..., Model]) -> Callable[[str, str], Model]:
    """A model of a kind, tuned or not; the same each time."""

    def made(kind: str, tuning: str) -> Model:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(zlib.crc32(kind.encode()))
            build = KINDS[kind]
            (tmp_path / "from").mkdir(exist_ok=True)
            model = small_model() if build is None else build(tmp_path / "from")
            assert model.generator.kind == kind
            if tuning == "choice":
                model.adapter = Choice(ChoiceConfig(model.z_dim, model.generator.embed_dim, 4, 16))
            elif tuning == "shift":
                model.adapter = Shift(ShiftConfig(model.z_dim, 16))
            if model.adapter is not None:
                torch.nn.init.normal_(model.adapter.out.weight, std=0.3)
        return Model(model.name, model.generator, model.adapter, model.discriminator, model.card)

    return made


def test_a_class_that_does_not_exist_is_not_drawn(make: Callable[[str, str], Model], tmp_path: Path) -> None:
    folder = export(make("conditional", "untuned"), tmp_path / "out", ExportSettings("onnx"))
    asked = [sys.executable, str(folder / "sample.py"), "--count", "1", "--out", str(tmp_path / "x.png"), "--label"]
    for label, code, words in (("2", 0, ""), ("-1", 0, ""), ("3", 2, "no class 3: it has 0 to 2"), ("-2", 2, "no class -2")):
        done = subprocess.run([*asked, label], capture_output=True, text=True, check=False)
        assert done.returncode == code and words in done.stderr


def off(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, in units of [-1, 1]."""
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max())


def test_every_kind_and_every_format_is_here() -> None:
    assert set(KINDS) == set(registry.generators)
    assert set(FORMATS) == {
        "bundle",
        "onnx",
        "pt2",
        "state_dict",
        "images",
        "sheet",
        "video",
        "dataset",
        "hub",
    }


@every_kind
@every_one
def test_a_bundle_is_the_same_model(kind: str, tuning: str, make: Any, tmp_path: Path) -> None:
    model = make(kind, tuning)
    bundle.save(model, tmp_path / "mine")
    for again in (gan.load(tmp_path / "mine"), import_file(tmp_path / "mine" / "config.json").model):
        z = latents(SEEDS, model.z_dim)
        assert torch.equal(again.draw(z), model.draw(z)) and again.hash == model.hash
        assert again.tuned == (tuning != "untuned") == model.tuned
        np.testing.assert_array_equal(again.sample(SEEDS), model.sample(SEEDS))


@every_kind
@every_one
def test_images_are_what_the_seeds_draw(kind: str, tuning: str, make: Any, tmp_path: Path) -> None:
    model = make(kind, tuning)
    folder = export(model, tmp_path / "out", ExportSettings("images"), seeds=SEEDS)
    for seed, pixels in zip(SEEDS, model.sample(SEEDS), strict=True):
        with Image.open(folder / f"seed{seed:010d}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), pixels)
    sheet = export(model, tmp_path / "sheet", ExportSettings("sheet"), seeds=SEEDS) / "sheet.png"
    with Image.open(sheet) as image:
        side = model.resolution
        np.testing.assert_array_equal(np.asarray(image)[:side, :side], model.sample(SEEDS)[0])


@every_kind
def test_films_and_data_sets_are_written_of_every_kind(kind: str, make: Any, tmp_path: Path) -> None:
    model = make(kind, "choice")
    settings = ExportSettings("video", seconds=0.1, fps=10)
    assert (
        export(model, tmp_path / "film", settings, seeds=[0, 1]) / "interpolation.gif"
    ).stat().st_size > 100
    z = latents(SEEDS, model.z_dim).numpy()
    rows = [Rated(i + 1, z[i], stars=i + 1, created=1.7e9, rated=1.7e9) for i in range(len(z))]
    folder = export(model, tmp_path / "data", ExportSettings("dataset"), rows)
    assert (folder / "ratings.csv").read_text().count("\n") == 1 + len(rows)
    assert len(list(folder.rglob("*.png"))) == len(rows)


@every_kind
def test_weights_go_back_where_they_came_from(kind: str, make: Any, tmp_path: Path) -> None:
    if kind in OURS:
        for tuning in TUNING:
            with pytest.raises(UserError, match=r"has no state_dict of its own|is a graph, not a state_dict"):
                export(make(kind, tuning), tmp_path / "out", ExportSettings("state_dict"))
        return
    model = make(kind, "untuned")
    _goes_back(model, export(model, tmp_path / "out", ExportSettings("state_dict")))


def _goes_back(model: Model, folder: Path) -> None:
    written = torch.load(folder / "generator.pth", weights_only=True)
    wanted = model.generator.original_state_dict()
    assert set(written) == set(wanted) and all(torch.equal(written[key], wanted[key]) for key in wanted)
    if model.generator.kind in {"dcgan", "mlp"}:  # a file of their own is enough to be read again
        again = import_file(folder / "generator.pth").model
        z = latents(SEEDS, model.z_dim)
        assert torch.equal(again.generator(z), model.generator(z))
        again = import_file(folder / "generator.safetensors").model
        assert torch.equal(again.generator(z), model.generator(z))


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(set(KINDS) - OURS))
@pytest.mark.parametrize("tuning", TUNING[1:])
def test_what_was_learnt_goes_beside_the_weights(kind: str, tuning: str, make: Any, tmp_path: Path) -> None:
    model = make(kind, tuning)
    folder = export(model, tmp_path / "out", ExportSettings("state_dict"))
    _goes_back(model, folder)
    z = latents(SEEDS, model.z_dim)
    moved = run_onnx((folder / "adapter.onnx").read_bytes(), z.numpy(), output="latent")
    with torch.no_grad():
        assert off(moved, model.adapter(z).numpy()) < TOLERANCE


@pytest.mark.slow
@pytest.mark.timeout(900)
@every_kind
@every_one
def test_graphs_draw_the_same(kind: str, tuning: str, make: Any, tmp_path: Path) -> None:
    """In onnxruntime, imported back, as `.pt2`, and all of them again in a bundle export and in a hub folder."""
    model = make(kind, tuning)
    z = latents(SEEDS, model.z_dim)
    wanted = model.draw(z).numpy()
    onnx = export(model, tmp_path / "onnx", ExportSettings("onnx"))
    assert off(run_onnx((onnx / "generator.onnx").read_bytes(), z.numpy()), wanted) < TOLERANCE
    again = import_file(onnx / "generator.onnx").model
    assert off(again.draw(z).numpy(), wanted) < TOLERANCE
    np.testing.assert_allclose(again.sample(SEEDS), model.sample(SEEDS), atol=1)
    if kind == "onnx":
        with pytest.raises(UserError, match="runs an ONNX graph, which torch cannot trace"):
            export(model, tmp_path / "pt2", ExportSettings("pt2"))
    else:
        pt2 = export(model, tmp_path / "pt2", ExportSettings("pt2"))
        assert off(run_pt2((pt2 / "generator.pt2").read_bytes(), z.numpy()), wanted) < TOLERANCE
        trusted = import_file(pt2 / "generator.pt2", {"trust_program": "yes"}).model
        assert off(trusted.draw(z).numpy(), wanted) < TOLERANCE
    whole = export(model, tmp_path / "bundle", ExportSettings("bundle"))
    np.testing.assert_array_equal(gan.load(whole).sample(SEEDS), model.sample(SEEDS))
    hub = export(model, tmp_path / "hub", ExportSettings("hub"))
    np.testing.assert_array_equal(gan.load(hub).sample(SEEDS), model.sample(SEEDS))
    assert (hub / "generator.pt2").exists() == (kind != "onnx")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@every_kind
@every_one
def test_a_gpu_draws_the_same(kind: str, tuning: str, make: Any, tmp_path: Path) -> None:
    """torch, `.pt2` and, where its CUDA provider is installed, onnxruntime: on the GPU as on the CPU."""
    model = make(kind, tuning)
    z = latents(SEEDS, model.z_dim)
    wanted = model.draw(z).numpy()
    there = make(kind, tuning).to("cuda")
    assert off(there.draw(z).cpu().numpy(), wanted) < GPU_TOLERANCE
    np.testing.assert_allclose(there.sample(SEEDS), model.sample(SEEDS), atol=1)
    onnx = export(there, tmp_path / "onnx", ExportSettings("onnx"))
    assert off(run_onnx((onnx / "generator.onnx").read_bytes(), z.numpy()), wanted) < TOLERANCE
    _on_cuda_by_onnxruntime((onnx / "generator.onnx").read_bytes(), z.numpy(), wanted)
    if kind != "onnx":
        pt2 = export(there, tmp_path / "pt2", ExportSettings("pt2"))
        program = torch.export.load(pt2 / "generator.pt2")
        moved = torch.export.passes.move_to_device_pass(program, "cuda")
        more = [torch.tensor(1.0, device="cuda")] * model.generator.truncates
        more += [torch.tensor(-1, device="cuda")] * bool(model.generator.classes)
        drawn = moved.module()(z.cuda(), *more)
        assert off(drawn.detach().cpu().numpy(), wanted) < GPU_TOLERANCE


def _on_cuda_by_onnxruntime(data: bytes, z: np.ndarray, wanted: np.ndarray) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return
    # Without TF32, as torch here.
    cuda = ("CUDAExecutionProvider", {"use_tf32": "0"})
    session = onnxruntime.InferenceSession(data, providers=[cuda, "CPUExecutionProvider"])
    if session.get_providers()[0] != "CUDAExecutionProvider":  # installed, but its libraries are not
        return
    assert off(session.run(["image"], {"z": z})[0], wanted) < GPU_TOLERANCE
