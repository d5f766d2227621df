"""Weights of BigGAN-PyTorch draw what a network of the same names draws."""

import dataclasses
from pathlib import Path
from typing import Any

import foreign_biggan as foreign
import numpy as np
import pytest
import torch
from foreign_biggan import BigGan, Shape

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.exports import ExportSettings, export
from gan.formats.importing import Imported, import_file
from gan.model import Model
from gan.networks import latents
from gan.networks.biggan import BigganConfig

DEEP = Shape((16, 16, 12, 12, 8), 6, 4, 5, deep=True)
SHAPES = {
    "parts": Shape(),
    "whole": Shape(parts=False),
    "tables": Shape(parts=False, shared=0, widths=(8, 8, 8)),
    "attention": Shape(attention=1),
    "large": Shape((8, 8, 8, 8, 4, 4), 12, attention=2),  # 128 px: two of its layers do not repeat pixels
    "deep": DEEP,
    "deep, attention": dataclasses.replace(DEEP, attention=3),
    "plain": Shape(normed=False),
    "plain tables": Shape(normed=False, parts=False, shared=0),
    "counted": Shape(kept="counted"),
    "synchronised": Shape(kept="synchronised"),
    "one class": Shape(classes=1),
}


def made(name: str) -> BigGan:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return foreign.lived(BigGan(SHAPES[name]))


def imported(content: Any, folder: Path, **choices: str) -> Imported:
    torch.save(content, folder / "G_ema.pth")
    return import_file(folder / "G_ema.pth", choices)


def off(model: Model, network: BigGan) -> float:
    """The largest difference between what both draw of the same noise and classes."""
    noise, z = network.shape.noise, latents(range(5), model.z_dim)
    labels = z[:, noise:].argmax(dim=1) if model.generator.classes else torch.zeros(5, dtype=torch.int64)
    with torch.no_grad():
        wanted = network(z[:, :noise], labels)
        assert float(wanted.std()) > 0.02
        return float((model.generator(z) - wanted).abs().max())


@pytest.mark.parametrize("name", SHAPES)
def test_it_draws_the_same_and_goes_back(name: str, tmp_path: Path) -> None:
    network = made(name)
    shape = network.shape
    found = imported(network.state_dict(), tmp_path)
    assert not found.questions and found.model.generator.kind == "biggan"
    assert ("BigGAN-deep, " if shape.deep else "BigGAN, ") in found.what and f"colour, {shape.noise} latents" in found.what
    assert (f"{shape.classes} classes" in found.what) == (shape.classes > 1)
    assert found.model.z_dim == shape.noise + found.model.generator.classes
    assert off(found.model, network) < 1e-5
    weights = found.model.generator.original_state_dict()
    assert weights is not None
    again = BigGan(shape).eval()
    again.load_state_dict(weights)  # strictly
    assert off(found.model, again) < 1e-5
    bundle.save(found.model, tmp_path / "kept")
    kept = gan.load(tmp_path / "kept")
    assert kept.hash == found.model.hash
    np.testing.assert_array_equal(kept.sample(range(3)), found.model.sample(range(3)))


def test_one_class_alone(tmp_path: Path) -> None:
    network = made("parts")
    model = imported(network.state_dict(), tmp_path, label="2").model
    assert model.z_dim == 8 and model.generator.classes == 0
    z = latents(range(4), 8)
    with torch.no_grad():
        torch.testing.assert_close(model.draw(z), network(z, torch.full((4,), 2)), rtol=0, atol=1e-5)
    with pytest.raises(UserError, match="label cannot be '3'"):
        imported(network.state_dict(), tmp_path, label="3")


def test_standing_statistics_are_sums(tmp_path: Path) -> None:
    network = made("counted")
    weights = network.state_dict()
    for name, value in weights.items():
        if ".stored_" in name:
            value.mul_(5.0)
        elif name.endswith("accumulation_counter"):
            value.fill_(5.0)
    found = imported(weights, tmp_path)
    assert off(found.model, network) < 1e-5
    again = BigGan(network.shape).eval()
    again.load_state_dict(found.model.generator.original_state_dict())
    assert off(found.model, again) < 1e-5


def test_synchronised_normalisations_may_add_their_gain(tmp_path: Path) -> None:
    weights = made("synchronised").state_dict()
    times = imported(weights, tmp_path)
    assert [question.key for question in times.settled] == ["gain", "label", "statistics"]
    plus = imported(weights, tmp_path, gain="plus").model
    assert plus.generator.config.adds_gain
    z = latents(range(2), plus.z_dim)
    assert not torch.allclose(plus.draw(z), times.model.draw(z), atol=0.01)


def test_statistics_may_be_measured(tmp_path: Path) -> None:
    network = made("parts")
    weights = network.state_dict()
    for name, value in weights.items():
        if name.endswith("stored_var"):
            value.mul_(9.0)
    stored, measured = (imported(weights, tmp_path, statistics=which).model for which in ("stored", "measured"))
    z = latents(range(64), 11)
    with torch.no_grad():
        x = network.train()(z[:, :8], z[:, 8:].argmax(dim=1))
        near, far = ((model.generator(z) - x).square().mean() / x.var() for model in (measured, stored))
    assert near < 0.2 and far > 0.4


def test_exports_are_read_again(tmp_path: Path) -> None:
    network = made("attention")
    model = imported({"G": {f"module.{name}": value for name, value in network.state_dict().items()}}, tmp_path).model
    folder = export(model, tmp_path / "out", ExportSettings("state_dict"))
    assert off(import_file(folder / "generator.pth").model, network) < 1e-5
    assert off(import_file(folder / "generator.safetensors").model, network) < 1e-5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"blocks.1.0.conv2.weight": None}, "version of its program|fit"),
        ({"linear.weight": None}, r"no linear"),
        ({"shared.weight": None}, "fit"),
        ({"blocks.0.0.bn1.stored_mean": None}, r"no blocks\.0\.0\.bn1\.stored_mean"),
        ({"blocks.2.0.bn2.stored_var": None}, "does not fit"),
        ({"blocks.0.0.conv1.u0": None}, "different ways"),
        ({"blocks.0.0.conv1.u0": torch.ones(1, 5)}, "do not fit one another"),
        ({"blocks.0.0.conv1.weight": torch.ones(12, 9, 3, 3)}, "fit"),
        ({"blocks.0.0.conv1.u1": torch.ones(1, 12)}, r"conv1\.u1 does not fit"),
        ({"blocks.0.0.bn1.gain.weight": torch.full((12, 8), torch.inf)}, "not finite"),
        ({"output_layer.0.gain": torch.ones(8, dtype=torch.int64)}, "int64 numbers, which are no weights"),
        ({"blocks.1.1.gamma": None}, "does not fit"),
        ({"mapping.weight": torch.ones(4, 4)}, "different ways|does not fit"),
        ({"linear.weight": torch.zeros(0, 2)}, "fit|damaged"),
        ({"output_layer.2.weight": torch.ones(4, 8, 3, 3)}, "fit"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    weights = dict(made("attention").state_dict())
    for name, value in change.items():
        if value is None:
            del weights[name]
        else:
            weights[name] = value
    with pytest.raises(UserError, match=words) as error:
        imported(weights, tmp_path)
    assert "\n" not in str(error.value)


def test_a_table_wider_than_what_it_enters_is_refused(tmp_path: Path) -> None:
    weights = dict(made("deep").state_dict())
    weights["shared.weight"] = torch.ones(4, 99)  # it leaves less than nothing for the noise
    with pytest.raises(UserError, match="do not fit one another"):
        imported(weights, tmp_path)


def test_a_size_that_the_file_does_not_hold_is_refused(tmp_path: Path) -> None:
    weights = dict(made("parts").state_dict())
    weights["linear.weight"] = torch.zeros(1).expand(12 << 20, 2)
    with pytest.raises(UserError, match="larger than the file"):
        imported(weights, tmp_path)


def test_configurations_are_checked() -> None:
    config = BigganConfig(11, 32, 3, 6, 8, True, False, 4, (12, 12, 10, 8), (False, True, False))
    changes: list[dict[str, Any]] = [
        {"resolution": 64}, {"widths": (12, 12)}, {"z_dim": 8}, {"label": 3, "z_dim": 8}, {"noise": 9, "z_dim": 12}, {"shared": 0},
        {"noise": -4, "z_dim": -1},
        {"deep": True}, {"widths": (12, 12, 7, 8)}, {"side": 64, "resolution": 512 << 2},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(ValueError, match=r"blocks?|latents|label|noise"):
            dataclasses.replace(config, **change)
