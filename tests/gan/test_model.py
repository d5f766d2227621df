"""A loaded model: the same seed is the same image, however it is asked for."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import gan
from gan.formats import bundle
from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig, latents
from gan.networks.adapter import Shift, ShiftConfig
from gan.networks.generator import SynthesisBlock
from gan.networks.layers import modulate, smooth
from gan.session import TuningSession

MakeModel = Callable[..., Model]


@pytest.mark.parametrize("z_dim", [8, 7])
def test_a_seed_is_the_latent_that_numpy_gives_it_whatever_came_before(z_dim: int) -> None:
    seeds = [3, 0, 2**32 - 1, 3]
    alone = np.stack([np.random.RandomState(seed).randn(z_dim) for seed in seeds]).astype(np.float32)
    assert np.array_equal(latents(seeds, z_dim).numpy(), alone)


@pytest.mark.parametrize("kind", ["backwards", "big-endian", "read-only", "float64", "strided"])
def test_latents_of_any_layout_draw_the_same(small_model: MakeModel, kind: str) -> None:
    model = small_model()
    z = latents(range(3), model.z_dim).numpy()
    shaped = {
        "backwards": z[::-1].copy()[::-1],
        "big-endian": z.astype(">f4"),
        "read-only": np.broadcast_to(z, z.shape),
        "float64": z.astype(np.float64),
        "strided": np.repeat(z, 2, axis=1)[:, ::2],
    }[kind]
    assert torch.equal(model.draw(shaped), model.draw(z))
    assert np.array_equal(TuningSession(model, device="cpu").draw(shaped), model.sample(range(3)))


def test_a_batch_may_be_a_number_of_numpys(small_model: MakeModel) -> None:
    assert np.array_equal(small_model().sample(range(3), batch=np.int64(2)), small_model().sample(range(3), batch=2))  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="it exists here")
def test_a_device_that_does_not_exist_is_a_mistake_in_either_form(small_model: MakeModel) -> None:
    for device in ("cuda", torch.device("cuda"), torch.device("cuda", 1)):
        with pytest.raises(gan.UserError, match="not available here"):
            small_model().to(device)


def test_importing_gan_is_cheap() -> None:
    code = (
        "import sys, gan; assert gan.__version__; print(sorted({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_lazy_names() -> None:
    from gan.loading import load

    assert gan.Model is Model and gan.load is load
    assert dir(gan) == sorted(gan.__all__) and all(getattr(gan, name) is not None for name in gan.__all__)
    assert Path(gan.__file__).with_name("py.typed").is_file(), "its annotations are for those who call it, too"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gan.nothing  # noqa: B018


def test_the_loop_in_the_docstring_runs(small_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gan.__doc__ is not None
    blocks = [block for block in gan.__doc__.split("\n\n") if block.startswith(">>>")]
    *lines, last = blocks[1].splitlines()
    assert "session.export(" in last  # it has tests of its own, and takes long
    loop = "\n".join(line[4:] for line in lines).replace("range(3)", "range(1)")
    said = {"gan": gan, "model": small_model(), "rate": lambda pixels: 1 + int(pixels[..., 0].mean()) % 5, "print": lambda *words: None}
    quick = gan.RoundConfig(policy="shift", steps=2, states=4, children=4, look_images=32, pool=600)
    monkeypatch.setattr(gan, "TuningSession", lambda model: TuningSession(model, "cpu", config=quick))
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    monkeypatch.setattr("gan.taste.learner.TasteLearner.conviction", 1.0)  # whatever these stars are
    exec(loop, said)
    assert said["session"].rounds == 1


def test_mistakes_of_a_call_are_named(small_model: MakeModel) -> None:
    model = small_model()
    assert repr(model) == "Model('small', compact, 16 px, z 8, untuned, on cpu)"
    for psi in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="psi must lie in"):
            model.sample([0], psi)
    for z in (torch.zeros(8), torch.zeros(2, 7), np.zeros((1, 1, 8))):
        with pytest.raises(ValueError, match=r"not \(N, 8\)"):
            model.draw(z)
    assert model.draw(np.zeros((0, 8))).shape == (0, 3, 16, 16)
    with pytest.raises(TypeError):
        model.sample([1.5])  # type: ignore[list-item]
    with pytest.raises(gan.UserError, match="unknown device 'tpu'"):
        model.to("tpu")
    with pytest.raises(gan.UserError, match="unknown device 'tpu'"):
        gan.TuningSession(model, "tpu")
    assert model.device == torch.device("cpu")


def test_images_do_not_depend_on_the_batch() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = gan.Model("wide", Generator(GeneratorConfig()))
    together = model.sample(range(20), batch=64)
    assert together.shape == (20, 64, 64, 3) and together.dtype == np.uint8
    for batch in (1, 7):
        apart = model.sample(range(20), batch=batch)
        assert np.abs(apart.astype(int) - together.astype(int)).max() <= 1
    backwards = model.sample(reversed(range(20)))[::-1]
    assert np.abs(backwards.astype(int) - together.astype(int)).max() <= 1
    np.testing.assert_array_equal(model.sample(range(20)), together)


def test_drawing_ignores_autocast_and_gradients(small_model: MakeModel) -> None:
    model = small_model()
    z = latents(range(4), model.z_dim)
    plain = model.draw(z)
    with torch.autocast("cpu", torch.bfloat16), torch.enable_grad():
        inside = model.draw(z.to(torch.float64))
    torch.testing.assert_close(inside, plain, rtol=0, atol=0)
    assert inside.dtype == torch.float32 and not inside.requires_grad
    assert plain.min() >= -1 and plain.max() <= 1


def test_truncation_draws_the_mean_image_at_zero(small_model: MakeModel) -> None:
    model = small_model()
    mean = model.sample(range(3), psi=0.0)
    np.testing.assert_array_equal(mean[0], mean[1])
    assert not np.array_equal(model.sample(range(2))[0], model.sample(range(2))[1])


def test_seeds_out_of_range_and_none(small_model: MakeModel) -> None:
    model = small_model()
    assert model.sample([]).shape == (0, 16, 16, 3)
    with pytest.raises(ValueError, match="seed -1"):
        model.sample([-1])
    with pytest.raises(ValueError, match="batch"):
        model.sample([0], batch=0)


def test_hash_names_the_images(small_model: MakeModel) -> None:
    model = small_model()
    assert model.hash == small_model(discriminator=False).hash != small_model(seed=1).hash
    assert len(model.hash) == 10 and int(model.hash, 16) >= 0
    model.adapter = Shift(ShiftConfig(z_dim=8, width=4))
    assert not model.tuned and model.hash == small_model().hash  # a fresh adapter changes no image
    torch.nn.init.ones_(model.adapter.out.bias)
    assert model.tuned and model.hash != small_model().hash
    before = model.hash
    with torch.no_grad():
        model.generator.synthesis.constant[0, 0, 0, 0] += 1e-3
    assert model.hash != before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_seed_is_the_same_image_on_a_gpu() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = gan.Model("wide", Generator(GeneratorConfig()))
    on_cpu = model.sample(range(16))
    on_gpu = model.to("cuda").sample(range(16))
    assert np.abs(on_cpu.astype(int) - on_gpu.astype(int)).max() <= 1


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("biased", [False, True])
def test_styles_scale_channels_however_they_lie_in_memory(layout: torch.memory_format, biased: bool) -> None:
    shapes = [(2, 5, 4, 3), (2, 5), *([(5,)] if biased else [])]
    given = [torch.randn(*shape, dtype=torch.float64) for shape in shapes]
    given[0] = given[0].contiguous(memory_format=layout)
    for tensor in given:
        tensor.requires_grad_()
    x, factor = given[0], given[1]
    expected = x * factor[:, :, None, None] + (given[2][:, None, None] if biased else 0.0)
    found = modulate(*given)
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous(memory_format=layout)
    weights = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad((found * weights).sum(), given), torch.autograd.grad((expected * weights).sum(), given), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_pixel_art_is_crisp_by_construction(tmp_path: Path) -> None:
    config = GeneratorConfig(resolution=32, z_dim=8, w_dim=8, channels=(8, 8, 8), pixel=2)
    judge = Discriminator(DiscriminatorConfig(resolution=32, channels=(8, 8), features=4, pixel=2))
    model = gan.Model("crisp", Generator(config), discriminator=judge)
    images = model.sample(range(3))
    assert images.shape == (3, 32, 32, 3)
    assert np.array_equal(images, images[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2))
    assert judge.judge(model.draw(torch.zeros(2, 8)))[1].shape == (2,)
    bundle.save(model, tmp_path)
    assert np.array_equal(bundle.load(tmp_path).sample(range(3)), images)
    with pytest.raises(ValueError, match="32 pixels, not 16"):
        GeneratorConfig(resolution=16, channels=(8, 8, 8), pixel=2)


def test_what_is_finer_than_the_last_block_is_drawn_by_its_features(tmp_path: Path) -> None:
    config = GeneratorConfig(resolution=32, z_dim=8, w_dim=8, channels=(8, 8, 8), subpixel=2)
    judge = Discriminator(DiscriminatorConfig(resolution=32, channels=(8, 8), features=4, fold=4))
    model = gan.Model("fine", Generator(config), discriminator=judge)
    images = model.draw(latents(range(3), 8))
    assert images.shape == (3, 3, 32, 32)
    assert judge.judge(images)[1].shape == (3,)
    coarse = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=8, channels=(8, 8, 8)))
    coarse.load_state_dict(model.generator.state_dict(), strict=False)
    with torch.no_grad():
        z = latents(range(3), 8)
        fine = model.generator(z) - F.interpolate(coarse(z), scale_factor=2.0, mode="bilinear")
    assert fine.std() > 0.05  # beside what the blocks say, the four pixels of a square have a say of their own
    squares = torch.rand(2, 3, 3, 3).repeat(1, 1, 4, 4)
    assert smooth(squares, 3)[:, :, 2:-2, 2:-2].std(dim=(2, 3)).max() < 1e-6  # but nothing repeats from square to square
    point = F.pad(torch.ones(1, 1, 1, 1), (4, 4, 4, 4))
    torch.testing.assert_close(smooth(point, 2)[0, 0, 4, 2:7], torch.tensor([0.0, 0.125, 0.25, 0.125, 0.0]))
    bundle.save(model, tmp_path)
    assert np.array_equal(bundle.load(tmp_path).sample(range(3)), model.sample(range(3)))
    with pytest.raises(ValueError, match="32 pixels, not 16"):
        GeneratorConfig(resolution=16, channels=(8, 8, 8), subpixel=2)
    with pytest.raises(ValueError, match="nothing finer"):
        GeneratorConfig(resolution=64, channels=(8, 8, 8), subpixel=2, pixel=2)
    with pytest.raises(ValueError, match="fit 32 pixels, not 16"):
        DiscriminatorConfig(resolution=16, channels=(8, 8), fold=4)


@pytest.mark.parametrize("sure", [False, True])
def test_a_pixel_is_mixed_of_its_image_s_own_few_colours(sure: bool) -> None:
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=8, channels=(8, 8, 8), palette=4))
    generator.requires_grad_(False)
    palette = generator.synthesis.palette
    assert palette is not None
    if sure:
        for block in generator.synthesis.blocks:
            assert isinstance(block, SynthesisBlock)
            block.to_image.weight.mul_(1000.0)
    w = generator.embed(torch.randn(5, 8, generator=torch.Generator().manual_seed(0)))
    images, colours = generator.synthesis(w), palette.colours(w).unflatten(1, (4, 3))
    assert images.shape == (5, 3, 16, 16)
    low, high = colours.amin(dim=1)[:, :, None, None], colours.amax(dim=1)[:, :, None, None]
    assert (images >= low - 1e-5).all() and (images <= high + 1e-5).all()
    off = (images[:, None] - colours[:, :, :, None, None]).abs().amax(dim=2).amin(dim=1)  # of each pixel, from its nearest colour
    assert (off < 1e-3).float().mean() > 0.98 if sure else (off > 1e-2).any()
