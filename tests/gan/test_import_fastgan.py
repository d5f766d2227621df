"""Checkpoints of the FastGAN program draw what a network of the same names draws, with the noise that an import keeps."""

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import foreign_fastgan as foreign
import pytest
import safetensors.torch
import torch
from foreign_fastgan import FastGan
from torch import nn

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.exports import ExportSettings, export
from gan.formats.importing import Imported, import_file
from gan.model import Model
from gan.networks import latents


def plain(layer: nn.Module) -> nn.Module:
    return layer


NETWORKS: dict[str, Callable[[], FastGan]] = {
    "spectral": FastGan,
    "parametrized": lambda: FastGan(normed=foreign.parametrized),
    "plain": lambda: FastGan(normed=plain, small=0),
    "grey": lambda: FastGan((16, 12, 8, 6, 4, 2), z_dim=24, channels=1),  # 128 px: two of its layers do not repeat pixels
    "square": lambda: FastGan((8, 8, 8, 8), z_dim=16, small=16),  # the first layer's weight is square
}


def made(name: str, **changes: Any) -> FastGan:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = NETWORKS[name]()
        for key, value in changes.items():
            setattr(network, key, value)
        return foreign.lived(network)


def imported(content: Any, folder: Path, **choices: str) -> Imported:
    torch.save(content, folder / "50000.pth")
    return import_file(folder / "50000.pth", choices)


def off(model: Model, network: FastGan) -> float:
    """The largest difference between what both draw, with the same noise."""
    generator = model.generator
    for part, name in zip(network.noises(), generator.noises(), strict=True):
        part.map = getattr(generator, name)
    z = latents(range(3), model.z_dim)
    with torch.no_grad():
        wanted = network(z).expand(-1, 3, -1, -1)
        assert float(wanted.std()) > 0.02
        return float((generator(z) - wanted).abs().max())


@pytest.mark.parametrize("name", NETWORKS)
def test_it_draws_the_same_and_goes_back(name: str, tmp_path: Path) -> None:
    network = made(name)
    found = imported(network.state_dict(), tmp_path)
    config = found.model.generator.config
    assert not found.questions and found.model.generator.kind == "fastgan"
    assert f"FastGAN, {network.size} px, {'grey' if name == 'grey' else 'colour'}, {config.z_dim} latents" in found.what
    assert off(found.model, network) < 1e-5
    weights = found.model.generator.original_state_dict()
    assert weights is not None
    again = NETWORKS[name]().eval()
    again.load_state_dict(weights)  # strictly
    assert off(found.model, again) < 1e-5
    bundle.save(found.model, tmp_path / "kept")
    kept = gan.load(tmp_path / "kept")
    z = latents(range(2), config.z_dim)
    assert torch.equal(kept.draw(z), found.model.draw(z)) and kept.hash == found.model.hash


def test_averages_are_a_list_without_names(tmp_path: Path) -> None:
    last = made("spectral")
    averaged = copy.deepcopy(last)
    with torch.no_grad():
        for value in averaged.parameters():
            value.mul_(0.9)
    content = foreign.checkpoint(last, averaged)
    found = imported(content, tmp_path)
    assert [question.key for question in found.settled] == ["weights", "output", "statistics"]
    assert off(found.model, averaged) < 1e-5 < off(found.model, last)
    assert off(imported(content, tmp_path, weights="last").model, last) < 1e-5
    content["g_ema"] = averaged.state_dict()  # in some copies with names
    assert off(imported(content, tmp_path).model, averaged) < 1e-5
    content["g_ema"] = list(averaged.parameters())[:-1]  # of another network
    assert off(imported(content, tmp_path).model, last) < 1e-5


def test_what_follows_the_last_layer(tmp_path: Path) -> None:
    network = made("spectral", tanh=True)
    found = imported(network.state_dict(), tmp_path, output="tanh")
    assert off(found.model, network) < 1e-5
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = foreign.lived(FastGan(tanh=True), gain=60.0)
    found = imported(network.state_dict(), tmp_path)  # its numbers go far beyond 1
    assert found.model.generator.config.output == "tanh" and off(found.model, network) < 1e-4


def test_statistics_may_be_measured(tmp_path: Path) -> None:
    network = made("spectral")
    weights = network.state_dict()
    for name, value in weights.items():
        if name.endswith("running_var"):
            value.mul_(9.0)
    stored = imported(weights, tmp_path).model
    measured = imported(weights, tmp_path, statistics="measured").model
    off(measured, network)  # gives it the noise
    z = latents(range(32), 10)
    with torch.no_grad():
        x = network.train()(z)
        near, far = ((model.generator(z) - x).square().mean() / x.var() for model in (measured, stored))
    assert near < 0.05 and far > 0.2


def test_exports_are_read_again(tmp_path: Path) -> None:
    network = made("spectral")
    model = imported(network.state_dict(), tmp_path).model
    folder = export(model, tmp_path / "out", ExportSettings("state_dict"))
    assert off(import_file(folder / "generator.pth").model, network) < 1e-5
    assert off(import_file(folder / "generator.safetensors").model, network) < 1e-5
    assert set(safetensors.torch.load_file(folder / "generator.safetensors")) == set(network.state_dict())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"feat_16.1.weight_orig": None}, "version of its program|fit"),
        ({"to_big.weight_orig": None}, "version of its program"),
        ({"feat_8.6.weight": None}, r"part feat_8\.6\.weight does not fit"),
        ({"feat_32.7.running_var": None}, "does not fit"),
        ({"init.init.1.weight": torch.ones(7)}, "does not fit"),
        ({"init.init.0.weight_orig": torch.ones(10, 24, 8, 8)}, "fit"),
        ({"feat_32.1.weight_orig": torch.ones(16, 9, 3, 3)}, "fit"),
        ({"feat_8.3.weight": torch.full((20,), torch.nan)}, "not finite"),
        ({"feat_8.3.weight": torch.ones(20, dtype=torch.int64)}, "int64 numbers, which are no weights"),
        ({"feat_8.2.weight": torch.zeros(2)}, "does not fit"),
        ({"mapping.1.weight": torch.ones(10, 10)}, r"part mapping\.1\.weight does not fit"),
        ({"feat_4096.1.weight_orig": torch.ones(4, 6, 3, 3)}, r"no feat_4096\.1"),
        ({"to_big.weight_orig": torch.ones(3, 6)}, "version|fit"),
        ({"feat_16.1.weight_u": torch.zeros(16)}, "no length"),
        ({"feat_8.1.weight_orig": torch.zeros(0, 12, 3, 3)}, "fit|absurd|damaged"),
        ({"se_64.main.1.weight_orig": torch.ones(6, 5, 4, 4)}, "fit"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    weights = dict(made("spectral").state_dict())
    for name, value in change.items():
        if value is None:
            del weights[name]
        else:
            weights[name] = value
    with pytest.raises(UserError, match=words) as error:
        imported(weights, tmp_path)
    assert "\n" not in str(error.value)


def test_a_size_that_the_file_does_not_hold_is_refused(tmp_path: Path) -> None:
    weights = dict(made("spectral").state_dict())
    weights["feat_64.1.weight_orig"] = torch.zeros(1).expand(60000, 60000, 3, 3)
    with pytest.raises(UserError, match=r"larger than the file|fit"):
        imported(weights, tmp_path)


def test_configurations_are_checked() -> None:
    with torch.random.fork_rng(devices=[]):
        weights = made("spectral")
    config = gan.networks.fastgan.FastganConfig(
        10, 64, 3, (12, 10, 8, 8, 6), (True, False, True, False), (False, False, False, True), 32
    )
    assert weights.size == config.resolution
    changes: list[dict[str, Any]] = [
        {"resolution": 128}, {"widths": (12, 10)}, {"image_channels": 4}, {"small": 64}, {"small": 12}, {"z_dim": 0},
        {"excited": (True,) * 4}, {"excited": (False,)},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(ValueError, match=r"latents|layers|widths|feature map|weighted"):
            dataclasses.replace(config, **change)
