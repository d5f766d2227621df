"""An imported generator is rated, tuned and exported like a bundled one; without a discriminator realism is off."""

import io
from collections.abc import Callable
from pathlib import Path

import foreign_torch as foreign
import numpy as np
import pytest
import torch

import gan
from gan.formats import bundle
from gan.formats.importing import import_file
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.formats.portable import export_bundle
from gan.model import Model
from gan.session import Feedback, RoundConfig, TuningSession

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "foreign-generator"


def imported(folder: Path, **made: object) -> Model:
    network = foreign.dcgan(**made)  # type: ignore[arg-type]
    stem = bool(made.get("stem"))
    z = torch.randn(128, 10)
    foreign.lived(network, z if stem else z[:, :, None, None])
    torch.save(network.state_dict(), folder / "generator.pth")
    return import_file(folder / "generator.pth").model


def teach(
    session: TuningSession, liking: Callable[[np.ndarray], np.ndarray], ratings: int, steps: int
) -> None:
    """Ratings of proposals by a person who likes what `liking` finds high, and one round on them."""
    proposals = session.propose(ratings)
    session.add({i: p.latent for i, p in enumerate(proposals)})
    scores = liking(np.stack([p.pixels for p in proposals]))
    ranks = scores.argsort().argsort() * 5 // len(scores) + 1
    session.feedback([Feedback(image=i, kind="stars", value=int(stars)) for i, stars in enumerate(ranks)])
    session.fit()
    for _ in session.run_round(steps=steps):
        pass


def brightness(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), -1).mean(axis=1)


@pytest.mark.parametrize(
    "made", [{"size": 28, "channels": 1, "kernel": 4}, {"size": 32, "channels": 3, "kernel": 5, "stem": True}]
)
def test_tuned_without_a_discriminator(made: dict[str, object], tmp_path: Path) -> None:
    model = imported(tmp_path, width=4, **made)
    assert model.discriminator is None
    session = TuningSession(model, "cpu", config=RoundConfig(states=8, children=4, look_images=32, pool=2048))
    assert not session.scorer.has_realism
    teach(session, brightness, 40, steps=6)
    assert all(prediction.realism is None for prediction in session.predict(np.zeros((2, 10), np.float32)))
    assert session.last_round is not None
    tuned = session.tuned_model("mine")
    bundle.save(tuned, tmp_path / "mine")
    again = gan.load(tmp_path / "mine")
    np.testing.assert_array_equal(again.sample(range(3)), tuned.sample(range(3)))


@pytest.mark.parametrize(
    "made",
    [
        {"size": 28, "channels": 1, "kernel": 3},
        pytest.param({"size": 64, "channels": 3, "kernel": 4, "batch_norm": False}, marks=pytest.mark.slow),
        pytest.param({"size": 128, "channels": 3, "kernel": 4, "stem": True}, marks=pytest.mark.slow),
    ],
)
def test_onnx_draws_the_same(made: dict[str, object], tmp_path: Path) -> None:
    model = imported(tmp_path, width=2, **made)
    z = torch.randn(3, model.z_dim)
    difference = np.abs(run_onnx(to_onnx(model, {}), z.numpy()) - model.draw(z).numpy()).max()
    assert difference < 1e-4


def test_a_uniform_prior_is_folded_in(tmp_path: Path) -> None:
    torch.save(foreign.mlp((6, 16, 784)).state_dict(), tmp_path / "g.pth")
    model = import_file(tmp_path / "g.pth", {"prior": "uniform", "activation": "leaky_relu:0.2"}).model
    z = torch.randn(4, 6)
    assert np.abs(run_onnx(to_onnx(model, {}), z.numpy()) - model.draw(z).numpy()).max() < 1e-4
    assert float(model.generator.enter(z).abs().max()) < 1.0


def test_odd_sizes_have_features(tmp_path: Path) -> None:
    from gan.taste import raw_features

    for side in (27, 28, 33, 256):
        raw = raw_features(torch.rand(2, 3, side, side) * 2 - 1, None)
        assert all(torch.isfinite(group).all() for group in raw.groups)


def test_large_images_are_looked_at_a_few_at_a_time(tmp_path: Path) -> None:
    from gan.rewards.scorer import Drawer

    model = imported(tmp_path, width=1, size=128, channels=3, kernel=4)
    whole, pieces = Drawer(model, chunk=64), Drawer(model, chunk=3)
    whole.autocast = pieces.autocast = False  # bfloat16 rounds otherwise where a batch is split otherwise over threads
    z = torch.randn(20, model.z_dim, generator=torch.Generator().manual_seed(0))
    one, _ = whole.read(whole.draw(z))
    other, logits = pieces.look(z)
    assert logits is None
    for a, b in zip(one.groups, other.groups, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data of the workplace is not here")
def test_digits_are_tuned_to_a_taste_and_exported(tmp_path: Path) -> None:
    model = import_file(DATA / "mnist_mlp_G.ckpt").model
    session = TuningSession(model, "cpu", seed=1)
    teach(session, brightness, 120, steps=12)
    assert session.last_round is not None and session.last_round.kept, session.last_round
    tuned = session.tuned_model("bold-digits")
    before, after = (brightness(m.sample(range(200))).mean() for m in (model, tuned))
    assert after > before + 3.0  # bolder strokes
    folder = export_bundle(tuned, tmp_path / "bold-digits")
    vector = np.load(io.BytesIO((folder / "test_vector.npz").read_bytes()))
    assert (
        np.abs(run_onnx((folder / "generator.onnx").read_bytes(), vector["z"]) - vector["image"]).max() < 1e-4
    )
    assert gan.load(folder).hash == tuned.hash
