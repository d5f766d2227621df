"""StyleGAN3's networks against the paper written out, and through everything a generator goes through here."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from stylegan3_reference import drawn3, features, filtered, small_generator3
from torch import Tensor

from gan.formats import bundle
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.formats.pt2 import run_pt2, to_pt2
from gan.guard import Limits
from gan.model import Model
from gan.networks import latents, stylegan3_layers
from gan.networks.stylegan2_layers import MappingConfig
from gan.networks.stylegan3 import StyleGAN3, StyleGAN3Config, progression
from gan.networks.stylegan3_filters import _bessel, downsample, lowpass, radial_lowpass, upsample
from gan.networks.stylegan3_layers import FilterConfig, FilteredLayer, Geometry, Signal
from gan.policy.rounds import RoundConfig
from gan.session import Feedback, TuningSession


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


# -------------------------------------------------------------------------------------------------------------- filters


def test_filters_are_kaisers() -> None:
    """The first halves of scipy.signal.firwin(12, cutoff, width=2 * half_width, fs=32)."""
    wide = [0.000791902149740628, 0.010018318156623213, 0.03894952247200142, 0.09241278989917955, 0.1565256153446172, 0.20130185197783798]
    assert lowpass(12, 2.0, 6.0, 32.0) == pytest.approx([*wide, *wide[::-1]], abs=1e-15)
    narrow = [-0.05225937197461179, -0.02645688299587011, 0.034015992423261594, 0.11497061834414596, 0.19161769724024327]
    narrow += [0.23811194696283106]
    assert lowpass(12, 4.0, 1.0, 32.0) == pytest.approx([*narrow, *narrow[::-1]], abs=1e-15)


def _passes(row: list[float], frequency: float, rate: float) -> float:
    """How much of a wave passes."""
    where = (np.arange(len(row)) - (len(row) - 1) / 2) / rate
    return float(np.abs(row @ np.exp(-2j * math.pi * frequency * where)))


@pytest.mark.parametrize(("taps", "cutoff", "half_width"), [(24, 4.0, 3.0), (48, 6.0, 2.0)])
def test_what_filters_pass(taps: int, cutoff: float, half_width: float) -> None:
    row = lowpass(taps, cutoff, half_width, 32.0)
    assert _passes(row, cutoff, 32.0) == pytest.approx(0.5, abs=0.03)
    assert _passes(row, cutoff - half_width, 32.0) == pytest.approx(1.0, abs=0.05)
    assert all(_passes(row, beyond, 32.0) < 0.05 for beyond in np.linspace(cutoff + half_width, 16.0, 30))


def test_radial_filters_pass_alike_in_all_directions() -> None:
    taps, rate = 24, 32.0
    square = np.array(radial_lowpass(taps, 4.0, 3.0, rate))
    assert square.sum() == pytest.approx(1.0) and np.allclose(square, square.T) and np.allclose(square, square[::-1])
    where = (np.arange(taps) - (taps - 1) / 2) / rate
    for frequency in (2.0, 4.0, 7.0):
        passed = [
            abs((square * np.exp(-2j * math.pi * frequency * (math.cos(a) * where[:, None] + math.sin(a) * where))).sum())
            for a in np.linspace(0.0, math.pi / 2, 7)
        ]
        assert max(passed) - min(passed) < 0.01
    odd = np.array(radial_lowpass(7, 4.0, 3.0, rate))
    assert np.isfinite(odd).all() and odd.argmax() == 24  # the middle, where the jinc has a limit


def test_bessels_function() -> None:
    tabulated = [0.0, 0.4400505857449335, 0.0434727461688614]  # Abramowitz and Stegun, table 9.1
    np.testing.assert_allclose(_bessel(np.array([0.0, 1.0, 10.0])), tabulated, atol=1e-14)
    assert abs(_bessel(np.array(3.8317059702075123))) < 1e-14


@pytest.mark.parametrize(
    ("factors", "taps", "padding"), [((2, 2), (12, 12), (9, 8)), ((4, 2), (24, 12), (-6, -9)), ((2, 2), (5, 3), (1, -1))]
)
def test_resampling_is_zeros_padding_and_filter(factors: tuple[int, int], taps: tuple[int, int], padding: tuple[int, int]) -> None:
    x, up, down = torch.randn(2, 3, 20, 20), torch.randn(taps[0]), torch.randn(taps[1])
    low, high = taps[0] - 1 - padding[0], taps[0] - factors[0] - padding[1]
    assert high - low in {0, 1}
    for kernel in (down, torch.randn(taps[1], taps[1])):
        fine = upsample(x, up, factors[0], low, high)
        found = downsample(torch.nn.functional.leaky_relu(fine, 0.2), kernel, factors[1]) * math.sqrt(2.0)
        literal = torch.stack([filtered(image.double(), up.double(), kernel.double(), factors, padding, None) for image in x])
        torch.testing.assert_close(found, literal.float(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("before", "after"), [(16, 16), (16, 32), (32, 32)])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("radial", [False, True])
def test_what_lies_below_the_cutoff_stays_where_it_is(before: int, after: int, kernel: int, radial: bool) -> None:
    """A wave that is nowhere negative passes the rectifier, and the samples of both signals are of the same wave."""

    def wave(signal: Signal) -> Tensor:
        x = (torch.arange(signal.size) + 0.5 - signal.size / 2) / signal.rate
        return (2.0 + torch.sin(2 * math.pi * 0.7 * x + 0.4) + torch.cos(2 * math.pi * 0.5 * x)[:, None])[None, None]

    first, second = (Signal(1, rate + 40, rate, rate / 4, rate * 3 / 16) for rate in (before, after))
    layer = FilteredLayer(4, first, second, FilterConfig(kernel, relative_taps=12), radial)
    layer.affine.weight.zero_()  # a style of one
    layer.weight.zero_()
    layer.weight[:, :, kernel // 2, kernel // 2] = 1.0
    found = layer(wave(first), torch.zeros(1, 4)) / math.sqrt(2.0)
    inner = slice(13, -13)
    torch.testing.assert_close(found[..., inner, inner], wave(second)[..., inner, inner], rtol=0, atol=0.02)


# --------------------------------------------------------------------------------------------------------------- layers

WAYS: list[dict[str, object]] = [
    {},
    {"radial": 2},
    {"radial": 3, "filters": FilterConfig(3, 4, 2, 0.7), "output_scale": 0.5},
    {"resolution": 32, "layers": 4, "image_channels": 1, "filters": FilterConfig(clamp=None)},
]


@pytest.mark.parametrize("how", WAYS, ids=str)
def test_the_quick_form_is_the_papers(how: dict[str, object]) -> None:
    generator = small_generator3(**how)  # type: ignore[arg-type]
    for psi in (1.0, 0.6):
        z = latents([1], 12)
        literal = drawn3(generator, z[0], psi)
        assert literal.std() > 0.02
        literal = literal.expand(3, -1, -1)
        torch.testing.assert_close(generator(z, psi)[0], literal.float(), rtol=0, atol=2e-5)


def test_waves_are_turned_and_shifted() -> None:
    generator = small_generator3()
    part, w = generator.synthesis.input, torch.randn(10)
    part.transform.copy_(torch.tensor([[0.9, -0.3, 0.1], [0.4, 1.7, -0.2], [0.0, 0.0, 1.0]]))  # fast enough to fade
    torch.testing.assert_close(part(w[None])[0], features(generator, w.double()).float(), rtol=0, atol=2e-5)


def test_a_shift_by_whole_samples_shifts_the_waves() -> None:
    generator = small_generator3()
    part, w = generator.synthesis.input, torch.zeros(1, 10)
    part.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    x = part(w)
    part.affine.bias.copy_(torch.tensor([1.0, 0.0, 2.0 / generator.config.signals[0].rate, 0.0]))
    torch.testing.assert_close(part(w)[..., 2:], x[..., :-2], rtol=0, atol=1e-5)
    part.affine.bias.copy_(torch.tensor([0.0, -3.0, 0.0, 0.0]))  # a quarter turn; the length of the vector says nothing
    torch.testing.assert_close(part(w), x.rot90(-1, (2, 3)), rtol=0, atol=1e-5)


def test_a_latent_is_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = small_generator3()
    z = latents(range(4), 12)
    images = generator(z)
    assert images.shape == (4, 3, 16, 16)
    torch.testing.assert_close(generator(z), images, rtol=0, atol=0)
    torch.testing.assert_close(generator(z[2:3]), images[2:3], rtol=0, atol=1e-5)
    torch.testing.assert_close(generator(z * 3.0), images, rtol=0, atol=1e-5)  # a latent's length carries nothing
    styles = generator.embed(z)[:, None].expand(-1, generator.style_layers, -1)
    torch.testing.assert_close(generator.synthesise(styles), images, rtol=0, atol=0)
    monkeypatch.setattr(stylegan3_layers, "_AT_ONCE", 1)  # large batches are taken in parts
    torch.testing.assert_close(generator(z), images, rtol=0, atol=1e-5)


def test_layers_have_gradients() -> None:
    before, after = Signal(2, 6, 4, 1.0, 1.0), Signal(2, 5, 8, 1.5, 2.0)
    layer = FilteredLayer(4, before, after, FilterConfig(clamp=1.0), False).double()
    waves = stylegan3_layers.FourierFeatures(4, before).double()
    waves.affine.weight.normal_()
    with torch.enable_grad():
        x, w = torch.randn(1, 2, 6, 6).double().requires_grad_(), torch.randn(1, 4).double().requires_grad_()
        assert torch.autograd.gradcheck(layer, (x, w))
        assert torch.autograd.gradcheck(waves, (w,))
        generator = small_generator3()
        z = latents([0], 12).requires_grad_()
        generator(z).square().sum().backward()
        assert z.grad is not None and z.grad.abs().max() > 0 and torch.isfinite(z.grad).all()


def test_truncation_pulls_to_the_mean_style() -> None:
    generator = small_generator3()
    z = latents(range(2), 12)
    mean = generator.synthesis([generator.w_avg[None]] * generator.config.layers)
    torch.testing.assert_close(generator(z, 0.0), mean.expand(2, -1, -1, -1), rtol=0, atol=1e-5)
    torch.testing.assert_close(generator(z, torch.tensor(0.3)), generator(z, 0.3), rtol=0, atol=1e-6)


def test_the_last_coordinates_choose_the_class() -> None:
    generator = small_generator3(classes=3)
    assert (generator.z_dim, generator.classes) == (15, 3)
    z = latents(range(6), 15)
    images = generator(z)
    for label in range(3):
        fixed = StyleGAN3(replace(generator.config, label=label))
        fixed.load_state_dict(generator.state_dict())
        chosen = z[:, 12:].argmax(dim=1) == label
        same = (fixed(z) - images).flatten(1).abs().amax(dim=1) < 1e-5
        assert torch.equal(same, chosen)


def test_the_published_shape() -> None:
    """What the paper's table and the names in published files say of 1024 pixels."""
    config = StyleGAN3Config(1024, signals=progression(1024))
    assert config.names[:3] == ("L0_36_512", "L1_36_512", "L2_52_512") and config.names[-2:] == ("L13_1024_32", "L14_1024_3")
    assert (config.layers, config.variant) == (16, "StyleGAN3-T")
    first = Geometry(config.signals[0], config.signals[0], config.filters)
    assert (first.up, first.down, first.up_taps, first.padding) == (2, 2, 12, (9, 8))
    wide = replace(config, signals=progression(1024, base=65536, widest=1024), filters=FilterConfig(1), radial=12)
    assert wide.variant == "StyleGAN3-R" and wide.names[0] == "L0_36_1024"
    with torch.device("meta"):
        StyleGAN3(wide)


SIGNALS = progression(16, 3, 64, 6)


@pytest.mark.parametrize(
    "how",
    [{"resolution": 32}, {"signals": SIGNALS[-2:]}, {"signals": SIGNALS * 9}, {"signals": progression(16, 3, image_channels=4)},
     {"label": 0}, {"output_scale": 0.0}, {"output_scale": math.nan}, {"mapping": MappingConfig(0, 3, 4)}],
    ids=lambda how: next(iter(how)),
)  # fmt: skip
def test_shapes_that_cannot_be_are_refused(how: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        StyleGAN3Config(**{"resolution": 16, "signals": SIGNALS, **how})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "filters"),
    [({"size": 60000, "rate": 32768}, {"size": 60000, "rate": 32768}, {}), ({"rate": 3}, {}, {}), ({"size": 2}, {"size": 99}, {}),
     ({}, {"rate": 4096}, {}), ({}, {}, {"relative_taps": 99}), ({"channels": 1}, {"channels": 400000, "size": 4096, "rate": 4096}, {})],
)  # fmt: skip
def test_geometries_that_cannot_be_are_refused(before: dict[str, int], after: dict[str, int], filters: dict[str, int]) -> None:
    plain = Signal(4, 36, 16, 2.0, 6.0)
    with pytest.raises(ValueError):
        Geometry(replace(plain, **before), replace(plain, **after), FilterConfig(**filters))  # type: ignore[arg-type]


@pytest.mark.parametrize("how", [{"cutoff": 0.0}, {"cutoff": math.nan}, {"cutoff": 99.0}, {"half_width": 0.0}, {"half_width": math.inf}])
def test_signals_that_cannot_be_are_refused(how: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        replace(Signal(4, 36, 16, 2.0, 6.0), **how)
    for odd in ({"kernel": 5}, {"clamp": 0.0}):
        with pytest.raises(ValueError):
            FilterConfig(**odd)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- like any generator


@pytest.mark.parametrize("how", [{}, {"classes": 4, "radial": 2}, {"classes": 4, "label": 2}], ids=str)
def test_bundles_keep_it(tmp_path: Path, how: dict[str, int]) -> None:
    before = Model("foreign", small_generator3(**how))
    bundle.save(before, tmp_path / "kept")
    after = bundle.load(tmp_path / "kept")
    assert (after.hash, after.generator.config) == (before.hash, before.generator.config)
    z = latents(range(3), before.z_dim)
    assert torch.equal(after.draw(z), before.draw(z))


@pytest.mark.slow
def test_graphs_for_other_programs_draw_the_same() -> None:
    made = Model("foreign", small_generator3(classes=3, radial=1))
    z = latents(range(3), made.z_dim)
    images = made.draw(z).numpy()
    onnx, pt2 = to_onnx(made, {}), to_pt2(made, {})
    one, half, free = np.array(1.0, np.float32), np.array(0.5, np.float32), np.array(-1)
    np.testing.assert_allclose(run_onnx(onnx, z.numpy(), psi=one, label=free), images, atol=1e-5)
    single = run_onnx(onnx, z[:1].numpy(), psi=half, label=free)
    np.testing.assert_allclose(single, made.draw(z[:1], 0.5).numpy(), atol=1e-5)
    np.testing.assert_allclose(run_pt2(pt2, z.numpy()), images, atol=1e-5)
    fixed = Model("fixed", StyleGAN3(replace(made.generator.config, label=1)))
    fixed.generator.load_state_dict(made.generator.state_dict())
    np.testing.assert_allclose(run_pt2(pt2, z.numpy(), label=1), fixed.draw(z).numpy(), atol=1e-5)


def test_it_is_tuned_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 48)
    torch.manual_seed(5)
    made = Model("foreign", small_generator3(resolution=32))
    quick = RoundConfig(steps=2, states=8, children=4, look_every=1, look_images=32, limits=Limits(0.1, -9.0, -9.0), pool=96)
    session = TuningSession(made, device="cpu", seed=1, config=quick)
    with torch.enable_grad():
        proposals = session.propose(16)
        session.add({i: p.latent for i, p in enumerate(proposals)})
        redness = [float(p.pixels[..., 0].mean()) for p in proposals]
        order = np.argsort(np.argsort(redness))
        session.feedback([Feedback(i, "stars", float(1 + 5 * rank // 16)) for i, rank in enumerate(order)])
        session.fit()
        reports = [report for report in session.run_round(steps=2) if report.step]
    assert len(reports) == 2 and all(np.isfinite([report.reward, report.kl]).all() for report in reports)
    assert session.tuned_model().sample(range(2)).shape == (2, 32, 32, 3)
