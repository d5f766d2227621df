"""DCGANs and multilayer perceptrons, as strangers save them, import with the right images."""

import copy
import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import foreign_torch as foreign
import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.exports import ExportSettings, export
from gan.formats.importing import Imported, import_file
from gan.formats.importing.folding import spectral_norm

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "foreign-generator"


def save(content: Any, folder: Path, legacy: bool = False, name: str = "generator.pth") -> Path:
    path = folder / name
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def same_images(
    imported: Imported, network: nn.Module, square: bool = True, prior: Callable = lambda z: z
) -> None:
    """The import draws what the network draws from the same latents, to 1e-4."""
    model = imported.model
    z = torch.randn(3, model.z_dim, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        inner = prior(z)
        wanted = network.eval()(inner[:, :, None, None] if square else inner)
        got = model.generator(z)
    wanted = wanted.reshape(3, -1, model.resolution, model.resolution).expand(-1, 3, -1, -1)
    assert float((got - wanted).abs().max()) < 1e-4


def back_into(imported: Imported, network: nn.Module) -> None:
    """Its weights load into the stranger's code, all of them and no more, and draw the same there."""
    weights, wanted = imported.model.generator.original_state_dict(), network.state_dict()
    assert weights is not None and {name: value.shape for name, value in weights.items()} == {k: v.shape for k, v in wanted.items()}
    again = copy.deepcopy(network)
    with torch.no_grad():
        for value in (*again.parameters(), *again.buffers()):
            value.zero_()
    again.load_state_dict(weights)  # strictly
    z = torch.randn(3, imported.model.z_dim, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        inner = z if isinstance(network[0], nn.Linear) else z[:, :, None, None]
        torch.testing.assert_close(again.eval()(inner), network.eval()(inner), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("kernel", "size"), list(itertools.product((3, 4, 5), (28, 32, 64, 128))))
def test_every_common_dcgan(kernel: int, size: int, tmp_path: Path) -> None:
    for channels, norm, stem in itertools.product((1, 3), (True, False), (True, False)):
        torch.manual_seed(kernel * size + channels)
        network = foreign.dcgan(kernel, channels, size, norm, stem, width=4)
        imported = import_file(save(network.state_dict(), tmp_path))
        assert imported.model.resolution == size and imported.model.generator.kind == "dcgan", (
            channels,
            norm,
            stem,
        )
        same_images(imported, network, square=not stem)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "wrap", ["state_dict", "netG", "G", "g_ema", "model", "deep", "module", "flat", "plain", "list", "tuple"]
)
def test_wherever_a_checkpoint_keeps_it(wrap: str, legacy: bool, tmp_path: Path) -> None:
    network = foreign.dcgan(4, 3, 32)
    weights = network.state_dict()
    critic = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4, 1, 0)).state_dict()
    content: Any = {
        "state_dict": {"state_dict": weights, "epoch": 3},
        "netG": {
            "netD": critic,
            "netG": weights,
            "optimizerG": torch.optim.Adam(network.parameters()).state_dict(),
        },
        "G": {"D": critic, "G": weights},
        "g_ema": {"g": {k: v + 1 for k, v in weights.items()}, "d": critic, "g_ema": weights},
        "model": {"model": weights, "args": {"lr": 1e-3}},
        "deep": {"checkpoint": {"models": {"discriminator": critic, "generator": weights}}},
        "module": {f"module.{key}": value for key, value in weights.items()},
        "flat": {
            "state_dict": {
                **{f"generator.{k}": v for k, v in weights.items()},
                **{f"discriminator.{k}": v for k, v in critic.items()},
            }
        },
        "plain": weights,
        "list": [critic, weights],
        "tuple": (3, weights),
    }[wrap]
    imported = import_file(save(content, tmp_path, legacy))
    same_images(imported, network)
    assert not imported.questions


def test_safetensors_and_half_precision(tmp_path: Path) -> None:
    network = foreign.dcgan(4, 3, 32).half().float()
    path = tmp_path / "generator.safetensors"
    # The format keeps no order: numbers in names do.
    safetensors.torch.save_file(
        {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}, path
    )
    same_images(import_file(path), network)


def test_names_that_are_not_numbers(tmp_path: Path) -> None:
    class Stranger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.deconv1, self.deconv2 = nn.ConvTranspose2d(10, 32, 4), nn.ConvTranspose2d(32, 16, 4, 2, 1)
            self.deconv3, self.deconv4 = (
                nn.ConvTranspose2d(16, 16, 4, 2, 1),
                nn.ConvTranspose2d(16, 3, 4, 2, 1),
            )
            self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(32), nn.BatchNorm2d(16), nn.BatchNorm2d(16)

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.bn1(self.deconv1(z)))
            x = torch.relu(self.bn2(self.deconv2(x)))
            x = torch.relu(self.bn3(self.deconv3(x)))
            return torch.tanh(self.deconv4(x))

    network = foreign.lived(Stranger(), torch.randn(256, 10, 1, 1))
    same_images(import_file(save(network.state_dict(), tmp_path)), network)


def test_enlarging_convolutions(tmp_path: Path) -> None:
    network = nn.Sequential(
        nn.Linear(12, 16 * 8 * 8), foreign.Fold(16, 8), nn.BatchNorm2d(16),
        nn.Upsample(scale_factor=2), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 3, 3, padding=1), nn.Tanh(),
    )  # fmt: skip
    network = foreign.lived(network, torch.randn(256, 12))
    imported = import_file(save(network.state_dict(), tmp_path))
    assert imported.model.resolution == 32
    same_images(imported, network, square=False)


def test_pixel_shuffle_prelu_and_folded_norms(tmp_path: Path) -> None:
    network = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(12, 16 * 8 * 8)), nn.PReLU(), foreign.Fold(16, 8),
        nn.utils.spectral_norm(nn.Conv2d(16, 32, 3, padding=1)), nn.PixelShuffle(2), nn.PReLU(8),
        nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2), nn.Tanh(),
    ).eval()  # fmt: skip
    imported = import_file(save(network.state_dict(), tmp_path))
    same_images(imported, network, square=False)
    assert not imported.model.card["imported"]["folded"]  # so that the window offers them
    back_into(imported, network)


@pytest.mark.parametrize("normalise", [nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm])
def test_spectral_norms_of_layers_as_wide_as_they_are_deep(normalise: Callable, tmp_path: Path) -> None:
    network = nn.Sequential(
        normalise(nn.ConvTranspose2d(8, 8, 4)), nn.ReLU(), normalise(nn.ConvTranspose2d(8, 8, 4, 2, 1)), nn.ReLU(),
        normalise(nn.ConvTranspose2d(8, 3, 4, 2, 1)), nn.Tanh(),
    )  # fmt: skip
    for _ in range(30):  # the norms are found while it draws
        network(torch.randn(2, 8, 1, 1))
    imported = import_file(save(network.eval().state_dict(), tmp_path))
    same_images(imported, network)
    bundle.save(imported.model, tmp_path / "kept")
    for one in (imported, import_file(tmp_path / "kept")):
        back_into(one, network)


def test_a_spectral_norm_is_of_its_own_matrix_also_where_one_vector_is_missing() -> None:
    for seed in range(20):  # of about four in ten the other matrix of a square layer has the larger norm
        torch.manual_seed(seed)
        weight = torch.randn(16, 16, 3, 3)
        left, values, _ = torch.linalg.svd(weight.flatten(1), full_matrices=False)
        assert float(spectral_norm(weight, left[:, 0], None)[1]) == pytest.approx(float(values[0]), rel=1e-4)


@pytest.mark.parametrize(("slope", "uniform"), [(0.0, False), (0.2, False), (0.2, True), (0.0, True)])
def test_batch_statistics_tell_activation_and_prior(slope: float, uniform: bool, tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = foreign.dcgan(
        4, 3, 32, width=16, z_dim=24, activation=nn.LeakyReLU(slope) if slope else nn.ReLU()
    )
    z = torch.randn(1024, 24, 1, 1)
    foreign.lived(network, torch.erf(z * 0.5**0.5) if uniform else z)
    imported = import_file(save(network.state_dict(), tmp_path))
    same_images(imported, network, prior=(lambda z: torch.erf(z * 0.5**0.5)) if uniform else lambda z: z)


@pytest.mark.parametrize("slope", [0.1, 0.3])
def test_a_rare_slope_can_be_chosen(slope: float, tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = foreign.lived(foreign.dcgan(4, 3, 32, width=16, z_dim=24, activation=nn.LeakyReLU(slope)), torch.randn(1024, 24, 1, 1))
    same_images(import_file(save(network.state_dict(), tmp_path), {"activation": f"leaky_relu:{slope}"}), network)


def test_a_widely_copied_dcgan_with_a_large_epsilon(tmp_path: Path) -> None:
    """It means 0.8 as momentum and passes it as epsilon; no weight says so, its names do."""

    class Copied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.l1 = nn.Sequential(nn.Linear(20, 16 * 8 * 8))
            self.conv_blocks = nn.Sequential(
                nn.BatchNorm2d(16), nn.Upsample(scale_factor=2), nn.Conv2d(16, 16, 3, stride=1, padding=1), nn.BatchNorm2d(16, 0.8),
                nn.LeakyReLU(0.2, inplace=True), nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, stride=1, padding=1),
                nn.BatchNorm2d(8, 0.8), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(8, 1, 3, stride=1, padding=1), nn.Tanh(),
            )  # fmt: skip

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return self.conv_blocks(self.l1(z).view(-1, 16, 8, 8))

    network = foreign.lived(Copied(), torch.randn(1024, 20))
    imported = import_file(save(network.state_dict(), tmp_path))
    assert imported.model.resolution == 32
    same_images(imported, network, square=False)


def test_ambiguous_sizes_are_asked_and_answered(tmp_path: Path) -> None:
    network = nn.Sequential(
        nn.ConvTranspose2d(10, 32, 4), nn.ReLU(), nn.ConvTranspose2d(32, 16, 3, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    path = save(network.state_dict(), tmp_path)
    question = next(
        q for q in (*import_file(path).questions, *import_file(path).settled) if q.key == "geometry"
    )
    options = {option.value for option in question.options}
    assert {"1-4-7-14-28", "1-4-8-16-32"} <= options and question.best == question.options[0].value
    same_images(import_file(path, {"geometry": "1-4-7-14-28"}), network)
    # A discriminator in the same file knows the size.
    critic = nn.Sequential(nn.Linear(28 * 28, 16), nn.ReLU(), nn.Linear(16, 1))
    same_images(import_file(save({"G": network.state_dict(), "D": critic.state_dict()}, tmp_path)), network)


@pytest.mark.parametrize(
    ("key", "value", "change"),
    [
        ("output", "sigmoid", lambda x: torch.sigmoid(torch.atanh(x.clamp(-0.9999, 0.9999))) * 2 - 1),
        ("order", "bgr", lambda x: x.flip(1)),
    ],
)
def test_answers_change_the_images(key: str, value: str, change: Callable, tmp_path: Path) -> None:
    path = save(foreign.dcgan(4, 3, 32).state_dict(), tmp_path)
    z = torch.randn(2, 10)
    with torch.no_grad():
        plain, chosen = (import_file(path, choices).model.generator(z) for choices in ({}, {key: value}))
    torch.testing.assert_close(chosen, change(plain), atol=1e-3, rtol=0)


def in_range(largest: float) -> nn.Sequential:
    """A network with a past whose last layer gives numbers up to `largest`, one in a thousand beyond."""
    network = foreign.lived(foreign.dcgan(4, 3, 32, output=nn.Identity()), torch.randn(512, 10, 1, 1))
    with torch.no_grad():
        raw = network(torch.randn(64, 10, 1, 1)).abs().flatten()
        network[-2].weight.mul_(largest / raw.sort().values[int(0.999 * len(raw))])
    return network


@pytest.mark.parametrize(
    ("largest", "is_open", "ranked"),
    [
        (4.0, False, ["tanh", "sigmoid", "none"]),  # black and white: a tanh is all but certain
        (1.05, True, ["tanh", "none", "sigmoid"]),  # fills -1 to 1 and ends there: asked, with a preview
        (0.4, False, ["tanh", "sigmoid", "none"]),  # small numbers say nothing: what most people write
    ],
)
def test_what_follows_the_last_layer_is_ranked_by_its_numbers(
    largest: float, is_open: bool, ranked: list[str], tmp_path: Path
) -> None:
    torch.manual_seed(3)
    imported = import_file(save(in_range(largest).state_dict(), tmp_path))
    asked = {question.key: question for question in (imported.questions if is_open else imported.settled)}
    assert [option.value for option in asked["output"].options] == ranked
    assert imported.model.generator.config.output == "tanh"
    assert "of the last layer's numbers" in next(
        o.evidence for o in asked["output"].options if o.value == "none"
    )


def test_wrong_answers_are_refused(tmp_path: Path) -> None:
    path = save(foreign.dcgan(4, 3, 32).state_dict(), tmp_path)
    with pytest.raises(UserError, match=r"output cannot be 'relu'; it can be tanh"):
        import_file(path, {"output": "relu"})
    with pytest.raises(UserError, match="no question 'colour'"):
        import_file(path, {"colour": "red"})


def test_a_colour_perceptron(tmp_path: Path) -> None:
    network = foreign.mlp((16, 32, 32 * 32 * 3))
    imported = import_file(save(network.state_dict(), tmp_path))
    assert imported.model.generator.kind == "mlp" and imported.model.resolution == 32
    assert "colour" in imported.what
    if imported.model.generator.config.folding == "chw":
        same_images(imported, network, square=False)
    same_images(import_file(tmp_path / "generator.pth", {"folding": "chw"}), network, square=False)


def test_what_came_in_goes_out_under_its_names(tmp_path: Path) -> None:
    network = foreign.lived(foreign.dcgan(5, 3, 64, stem=True), torch.randn(128, 10))
    imported = import_file(save({"netG": network.state_dict()}, tmp_path))
    again = foreign.dcgan(5, 3, 64, stem=True).eval()
    weights = imported.model.generator.original_state_dict()
    assert weights is not None
    again.load_state_dict(weights)
    z = torch.randn(2, 10)
    with torch.no_grad():
        torch.testing.assert_close(again(z), network(z))


def test_weights_without_all_that_the_original_code_has_are_not_given_back(tmp_path: Path) -> None:
    """What was left out is missed when they are loaded there."""
    network = foreign.dcgan(4, 3, 32)
    model = import_file(save({**network.state_dict(), "more.scale": torch.ones(3)}, tmp_path)).model
    assert model.card["imported"]["folded"] and model.generator.original_state_dict() is None
    with pytest.raises(UserError, match="no state_dict of its own"):
        export(model, tmp_path / "out", ExportSettings("state_dict"))


def test_bundles_of_it_are_the_same_model(tmp_path: Path) -> None:
    network = foreign.lived(foreign.dcgan(3, 1, 28), torch.randn(128, 10, 1, 1))
    model = import_file(save(network.state_dict(), tmp_path)).model
    bundle.save(model, tmp_path / "mine")
    again = gan.load(tmp_path / "mine")
    assert again.hash == model.hash and again.generator.config == model.generator.config
    np.testing.assert_array_equal(again.sample(range(4)), model.sample(range(4)))
    same = import_file(tmp_path / "mine")  # a bundle is imported as it is
    assert same.model.hash == model.hash and not same.questions


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.Conv2d(8, 16, 4, 2, 1), nn.Linear(16, 1)),
            "takes images",
        ),
        (nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 1)), "gives 1 number"),
        (nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)), "gives 10 numbers"),
        (nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 1000)), "fold into no square image"),
        (nn.LSTM(8, 8), "no layers"),
        (nn.Sequential(nn.ConvTranspose2d(8, 8, 4), nn.ConvTranspose2d(8, 5, 4)), "no chain"),
        (nn.TransformerEncoderLayer(16, 2), "layers of attention"),
    ],
)
def test_networks_that_draw_nothing(network: nn.Module, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words) as caught:
        import_file(save(network.state_dict(), tmp_path))
    assert "\n" not in str(caught.value) and "generator.pth" in str(caught.value)


class Residual(nn.Module):
    """A block of a common SNGAN; its modules are made in this order, the last is the shortcut."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self.order = order.split()
        for name in self.order:
            kernel = 3 if name != self.order[-1] else 1
            self.add_module(name, nn.BatchNorm2d(8) if name[0] == "b" else nn.Conv2d(8, 8, kernel, padding=kernel // 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b1, b2, c1, c2 = (getattr(self, name) for name in sorted(self.order[:-1]))
        grown = nn.functional.interpolate(torch.relu(b1(x)), scale_factor=2)
        aside = getattr(self, self.order[-1])(nn.functional.interpolate(x, scale_factor=2))
        return c2(torch.relu(b2(c1(grown)))) + aside


def widening(*steps: tuple[int, int, int, int]) -> nn.Sequential:
    """Transposed convolutions of these kernels, strides, paddings and output paddings."""
    widths = [10, 32, 16, 8, 1]
    layers: list[nn.Module] = []
    for i, (kernel, stride, padding, more) in enumerate(steps):
        layers += [nn.ConvTranspose2d(widths[i], widths[i + 1], kernel, stride, padding, more, bias=False)]
        layers += [nn.BatchNorm2d(widths[i + 1]), nn.ReLU()] if i < len(steps) - 1 else [nn.Tanh()]
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("steps", "sizes"),
    [
        (((4, 1, 0, 0), (3, 2, 1, 0), (4, 2, 1, 0), (4, 2, 1, 0)), "1-4-7-14-28"),
        (((3, 2, 0, 0), (4, 1, 0, 0), (3, 2, 0, 0), (4, 2, 0, 0)), "1-3-6-13-28"),
    ],
)
def test_batch_statistics_tell_strides_and_paddings(steps: Any, sizes: str, tmp_path: Path) -> None:
    network = foreign.lived(widening(*steps), torch.randn(1024, 10, 1, 1), seed=1)
    found = import_file(save(network.state_dict(), tmp_path))
    same_images(found, network)
    asked = {question.key: question for question in (*found.questions, *found.settled)}["geometry"]
    assert asked.best.partition(".")[0] == sizes and "batch statistics off by 0.00" in asked.options[0].evidence


def test_latents_are_no_relatives_of_weights_drawn_by_seed_0(tmp_path: Path) -> None:
    """A perceptron whose normalisations add 0.8, as widely copied ones do, in weights that seed 0 drew."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((100, 128), (128, 256), (256, 512)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, 0.8), nn.LeakyReLU(0.2)]
    network = nn.Sequential(layers[0], *layers[2:], nn.Linear(512, 784), nn.Tanh(), foreign.Fold(1, 28))
    foreign.lived(network, torch.randn(512, 100), seed=0)
    same_images(import_file(save(network.state_dict(), tmp_path)), network, square=False)


class Listed(nn.Module):
    """Layers in lists of their own, with all that has no weights in `forward`."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(12, 32 * 16)
        self.convs = nn.ModuleList(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1) for inputs, outputs in ((32, 16), (16, 8)))
        self.norms = nn.ModuleList([nn.BatchNorm2d(16), nn.BatchNorm2d(8)])
        self.colours = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.dense(z)).view(-1, 32, 4, 4)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = torch.relu(norm(conv(x)))
        return torch.tanh(self.colours(x))


class ListedMlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(12, 64), nn.Linear(64, 128), nn.Linear(128, 784)])

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            z = torch.relu(layer(z))
        return torch.tanh(self.layers[-1](z)).view(-1, 1, 28, 28)


@pytest.mark.parametrize("network", [Listed(), ListedMlp()], ids=["convolutions", "perceptron"])
def test_layers_in_lists(network: nn.Module, tmp_path: Path) -> None:
    foreign.lived(network, torch.randn(512, 12), seed=1)
    same_images(import_file(save(network.state_dict(), tmp_path)), network, square=False)


def test_group_normalisation_is_a_question(tmp_path: Path) -> None:
    def grow(inputs: int, outputs: int, *walk: int) -> list[nn.Module]:
        return [nn.ConvTranspose2d(inputs, outputs, 4, *walk), nn.GroupNorm(8, outputs), nn.ReLU()]

    network = nn.Sequential(*grow(10, 32, 1, 0), *grow(32, 16, 2, 1), nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh())
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.GroupNorm):
                module.bias.uniform_(-0.5, 0.5)
    path = save(network.state_dict(), tmp_path)
    asked = {question.key: question for question in import_file(path).questions}["groups"]
    assert [option.value for option in asked.options] == ["0", "8", "16", "1", "4"]
    found = import_file(path, {"groups": "8"})
    same_images(found, network)
    bundle.save(found.model, tmp_path / "kept")
    same_images(Imported(bundle.load(tmp_path / "kept"), ""), network)


def test_a_chain_may_have_names_of_shortcuts(tmp_path: Path) -> None:
    plain = foreign.lived(foreign.dcgan(4, 3, 32), torch.randn(512, 10, 1, 1), seed=1)
    names = {"0": "downsample0", "3": "res1", "6": "skip2", "9": "shortcut"}
    state = {}
    for key, value in plain.state_dict().items():
        number, _, leaf = key.partition(".")
        state[f"{names.get(number, 'norm' + number)}.{leaf}"] = value
    same_images(import_file(save(state, tmp_path)), plain)


@pytest.mark.parametrize("order", ["c1 b1 c2 b2 c_sc", "c1 c2 b1 b2 aside"])
def test_residual_generators_of_one_width_are_no_chains(order: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    blocks = [Residual(order) for _ in range(3)]
    network = nn.Sequential(nn.Linear(12, 8 * 16), foreign.Fold(8, 4), *blocks, nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3, 1, 1))
    foreign.lived(network, torch.randn(256, 12))
    imported = import_file(save(network.state_dict(), tmp_path), {"output": "none"})
    assert imported.model.generator.kind == "resnet"
    same_images(imported, network, square=False)


def test_statistics_tell_of_shortcuts_without_weights(tmp_path: Path) -> None:
    class Added(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            grown = nn.functional.interpolate(x, scale_factor=2)
            return torch.relu(super().forward(x)) + 3.0 * grown

    grow = [Added(nn.ConvTranspose2d(16, 16, 4, 2, 1), nn.BatchNorm2d(16)) for _ in range(3)]
    network = nn.Sequential(nn.ConvTranspose2d(12, 16, 4), nn.BatchNorm2d(16), *grow, nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh())
    foreign.lived(network, torch.randn(256, 12, 1, 1))
    assert any("its images may be wrong" in note for note in import_file(save(network.state_dict(), tmp_path)).notes)
    chain = foreign.lived(foreign.dcgan(4, 3, 32), torch.randn(256, 10, 1, 1))
    assert not any("may be wrong" in note for note in import_file(save(chain.state_dict(), tmp_path)).notes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (bytes(5000), "nothing but zeros"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "pointer of Git LFS"),
        (b"epoch,loss\n1,0.3\n", "it is a text file"),
    ],
)
def test_files_that_are_none(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "generator.pth").write_bytes(content)
    with pytest.raises(UserError, match=words):
        import_file(tmp_path / "generator.pth")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_weights_without_numbers_in_them(axis: int, tmp_path: Path) -> None:
    state = foreign.dcgan(4, 3, 32).state_dict()
    name = next(name for name, value in state.items() if value.dim() == 4)
    state[name] = state[name].narrow(axis, 0, 0).clone()
    with pytest.raises(UserError, match="are empty"):
        import_file(save(state, tmp_path))


def test_a_download_that_broke_off_and_an_optimizer(tmp_path: Path) -> None:
    network = foreign.dcgan(4, 3, 32)
    path = save(network.state_dict(), tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match="damaged or cut short"):
        import_file(path)
    with pytest.raises(UserError, match="what an optimizer remembers"):
        import_file(save(torch.optim.Adam(network.parameters()).state_dict(), tmp_path))


def test_one_walk_is_offered_once(tmp_path: Path) -> None:
    network = nn.Sequential(
        nn.Linear(12, 16 * 4 * 4), foreign.Fold(16, 4), nn.ReLU(), nn.ConvTranspose2d(16, 16, 2, 2), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 2, 2), nn.ReLU(), nn.ConvTranspose2d(8, 3, 2, 2), nn.Tanh(),
    )  # fmt: skip
    imported = import_file(save(network.state_dict(), tmp_path))
    same_images(imported, network, square=False)
    asked = [question for question in (*imported.questions, *imported.settled) if question.key == "geometry"]
    labels = [(option.label, option.evidence) for question in asked for option in question.options]
    assert len(labels) == len(set(labels))


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data of the workplace is not here")
def test_a_generator_that_no_one_here_trained() -> None:
    imported = import_file(DATA / "mnist_mlp_G.ckpt")
    assert imported.questions == [] and imported.model.resolution == 28
    assert imported.what == "multilayer perceptron, 28 px, grey, 64 latents, 0.3 million weights"
    weights = {
        key: ref
        for key, ref in torch.load(DATA / "mnist_mlp_G.ckpt", weights_only=True, map_location="cpu").items()
    }
    network = foreign.mlp((64, 256, 256, 784))
    network.load_state_dict(weights)
    same_images(imported, network, square=False)
    images = imported.model.sample(range(64)).astype(float)
    assert (images[..., 0] == images[..., 1]).all()
    border = np.concatenate([images[:, :3].ravel(), images[:, -3:].ravel()])
    # A digit is white strokes on black, in the middle: a tenth to a third of the picture.
    assert border.mean() < 12 and 0.05 < (images > 128).mean() < 0.35
    with pytest.raises(UserError, match="discriminator"):
        import_file(DATA / "mnist_mlp_D.ckpt")


class Unbent(nn.Module):
    """No function comes between its linear layer and its first transposed convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(20, 32 * 4 * 4)
        self.t_conv1 = nn.Sequential(nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16))
        self.t_conv2 = nn.Sequential(nn.ConvTranspose2d(16, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16))
        self.t_conv3 = nn.Sequential(nn.ConvTranspose2d(16, 3, 4, 2, 1, bias=False))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.t_conv1(self.fc(z).view(-1, 32, 4, 4)))
        return torch.tanh(self.t_conv3(torch.relu(self.t_conv2(x))))


def test_batch_statistics_tell_that_nothing_bends_the_stem(tmp_path: Path) -> None:
    network = foreign.lived(Unbent(), torch.rand(1024, 20) * 2.0 - 1.0)
    imported = import_file(save(network.state_dict(), tmp_path))
    assert not imported.questions
    same_images(imported, network, square=False, prior=lambda z: torch.erf(z * 0.5**0.5))


def test_a_container_that_is_all_of_a_generator_keeps_its_name(tmp_path: Path) -> None:
    network = nn.Sequential()
    network.add_module("gen", foreign.dcgan(4, 3, 32))
    imported = import_file(save(network.state_dict(), tmp_path))
    same_images(imported, network)
    weights = imported.model.generator.original_state_dict()
    assert weights is not None
    network.load_state_dict(weights)  # strictly


class Decoder(nn.Module):
    """A variational autoencoder, of which only the part from latent to image is a generator: three modules."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.LeakyReLU(), nn.Conv2d(8, 16, 3, 2, 1))
        self.fc_mu, self.fc_var = nn.Linear(16 * 64, 20), nn.Linear(16 * 64, 20)
        self.decoder_input = nn.Linear(20, 32 * 4 * 4)
        self.decoder = nn.Sequential(
            nn.Sequential(nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.BatchNorm2d(16), nn.ReLU()),
            nn.Sequential(nn.ConvTranspose2d(16, 16, 3, 2, 1, 1), nn.BatchNorm2d(16), nn.ReLU()),
        )
        self.final_layer = nn.Sequential(
            nn.ConvTranspose2d(16, 8, 3, 2, 1, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3, 1, 1), nn.Tanh()
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.final_layer(self.decoder(self.decoder_input(z).view(-1, 32, 4, 4)))


def test_parts_that_are_a_generator_only_together(tmp_path: Path) -> None:
    network = foreign.lived(Decoder(), torch.randn(1024, 20))
    imported = import_file(save(network.state_dict(), tmp_path))
    assert imported.model.resolution == 32
    same_images(imported, network, square=False)


@pytest.mark.parametrize("wrap", ["ema_pytorch", "shadow"])
def test_the_average_is_preferred(wrap: str, tmp_path: Path) -> None:
    network = foreign.dcgan(4, 3, 32)
    weights = network.state_dict()
    last = {key: value + 1 for key, value in weights.items()}
    content: Any = {
        "ema_pytorch": {
            "model": last,
            "ema": {
                "initted": torch.tensor(True),
                **{f"online_model.{key}": value for key, value in last.items()},
                **{f"ema_model.{key}": value for key, value in weights.items()},
            },
        },
        "shadow": {"G": last, "ema": {"decay": 0.999, "shadow": weights}},
    }[wrap]
    same_images(import_file(save(content, tmp_path)), network)


def test_a_time_of_day_in_its_name(tmp_path: Path) -> None:
    """torch names a folder inside the file after the file."""
    network = foreign.dcgan(4, 3, 32)
    path = tmp_path / "generator 12-30.pth"
    with path.open("wb") as stream:
        torch.save(network.state_dict(), stream)
    content = path.read_bytes().replace(b"archive/", b"g_12:30/")  # of one length, in every header
    path.write_bytes(content)
    same_images(import_file(path), network)


def test_weights_pickled_without_torch(tmp_path: Path) -> None:
    network = foreign.dcgan(4, 3, 32)
    path = tmp_path / "generator.pkl"
    path.write_bytes(pickle.dumps({"generator": network.state_dict()}))
    same_images(import_file(path), network)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("synthesis.input.transform synthesis.L0_36_512.weight", "StyleGAN3 generator without its settings"),
        ("mapping.embed_proj.weight synthesis.L0_36_512.weight", "descendant of StyleGAN3"),
        ("synthesis.input.transform synthesis.b4.conv1.weight", "descendant of StyleGAN3"),
        ("mapping.fc0.weight synthesis.b4.const", "StyleGAN2-ADA generator without its settings"),
        ("style.1.linear.weight generator.progression.0.conv1.input generator.to_rgb.0.conv.weight", "first version"),
        ("time_mlp.0.weight down_blocks.0.0.weight", "diffusion model"),
        ("conv_body_first.weight stylegan_decoder.style_mlp.0.weight", "GFPGAN"),
        ("encoder.conv_in.weight quantize.embedding.weight decoder.conv_out.weight", "VQGAN"),
        ("shared.weight blocks.0.0.bn1.gain.weight", "BigGAN generator of another form"),
        ("synthesis.init.init.0.weight synthesis.feat_8.1.weight synthesis.to_big.weight", "FastGAN generator of another form"),
        ("initial_block.1.weight prog_blocks.0.conv1.conv.weight rgb_layers.0.conv.weight", "progressively grown"),
        ("l1.0.weight attn1.query_conv.weight", "layers of attention"),
        ("unet.lora_up.weight unet.lora_down.weight", "LoRA"),
    ],
)
def test_what_is_known_and_cannot_be_imported_is_named(names: str, words: str, tmp_path: Path) -> None:
    state = {name: torch.ones(8, 8, 3, 3) for name in names.split()}
    critic = {"attn.weight": torch.ones(8, 3, 4, 4), "conv.weight": torch.ones(1, 8, 4, 4)}  # its names tell nothing of the generator
    with pytest.raises(UserError, match=words):
        import_file(save({"G": state, "D": critic}, tmp_path))


def test_a_table_of_numbers_is_no_generator(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a single layer"):
        import_file(save({"weight": torch.ones(1024, 32), "bias": torch.zeros(1024)}, tmp_path))


class Contained(nn.Module):
    """Its containers come in another order by name than in the network."""

    def __init__(self, mode: str = "nearest") -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Linear(20, 32 * 4 * 4), nn.BatchNorm1d(32 * 4 * 4), nn.ReLU())
        self.body = nn.Sequential(*[
            nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), nn.Conv2d(a, b, 3, 1, 1), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in ((32, 32), (32, 16))
        ])  # fmt: skip
        self.tail = nn.Sequential(nn.Conv2d(16, 3, 3, 1, 1), nn.Tanh())

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.tail(self.body(self.head(z).view(-1, 32, 4, 4)))


STEPS = {"geometry": "4-8-16-16"}  # of `Contained`: after the last normalisation nothing tells whether it doubles again


def test_safetensors_of_containers_and_of_numbered_names(tmp_path: Path) -> None:
    """That format forgets the order: linear layers come first all the same."""
    contained = foreign.lived(Contained(), torch.randn(512, 20))
    path = tmp_path / "contained.safetensors"
    safetensors.torch.save_file(contained.state_dict(), path)
    same_images(import_file(path, STEPS), contained, square=False)
    names = {"head.0": "fc1", "head.1": "bn1", "body.0.1": "conv1", "body.0.2": "bn2"}
    names |= {"body.1.1": "conv2", "body.1.2": "bn3", "tail.0": "conv3"}
    renamed = {f"{names[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value for key, value in contained.state_dict().items()}
    safetensors.torch.save_file(renamed, path)
    same_images(import_file(path, STEPS), contained, square=False)


def test_batch_statistics_tell_how_images_are_enlarged(tmp_path: Path) -> None:
    network = foreign.lived(Contained("bilinear"), torch.randn(512, 20))
    imported = import_file(save(network.state_dict(), tmp_path), STEPS)
    assert not any(question.key == "upsampling" for question in imported.questions)
    same_images(imported, network, square=False)


def test_a_last_layer_may_treble(tmp_path: Path) -> None:
    network = foreign.dcgan(4, 16, 32)
    network[-1] = nn.Sequential(nn.BatchNorm2d(16), nn.ReLU(), nn.ConvTranspose2d(16, 3, 5, 3, 1), nn.Tanh())
    network = nn.Sequential(*network[:-1], *network[-1])
    foreign.lived(network, torch.randn(256, 10, 1, 1))
    path = save(network.state_dict(), tmp_path)
    question = next(question for question in import_file(path).questions if question.key == "geometry")
    answer = next(option.value for option in question.options if option.value.startswith("1-4-8-16-32-96"))
    same_images(import_file(path, {"geometry": answer}), network)


@pytest.mark.parametrize(("doubled", "size", "norm"), [((0, 2, 4), 32, True), ((0, 2, 4), 32, False), ((0, 1, 2, 3), 64, False)])
def test_where_layers_of_one_width_are_enlarged(doubled: tuple[int, ...], size: int, norm: bool, tmp_path: Path) -> None:
    """They were taken for transposed convolutions, each of which doubles: 128 and 256 px."""
    layers: list[nn.Module] = [nn.Linear(24, 16 * 16), nn.Unflatten(1, (16, 4, 4))]
    for place in range(6):
        layers += [nn.Upsample(scale_factor=2)] * (place in doubled)
        layers += [nn.Conv2d(16, 16, 3, padding=1), *[nn.BatchNorm2d(16)] * norm, nn.ReLU()]
    network = foreign.lived(nn.Sequential(*layers, nn.Conv2d(16, 3, 3, padding=1), nn.Tanh()), torch.randn(256, 24))
    imported = import_file(save(network.state_dict(), tmp_path))
    assert imported.model.resolution == size
    same_images(imported, network, square=False)
