"""A stranger's module behind our protocol: taught like a bundled generator, or refused in one line."""

import numpy as np
import pytest
import torch
from torch import nn

import gan
from gan.errors import UserError
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.guard import Limits
from gan.networks import latents
from gan.policy.rounds import RoundConfig
from gan.session import Feedback, TuningSession


class Stranger(nn.Module):
    """As people write them: nothing of ours, and whatever is asked for."""

    def __init__(self, z_dim=6, side=20, channels=3, last=torch.tanh, as_map=False):
        super().__init__()
        torch.manual_seed(0)
        self.side, self.channels, self.last, self.as_map = side, channels, last, as_map
        self.body = nn.Sequential(nn.Linear(z_dim, 32), nn.ReLU(), nn.Linear(32, channels * 25))

    def forward(self, z):
        if self.as_map:
            assert z.ndim == 4, "a map is wanted"
            z = z.flatten(1)
        x = self.body(z).unflatten(1, (self.channels, 5, 5))
        return self.last(nn.functional.interpolate(x, size=self.side, mode="bilinear"))


@pytest.mark.parametrize(
    ("made", "width"),
    [
        ({}, 20),
        ({"channels": 1}, 20),
        ({"last": torch.sigmoid}, 20),
        ({"as_map": True}, 20),
        ({"side": 33}, 33),
        ({"last": lambda x: (torch.tanh(x), "styles")}, 20),
    ],
)
def test_it_draws_what_the_module_draws(made, width):
    module = Stranger(**made)
    model = gan.wrap(module, z_dim=6)
    z = torch.randn(4, 6)
    own = module(z[:, :, None, None] if made.get("as_map") else z)
    own = own[0] if isinstance(own, tuple) else own
    own = own * 2 - 1 if made.get("last") is torch.sigmoid else own
    assert torch.allclose(model.draw(z), own.expand(-1, 3, -1, -1).detach(), atol=1e-5)
    images = model.sample(range(3))
    assert images.shape == (3, width, width, 3) and images.std() > 5
    assert model.discriminator is None and model.resolution == width


def test_half_precision_and_a_named_range():
    model = gan.wrap(Stranger().to(torch.bfloat16), z_dim=6, values="unit")
    assert model.sample(range(2)).shape == (2, 20, 20, 3)


class Noisy(Stranger):
    def forward(self, z):
        return super().forward(z) + 0.3 * torch.randn(len(z), 1, 1, 1)


class Shaped(nn.Module):
    def __init__(self, *shape, scale=1.0, kind=None):
        super().__init__()
        self.shape, self.scale, self.kind = shape, scale, kind

    def forward(self, z):
        made = torch.tanh(z[:, :1].expand(-1, int(np.prod(self.shape)))).unflatten(1, self.shape) * self.scale
        return {"image": made} if self.kind == "dict" else made


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Shaped(10, 1), "makes a tensor (16, 10, 1), not images"),
        (Shaped(2, 8, 8), "not images (16, 1 or 3, R, R)"),
        (Shaped(3, 8, 12), "12 x 8 pixels: only square"),
        (Shaped(3, 8, 8, scale=255.0), "neither -1..1 nor 0..1"),
        (Shaped(3, 8, 8, scale=float("nan")), "not finite"),
        (Shaped(3, 8, 8, scale=0.0), "same image of every latent"),
        (Shaped(3, 8, 8, kind="dict"), "gives dict, not a tensor"),
        (Noisy(), "other images of the same latents"),
        (nn.Linear(9, 4), "takes neither latents (N, 6) nor (N, 6, 1, 1)"),
        ("generator.pt", "torch.nn.Module, not str"),
    ],
)
def test_what_is_no_image_is_said_in_a_line(module, words):
    with pytest.raises(UserError) as caught:
        gan.wrap(module, z_dim=6)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "given", [{"z_dim": 8.0}, {"z_dim": "8"}, {"z_dim": 0}, {"z_dim": True}, {"z_dim": 8, "values": "bytes"}, {"z_dim": 8, "device": "tpu"}]
)
def test_what_a_call_gets_wrong_is_said_in_a_line(given):
    with pytest.raises(UserError):
        gan.wrap(torch.nn.Sequential(torch.nn.Linear(8, 48), torch.nn.Tanh(), torch.nn.Unflatten(1, (3, 4, 4))), **given)


def test_a_width_may_be_a_number_of_numpy():
    width = gan.wrap(Stranger(), z_dim=np.int64(6)).z_dim
    assert width == 6 and type(width) is int


def test_a_mapping_that_fits_nothing_is_said_in_a_line():
    with pytest.raises(UserError, match="mapping"):
        gan.wrap(Stranger(), z_dim=6, mapping=nn.Linear(5, 8))
    with pytest.raises(UserError, match="z_dim"):
        gan.wrap(Stranger(), z_dim=0)


def _brightness(pixels):
    return pixels.reshape(len(pixels), -1).mean(axis=1)


@pytest.mark.parametrize("policy", ["choice", "shift"])
def test_it_is_taught_without_a_discriminator(policy, monkeypatch, tmp_path):
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    module = Stranger(channels=1)
    weights = {key: value.clone() for key, value in module.state_dict().items()}
    model = gan.wrap(module, z_dim=6, mapping=nn.Sequential(module.body[0], module.body[1]))
    wide = Limits(diversity=0.3, realism=-9.0, typicality=-9.0)
    config = RoundConfig(policy=policy, steps=8, states=8, children=4, look_images=48, limits=wide, pool=800)
    session = TuningSession(model, device="cpu", config=config)
    proposals = session.propose(36)
    session.add({i: p.latent for i, p in enumerate(proposals)})
    stars = _brightness(np.stack([p.pixels for p in proposals])).argsort().argsort() * 5 // 36 + 1
    session.feedback([Feedback(i, "stars", float(s)) for i, s in enumerate(stars)])
    session.fit()
    list(session.run_round())
    assert session.last_round.kept and not session.scorer.has_realism
    before, tuned = model.sample(range(100)), session.tuned_model("mine")
    assert _brightness(tuned.sample(range(100))).mean() > _brightness(before).mean() + 5
    assert all(torch.equal(value, weights[key]) for key, value in module.state_dict().items())
    session.save_checkpoint(tmp_path / "round.safetensors")
    again = TuningSession(gan.wrap(module, z_dim=6, mapping=model.generator.mapping), device="cpu", config=config)
    again.restore(tmp_path / "round.safetensors")
    assert np.array_equal(again.tuned_model().sample(range(4)), tuned.sample(range(4)))
    with pytest.raises(UserError, match="ONNX"):
        session.export(tmp_path / "bundle")
    assert not (tmp_path / "bundle" / "config.json").exists()
    session.export(tmp_path / "onnx", format="onnx")
    z = latents(range(3), 6)
    drawn = run_onnx((tmp_path / "onnx" / "generator.onnx").read_bytes(), z.numpy())
    assert np.abs(drawn - tuned.draw(z).numpy()).max() < 1e-3


def test_it_is_written_as_onnx():
    model = gan.wrap(Stranger(), z_dim=6)
    z = np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32)
    drawn = run_onnx(to_onnx(model, {}), z)
    assert np.abs(drawn - model.draw(torch.from_numpy(z)).numpy()).max() < 1e-3
