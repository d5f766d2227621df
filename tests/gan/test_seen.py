"""In a round no image is drawn twice, and each is judged as if it were."""

import threading

import pytest
import torch

from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from gan.rewards.drawer import Drawer, _parts
from gan.rewards.seen import Seen


def test_an_image_is_drawn_once_and_looks_the_same_wherever_it_comes():
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    critic = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 16), features=16))
    drawer = Drawer(Model("small", generator, None, critic))
    drawer.autocast = False  # bfloat16 rounds differently in batches of other sizes
    drawn: list[int] = []
    seen, z = Seen(drawer), torch.randn(6, 8)
    for places in ([0, 1, 0, 2], [2, 2], [5, 1, 4, 3]):
        with generator.register_forward_hook(lambda module, given, images: drawn.append(len(images))):
            raw, logits = seen.look(z[places])
        exact, exact_logits = drawer.look(z[places])
        assert logits is not None and exact_logits is not None
        assert torch.allclose(logits, exact_logits, atol=1e-5)
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(raw.groups, exact.groups, strict=True))
    assert (seen.asked, seen.drawn) == (10, 6) and sum(drawn) == 6


@pytest.mark.parametrize(("rows", "sizes"), [(0, [0]), (5, [5]), (32, [32]), (34, [34]), (66, [33, 33]), (100, [34, 33, 33])])
def test_what_is_drawn_in_parts_has_no_small_last_one(rows: int, sizes: list[int]):
    assert [len(part) for part in _parts(torch.zeros(rows, 8), 32)] == sizes


def test_without_a_discriminator_there_are_no_logits():
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    seen = Seen(Drawer(Model("small", generator, None, None)))
    z = torch.randn(2, 8)
    raw, logits = seen.look(z[[0, 1, 0]])
    assert logits is None and len(raw) == 3 and torch.equal(raw.groups[0][0], raw.groups[0][2])


@pytest.mark.skipif(not torch.backends.openmp.is_available(), reason="one thread is all there is")
def test_parts_side_by_side_are_what_they_are_one_after_another():
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    critic = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 16), features=16))
    drawer = Drawer(Model("small", generator, None, critic), chunk=8)
    drawer.autocast = False
    z, threads, ran = torch.randn(37, 8), torch.get_num_threads(), set[int]()
    try:
        torch.set_num_threads(1)
        raw, logits = drawer.look(z)
        torch.set_num_threads(3)
        with generator.register_forward_hook(lambda *_: ran.add(threading.get_ident())):
            side, side_logits = drawer.look(z)
            assert len(ran) > 1 and threading.get_ident() not in ran and torch.get_num_threads() == 3
            ran.clear()
            with torch.enable_grad():
                drawer.look(z.requires_grad_())
            assert ran == {threading.get_ident()}, "a graph is recorded on one thread"
    finally:
        torch.set_num_threads(threads)
    assert logits is not None and side_logits is not None
    torch.testing.assert_close(side_logits, logits, atol=1e-5, rtol=1e-5)
    for one, other in zip(side.groups, raw.groups, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
