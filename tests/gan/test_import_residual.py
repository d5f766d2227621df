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
def test_it_draws_what_the_strangers_code_draws_and_goes_back_there(name: str, tmp_path: Path) -> None:
    make, answers = GENERATORS[name]
    network = trained(make)
    imported = import_file(save(network, tmp_path), answers)
    assert imported.model.generator.kind == "resnet" and imported.what.startswith("residual generator, ")
    assert off(imported, network) < 1e-4

    # It goes back into the stranger's code, also from a bundle.
    bundle.save(imported.model, tmp_path / "kept")
    kept = gan.load(tmp_path / "kept")
    assert kept.hash == imported.model.hash
    folder = export(kept, tmp_path / "out", ExportSettings("state_dict"))
    again = make()
    again.load_state_dict(torch.load(folder / "generator.pth", weights_only=True))  # strictly
    assert off(Imported(kept, ""), again) < 1e-4
    if "spectral" not in name:
        for key, value in network.state_dict().items():
            assert key.endswith("num_batches_tracked") or torch.equal(again.state_dict()[key], value), key


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lettered-smooth", "twice", "behind", "bare"])
def test_it_is_written_as_a_graph(name: str, tmp_path: Path) -> None:
    make, answers = GENERATORS[name]
    model = import_file(save(trained(make), tmp_path), answers).model
    z = torch.randn(3, model.z_dim)
    assert np.abs(run_onnx(to_onnx(model, {}), z.numpy()) - model.draw(z).numpy()).max() < 1e-4


def test_it_is_rated_and_tuned(tmp_path: Path) -> None:
    model = import_file(save(trained(foreign.Listed), tmp_path)).model
    session = TuningSession(model, "cpu", config=RoundConfig(states=8, children=4, look_images=32, pool=2048))
    proposals = session.propose(40)
    session.add({i: proposal.latent for i, proposal in enumerate(proposals)})
    brightness = np.array([proposal.pixels.mean() for proposal in proposals])
    stars = brightness.argsort().argsort() * 5 // len(brightness) + 1
    session.feedback([Feedback(image=i, kind="stars", value=int(value)) for i, value in enumerate(stars)])
    session.fit()
    for _ in session.run_round(steps=4):
        pass
    assert session.last_round is not None
    tuned = session.tuned_model("mine")
    folder = export(tuned, tmp_path / "out", ExportSettings("state_dict"))
    again = foreign.Listed()
    again.load_state_dict(torch.load(folder / "generator.pth", weights_only=True))
    assert off(Imported(model, ""), again) < 1e-4


@pytest.mark.parametrize("name", ["lettered", "listed", "folded", "late"])
def test_in_a_format_that_keeps_no_order(name: str, tmp_path: Path) -> None:
    make, answers = GENERATORS[name]
    network = trained(make)
    safetensors.torch.save_file(network.state_dict(), tmp_path / "generator.safetensors")
    assert off(import_file(tmp_path / "generator.safetensors", answers), network) < 1e-4


def test_an_average_in_a_checkpoint_behind_wrappers(tmp_path: Path) -> None:
    network = trained(foreign.Listed)
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    critic = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4, 1, 0)).state_dict()
    last = {name: value + 1 if value.is_floating_point() else value for name, value in state.items()}
    torch.save({"net_D": critic, "net_G": last, "ema_G": state, "step": 3}, tmp_path / "generator.pth")
    assert off(import_file(tmp_path / "generator.pth"), network) < 1e-4


def test_what_nothing_tells_is_asked(tmp_path: Path) -> None:
    """A generator that was never trained."""
    path = save(foreign.Lettered("bilinear", widths=(16, 16, 12, 8)), tmp_path)
    found = import_file(path)
    asked = {question.key: question for question in (*found.questions, *found.settled)}
    assert [option.value for option in asked["upsampling"].options] == ["nearest", "bilinear"]
    assert "upsampling" in {question.key for question in found.questions}
    assert any("no batch statistics that would confirm" in note for note in found.notes)
    assert {"4-8-16-32"} <= {option.value for option in asked["geometry"].options} and "enlarged" in asked
    assert "layout" not in asked  # the widths of its normalisations tell
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = foreign.Lettered("bilinear", widths=(16, 16, 12, 8))
    assert off(import_file(save(network, tmp_path), {"upsampling": "bilinear"}), network) < 1e-4
    with pytest.raises(UserError, match="upsampling cannot be 'cubic'"):
        import_file(path, {"upsampling": "cubic"})


class Doubled(nn.Module):
    """A chain of layers: two convolutions at each size, and nothing is added."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(foreign.NOISE, 16 * 12)
        for name in ("up1", "up2", "up3"):
            layers: list[nn.Module] = []
            for _ in range(2):
                layers += [nn.Conv2d(12, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU()]
            self.add_module(name, nn.Sequential(nn.Upsample(scale_factor=2), *layers))
        self.out = nn.Conv2d(12, 3, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.out(self.up3(self.up2(self.up1(torch.relu(self.fc(z)).view(-1, 12, 4, 4))))))


def test_two_convolutions_at_each_size_are_not_residual(tmp_path: Path) -> None:
    network = trained(Doubled)
    found = import_file(save(network, tmp_path))
    assert found.model.generator.kind == "dcgan"
    asked = {question.key: question for question in (*found.questions, *found.settled)}
    assert "shortcuts" not in asked or asked["shortcuts"].best == "no"


def test_blocks_without_any_name_of_their_kind_are_told_by_statistics(tmp_path: Path) -> None:
    network = trained(foreign.Behind)
    state = {name.replace("res", "stage"): value for name, value in network.state_dict().items()}
    torch.save(state, tmp_path / "generator.pth")
    found = import_file(tmp_path / "generator.pth")
    assert found.model.generator.kind == "resnet" and off(found, network) < 1e-4
    chain = import_file(tmp_path / "generator.pth", {"shortcuts": "no"})
    assert chain.model.generator.kind == "dcgan"


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The state of a residual generator, changed."""
    state: dict[str, Any] = dict(trained(lambda: foreign.Lettered(widths=(16, 16, 12, 8))).state_dict())
    change(state)
    return state


def widened(state: dict[str, Any]) -> None:
    state["block3.c2.weight"] = torch.randn(13, 12, 3, 3)
    state["block3.c2.bias"] = torch.zeros(13)


def attended(state: dict[str, Any]) -> None:
    for name, width in (("query", 2), ("key", 2), ("value", 16)):
        state[f"attn.{name}_conv.weight"] = torch.randn(width, 16, 1, 1)
    state["attn.gamma"] = torch.zeros(1)


def labelled(state: dict[str, Any]) -> None:
    for name in [key for key in state if ".b1." in key or ".b2." in key]:
        module, _, leaf = name.rpartition(".")
        if leaf in {"weight", "bias"}:
            del state[name]
        else:
            state[f"{module}.bn.{leaf}"] = state.pop(name)
            state[f"{module}.embed.weight"] = torch.randn(10, 32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (widened, "'block3.c_sc' has no place among residual blocks"),
        (attended, "layers of attention"),
        (labelled, "class labels in a way that is not known|has no place"),
        (lambda s: s.pop("block2.c_sc.weight"), "has no place|damaged"),
        (lambda s: [s.pop(name) for name in list(s) if name.startswith("block3.c_sc")], "has no place"),
        (lambda s: [s.pop(name) for name in list(s) if name.startswith("block3.b1")], "has no place among residual blocks"),
        (lambda s: s.update({"block3.scale": torch.ones(1)}), "has no place among residual blocks"),
        (lambda s: s.update({"block3.extra.weight": torch.randn(12, 12, 3, 3)}), "has no place|no chain"),
        (lambda s: s.update({"more.weight": torch.randn(8, 8, 3, 3)}), "'more' has no place among residual blocks"),
        (lambda s: s.update({"block3.noise.weight": torch.ones(12)}), "has no place among residual blocks"),
        (lambda s: s.update({"block2.c1.weight": torch.randn(16, 16, 4, 4)}), "has no place among residual blocks"),
        (lambda s: s.update({"l1.weight": torch.ones(256, 10, dtype=torch.int64)}), "int64 numbers, which are no weights"),
        (lambda s: s.update({"l1.bias": torch.zeros(255)}), "do not fit one another"),
        (lambda s: s.update({"block2.b1.running_var": torch.ones(15)}), "do not fit one another"),
        (lambda s: [s.pop(name) for name in list(s) if name.startswith("l1")], "after no layer that takes random numbers|no chain"),
        (lambda s: [s.pop(name) for name in list(s) if name.startswith("c_last")], "followed by no layer that makes an image"),
    ],
)  # fmt: skip
def test_what_has_no_place_is_refused(change: Callable[[dict[str, Any]], object], words: str, tmp_path: Path) -> None:
    torch.save(changed(change), tmp_path / "generator.pth")
    with pytest.raises(UserError, match=words) as caught:
        import_file(tmp_path / "generator.pth")
    assert "\n" not in str(caught.value)


class Weakened(foreign.LetteredBlock):
    """Of another architecture: nothing in its weights tells that the residual counts ten times."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * 10.0


def test_another_architecture_with_the_same_tensors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "LetteredBlock", Weakened)
    path = save(trained(foreign.Lettered), tmp_path)
    with pytest.raises(UserError, match="in no way that gives the batch statistics that it learnt"):
        import_file(path)


def test_an_order_that_nothing_tells_is_refused(tmp_path: Path) -> None:
    network = trained(foreign.Lettered)
    names = {"c1": "conv_out", "c2": "conv_in"}
    state = {".".join(names.get(part, part) for part in name.split(".")): value for name, value in network.state_dict().items()}
    safetensors.torch.save_file(state, tmp_path / "generator.safetensors")
    with pytest.raises(UserError, match="safetensors keeps none"):
        import_file(tmp_path / "generator.safetensors")
    torch.save(state, tmp_path / "generator.pth")
    assert off(import_file(tmp_path / "generator.pth"), network) < 1e-4  # this one keeps it
