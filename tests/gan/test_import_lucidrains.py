"""Checkpoints of lightweight-gan and stylegan2-pytorch draw what those programs draw.

The expected numbers were drawn by the programs themselves (lightweight-gan 1.2.1, stylegan2-pytorch 1.9.0), from the weights that
`foreign_lucidrains` makes and with the noise that an import keeps, on one latent: mean, deviation and five pixels of the image.
"""

import json
from pathlib import Path
from typing import Any

import foreign_lucidrains as foreign
import numpy as np
import pytest
import torch

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.importing import import_file
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.networks.lightweight import LightweightConfig
from gan.networks.lucidrains_stylegan2 import LucidStyleGAN2Config

PLAIN = LightweightConfig(16, 32, 3, (12, 12, 12), "global", (False,) * 3)
GREY = LightweightConfig(16, 128, 1, (12,) * 5, "global", (False, True, False, False, False))
CLEAR = LightweightConfig(16, 128, 4, (12,) * 5, "frequency", (False,) * 5)
STYLE = LucidStyleGAN2Config(16, 32, 3, (12, 12, 12, 8), 3, 0.1, True, (False,) * 4)
STARTLESS = LucidStyleGAN2Config(16, 32, 3, (12, 12, 12, 8), 3, 0.1, False, (False, False, True, False))
DRAWN = [
    (PLAIN, [-0.25284, 0.58572, -0.40271, -0.1567, -0.66228, 0.29622, 0.03304]),
    (GREY, [0.23046, 0.25348, 0.20516, -0.14507, 0.2179, 0.27517, 0.52357]),
    (CLEAR, [0.67163, 0.40963, 1.0, 0.21493, 0.95731, 1.0, -0.24413]),
    (STYLE, [-0.89634, 0.16978, -1.0, -1.0, -0.33684, -1.0, -1.0]),
    (STARTLESS, [-0.7376, 0.38862, -0.07351, -1.0, -1.0, -0.11762, -1.0]),
]


def checkpoint(config: Any, folder: Path) -> Path:
    made = foreign.lightweight(config) if isinstance(config, LightweightConfig) else foreign.stylegan2(config)
    torch.save(made, folder / "model_10.pt")
    return folder / "model_10.pt"


def latent(config: Any) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(7).randn(1, config.z_dim)).float()


@pytest.mark.parametrize(("config", "expected"), DRAWN)
def test_it_draws_what_the_program_draws(config: Any, expected: list[float], tmp_path: Path) -> None:
    imported = import_file(checkpoint(config, tmp_path))
    assert imported.model.generator.config == config and not imported.questions
    with torch.no_grad():
        x = imported.model.generator(latent(config))
    found = [
        x.mean(),
        x.std(),
        x[0, 0, 3, 5],
        x[0, 1, 20, 9],
        x[0, 2, 30, 31],
        x[0, 0, 16, 16],
        x[0, 1, 2, 28],
    ]
    np.testing.assert_allclose([float(value) for value in found], expected, atol=2e-5)


@pytest.mark.parametrize("config", [PLAIN, GREY, STARTLESS])
def test_it_goes_round(config: Any, tmp_path: Path) -> None:
    """Through a bundle, and back into the layout that it came in."""
    path = checkpoint(config, tmp_path)
    model = import_file(path).model
    bundle.save(model, tmp_path / "mine")
    again = gan.load(tmp_path / "mine")
    z = latent(config)
    assert torch.equal(again.draw(z), model.draw(z)) and again.hash == model.hash
    named = again.generator.original_state_dict()
    assert named is not None
    inner = torch.load(path, weights_only=True)["GAN"]
    for key, value in named.items():
        theirs = key.replace(".", "E.", 1) if isinstance(config, LucidStyleGAN2Config) else f"GE.{key}"
        assert torch.equal(inner[theirs], value), key


@pytest.mark.slow
@pytest.mark.parametrize("config", [PLAIN, GREY, STARTLESS])
def test_onnx_draws_the_same(config: Any, tmp_path: Path) -> None:
    model = import_file(checkpoint(config, tmp_path)).model
    z = latent(config)
    assert np.abs(run_onnx(to_onnx(model, {}), z.numpy()) - model.draw(z).numpy()).max() < 1e-4


def test_both_sets_of_weights(tmp_path: Path) -> None:
    path = checkpoint(PLAIN, tmp_path)
    assert [question.key for question in import_file(path).settled] == ["weights"]
    averaged, last = (import_file(path, choices).model for choices in ({}, {"weights": "last"}))
    assert not torch.allclose(averaged.draw(latent(PLAIN)), last.draw(latent(PLAIN)), atol=0.01)


def test_truncation_and_the_file_beside(tmp_path: Path) -> None:
    path = checkpoint(STYLE, tmp_path)
    model = import_file(path).model
    z = torch.randn(8, 16)
    spread = [model.draw(z, psi).std(dim=0).mean() for psi in (1.0, 0.5, 0.0)]
    assert spread[0] > spread[1] > spread[2] and float(spread[2]) < 1e-6
    assert {question.key for question in import_file(path).settled} == {"weights", "lr_mlp"}
    (tmp_path / ".config.json").write_text(json.dumps({"lr_mlp": 0.5, "image_size": 32}))
    imported = import_file(path)
    assert {question.key for question in imported.settled} == {"weights"}
    assert imported.model.generator.config.mapping_rate == 0.5
    (tmp_path / ".config.json").write_text("[" * 1000)
    assert import_file(path).model.generator.config.mapping_rate == 0.1


@pytest.mark.parametrize("config", [PLAIN, STYLE])
def test_other_versions_are_named(config: Any, tmp_path: Path) -> None:
    path = checkpoint(config, tmp_path)
    whole = torch.load(path, weights_only=True)
    for key in [key for key in whole["GAN"] if key.startswith(("GE.", "SE."))][3:40:6]:
        if key.endswith(("num_batches_tracked", ".f")):
            continue
        torch.save({**whole, "GAN": {k: v for k, v in whole["GAN"].items() if k != key}}, path)
        with pytest.raises(UserError, match=r"version of its program|absurd|fit one another"):
            import_file(path)


def test_attention_too_narrow_for_a_head_is_refused_in_one_line(tmp_path: Path) -> None:
    path = checkpoint(GREY, tmp_path)
    whole = torch.load(path, weights_only=True)
    for key in list(whole["GAN"]):
        if key.startswith("GE.") and key.endswith("fn.to_q.weight"):
            whole["GAN"][key] = whole["GAN"][key][:8].clone()
    torch.save(whole, path)
    with pytest.raises(UserError, match="absurd sizes"):  # and no warning of torch's own before it: warnings are errors here
        import_file(path)
