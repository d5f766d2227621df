"""Generators that take class labels beside their random numbers, as strangers write them, import with the right images."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import foreign_torch as foreign
import numpy as np
import pytest
import torch
from torch import Tensor, nn

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.exports import ExportSettings, export
from gan.formats.importing import Imported, import_file
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.model import Model
from gan.networks import latents
from gan.networks.adapter import Shift, ShiftConfig

NOISE, CLASSES = 32, 10


class Embedded(nn.Module):
    """A row of a table behind the noise, or before it; the table is the last of its modules."""

    def __init__(self, before: bool = False) -> None:
        super().__init__()
        self.before = before
        self.net = foreign.dcgan(4, 3, 16, z_dim=NOISE + 8, width=8)
        self.embed = nn.Embedding(CLASSES, 8)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        row = self.embed(label)
        image: Tensor = self.net(torch.cat([row, z] if self.before else [z, row], dim=1)[:, :, None, None])
        return image


class OneHot(nn.Module):
    """The label one-hot behind the noise."""

    def __init__(self) -> None:
        super().__init__()
        self.main = foreign.dcgan(4, 1, 16, z_dim=NOISE + CLASSES, width=8)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        said = nn.functional.one_hot(label, CLASSES).float()
        image: Tensor = self.main(torch.cat([z, said], dim=1)[:, :, None, None])
        return image


class Multiplied(nn.Module):
    """The label's row times the noise, behind a linear stem."""

    def __init__(self) -> None:
        super().__init__()
        self.label_emb = nn.Embedding(CLASSES, NOISE)
        self.layers = foreign.dcgan(4, 3, 16, stem=True, z_dim=NOISE, width=8)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        image: Tensor = self.layers(z * self.label_emb(label))
        return image


class Perceptron(nn.Module):
    """The label's row before the noise, nothing but linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.label_emb = nn.Embedding(CLASSES, CLASSES)
        self.model = foreign.mlp((NOISE + CLASSES, 48, 256))

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        image: Tensor = self.model(torch.cat([self.label_emb(label), z], dim=1)).view(-1, 1, 16, 16)
        return image


class Joined(nn.Module):
    """One input in place of two: the noise and, in the last column, the label."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> Tensor:
        image: Tensor = self.network(z[:, :-1], z[:, -1].long())
        return image


def lived(network: nn.Module) -> nn.Module:
    """As if it had been trained, on every class."""
    z = torch.randn(512, NOISE, generator=torch.Generator().manual_seed(1))
    foreign.lived(Joined(network), torch.cat([z, torch.arange(512)[:, None] % CLASSES], dim=1))
    return network.eval()


def imported(network: nn.Module, folder: Path, **choices: str) -> Imported:
    torch.save(network.state_dict(), folder / "netG.pth")
    return import_file(folder / "netG.pth", choices)


def off(model: Model, network: nn.Module) -> float:
    """The largest difference between what both draw of the same noise and labels."""
    z = latents(range(6), NOISE + CLASSES)
    with torch.no_grad():
        wanted = network(z[:, :NOISE], z[:, NOISE:].argmax(dim=1)).expand(-1, 3, -1, -1)
        return float((model.generator(z) - wanted).abs().max())


NETWORKS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "behind": (Embedded, "behind"),
    "before": (lambda: Embedded(before=True), "before"),
    "one-hot": (OneHot, "10-behind"),
    "times": (Multiplied, "times"),
    "perceptron": (Perceptron, "before"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_way_in(name: str, tmp_path: Path) -> None:
    make, answer = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = lived(make())
    found = imported(network, tmp_path, condition=answer)
    assert "32 latents, 10 classes" in found.what
    assert found.model.z_dim == NOISE + CLASSES and found.model.generator.classes == CLASSES
    assert off(found.model, network) < 1e-4
    weights = found.model.generator.original_state_dict()
    assert weights is not None
    make().load_state_dict(weights)  # strictly
    bundle.save(found.model, tmp_path / "kept")
    again = gan.load(tmp_path / "kept")
    assert again.hash == found.model.hash
    np.testing.assert_array_equal(again.sample(range(4)), found.model.sample(range(4)))


@pytest.mark.parametrize("name", ["behind", "before", "times"])
def test_batch_statistics_tell_where_the_label_stands(name: str, tmp_path: Path) -> None:
    make, answer = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = lived(make())
    found = imported(network, tmp_path)
    assert found.model.generator.config.condition.joined == answer
    assert "condition" not in [question.key for question in found.questions]
    assert off(found.model, network) < 1e-4


class TwoEntrances(nn.Module):
    """The noise and the one-hot label each have a layer of their own; their outputs are concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.deconv1_1, self.deconv1_1_bn = nn.ConvTranspose2d(NOISE, 16, 4, 1, 0), nn.BatchNorm2d(16)
        self.deconv1_2, self.deconv1_2_bn = nn.ConvTranspose2d(CLASSES, 8, 4, 1, 0), nn.BatchNorm2d(8)
        self.deconv2, self.deconv2_bn = nn.ConvTranspose2d(24, 16, 4, 2, 1), nn.BatchNorm2d(16)
        self.deconv3 = nn.ConvTranspose2d(16, 3, 4, 2, 1)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        said = nn.functional.one_hot(label, CLASSES).float()[:, :, None, None]
        x = torch.relu(self.deconv1_1_bn(self.deconv1_1(z[:, :, None, None])))
        y = torch.relu(self.deconv1_2_bn(self.deconv1_2(said)))
        x = torch.relu(self.deconv2_bn(self.deconv2(torch.cat([x, y], dim=1))))
        return torch.tanh(self.deconv3(x))


class LabelFirst(nn.Module):
    """The same with linear layers, the label's before the noise's, and no normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.y = nn.Sequential(nn.Linear(CLASSES, 24), nn.ReLU())
        self.z = nn.Sequential(nn.Linear(NOISE, 40), nn.ReLU())
        self.yz = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 256), nn.Tanh())

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        said = nn.functional.one_hot(label, CLASSES).float()
        image: Tensor = self.yz(torch.cat([self.y(said), self.z(z)], dim=1))
        return image.view(-1, 1, 16, 16)


@pytest.mark.parametrize("make", [TwoEntrances, LabelFirst])
def test_an_entrance_for_the_label_alone(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = lived(make())
    found = imported(network, tmp_path)
    assert "32 latents, 10 classes" in found.what and not found.questions
    assert off(found.model, network) < 1e-4
    bundle.save(found.model, tmp_path / "kept")
    again = make().eval()
    for model in (found.model, gan.load(tmp_path / "kept")):
        weights = model.generator.original_state_dict()
        assert weights is not None
        again.load_state_dict(weights)  # strictly: the one layer is two again
        assert off(model, again) < 1e-4
        for name, value in network.state_dict().items():
            assert name.endswith("num_batches_tracked") or torch.equal(weights[name], value), name
    np.testing.assert_array_equal(gan.load(tmp_path / "kept").sample(range(4)), found.model.sample(range(4)))


def test_where_nothing_tells_it_is_asked(tmp_path: Path) -> None:
    network = Perceptron()
    found = imported(network, tmp_path)
    question = next(question for question in found.questions if question.key == "condition")
    assert {option.value for option in question.options} == {"before", "behind"}


@pytest.mark.parametrize("width", [16, 64, 100, 128, 512])
def test_usual_widths_are_taken_for_noise(width: int, tmp_path: Path) -> None:
    found = imported(foreign.dcgan(4, 3, 16, z_dim=width), tmp_path)
    assert not found.model.generator.classes
    assert "condition" not in [question.key for question in (*found.questions, *found.settled)]


def test_no_labels_is_an_answer(tmp_path: Path) -> None:
    found = imported(OneHot(), tmp_path, condition="none")
    assert found.model.generator.kind == "dcgan" and found.model.z_dim == NOISE + CLASSES


def test_one_class_alone(tmp_path: Path) -> None:
    network = lived(Embedded())
    model = imported(network, tmp_path, condition="behind", label="3").model
    assert model.z_dim == NOISE and model.generator.classes == 0
    z = latents(range(4), NOISE)
    with torch.no_grad():
        wanted = network(z, torch.full((4,), 3))
    torch.testing.assert_close(model.draw(z), wanted, rtol=0, atol=1e-4)


def test_labels_of_an_unknown_kind_are_said_to_be(tmp_path: Path) -> None:
    network = nn.ModuleDict(
        {"label_embedding": nn.Embedding(10, 50), "project": nn.Linear(50, 49), "up": foreign.dcgan(4, 1, 28)}
    )
    with pytest.raises(UserError, match="class labels in a way that is not known"):
        imported(network, tmp_path)
    wide = nn.ModuleDict({"label_emb": nn.Embedding(10, 99), "net": foreign.dcgan(4, 1, 16, z_dim=20)})
    with pytest.raises(UserError, match="class labels in a way that is not known"):
        imported(wide, tmp_path)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (torch.ones(10, 8, dtype=torch.int64), "int64 numbers, which are no weights"),
        (torch.ones(10, 0), "class labels in a way|damaged|fit"),
        (torch.ones(1, 8), "class labels in a way"),
        (torch.ones(1001, 8), "class labels in a way"),
    ],
)
def test_tables_that_are_none(rows: Tensor, words: str, tmp_path: Path) -> None:
    weights = {**Embedded().state_dict(), "embed.weight": rows}
    torch.save(weights, tmp_path / "netG.pth")
    with pytest.raises(UserError, match=words):
        import_file(tmp_path / "netG.pth")


def test_it_is_written_as_a_graph_with_a_label(tmp_path: Path) -> None:
    network = lived(Embedded())
    model = imported(network, tmp_path, condition="behind").model
    z = latents(range(3), model.z_dim)
    data = to_onnx(model, {"generated_by": "Tastemaker"})
    assert np.abs(run_onnx(data, z.numpy()) - model.draw(z).numpy()).max() < 1e-4
    with torch.no_grad():
        wanted = network(z[:, :NOISE], torch.full((3,), 7)).clamp(-1, 1).numpy()
    assert np.abs(run_onnx(data, z.numpy(), label=np.array(7)) - wanted).max() < 1e-4


def test_tuned_weights_say_how_classes_are_chosen(tmp_path: Path) -> None:
    model = imported(Embedded(), tmp_path, condition="behind").model
    adapter = Shift(ShiftConfig(z_dim=model.z_dim, width=16))
    torch.nn.init.normal_(adapter.out.weight, std=0.3)
    folder = export(
        Model("learnt", model.generator, adapter, None, {}), tmp_path / "out", ExportSettings("state_dict")
    )
    assert "labels = moved[:, 32:].argmax(dim=1)" in (folder / "README.md").read_text()


def test_configurations_are_checked(tmp_path: Path) -> None:
    config = imported(Embedded(), tmp_path, condition="behind").model.generator.config
    for change in ({"classes": 11}, {"label": 10}, {"width": 9}, {"name": ""}, {"joined": "times"}):
        with pytest.raises(ValueError, match=r"classes|latents|layer"):
            dataclasses.replace(config, condition=dataclasses.replace(config.condition, **change))
