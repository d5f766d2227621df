"""TorchScript and `.pt2` files: programs, which run only for someone who says that they may."""

import io
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from test_exports import Stranger, stranger

import gan
from gan.errors import UserError
from gan.formats.exports import ExportSettings, export
from gan.formats.importing import import_file
from gan.model import Model
from gan.networks import latents

TRUSTED = {"trust_program": "yes"}


def as_script(path: Path) -> Path:
    with _ignored():
        torch.jit.save(torch.jit.trace(stranger(), torch.randn(2, 10, 1, 1)), path)
    return path


def as_program(path: Path) -> Path:
    batch = torch.export.Dim("n", min=1)
    with _ignored():
        program = torch.export.export(stranger(), (torch.randn(2, 10, 1, 1),), dynamic_shapes=({0: batch},))
        torch.export.save(program, path)
    return path


@contextmanager
def _ignored() -> Iterator[None]:
    """torch warns about what it will take away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


MAKERS = {"torchscript": as_script, "pt2": as_program}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_program_is_refused_and_not_even_opened(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = MAKERS[kind](tmp_path / f"generator.{kind}")
    for module, name in ((torch.jit, "load"), (torch.export, "load")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("a program was loaded"))
    for choices in ({}, {"trust_program": "no"}):
        with pytest.raises(UserError, match="a program, which would have to be run") as told:
            import_file(path, choices)
        assert "--trust-program" in str(told.value) and "\n" not in str(told.value)
    with pytest.raises(UserError, match="trust_program cannot be 'maybe'"):
        import_file(path, {"trust_program": "maybe"})


@pytest.mark.parametrize("kind", MAKERS)
def test_with_consent_it_becomes_a_graph_that_draws_the_same(tmp_path: Path, kind: str) -> None:
    imported = import_file(MAKERS[kind](tmp_path / f"generator.{kind}"), TRUSTED)
    assert imported.model.generator.kind == "onnx" and "you said that you trust it" in imported.notes[0]
    assert [question.key for question in imported.questions] == ["trust_program", "prior"]
    z = latents(range(5), 10)
    with torch.no_grad():
        wanted = stranger()(z[:, :, None, None])
    torch.testing.assert_close(imported.model.draw(z), wanted, rtol=0, atol=1e-5)
    gan.formats.bundle.save(imported.model, tmp_path / "kept")
    assert sorted(os.listdir(tmp_path / "kept")) == ["config.json", "model.safetensors", "original.onnx"]
    torch.testing.assert_close(gan.load(tmp_path / "kept").draw(z), imported.model.draw(z), rtol=0, atol=0)


def test_one_of_our_own_keeps_its_inputs(tmp_path: Path, small_model: Callable[..., Model]) -> None:
    """Truncation is an input of a `.pt2` that only its own page names."""
    model = small_model()
    path = export(model, tmp_path / "out", ExportSettings("pt2")) / "generator.pt2"
    imported = import_file(path, TRUSTED)
    assert [question.key for question in imported.questions] == ["trust_program"]
    assert imported.model.generator.truncates
    z = latents(range(4), model.z_dim)
    for psi in (1.0, 0.4):
        torch.testing.assert_close(imported.model.draw(z, psi), model.draw(z, psi), rtol=0, atol=1e-4)


class NoImages(Stranger):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return super().forward(z).sum()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (NoImages, "draws no images"),
        (lambda: torch.nn.Linear(4, 4), "draws no images"),
    ],
)
def test_a_trusted_program_that_draws_nothing_is_one_line(
    tmp_path: Path, make: Callable[[], torch.nn.Module], words: str
) -> None:
    path = tmp_path / "script.pt"
    with _ignored():
        module = make().eval()
        example = torch.randn(2, 4) if isinstance(module, torch.nn.Linear) else torch.randn(2, 10, 1, 1)
        torch.jit.save(torch.jit.trace(module, example), path)
    with pytest.raises(UserError, match=words) as told:
        import_file(path, TRUSTED)
    assert "\n" not in str(told.value)


def test_a_damaged_program_is_one_line(tmp_path: Path) -> None:
    data = as_script(tmp_path / "whole.pt").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(tmp_path / "cut.pt", "w") as cut:
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[:20])
    with pytest.raises(UserError, match=r"could not be rewritten|cannot be imported") as told:
        import_file(tmp_path / "cut.pt", TRUSTED)
    assert "\n" not in str(told.value)
