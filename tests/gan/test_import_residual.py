"""Residual generators, as strangers save them, import with the right images; what cannot be understood is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import foreign_residual as foreign
import numpy as np
import pytest
import safetensors.torch
import torch
from foreign_torch import lived
from torch import nn

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.exports import ExportSettings, export
from gan.formats.importing import Imported, import_file
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.session import Feedback, RoundConfig, TuningSession

old_norm, new_norm = nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm
# Strangers' generators, and the answers to what nothing in their weights tells.
GENERATORS: dict[str, tuple[Callable[[], nn.Module], dict[str, str]]] = {
    "lettered": (foreign.Lettered, {}),
    "lettered-smooth": (lambda: foreign.Lettered("bilinear"), {}),
    "lettered-narrowing": (lambda: foreign.Lettered(widths=(16, 16, 12, 8)), {}),
    "lettered-48-px": (lambda: foreign.Lettered(widths=(16, 12, 8, 8), still=(4,)), {}),
    "lettered-grey": (lambda: foreign.Lettered(colours=1), {}),
    "twice": (foreign.Twice, {}),
    "listed": (foreign.Listed, {}),
    "listed-leaky": (lambda: foreign.Listed(0.2), {}),
    "folded": (foreign.Folded, {}),
    "behind": (foreign.Behind, {}),
    "behind-unbent": (lambda: foreign.Behind(final=False), {}),
    "bare": (foreign.Bare, {}),
    "late": (foreign.Late, {}),
    "spectral": (lambda: foreign.Lettered(wrap=old_norm), {}),
    "spectral-parametrization": (lambda: foreign.Lettered(widths=(16, 16, 12, 8), wrap=new_norm), {}),
    "spectral-wrapper": (lambda: foreign.Lettered(wrap=foreign.BarWrapped), {}),
    "spectral-layers": (lambda: foreign.Lettered(wrap=foreign.own), {}),
}


def trained(make: Callable[[], nn.Module], seed: int = 1) -> nn.Module:
    """As if it had been trained: its statistics are those of its images, its spectral norms are found."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, z = make(), torch.randn(512, foreign.NOISE)
        if any("weight_u" in name or "_u" in name.rpartition(".")[2] for name in network.state_dict()):
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                    nn.init.uniform_(module.weight, 0.7, 1.3)
                    nn.init.normal_(module.bias, std=0.3)
                    module.momentum = 0.1
            with torch.no_grad():
                for _ in range(40):
                    network.train()(torch.randn(64, foreign.NOISE))
        return lived(network, z) if not any("_u" in name for name in network.state_dict()) else network.eval()


def save(network: nn.Module, folder: Path) -> Path:
    torch.save(network.state_dict(), folder / "generator.pth")
    return folder / "generator.pth"


def off(imported: Imported, network: nn.Module) -> float:
    """The largest difference between what the import and the stranger's network draw."""
    z = torch.randn(4, foreign.NOISE, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        return float((imported.model.generator(z) - network.eval()(z).expand(-1, 3, -1, -1)).abs().max())


@pytest.mark.parametrize("name", GENERATORS)
def test_it_draws_what_the_strangers_code_draws(name: str, tmp_path: Path) -> None:
    make, answers = GENERATORS[name]
    network = trained(make)
    imported = import_file(save(network, tmp_path), answers)
    assert imported.model.generator.kind == "resnet" and imported.what.startswith("residual generator, ")
    assert off(imported, network) < 1e-4
