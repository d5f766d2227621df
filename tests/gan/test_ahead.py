"""Images drawn ahead of time: chosen by the newest taste, forgotten when the generator changes."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gan.taste import ahead
from gan.taste.ahead import Ahead, Hand

D = 4


class Bench:
    """Draws the first coordinate of a latent as grey, and counts what it draws."""

    def __init__(self) -> None:
        self.drawn = self.read = 0
        self.shift = 0.0
        self.hand = Hand(self.tuned, self.draw, self.features, self.features_of_pixels)

    def tuned(self, z: Tensor) -> Tensor:
        return z + self.shift

    def draw(self, latents: np.ndarray) -> np.ndarray:
        self.drawn += len(latents)
        grey = np.clip(128 + 30 * latents[:, 0], 0, 255).astype(np.uint8)
        return np.repeat(grey[:, None], 12, axis=1).reshape(-1, 2, 2, 3)

    def features(self, latents: Tensor) -> tuple[Tensor, ...]:
        self.read += len(latents)
        return (latents[:, :1],)

    def features_of_pixels(self, pixels: np.ndarray) -> tuple[Tensor, ...]:
        return (torch.from_numpy(pixels[:, 0, 0, :1]).float(),)


class Sure:
    """A taste without doubt: the first feature, or its opposite."""

    def __init__(self, sign: float) -> None:
        self.sign = sign

    def draw(self, features: tuple[Tensor, ...], count: int, generator: torch.Generator) -> Tensor:
        return (self.sign * features[0][:, 0]).expand(count, -1)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def store() -> Ahead:
    return Ahead(D, 12, torch.Generator().manual_seed(1))


def filled(store: Ahead, bench: Bench) -> int:
    pieces = 0
    while store.prepare(bench.hand, reads=True):
        pieces += 1
        assert pieces < 100
    return pieces


def test_it_fills_in_small_pieces_and_then_rests(store, bench):
    pieces = filled(store, bench)
    assert store.candidates == ahead.CANDIDATES
    assert bench.drawn == ahead.CANDIDATES + ahead.HONEST
    assert pieces > 10
    assert not store.prepare(bench.hand, reads=True)


def test_without_a_way_to_read_only_honest_images_are_drawn(store, bench):
    while store.prepare(bench.hand, reads=False):
        pass
    assert bench.drawn == ahead.HONEST
    assert store.candidates == 0


def test_the_choice_follows_the_taste_of_now_and_costs_no_drawing(store, bench):
    filled(store, bench)
    before = bench.drawn
    chosen = store.choose(bench.hand, Sure(-1.0), 6, patience=0.0)
    assert bench.drawn == before
    assert all(pixels is not None for _, pixels in chosen)
    assert max(float(latent[0]) for latent, _ in chosen) < -1.0
    for latent, pixels in chosen:
        assert (pixels == bench.draw(latent[None].numpy())[0]).all()


def test_what_a_choice_left_over_is_not_offered_again(store, bench):
    filled(store, bench)
    store.choose(bench.hand, Sure(1.0), 6, patience=0.0)
    assert store.candidates == 0
    filled(store, bench)
    best = store.choose(bench.hand, Sure(1.0), 6, patience=0.0)
    assert min(float(latent[0]) for latent, _ in best) > 1.0


def test_a_slow_machine_chooses_from_fewer_and_a_patient_caller_from_all(store, bench):
    store.choose(bench.hand, Sure(1.0), 6, patience=0.0)
    assert bench.read < ahead.CANDIDATES
    assert bench.read >= ahead.FEWEST
    bench.read = 0
    store.choose(bench.hand, Sure(1.0), 6, patience=None)
    assert bench.read == ahead.CANDIDATES


def test_honest_images_are_of_the_generator_as_it_is(store, bench):
    filled(store, bench)
    before = bench.drawn
    taken = store.honest(bench.hand, 5)
    assert len(taken) == 5 and bench.drawn == before
    assert all(pixels is not None for _, pixels in taken)
    rest = store.honest(bench.hand, ahead.HONEST)
    assert len({tuple(latent.tolist()) for latent, _ in [*taken, *rest]}) == 5 + ahead.HONEST
    assert [pixels is None for _, pixels in rest].count(True) == 5
    bench.shift = 100.0
    filled(store, bench)
    store.clear()
    assert store.candidates == 0
    assert float(store.honest(bench.hand, 1)[0][0][0]) > 90


def test_large_images_are_kept_in_bounds(bench):
    large = Ahead(D, 3 * 1024 * 1024, torch.Generator().manual_seed(1))
    assert ahead.FEWEST <= large.size < ahead.CANDIDATES
