"""The training command: schedules, going on after a kill, getting out of trouble, what it leaves on disk."""

import json
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_training import CPU, SMALL, picture_folder, small_pictures, small_trainer

import gan
from gan.adversarial import command
from gan.adversarial.augment import DRAWS, AugmentConfig, augment, augmentation_for
from gan.adversarial.batches import Batches
from gan.adversarial.distributed import Ranks
from gan.adversarial.legs import first_leg, next_leg, usual_batch
from gan.adversarial.output import Output
from gan.adversarial.stability import Diverged, Stability, is_finite
from gan.adversarial.starting import Start, network_configs
from gan.adversarial.train import TrainConfig, Trainer, fresh_pair
from gan.adversarial.warm import transfer
from gan.data.scenes import render
from gan.errors import UserError
from gan.formats.bundle import save
from gan.model import Model


@pytest.fixture(scope="module")
def pictures():
    return small_pictures()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return picture_folder(tmp_path, monkeypatch)


# ---------------------------------------------------------------------------------------------------------- augmentation


def test_few_pictures_are_augmented_and_many_are_not():
    assert augmentation_for(60_000).probability == 0.0
    probabilities = [augmentation_for(n).probability for n in (9000, 3000, 1000, 500, 1)]
    assert probabilities == sorted(probabilities) and probabilities[0] > 0.0
    assert probabilities[-1] < 0.8, "cutout leaks into what is drawn when it is nearly certain"
    assert "1,000 pictures" in augmentation_for(1000).explanation


def test_augmentation_shifts_and_cuts_and_lets_gradients_through():
    config = AugmentConfig(probability=0.5, translation=0.25, cutout=0.5)
    images = torch.arange(1.0, 65.0).reshape(1, 1, 8, 8).expand(4, 3, 8, 8).clone().requires_grad_()
    draws = torch.tensor(
        [
            [0.9, 0.9, 0.0, 0.0, 0.0, 0.0],  # neither
            [0.1, 0.9, 0.9999, 0.5, 0.0, 0.0],  # two rows down
            [0.9, 0.1, 0.0, 0.0, 0.5, 0.5],  # a hole in the middle
            [0.1, 0.9, 0.5, 0.0, 0.0, 0.0],  # two columns to the left
        ]
    )
    assert draws.shape[1] == DRAWS
    changed = augment(images, config, draws)
    assert torch.equal(changed[0], images[0])
    assert torch.equal(changed[1, :, 2:], images[1, :, :-2]) and torch.equal(changed[1, :, 1], images[1, :, 1])
    hole = changed[2, 0] == 0
    assert int(hole.sum()) == 16 and bool(hole[2:6, 2:6].all())
    assert torch.equal(changed[3, :, :, :-2], images[3, :, :, 2:])
    changed.sum().backward()
    assert torch.equal(images.grad[2, 0] == 0, hole)
    assert float(images.grad[0].min()) == 1.0


def test_both_kinds_of_image_are_augmented(pictures, monkeypatch):
    """Gradients reach the generator through the augmentation, and the discriminator's batches are augmented too."""
    seen = []
    monkeypatch.setattr("gan.adversarial.train.augment", lambda x, c, d: (seen.append(x.requires_grad), augment(x, c, d))[1])
    trainer = small_trainer(pictures, augment=AugmentConfig(probability=0.5))
    trainer.step()
    assert seen == [False, True]  # real ones, and generated ones once, for both networks
    assert all(p.grad is not None for p in trainer.generator.synthesis.parameters())


# ------------------------------------------------------------------------------------------------------------------ data


def test_batches_depend_on_the_step_alone_and_are_shared_out(pictures):
    batches = Batches(pictures, 8, seed=1, device=CPU)
    first, second = batches.take(0), batches.take(1)
    assert not torch.equal(first, second) and not torch.equal(first, batches.take(0, attempt=1))
    with Batches(pictures, 8, seed=1, device=CPU) as ahead:
        assert torch.equal(ahead.take(0), first)
        assert torch.equal(ahead.take(1), second)
    assert torch.equal(Batches(pictures, 8, seed=1, device=CPU, resident=True).take(1), second)
    shares = [Batches(pictures, 8, seed=1, device=CPU, ranks=Ranks(rank, 2)).take(0) for rank in (0, 1)]
    assert torch.equal(torch.stack(shares, dim=1).flatten(0, 1), first)
    assert first.is_contiguous(memory_format=torch.channels_last) and float(first.abs().max()) <= 1.0


def test_waiting_for_pictures_is_measured(pictures):
    class Slow(np.ndarray):
        def __getitem__(self, key):
            time.sleep(0.02)
            return np.asarray(self).__getitem__(key)

    batches = Batches(pictures.view(Slow), 8, seed=0, device=CPU)
    batches.take(0)
    assert batches.waited >= 0.02


# ------------------------------------------------------------------------------------------------------ schedules, length


def test_a_leg_ends_by_images_or_by_time_and_says_honestly_when():
    config = TrainConfig(kimg=100.0, minutes=10.0)
    assert config.fraction(50_000, 60.0) == pytest.approx(0.5)
    assert config.fraction(10_000, 300.0) == pytest.approx(0.5)
    assert config.seconds_left(50_000, 60.0, 1000.0) == pytest.approx(50.0)
    assert config.seconds_left(50_000, 590.0, 10.0) == pytest.approx(10.0)
    assert config.learning_rate_at(0.0) == pytest.approx(config.learning_rate)
    assert config.learning_rate_at(1.0) == config.learning_rate_end
    prolonged = replace(config, start_kimg=100.0, kimg=200.0, minutes=None)
    assert prolonged.fraction(150_000, 1e9) == pytest.approx(0.5)


def test_an_unfinished_leg_goes_on_and_a_finished_one_is_prolonged():
    config = first_leg(TrainConfig(), kimg=100.0, minutes=None, warm=False)
    state = {"config": asdict(config), "images_seen": 50_000, "seconds": 10.0}
    assert next_leg(state, None, None) == (config, False)
    assert next_leg(state, 100.0, None) == (config, False)
    longer, new = next_leg(state, 200.0, None)
    assert new and longer.start_kimg == 50.0
    assert longer.learning_rate == pytest.approx(config.learning_rate_at(0.5)), "the schedule goes on from where it was"
    done = {**state, "images_seen": 100_000}
    assert next_leg(done, None, None) == (config, False), "finished: nothing asked, nothing done"
    assert next_leg(done, 80.0, None)[0].fraction(100_000, 0.0) >= 1.0
    more, new = next_leg(done, None, 5.0)
    assert new and more.minutes == 5.0 and more.kimg is None
    assert config.learning_rate_end < more.learning_rate < config.learning_rate
    assert first_leg(TrainConfig(), None, None, warm=True).learning_rate < config.learning_rate


def test_other_penalties_begin_a_leg_and_the_same_ones_do_not():
    config = first_leg(TrainConfig(), kimg=100.0, minutes=None, warm=False, gamma=(3.0, 1.0))
    assert (config.gamma, config.gamma_end) == (3.0, 1.0)
    state = {"config": asdict(config), "images_seen": 50_000}
    assert next_leg(state, 100.0, None, (3.0, 1.0)) == (config, False)
    softer, new = next_leg(state, None, None, (2.0, 0.5))
    assert new and (softer.kimg, softer.start_kimg, softer.gamma, softer.gamma_end) == (100.0, 50.0, 2.0, 0.5)


def test_short_runs_on_a_cpu_take_smaller_steps_and_more_of_them():
    def batch(device: str = "cpu", **length: float | None) -> int:
        return usual_batch(TrainConfig(**{"kimg": None, "minutes": None, **length}), device)

    assert batch(kimg=20.0) == batch(minutes=20.0) == batch(kimg=400.0, minutes=5.0) == 8
    assert batch() == batch(kimg=400.0) == batch(minutes=105.0) == batch("cuda", kimg=20.0) == TrainConfig().batch == 32


def test_a_batch_that_was_chosen_stays(folder, tmp_path):
    for wanted in (None, 4):
        out = tmp_path / str(wanted)
        command.run(folder, out, kimg=0.016, resolution=32, batch=wanted, device="cpu")
        command.run(folder, out, kimg=0.024, resolution=32, device="cpu")
        assert json.loads((out / "config.json").read_text())["card"]["training"]["batch"] == (wanted or 8)


def test_time_left_counts_down_to_the_deadline(pictures):
    trainer = small_trainer(pictures, kimg=None, minutes=0.6 / 60)
    start = time.monotonic()
    reports = list(trainer.run(report_every=2))
    assert 0.5 < time.monotonic() - start < 20
    assert reports[-1].fraction == 1.0 and reports[-1].seconds_left == 0.0
    assert all(0.0 <= report.seconds_left <= 0.6 for report in reports)
    assert reports[-1].learning_rate == pytest.approx(trainer.config.learning_rate_end)


# --------------------------------------------------------------------------------------------------------------- trouble


def test_trouble_sets_a_run_back_and_slows_it_down(pictures):
    said: list[str] = []
    trainer = small_trainer(pictures, said=said)
    images, rates = [], []
    for report in trainer.run(report_every=5):
        images.append(report.images)
        rates.append(report.learning_rate)
        if report.images == 80 and not report.rollbacks:
            with torch.no_grad():
                trainer.discriminator.stem.weight.fill_(float("nan"))
    assert images == [40, 80, 120, 160, 200, 240, 280, 320, 360, 400]
    assert trainer.stability.rollbacks == 1 and trainer.stability.scale == 0.5
    assert rates[2] < 0.6 * rates[1]
    assert len(said) == 1 and "back to 80" in said[0]
    assert all(torch.isfinite(p).all() for p in trainer.average.parameters())


@pytest.mark.parametrize("raises", [False, True])
def test_a_run_that_ends_between_two_reports_ends_sound(raises, pictures, tmp_path):
    trainer, asked = small_trainer(pictures), 0
    output = Output(tmp_path, {"kind": "folder", "count": 48}, trainer)

    def until():
        nonlocal asked
        asked += 1
        if asked == 8:
            with torch.no_grad():
                trainer.discriminator.stem.weight.fill_(float("nan"))
        if raises and asked == 9:
            raise KeyboardInterrupt
        return asked == 9

    with pytest.raises(KeyboardInterrupt) if raises else nullcontext():
        list(trainer.run(report_every=5, until=until))
    assert trainer.images_seen == 40 and is_finite(trainer.state())
    output.save()
    again = small_trainer(pictures)
    again.load_state(torch.load(tmp_path / "training.pt", weights_only=True))
    assert [report.rollbacks for report in again.run()][-1:] == [0]
    with torch.no_grad():
        again.discriminator.stem.weight.fill_(float("nan"))
    before = (tmp_path / "training.pt").read_bytes()
    with pytest.raises(UserError, match="not finite"):
        Output(tmp_path, {"kind": "folder", "count": 48}, again).save()
    assert (tmp_path / "training.pt").read_bytes() == before


def test_a_run_that_stays_unsound_is_given_up_in_its_last_sound_state(pictures, monkeypatch):
    trainer = small_trainer(pictures)
    before = trainer.generator.synthesis.constant.detach().clone()
    monkeypatch.setattr("gan.adversarial.parts.discriminator_loss", lambda real, fake: (real - fake).mean() * float("inf"))
    with pytest.raises(Diverged, match=r"did not stay stable.*not a number") as failure:
        list(trainer.run(report_every=2))
    assert "\n" not in str(failure.value)
    assert trainer.images_seen == 0 and torch.equal(trainer.generator.synthesis.constant, before)


def test_exploding_gradients_are_trouble_before_they_are_infinite():
    stability = Stability()
    for norm in (1.0, 3.0, 0.5, 2.0, 1.0):
        assert stability.trouble({"generator_norm": norm, "generator_loss": 5.0}) is None
        stability.keep({}, {"generator_norm": norm, "generator_loss": 5.0})
    assert stability.trouble({"generator_norm": 20.0, "generator_loss": 5e3}) is None
    assert "generator norm" in stability.trouble({"generator_norm": 500.0, "generator_loss": 5.0})


# ---------------------------------------------------------------------------------------------------- warm starts, output


def test_a_larger_generator_begins_with_what_the_smaller_one_draws():
    small = fresh_pair(0, *network_configs(64))
    large = fresh_pair(1, *network_configs(128))
    assert 0.5 < transfer(small, large) < 1.0
    with torch.no_grad():
        z = torch.randn(4, 64)
        images = large[0](z)
        torch.testing.assert_close(images, F.interpolate(small[0](z), scale_factor=2.0, mode="bilinear"), rtol=1e-4, atol=1e-4)
        sharp = torch.randn(4, 3, 128, 128)
        torch.testing.assert_close(large[1](sharp), small[1](F.avg_pool2d(sharp, 2)), rtol=1e-4, atol=1e-4)
    large[0](z).square().sum().backward()
    detail = large[0].synthesis.detail
    assert detail is not None and all(p.grad is not None and p.grad.abs().sum() > 0 for p in (detail.weight, detail.bias))


def test_layers_that_fit_a_smaller_size_are_taken_over():
    large, small = fresh_pair(0, *network_configs(64)), fresh_pair(1, *network_configs(32))
    stem = small[1].stem.weight.clone()
    assert 0.5 < transfer(large, small) < 1.0
    assert torch.equal(small[0].synthesis.constant, large[0].synthesis.constant)
    assert torch.equal(small[0].synthesis.blocks[2].conv0.weight, large[0].synthesis.blocks[2].conv0.weight)
    assert torch.equal(small[1].blocks[-1].conv0.weight, large[1].blocks[-1].conv0.weight)
    assert torch.equal(small[1].blocks[0].conv1.weight, large[1].blocks[1].conv1.weight)
    assert torch.equal(small[1].logit.weight, large[1].logit.weight)
    assert torch.equal(small[1].stem.weight, stem)  # it sees other pixels
    images = small[0](torch.randn(2, 64))
    assert images.shape == (2, 3, 32, 32) and bool(torch.isfinite(small[1](images)).all())


def test_layers_of_the_same_size_are_all_taken_over():
    source, target = fresh_pair(0, *network_configs(128)), fresh_pair(1, *network_configs(128))
    assert transfer(source, target) == 1.0
    for given, taken in zip(source, target, strict=True):
        assert all(torch.equal(value, taken.state_dict()[name]) for name, value in given.state_dict().items())


def test_a_grown_generator_begins_with_what_the_narrow_one_draws(tmp_path):
    model = gan.load("characters", device="cpu")
    narrow = replace(model.generator.config, channels=(64, 64, 48, 32))
    source = fresh_pair(0, narrow, replace(model.discriminator.config, channels=(48, 64, 64)))
    save(Model("narrow", source[0], None, source[1], {"pixel_art": True}), tmp_path / "narrow")
    said = []
    start = Start(str(tmp_path / "narrow"), None, "procedural:characters", grow=True)
    (generator, discriminator), near = start.networks(2, 1, said.append)
    assert generator.config.channels == network_configs(64, 2)[0].channels and not near
    assert "narrow gives" in said[-1]
    with torch.no_grad():
        z = torch.randn(4, 64)
        torch.testing.assert_close(generator(z), source[0](z), rtol=1e-3, atol=1e-3)
        images = torch.randn(4, 3, 64, 64)
        torch.testing.assert_close(discriminator.judge(images)[1], source[1].judge(images)[1], rtol=1e-3, atol=1e-3)


def test_a_warm_start_onto_another_size_and_snapshots(folder, tmp_path):
    small, said = tmp_path / "small", []
    command.run(folder, small, kimg=0.008, resolution=32, batch=8, device="cpu")
    large = tmp_path / "large"
    command.run(folder, large, start_from=str(small), resolution=64, kimg=0.016, batch=8, device="cpu", snapshots=0.008, say=said.append)
    assert any(line.startswith(f"{small} draws 32 px") for line in said)
    assert gan.load(large).resolution == 64
    kept = sorted(path.name for path in (large / "snapshots").iterdir())
    assert kept and all(gan.load(large / "snapshots" / name).resolution == 64 for name in kept)
    assert (large / "snapshots" / kept[0] / "samples.png").stat().st_size > 1000


def test_tensorboard_is_asked_for_in_one_line_where_it_is_missing(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match="pip install tensorboard"):
        command.run(folder, tmp_path / "out", kimg=0.008, resolution=32, batch=8, device="cpu", tensorboard=True)


def test_tensorboard_events_hold_the_curve(folder, tmp_path):
    pytest.importorskip("tensorboard", reason="the optional package tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "out"
    command.run(folder, out, kimg=0.016, resolution=32, batch=8, device="cpu", tensorboard=True)
    events = EventAccumulator(str(out / "events")).Reload()
    assert [event.step for event in events.Scalars("discriminator_loss")] == [16]
    assert "samples" in events.Tags()["images"]


def test_compile_falls_back_with_a_line(pictures, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no compiler\nwith details")

    monkeypatch.setattr(torch, "compile", broken)
    said: list[str] = []
    trainer = Trainer.fresh(pictures, TrainConfig(batch=8), CPU, *SMALL, compile=True, say=said.append)
    trainer.step()
    assert said[-1] == "torch.compile does not work here (no compiler): training goes on without it."


# ------------------------------------------------------------------------------------------------------------------- GPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("compile", [False, True])
def test_a_gpu_trains_from_resident_pictures_and_goes_on_exactly(tmp_path, compile):
    device, said = torch.device("cuda"), []
    networks = network_configs(32)
    pool = render(range(256), 32)
    trainer = Trainer.fresh(pool, TrainConfig(kimg=2.56, batch=32), device, *networks, compile=compile, say=said.append)
    assert trainer.batches._pool is not None and trainer.autocast
    reports = list(trainer.run())
    assert reports[-1].fraction == 1.0 and np.isfinite(reports[-1].generator_loss)
    assert reports[-1].data_wait < 0.2
    assert not any("does not work" in line for line in said)
    trainer.save(tmp_path / "state.pt")
    again = Trainer.fresh(pool, trainer.config, device, *networks)
    again.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert all(torch.equal(a, b) for a, b in zip(trainer.average.parameters(), again.average.parameters(), strict=True))
    again.step()
