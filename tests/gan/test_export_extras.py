"""Without an optional package, what needs it says so in one line that names it; everything else works."""

import sys
from collections.abc import Callable
from pathlib import Path

import foreign_onnx
import pytest
from test_portable import tuned

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.exports import ExportSettings, export
from gan.formats.importing import import_file
from gan.formats.rated import Rated
from gan.model import Model
from gan.networks import latents

MakeModel = Callable[..., Model]
Without = Callable[..., None]


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Without:
    """Make packages look as if they were not installed."""

    def hide(*packages: str) -> None:
        for name in list(sys.modules):
            if name.split(".")[0] in packages:
                monkeypatch.delitem(sys.modules, name)
        for name in packages:
            monkeypatch.setitem(sys.modules, name, None)

    return hide


def one_line(told: pytest.ExceptionInfo[UserError], *words: str) -> None:
    text = str(told.value)
    assert "\n" not in text and all(word in text for word in words), text


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
@pytest.mark.parametrize("kind", ["onnx", "bundle", "hub"])
def test_graphs_need_the_packages_of_onnx(
    package: str, kind: str, without: Without, small_model: MakeModel, tmp_path: Path
) -> None:
    model = tuned(small_model)
    without(package)
    with pytest.raises(UserError) as told:
        export(model, tmp_path / "out", ExportSettings(kind))  # type: ignore[arg-type]
    one_line(told, f"ONNX needs the package {package}", "pip install onnx")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_graph_of_someone_else_needs_them_too(package: str, without: Without, tmp_path: Path) -> None:
    path = tmp_path / "generator.onnx"
    path.write_bytes(foreign_onnx.generator())
    bundle.save(import_file(path).model, tmp_path / "mine")
    without(package)
    with pytest.raises(UserError) as told:
        import_file(path)
    one_line(told, "generator.onnx cannot be imported", f"the package {package}: pip install {package}")
    if package == "onnx":
        with pytest.raises(UserError) as told:
            gan.load(tmp_path / "mine")
        one_line(told, "the package onnx")


def test_mp4_needs_av_and_other_films_do_not(
    without: Without, small_model: MakeModel, tmp_path: Path
) -> None:
    without("av")
    settings = ExportSettings("video", video_format="mp4", seconds=0.1, fps=10)
    with pytest.raises(UserError) as told:
        export(small_model(), tmp_path / "film", settings, seeds=[0, 1])
    one_line(told, "MP4 needs the package av", "pip install av", "GIF and WebP need nothing more")
    settings = ExportSettings("video", seconds=0.1, fps=10)
    assert (export(small_model(), tmp_path / "film", settings, seeds=[0, 1]) / "interpolation.gif").exists()


def test_without_pyarrow_the_table_is_a_csv_alone(
    without: Without, small_model: MakeModel, tmp_path: Path
) -> None:
    without("pyarrow")
    z = latents(range(2), 8).numpy()
    rows = [Rated(i + 1, z[i], stars=4, created=1.7e9, rated=1.7e9) for i in range(2)]
    folder = export(small_model(), tmp_path / "data", ExportSettings("dataset"), rows)
    assert (folder / "ratings.csv").exists() and not (folder / "ratings.parquet").exists()
    assert "pyarrow" in (folder / "README.md").read_text()
