"""Every way out but the bundle: what is written draws, loads and says what it should."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_portable import tuned

import gan
from gan.errors import Cancelled, UserError
from gan.formats.exports import FORMATS, ExportSettings, export
from gan.formats.importing import import_file
from gan.formats.onnx_export import run_onnx
from gan.formats.program import input_names
from gan.formats.pt2 import run_pt2
from gan.formats.rated import Rated, draw, favourites, from_seeds
from gan.loading import load
from gan.model import Model
from gan.networks import Generator, GeneratorConfig, latents

MakeModel = Callable[..., Model]


@pytest.fixture(scope="module")
def model(small_model: MakeModel) -> Model:
    return tuned(small_model)


def ten_rows(model: Model) -> list[Rated]:
    """Ten images: stars 0 to 5, a like, a reject, tags and notes that want escaping."""
    z = latents(range(100, 110), model.z_dim).numpy()
    said = [
        Rated(i + 1, z[i], stars=i % 6, why="random", round=1, created=1.7e9 + i, rated=1.7e9 + 60)
        for i in range(10)
    ]
    said[0] = replace(
        said[0],
        flag="like",
        tags=("=1+1", "dawn; <b>"),
        note='a "quoted"\nnote & more',
        title="Sea & <Sky>",
        label=2,
    )
    said[5] = replace(said[5], flag="reject")
    return said


@pytest.fixture(scope="module")
def rows(model: Model) -> list[Rated]:
    return ten_rows(model)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---------------------------------------------------------------------------------------------------------------- graphs


def test_a_seed_is_the_same_image_in_torch_onnx_and_pt2(tmp_path: Path, model: Model) -> None:
    onnx = export(model, tmp_path / "onnx", ExportSettings("onnx"))
    pt2 = export(model, tmp_path / "pt2", ExportSettings("pt2"))
    assert names(onnx) == ["README.md", "generator.onnx", "sample.py", "test_vector.npz"]
    assert names(pt2) == ["README.md", "generator.pt2"]
    assert input_names(model) == ["z", "psi"]
    data, program = (onnx / "generator.onnx").read_bytes(), (pt2 / "generator.pt2").read_bytes()
    for count, psi in ((1, 1.0), (5, 1.0), (3, 0.4)):
        z = latents(range(count), model.z_dim)
        wanted = model.draw(z, psi).numpy()
        assert np.abs(run_onnx(data, z.numpy(), psi=np.array(psi, np.float32)) - wanted).max() < 1e-4
        assert np.abs(run_pt2(program, z.numpy(), psi) - wanted).max() < 1e-4
    text = (pt2 / "README.md").read_text()
    assert "program.module()(z, torch.tensor(1.0))" in text and "people you trust" in text
    code = text.split("```python\n")[1].split("```")[0].replace("generator.pt2", str(pt2 / "generator.pt2"))
    ran: dict[str, torch.Tensor] = {}
    exec(code, ran)  # what the page says works
    assert ran["images"].shape == (16, 3, 16, 16)


@pytest.mark.parametrize("options", [{"pixel": 2, "palette": 5}, {"subpixel": 2}], ids=["pixel art", "subpixel"])
def test_every_synthesis_is_the_same_image_in_every_format(options: dict[str, int], tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = GeneratorConfig(resolution=16, z_dim=8, w_dim=12, channels=(8, 6), **options)
        model = Model("art", Generator(config))
    onnx = (export(model, tmp_path / "onnx", ExportSettings("onnx")) / "generator.onnx").read_bytes()
    program = (export(model, tmp_path / "pt2", ExportSettings("pt2")) / "generator.pt2").read_bytes()
    kept = load(str(export(model, tmp_path / "bundle", ExportSettings("bundle"))), device="cpu")
    z = latents(range(5), 8)
    for drawn in (run_onnx(onnx, z.numpy()), run_pt2(program, z.numpy()), kept.draw(z).numpy()):
        assert np.abs(drawn - model.draw(z).numpy()).max() < 1e-4


def test_an_exported_graph_is_imported_back_the_same(tmp_path: Path, model: Model) -> None:
    export(model, tmp_path / "out", ExportSettings("onnx"))
    again = import_file(tmp_path / "out" / "generator.onnx")
    assert again.model.name == model.name
    assert import_file(tmp_path / "out").model.hash == again.model.hash  # its folder will do
    assert not again.questions and again.model.generator.truncates
    z = latents(range(6), model.z_dim)
    torch.testing.assert_close(again.model.draw(z), model.draw(z), rtol=0, atol=1e-4)
    torch.testing.assert_close(again.model.draw(z, 0.5), model.draw(z, 0.5), rtol=0, atol=1e-4)


@pytest.mark.gpu
def test_a_seed_is_the_same_image_on_a_gpu(tmp_path: Path, small_model: MakeModel) -> None:
    here = tuned(small_model)
    there = tuned(small_model).to("cuda")
    z = latents(range(16), here.z_dim)
    torch.testing.assert_close(there.draw(z).cpu(), here.draw(z), rtol=0, atol=2e-3)
    folder = export(there, tmp_path / "onnx", ExportSettings("onnx"))
    assert there.device.type == "cuda"
    np.testing.assert_allclose(
        run_onnx((folder / "generator.onnx").read_bytes(), z.numpy()), here.draw(z).numpy(), atol=1e-4
    )
    export(there, tmp_path / "bundle")
    np.testing.assert_array_equal(gan.load(tmp_path / "bundle").sample(range(8)), here.sample(range(8)))


# ----------------------------------------------------------------------------------------------------------- state_dicts


class Stranger(torch.nn.Module):
    """A DCGAN as someone else wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self.main = torch.nn.Sequential(
            torch.nn.ConvTranspose2d(10, 16, 4, 1, 0, bias=False), torch.nn.BatchNorm2d(16), torch.nn.ReLU(True),
            torch.nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), torch.nn.BatchNorm2d(8), torch.nn.ReLU(True),
            torch.nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False), torch.nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.main(z)


def stranger() -> Stranger:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        made = Stranger()
        for norm in (made.main[1], made.main[4]):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
        made.main[6].weight.data.mul_(20.0)  # so that what bends its images shows
    return made.eval()


def test_weights_go_back_into_the_code_they_came_from(tmp_path: Path) -> None:
    theirs = stranger()
    torch.save(theirs.state_dict(), tmp_path / "generator.pth")
    imported = import_file(tmp_path / "generator.pth").model
    folder = export(imported, tmp_path / "plain", ExportSettings("state_dict"))
    assert names(folder) == ["README.md", "generator.pth", "generator.safetensors"]
    again = Stranger().eval()
    again.load_state_dict(torch.load(folder / "generator.pth", weights_only=True), strict=True)
    z = latents(range(4), 10)
    torch.testing.assert_close(again(z[:, :, None, None]), theirs(z[:, :, None, None]))
    once_more = import_file(folder)  # by its folder
    torch.testing.assert_close(once_more.model.draw(z), imported.draw(z), rtol=0, atol=0)
    assert not any("adapter.onnx" in note for note in once_more.notes)

    adapter = gan.networks.adapter.Shift(gan.networks.adapter.ShiftConfig(z_dim=10, width=16))
    torch.nn.init.normal_(adapter.out.weight, std=0.3)
    learnt = Model("learnt", imported.generator, adapter, None, {})
    folder = export(learnt, tmp_path / "tuned", ExportSettings("state_dict"))
    assert {"adapter.onnx", "adapter.pt2"} <= set(names(folder))
    assert any("adapter.onnx" in note for note in import_file(folder).notes)
    page = (folder / "README.md").read_text()
    assert "cannot be folded" in page and "unchanged" in page
    moved = run_onnx((folder / "adapter.onnx").read_bytes(), z.numpy(), output="latent")
    images = again(torch.from_numpy(moved)[:, :, None, None])
    torch.testing.assert_close(images, learnt.draw(z), rtol=0, atol=1e-4)
    moved_there = torch.export.load(str(folder / "adapter.pt2")).module()(z)
    np.testing.assert_allclose(moved_there.detach().numpy(), moved, atol=1e-5)


def test_a_generator_of_ours_has_no_other_code_to_go_back_to(tmp_path: Path, model: Model) -> None:
    with pytest.raises(UserError, match="no state_dict of its own"):
        export(model, tmp_path / "out", ExportSettings("state_dict"))
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------------------------------------------------- images


def test_favourites_say_what_they_are_in_every_format(
    tmp_path: Path, model: Model, rows: list[Rated]
) -> None:
    chosen = favourites(rows)
    assert [row.id for row in chosen] == [5, 1]  # four stars, then the like; five stars rejected is none
    for kind, suffix in (("png", ".png"), ("webp", ".webp"), ("jpeg", ".jpg")):
        folder = export(
            model, tmp_path / kind, ExportSettings("images", image_format=kind, sidecar=True), rows
        )  # type: ignore[arg-type]
        assert names(folder) == sorted(
            f"image{row.id:08d}{end}" for row in chosen for end in (suffix, ".xmp")
        )
        for row in chosen:
            path = folder / f"image{row.id:08d}{suffix}"
            with Image.open(path) as image:
                image.load()
                said = image.getxmp()["xmpmeta"]["RDF"]["Description"]
                if kind == "png":
                    line, record = image.text["parameters"], image.text["tastemaker"]  # type: ignore[attr-defined]
                else:
                    assert (
                        image.info["exif"].removeprefix(b"Exif\0\0")[:2] == b"MM"
                    )  # the comment's UTF-16 is big-endian, too
                    comment = image.getexif().get_ifd(0x8769)[0x9286]
                    assert comment[:8] == b"UNICODE\0"
                    line, record = comment[8:].decode("utf-16-be"), said["Record"]
                off = np.abs(np.asarray(image).astype(int) - draw(model, row.latent[None])[0].astype(int))
            assert off.max() <= (60 if kind == "jpeg" else 0)
            assert said["Rating"] == str(row.rating)
            assert said["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
            assert line.startswith("Model: small, Model hash: ")
            own = json.loads(record)
            np.testing.assert_array_equal(np.frombuffer(base64.b64decode(own["latent"]), "<f4"), row.latent)
            packet = path.with_suffix(".xmp").read_text()
            assert f"<xmp:Rating>{row.rating}</xmp:Rating>" in packet
        assert said["subject"]["Bag"]["li"] == ["=1+1", "dawn; <b>"] and said["Label"] == "Yellow"
        assert said["description"]["Alt"]["li"]["text"] == 'a "quoted"\nnote & more'
        assert said["title"]["Alt"]["li"]["text"] == "Sea & <Sky>"


def test_seeds_are_drawn_as_the_model_is_tuned(tmp_path: Path, model: Model) -> None:
    folder = export(model, tmp_path / "out", ExportSettings("images", scale=3), seeds=[7, 9])
    wanted = model.sample([7, 9])
    for seed, pixels in zip((7, 9), wanted, strict=True):
        with Image.open(folder / f"seed{seed:010d}.png") as image:
            got = np.asarray(image)
            assert got.shape == (48, 48, 3) and image.text["parameters"].startswith(f"Seed: {seed}, ")  # type: ignore[attr-defined]
            assert "Rating" not in image.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]
        np.testing.assert_array_equal(got[1::3, 1::3], pixels)


def test_a_sheet_of_favourites(tmp_path: Path, model: Model, rows: list[Rated]) -> None:
    folder = export(model, tmp_path / "out", ExportSettings("sheet", least_stars=2), rows)
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.size == (3 * 18 - 2, 2 * 18 - 2)  # 2, 3, 4 and once more 2 and 3 stars, and a like
        np.testing.assert_array_equal(np.asarray(sheet)[:16, :16], draw(model, rows[4].latent[None])[0])


# ------------------------------------------------------------------------------------------------------------------- hub


def test_a_hub_folder_is_whole(tmp_path: Path, model: Model) -> None:
    told: list[float] = []
    settings = ExportSettings("hub", fp16=True)
    folder = export(model, tmp_path / "out", settings, progress=lambda fraction, text: told.append(fraction))
    assert set(names(folder)) == {
        ".gitattributes", "README.md", "config.json", "generator.onnx", "generator.pt2", "model.safetensors", "sample.py",
        "samples.png", "test_vector.npz", *(f"samples/seed{seed:010d}.png" for seed in range(8)),
    }  # fmt: skip
    assert told == sorted(told) and told[-1] == 1.0
    header = (folder / "README.md").read_text().split("---\n")[1]
    fields = {
        line.partition(": ")[0]: line.partition(": ")[2]
        for line in header.splitlines()
        if not line.startswith("- ")
    }
    assert fields == {
        "license": "apache-2.0",
        "pipeline_tag": "unconditional-image-generation",
        "library_name": "onnx",
        "tags:": "",
    }
    assert "*.onnx filter=lfs" in (folder / ".gitattributes").read_text()
    again = gan.load(folder)
    z = latents(range(4), again.z_dim)
    np.testing.assert_allclose(
        run_pt2((folder / "generator.pt2").read_bytes(), z.numpy()), again.draw(z).numpy(), atol=1e-4
    )
    with Image.open(folder / "samples" / "seed0000000003.png") as image:
        assert again.hash in image.text["parameters"]  # type: ignore[attr-defined]
        assert np.abs(np.asarray(image).astype(int) - again.sample([3])[0]).max() <= 1


# -------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "bundle"])
def test_other_folders_are_left_alone(tmp_path: Path, model: Model, rows: list[Rated], kind: str) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("mine")
    for target, words in (
        (mine, "not empty"),
        (mine / "letter.txt", "is a file"),
        (tmp_path / "x.onnx", "an export is a folder"),
    ):
        with pytest.raises(UserError, match=words):
            export(model, target, ExportSettings(kind), rows)  # type: ignore[arg-type]
    with pytest.raises(Cancelled):
        export(model, tmp_path / "new", ExportSettings(kind), rows, cancel=lambda: True)  # type: ignore[arg-type]
    assert names(tmp_path) == ["mine/letter.txt"]


def test_what_cannot_be_written_is_one_line(tmp_path: Path, model: Model, rows: list[Rated]) -> None:
    other = [replace(row, latent=np.zeros(3, np.float32), stars=5, flag=None) for row in rows]
    for settings, given, words in (
        (ExportSettings("images"), None, "needs images"),
        (ExportSettings("images"), [rows[5]], "no favourites yet"),
        (ExportSettings("images"), other, "not of this generator"),
        (ExportSettings("video"), [rows[4]], "at least two"),
        (ExportSettings("video", seconds=600.0, fps=60), rows, "frames are too many"),
        (ExportSettings("dataset"), None, "export it from a project"),
        (ExportSettings("dataset"), [], "nothing was shown"),
    ):
        with pytest.raises(UserError, match=words):
            export(model, tmp_path / "out", settings, given)
    with pytest.raises(UserError, match="no export format 'zip'"):
        ExportSettings("zip")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_rows_of_seeds_are_what_the_model_draws(model: Model) -> None:
    points = np.stack([row.latent for row in from_seeds(model, range(4))])
    np.testing.assert_array_equal(draw(model, points), model.sample(range(4)))
