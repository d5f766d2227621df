"""`tastemaker benchmark generator`: its figures between floor and ceiling, its targets, its mistakes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from gan.data.scenes import render
from gan.errors import UserError
from gan.measure import generator as benchmark
from gan.measure import inception as inception_module
from gan.measure.features import features
from gan.measure.inception import inception
from gan.measure.real import RealPool, drawn_pool
from gan.model import Model
from gan.networks import Generator, GeneratorConfig, registry


@pytest.fixture(autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setattr("gan.data.procedural.cache_folder", lambda: folder)


def small_model(data: str = "scenes") -> Model:
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=32, z_dim=16, w_dim=16, channels=(8, 8, 8, 8)))
    return Model("small", generator, card={"data": {"kind": data}})


def row(**values: float) -> benchmark.Row:
    names = (
        "kid",
        "fd",
        "precision",
        "recall",
        "density",
        "coverage",
        "diversity",
        "vendi",
        "ms_ssim",
        "lpips",
    )
    return replace(benchmark.Row(*(0.0 for _ in names)), **values)


# --- figures ----------------------------------------------------------------------------------------------------------------


def test_measuring_a_generator_orders_floor_and_ceiling() -> None:
    pool = drawn_pool("scenes", 200, 32)
    rows = benchmark.measure(small_model(), pool, repeats=2)
    assert set(rows) == {"real", "generator", "untrained"}
    assert all(len(several) == 2 for several in rows.values())
    for real, untrained in zip(rows["real"], rows["untrained"], strict=True):
        assert real.kid < 0.05 < untrained.kid
        assert real.fd < untrained.fd
        assert real.precision > untrained.precision
        assert real.density == pytest.approx(1.0, abs=0.35)
        assert real.coverage > 0.9 > untrained.coverage
        assert real.diversity == pytest.approx(1.0, abs=0.05)
        assert 1 < real.vendi < 100
        assert 0 < real.ms_ssim < 1
        assert real.lpips > 0
        assert real.fid is None
    printed = benchmark.table(rows)
    for title in (
        "KID-rand",
        "FD-rand",
        "density",
        "coverage",
        "Vendi-rand",
        "MS-SSIM pairs",
        "LPIPS-rand pairs",
    ):
        assert title in printed
    assert "FID" not in printed


def test_a_set_against_itself() -> None:
    pictures = render(range(60), 32)
    pool = RealPool(pictures, features(pictures))
    same = benchmark.compare(pool, pool)
    assert same.fd == pytest.approx(0.0, abs=1e-3)
    assert (same.precision, same.recall, same.coverage, same.diversity) == (1.0, 1.0, 1.0, 1.0)


def test_a_generator_that_is_a_file_has_no_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.generators["compact"]._replace(files=("graph.onnx",))
    monkeypatch.setitem(registry.generators, "compact", kind)
    rows = benchmark.measure(small_model(), drawn_pool("scenes", 80, 32), repeats=1)
    assert set(rows) == {"real", "generator"}


def test_the_untrained_generator_is_always_the_same_one() -> None:
    first, second = benchmark.untrained(small_model()), benchmark.untrained(small_model())
    assert first is not None
    assert second is not None
    assert first.hash == second.hash != small_model().hash


# --- targets ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("floor", "kid", "coverage", "holds"),
    [
        (0.002, 0.045, 0.85, [True, True]),  # the limit is 3 x 0.002 + 0.01 x (4.002 - 0.002) = 0.046
        (0.002, 0.047, 0.79, [False, False]),
        (-0.002, 0.0399, 0.8, [True, True]),  # a floor below zero counts as zero: 0.04002
        (-0.002, 0.0401, 0.8, [False, True]),
    ],
)
def test_targets(floor: float, kid: float, coverage: float, holds: list[bool]) -> None:
    rows = {
        "real": [row(kid=floor - 0.001), row(kid=floor + 0.001)],
        "generator": [row(kid=kid, coverage=coverage)],
        "untrained": [row(kid=4.002)],
    }
    reached = benchmark.targets(rows)
    assert [target.holds for target in reached] == holds
    assert "4.0020" in reached[0].says


# --- the command ------------------------------------------------------------------------------------------------------------


def test_the_command_prints_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "load", lambda name, device: small_model())
    path, sheet = tmp_path / "deep" / "figures.json", tmp_path / "sheet.png"
    arguments = ["small", "--count", "30", "--repeats", "1", "--device", "cpu"]
    assert benchmark.main([*arguments, "--json", str(path), "--sheet", str(sheet)]) == 0
    printed = capsys.readouterr().out
    assert "untrained (ceiling)" in printed
    assert "MISSED  KID" in printed
    assert "MISSED  coverage" in printed
    written = json.loads(path.read_text())
    assert written["space"] == "rand"
    assert written["count"] == 30
    assert written["rows"]["real"][0]["kid"] < written["rows"]["untrained"][0]["kid"]
    assert [target["holds"] for target in written["targets"]] == [False, False]
    with Image.open(sheet) as picture:
        assert picture.size == (16 * 34 - 2, 16 * 34 - 2)


def test_several_generators_are_measured_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "load", lambda name, device: small_model(name))
    path = tmp_path / "figures.json"
    assert benchmark.main(["scenes", "scenes", "--count", "30", "--repeats", "1", "--json", str(path)]) == 0
    assert len(json.loads(path.read_text())) == 2
    assert capsys.readouterr().out.count("untrained (ceiling)") == 2


def test_characters_are_measured_against_characters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "load", lambda name, device: small_model("characters"))
    assert benchmark.main(["characters", "--count", "30", "--repeats", "1"]) == 0
    assert "30 characters of seeds from" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-generator"], "no-such-generator"),
        (["small", "--count", "3"], "--count"),
        (["small", "--images", "no-such-folder"], "no-such-folder"),
        (["small", "small", "--sheet", "sheet.png"], "one generator at a time"),
        (["small", "--inception", "no-such-weights.pth"], "no Inception weights at no-such-weights.pth"),
    ],
)
def test_a_users_mistake_is_one_line(
    tastemaker: Callable[..., int], arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments[0] == "small":
        monkeypatch.setattr(benchmark, "load", lambda name, device: small_model("unknown"))
    assert tastemaker("benchmark", "generator", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("tastemaker: ")
    assert said in error
    assert error.count("\n") == 1


# --- Inception --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def fidelity(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch-fidelity's one class, with a network small enough for a test: means of the channels by one loaded matrix."""

    class Extractor(torch.nn.Module):
        def __init__(self, name: str, layers: list[str], feature_extractor_weights_path: str) -> None:
            super().__init__()
            assert layers == ["2048"]
            self.mix = torch.load(feature_extractor_weights_path, weights_only=True)["mix"]

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
            assert x.dtype == torch.uint8
            return (x.float().mean((2, 3)) @ self.mix,)

    module = ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    module.FeatureExtractorInceptionV3 = Extractor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_fidelity", ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pth"
    torch.save({"mix": torch.diag(torch.tensor([1.0, 2.0, 3.0]))}, path)
    return path


def test_fid_where_the_weights_are(
    fidelity: None, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inception_module, "DIGITS", "")  # any weights; the check has a test of its own
    pictures = render(range(40), 32)
    described = inception(weights)(pictures)
    assert np.allclose(described, pictures.mean((1, 2)) * [1, 2, 3], rtol=1e-4)
    monkeypatch.setattr(benchmark, "load", lambda name, device: small_model())
    assert benchmark.main(["small", "--count", "30", "--repeats", "1", "--inception", str(weights)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("FID ") and "Inception" in line for line in lines)


def test_only_the_known_weights_make_it_fid(fidelity: None, weights: Path) -> None:
    with pytest.raises(UserError, match=r"is not weights-inception-2015-12-05-6726825d\.pth"):
        inception(weights)


def test_without_torch_fidelity_it_says_what_to_install(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(UserError, match="not installed"):
        inception(weights)


def test_weights_are_looked_for_where_torch_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(UserError, match="6726825d"):
        inception()
