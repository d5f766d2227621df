"""Losses against formulas, exact resume, and the train command on a real folder."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from gan.adversarial.command import run
from gan.adversarial.ema import ema_decay, ema_update
from gan.adversarial.losses import discriminator_loss, generator_loss, gradient_penalty
from gan.adversarial.train import TrainConfig, Trainer
from gan.data.scenes import render
from gan.device import resolve_device
from gan.errors import UserError
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

SMALL_G = GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8))
SMALL_D = DiscriminatorConfig(resolution=16, channels=(8, 16), features=16)


@pytest.fixture(scope="module")
def pictures():
    return render(range(64), 16)


def _trainer(pictures, **changes) -> Trainer:
    config = replace(TrainConfig(kimg=0.4, batch=16, penalty_interval=2), **changes)
    return Trainer.fresh(pictures, config, torch.device("cpu"), SMALL_G, SMALL_D)


def test_relativistic_losses():
    real, fake = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    softplus = lambda x: math.log1p(math.exp(x))  # noqa: E731
    assert float(discriminator_loss(real, fake)) == pytest.approx((softplus(-0.5) + softplus(5.0)) / 2)
    assert float(generator_loss(real, fake)) == pytest.approx((softplus(0.5) + softplus(-5.0)) / 2)


def test_gradient_penalty_of_a_linear_critic_is_its_squared_weight():
    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 4, 4))

        def forward(self, x):
            return (x * self.weight).sum(dim=(1, 2, 3))

    critic = Linear()
    penalty = gradient_penalty(critic, torch.randn(5, 3, 4, 4))
    assert penalty.item() == pytest.approx(critic.weight.square().sum().item(), rel=1e-5)
    penalty.backward()
    assert torch.allclose(critic.weight.grad, 2 * critic.weight.detach(), rtol=1e-4)


def test_gradient_penalty_in_bfloat16_pulls_where_it_does_in_float32():
    torch.manual_seed(0)
    critic = Discriminator(DiscriminatorConfig(resolution=32, channels=(48, 64, 64), features=64))
    images = torch.from_numpy(render(range(8), 32)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    pulls = []
    for cast in (False, True):
        critic.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=cast):
            penalty = gradient_penalty(critic, images)
        penalty.backward()
        pulls.append(torch.cat([p.grad.flatten() for p in critic.parameters() if p.grad is not None]))
    assert torch.cosine_similarity(*pulls, dim=0) > 0.995
    assert pulls[1].norm() / pulls[0].norm() == pytest.approx(1.0, abs=0.03)


def test_ema_halves_in_its_half_life_and_ramps_up():
    steps = 10_000 // 32
    assert ema_decay(32, 10**9, half_life_kimg=10.0) ** steps == pytest.approx(0.5, rel=0.01)
    assert ema_decay(32, 100, half_life_kimg=10.0) < 0.05
    slow, fast = nn.Linear(2, 2), nn.Linear(2, 2)
    expected = 0.9 * slow.weight.detach() + 0.1 * fast.weight.detach()
    ema_update(slow, fast, 0.9)
    assert torch.allclose(slow.weight, expected)


def test_a_mapping_ignores_length_and_truncation_pulls_to_the_mean():
    torch.manual_seed(0)
    generator = Generator(SMALL_G)
    z = torch.randn(4, 8)
    assert torch.allclose(generator(z), generator(3.0 * z), atol=1e-4)
    generator.w_mean.normal_()
    average = generator.synthesis(generator.w_mean[None])
    assert torch.allclose(generator(z, psi=0.0), average.expand(4, -1, -1, -1), atol=1e-4)


def test_a_discriminator_judges_each_image_alone():
    torch.manual_seed(0)
    critic = Discriminator(SMALL_D)
    images = torch.randn(6, 3, 16, 16)
    features, logits = critic.judge(images)
    assert features.shape == (6, 16)
    assert torch.allclose(critic.judge(images[2:3])[1], logits[2:3], atol=1e-5)


def test_training_learns_the_colours(pictures):
    """A few hundred images in, the average generator is nearer the pictures' mean colour than at the start."""
    trainer = _trainer(pictures, kimg=2.4)
    target = torch.from_numpy(pictures).float().div(127.5).sub(1).mean(dim=(0, 1, 2))
    z = torch.randn(64, 8, generator=torch.Generator().manual_seed(1))
    before = (trainer.average(z).mean(dim=(0, 2, 3)) - target).norm()
    reports = list(trainer.run(report_every=25))
    after = (trainer.average(z).mean(dim=(0, 2, 3)) - target).norm()
    assert after < 0.6 * before
    assert reports[-1].fraction >= 1.0
    assert reports[0].seconds_left > 0


def test_resume_is_exact(pictures, tmp_path):
    straight = _trainer(pictures)
    for _ in range(8):
        straight.step()
    first = _trainer(pictures)
    for _ in range(5):
        first.step()
    first.save(tmp_path / "state.pt")
    second = _trainer(pictures)
    second.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    for _ in range(3):
        second.step()
    for a, b in zip(straight.average.state_dict().values(), second.average.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_the_command_trains_a_folder_and_goes_on_where_it_was_cut_off(tmp_path, monkeypatch):
    from PIL import Image

    import gan

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, picture in enumerate(render(range(12), 32)):
        Image.fromarray(picture).save(folder / f"{i}.png")
    asked = iter([False] * (12 + 3) + [True] * 100)  # before each picture that is read, and before each step
    out = run(folder, tmp_path / "mine", kimg=0.3, resolution=32, cancel=lambda: next(asked))
    seen = gan.load(out).card["training"]["images_seen"]
    assert 0 < seen < 300
    run(folder, out, kimg=0.3, resolution=32)
    model = gan.load(out)
    assert model.card["training"]["images_seen"] >= 300
    assert model.card["data"]["kind"] == "folder"
    assert (out / "samples.png").stat().st_size > 1000
    images = [int(line.split(",")[0]) for line in (out / "curve.csv").read_text().splitlines()[1:]]
    assert images == sorted(set(images))
    warm = run(folder, tmp_path / "warm", start_from=str(out), kimg=0.1)
    assert gan.load(warm).resolution == 32
    assert np.isfinite(gan.load(warm).sample([0])).all()


def test_wrong_devices_and_sizes_are_named(tmp_path):
    with pytest.raises(UserError, match="unknown device"):
        resolve_device("abacus")
    with pytest.raises(UserError, match="cuda:99"):
        resolve_device("cuda:99")
    with pytest.raises(UserError, match="resolution 48"):
        run("procedural:scenes", tmp_path / "x", resolution=48)
