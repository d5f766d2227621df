"""Small networks for the tests of files and formats."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import torch

from gan import cli
from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig


def _small_model(seed: int = 0, discriminator: bool = True) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = GeneratorConfig(resolution=16, z_dim=8, w_dim=12, channels=(12, 8, 6))
        generator = Generator(config)
        generator.w_mean.normal_()
        judge = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 12), features=10))
    return Model("small", generator, None, judge if discriminator else None, {"data": {"kind": "scenes"}})


@pytest.fixture(scope="session")
def small_model() -> Callable[..., Model]:
    """Makes an untrained 16 px model from a seed; the same seed makes the same model."""
    return _small_model


@pytest.fixture(scope="session")
def tastemaker() -> Callable[..., int]:
    """Runs a command, given as words, in this process; the exit code, argparse's included."""

    def run(*words: object) -> int:
        try:
            return cli.main([str(word) for word in words])
        except SystemExit as end:
            assert isinstance(end.code, int)
            return end.code

    return run


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """A context in which no file can grow beyond so many bytes: every write beyond fails, for whomever, as on a disk that is full."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
