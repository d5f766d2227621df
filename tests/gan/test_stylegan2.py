"""StyleGAN2's networks against the papers' equations written out, and through everything a generator goes through here."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from stylegan2_reference import drawn, filtered, small_discriminator, small_generator, upsampled
from torch import Tensor

from gan.formats import bundle
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.formats.pt2 import run_pt2, to_pt2
from gan.guard import Limits
from gan.model import Model
from gan.networks import latents
from gan.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from gan.networks.stylegan2_discriminator import StyleGAN2DiscriminatorConfig, minibatch_deviation
from gan.networks.stylegan2_layers import MappingConfig, binomial_filter, downsample, upsample
from gan.policy.rounds import RoundConfig
from gan.session import Feedback, TuningSession

FILTERS = [
    [1.0],
    [1.0, 2.0],
    [1.0, 2.0, 1.0],
    [1.0, 3.0, 3.0, 1.0],
    [4.0, 3.0, 2.0, 1.0, 5.0],
    [1.0, 5.0, 10.0, 10.0, 5.0, 2.0],
]


def square(row: list[float]) -> Tensor:
    kernel = torch.tensor(row).outer(torch.tensor(row))
    return kernel / kernel.sum()


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("row", FILTERS, ids=str)
def test_resampling_is_zeros_padding_and_filter(row: list[float]) -> None:
    kernel, x = square(row), torch.randn(2, 3, 6, 6)
    taps = len(row)
    up = np.stack([[upsampled(c.double().numpy(), kernel.double().numpy()) for c in image] for image in x])
    np.testing.assert_allclose(upsample(x, kernel).numpy(), up, atol=1e-5)
    pads = (taps - 1) // 2, (taps - 2) // 2
    down = np.stack(
        [
            [filtered(c.double().numpy(), kernel.double().numpy(), *pads)[::2, ::2] for c in image]
            for image in x
        ]
    )
    np.testing.assert_allclose(downsample(x, kernel).numpy(), down, atol=1e-5)


def test_resampling_keeps_brightness_inside() -> None:
    flat = torch.ones(1, 1, 8, 8)
    torch.testing.assert_close(upsample(flat, binomial_filter(4))[0, 0, 2:-2, 2:-2], torch.ones(12, 12))
    torch.testing.assert_close(downsample(flat, binomial_filter(4))[0, 0, 1:-1, 1:-1], torch.ones(2, 2))
    torch.testing.assert_close(binomial_filter(4), square([1.0, 3.0, 3.0, 1.0]))


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("how", [{}, {"clamp": 0.4, "filter_taps": 3}], ids=str)
def test_the_quick_form_is_the_papers(architecture: str, how: dict[str, object]) -> None:
    generator = small_generator(architecture=architecture, **how)
    z = latents(range(3), 12)
    for psi in (1.0, 0.6):
        literal = torch.stack([drawn(generator, row, psi) for row in z])
        assert literal.std() > 0.05
        torch.testing.assert_close(generator(z, psi), literal.float(), rtol=0, atol=2e-5)


def test_a_latent_is_an_image() -> None:
    generator = small_generator()
    z = latents(range(4), 12)
    images = generator(z)
    torch.testing.assert_close(generator(z), images, rtol=0, atol=0)
    torch.testing.assert_close(generator(z[2:3]), images[2:3], rtol=0, atol=1e-5)
    torch.testing.assert_close(
        generator(z * 3.0), images, rtol=0, atol=1e-5
    )  # a latent's length carries nothing
    silent = small_generator(noise="none")
    assert (silent(z) - images).abs().max() > 0.05
    styles = [generator.styles(z)] * generator.config.layers
    torch.testing.assert_close(generator.synthesis(styles, "none"), silent(z), rtol=0, atol=0)
    assert not torch.equal(generator.synthesis(styles, "random"), generator.synthesis(styles, "random"))


def test_without_noise_inputs_there_are_none() -> None:
    generator = small_generator(noise_inputs=False)
    assert not [name for name in generator.state_dict() if "noise" in name]
    assert generator(latents([1], 12)).shape == (1, 3, 16, 16)


def test_truncation_pulls_to_the_mean_style() -> None:
    generator = small_generator()
    z = latents(range(3), 12)
    mean = generator.synthesis([generator.w_avg[None]] * generator.config.layers)
    torch.testing.assert_close(generator(z, 0.0), mean.expand(3, -1, -1, -1), rtol=0, atol=1e-5)
    torch.testing.assert_close(generator(z, torch.tensor(0.3)), generator(z, 0.3), rtol=0, atol=1e-6)
    torch.testing.assert_close(generator(z, 1), generator(z))
    partly = StyleGAN2(replace(generator.config, truncation_cutoff=2))
    partly.load_state_dict(generator.state_dict())
    w = generator.styles(z)
    near = generator.w_avg.lerp(w, 0.3)
    torch.testing.assert_close(partly(z, 0.3), generator.synthesis([near] * 2 + [w] * 4), rtol=0, atol=1e-6)


def test_the_last_coordinates_choose_the_class() -> None:
    generator = small_generator(classes=5)
    assert (generator.z_dim, generator.classes) == (17, 5)
    z = latents(range(6), 17)
    images = generator(z)
    for label in range(5):
        fixed = StyleGAN2(replace(generator.config, label=label))
        fixed.load_state_dict(generator.state_dict())
        assert (fixed.z_dim, fixed.classes) == (17, 0)  # the same latents, whatever is fixed
        chosen = z[:, 12:].argmax(dim=1) == label
        same = (fixed(z) - images).flatten(1).abs().amax(dim=1) < 1e-5
        assert torch.equal(same, chosen)


def test_grey_images_are_repeated() -> None:
    images = small_generator(image_channels=1)(latents(range(2), 12))
    assert images.shape == (2, 3, 16, 16)
    assert torch.equal(images[:, :1].expand(-1, 3, -1, -1), images)


@pytest.mark.parametrize(
    "how",
    [{"resolution": 32}, {"image_channels": 4}, {"label": 0}, {"clamp": 0.0}, {"filter_taps": 99}, {"mapping": MappingConfig(0, 3, 4)}],
    ids=str,
)  # fmt: skip
def test_shapes_that_cannot_be_are_refused(how: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        StyleGAN2Config(**{"resolution": 16, "channels": (8, 8, 8), **how})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "how",
    [{"classes": 2}, {"label_width": 2}, {"noise_width": 0}, {"layers": 99}, {"lr_multiplier": 0.0}],
    ids=str,
)
def test_mapping_networks_that_cannot_be_are_refused(how: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        MappingConfig(**how)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------- discriminator


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_each_image_is_judged_alone(architecture: str) -> None:
    discriminator = small_discriminator(architecture=architecture, clamp=3.0)
    images = torch.rand(5, 3, 16, 16) * 2 - 1
    features, logits = discriminator.judge(images)
    assert features.shape == (5, 12) and logits.std() > 1e-3
    torch.testing.assert_close(discriminator.judge(images[3:])[1], logits[3:], rtol=0, atol=1e-5)
    alone = torch.cat([discriminator(image[None]) for image in images])
    torch.testing.assert_close(alone, logits, rtol=0, atol=1e-5)


def test_the_minibatch_statistic_is_over_strided_groups() -> None:
    x = torch.randn(6, 4, 2, 2)
    appended = minibatch_deviation(x, 3, 2)
    assert appended.shape == (6, 6, 2, 2) and torch.equal(appended[:, :4], x)
    for i in range(6):
        group = x[[i % 2, i % 2 + 2, i % 2 + 4]]
        for j in range(2):
            part = group[:, 2 * j : 2 * j + 2]
            expected = ((part - part.mean(0)).square().mean(0) + 1e-8).sqrt().mean()
            torch.testing.assert_close(appended[i, 4 + j], expected.expand(2, 2))
    with pytest.raises(ValueError, match="groups of 4"):
        minibatch_deviation(x, 4, 1)


def test_an_image_of_any_class_has_the_mean_odds() -> None:
    discriminator = small_discriminator(classes=3, image_channels=1)
    images = torch.rand(4, 1, 16, 16).expand(-1, 3, -1, -1)
    of_classes = torch.stack(
        [torch.cat([discriminator(image[None], torch.eye(3)[[c]]) for image in images]) for c in range(3)],
        dim=1,
    )
    torch.testing.assert_close(
        discriminator.judge(images)[1], of_classes.exp().mean(dim=1).log(), rtol=0, atol=1e-5
    )
    fixed = small_discriminator(classes=3, image_channels=1, label=2)
    torch.testing.assert_close(fixed.judge(images)[1], of_classes[:, 2], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "how",
    [{"resolution": 32}, {"image_channels": 2}, {"label": 0}, {"clamp": -1.0}, {"deviation_maps": 5}, {"filter_taps": 99},
     {"mapping": MappingConfig(4)}],
    ids=str,
)  # fmt: skip
def test_discriminators_that_cannot_be_are_refused(how: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        StyleGAN2DiscriminatorConfig(**{"resolution": 16, "channels": (8, 8, 8), **how})  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- like any generator


def model(classes: int = 0, **how: object) -> Model:
    return Model(
        "foreign", small_generator(classes=classes, **how), None, small_discriminator(classes=classes)
    )


@pytest.mark.parametrize("how", [{}, {"classes": 4}, {"classes": 4, "label": 2, "clamp": 256.0}], ids=str)
def test_bundles_keep_it(tmp_path: Path, how: dict[str, int]) -> None:
    before = model(**how)
    bundle.save(before, tmp_path / "kept")
    after = bundle.load(tmp_path / "kept")
    assert (after.hash, after.generator.config) == (before.hash, before.generator.config)
    images = before.draw(latents(range(3), before.z_dim))
    assert torch.equal(after.draw(latents(range(3), before.z_dim)), images)
    assert before.discriminator is not None and after.discriminator is not None
    assert torch.equal(after.discriminator.judge(images)[1], before.discriminator.judge(images)[1])


def test_graphs_for_other_programs_draw_the_same() -> None:
    made = Model(
        "foreign",
        small_generator(classes=3, architecture="resnet", clamp=2.0, resolution=8, channels=(10, 8)),
    )
    z = latents(range(3), made.z_dim)
    images = made.draw(z).numpy()
    onnx, pt2 = to_onnx(made, {}), to_pt2(made, {})
    one, half, free = np.array(1.0, np.float32), np.array(0.5, np.float32), np.array(-1)
    np.testing.assert_allclose(run_onnx(onnx, z.numpy(), psi=one, label=free), images, atol=1e-5)
    single = run_onnx(onnx, z[:1].numpy(), psi=half, label=free)
    np.testing.assert_allclose(single, made.draw(z[:1], 0.5).numpy(), atol=1e-5)
    np.testing.assert_allclose(run_pt2(pt2, z.numpy()), images, atol=1e-5)
    fixed = Model("fixed", StyleGAN2(replace(made.generator.config, label=1)))
    fixed.generator.load_state_dict(made.generator.state_dict())
    np.testing.assert_allclose(run_pt2(pt2, z.numpy(), label=1), fixed.draw(z).numpy(), atol=1e-5)


def test_it_is_tuned_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 96)
    torch.manual_seed(5)
    made = Model(
        "foreign",
        small_generator(
            mapping=MappingConfig(512, layers=2, hidden=32, outputs=32),
            resolution=32,
            channels=(16, 16, 12, 8),
        ),
        None,
        small_discriminator(resolution=32, channels=(8, 12, 16, 16)),
    )
    quick = RoundConfig(
        steps=2, states=8, children=4, look_every=1, look_images=32, limits=Limits(0.1, -9.0, -9.0), pool=160
    )
    session = TuningSession(made, device="cpu", seed=1, config=quick)
    with torch.enable_grad():
        proposals = session.propose(16)
        session.add({i: p.latent for i, p in enumerate(proposals)})
        redness = [float(p.pixels[..., 0].mean()) for p in proposals]
        order = np.argsort(np.argsort(redness))
        session.feedback([Feedback(i, "stars", float(1 + 5 * rank // 16)) for i, rank in enumerate(order)])
        session.fit()
        reports = [report for report in session.run_round(steps=2) if report.step]
    assert len(reports) == 2 and reports[-1].kl > 0
    assert all(np.isfinite([report.reward, report.kl]).all() for report in reports)
    assert session.tuned_model().sample(range(2)).shape == (2, 32, 32, 3)
